"""Compiled code on disk: what is damaged or cannot be written there is compiled anew, and one line says so."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile

_DIGEST = sha256().digest_size


def cached(dispatcher: Any) -> Any:
    """Let numba keep the machine code of a compiled function on disk, where there is a place for it."""
    if not hasattr(dispatcher, "enable_caching"):  # NUMBA_DISABLE_JIT: a plain function
        return dispatcher
    try:
        dispatcher._cache = _Kept(dispatcher.py_func)  # what enable_caching() does, with our files
    except RuntimeError:  # numba found no folder that it may write to
        _say("no folder for compiled code can be written to")
    return dispatcher


class _Kept(FunctionCache):
    """numba's own, but what cannot be written is not kept."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._cache_file.__class__ = _Sealed

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _say(f"{self.cache_path}: compiled code cannot be kept ({error.strerror})")


class _Sealed(IndexDataCacheFile):
    """Files that end with a digest of what is before it: numba would unpickle, and run, whatever is there."""

    def _load_index(self) -> dict:
        return super()._load_index() if _whole(Path(self._index_path)) else {}

    def _load_data(self, name: str) -> Any:
        if not _whole(Path(self._data_path(name))):
            raise FileNotFoundError(name)  # which numba takes for a reason to compile
        return super()._load_data(name)

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[BytesIO]:
        content = BytesIO()
        yield content
        with super()._open_for_write(filepath) as file:
            file.write(content.getvalue() + sha256(content.getvalue()).digest())


def _whole(path: Path) -> bool:
    try:
        content = path.read_bytes()
    except OSError:
        return False
    if sha256(content[:-_DIGEST]).digest() == content[-_DIGEST:]:
        return True
    _say(f"{path.parent} holds compiled code that is damaged")
    return False


@cache
def _say(what: str) -> None:
    """Once for each thing there is to say; without a handler of the application, on stderr."""
    logging.getLogger("similis").warning(
        "%s; compiling anew. Set NUMBA_CACHE_DIR to a folder of your own to start faster", what
    )
