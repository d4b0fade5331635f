"""How kernels are compiled: SIMD sums, and a cache on disk that knows every source file of this room."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from numba import njit

from ._cache import cached

# Sums may be reassociated (SIMD), but NaN and inf are kept, so that divergence stays visible.
_OPTIONS: dict[str, Any] = {"fastmath": {"reassoc", "contract", "arcp", "nsz"}, "error_model": "numpy", "nogil": True}
_UNSEEN: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # by Python
_SOURCES = sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()[:12]


def inner(function: Callable) -> Callable:
    """Compile a function that only other kernels call, into each of its callers.

    A copy that stands alone would be optimised by itself, and a process that compiles would run it where one that
    loads the caller from disk runs the caller's own: last bits would differ.
    """
    return njit(forceinline=True, **_UNSEEN, **_OPTIONS)(function)


def strict(function: Callable) -> Callable:
    """Compile to IEEE arithmetic exactly as written, never merged into a caller that may reassociate."""
    # said, not left out: numba hands the options that a callee leaves out down from its caller, fastmath among them
    return njit(fastmath=False, error_model="numpy", nogil=True, **_UNSEEN)(function)


def entry(function: Callable) -> Callable:
    """Compile a function that Python calls, and cache it on disk.

    numba looks only at the file of the function itself when it asks whether a cached copy is stale; the name of the
    cached copy therefore holds a digest of all kernels.
    """
    function.__qualname__ += f"_{_SOURCES}"
    return cached(njit(**_OPTIONS)(function))
