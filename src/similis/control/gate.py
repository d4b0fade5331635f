"""What may enter a compiled loop: numbers and arrays are checked here, once, with the name they are known by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from .._errors import InputError
from .._values import Number, Whole, check


def number(name: str, value: Any, low: float = 0.0, high: float = np.inf, *, open_: bool = False) -> float:
    """The value as a float; refused unless it is a real number from low to high (finite, or infinite if high is).

    With ``open_`` the lower end itself is refused.
    """
    return float(check(name, value, (Number(low, high, "low" if open_ else "", infinite=high == np.inf),)))


def finite(name: str, value: Any, low: float = 0.0, high: float = np.inf, *, open_: bool = False) -> float:
    """As ``number``, and not infinite."""
    return float(check(name, value, (Number(low, high, "low" if open_ else ""),)))


def whole(name: str, value: Any, low: int = 1, why: str = "") -> int:
    """The value as an int; refused unless it is an integer of at least ``low``."""
    return int(check(name, value, (Whole(low, why=why),)))


def entering(
    arrays: Mapping[str, tuple[np.ndarray, tuple[int, ...]]], *, missing: Collection[str] = (), finite: bool = True
) -> None:
    """Refuse arrays that a compiled loop cannot read: it indexes without looking.

    Parameters
    ----------
    arrays : name -> (array, the shape it needs)
    missing : names whose NaN is an observation that is not there
    finite : whether numbers must be finite

    Raises
    ------
    InputError
        If a shape, dtype or layout is another, or a number is not finite.
    """
    for name, (array, shape) in arrays.items():
        if array.shape != shape or array.dtype != np.float64 or not array.flags.c_contiguous:
            layout = "" if array.flags.c_contiguous else ", not contiguous"
            raise InputError(
                f"{name} has shape {array.shape}, {array.dtype}{layout}; expected contiguous float64 of shape {shape}"
            )
        if not finite or np.isfinite(array.sum()):  # quick; a sum can overflow, so the other answer is asked for
            continue
        if not (np.isfinite(array) | (np.isnan(array) & (name in missing))).all():
            raise InputError(f"{name} holds numbers that are not finite. Find where they come from, or leave them out")
