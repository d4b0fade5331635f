"""What every entry of this room asks of its rows and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._errors import InputError
from .._masks import unmasked
from .._values import NONNEGATIVE, POSITIVE, Whole, check


def floats(name: str, values: Any, ndim: int | None = 2, *, empty: bool = False) -> np.ndarray:
    """Finite float64 or float32 numbers; integers, booleans and other floats are converted, the rest is refused."""
    try:
        array = np.asarray(unmasked(values, name))
    except (
        TypeError,
        ValueError,
        RuntimeError,
    ) as error:  # ragged lists; tensors that need a gradient or lie elsewhere
        raise InputError(f"{name}: {error}; expected an array of real numbers") from error
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name}: {type(values).__name__} of dtype {array.dtype}; expected real numbers, dense")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32 if array.dtype == np.float16 else np.float64)
    if not (array.size or empty) or (ndim is not None and array.ndim != ndim):
        wanted = "some numbers" if ndim is None else ("(n,)", "(rows, features)", "(prompts, rows, features)")[ndim - 1]
        raise InputError(f"{name} of shape {array.shape}; expected {wanted}{'' if empty else ', not empty'}")
    if not np.isfinite(array).all():
        at = np.argwhere(~np.isfinite(array))[0].tolist()
        raise InputError(f"{name}{at} is {array[tuple(at)]}; expected finite numbers. Drop or fill it")
    return array


def positive(name: str, value: Any, *, zero: bool = False) -> float:
    """A positive finite number; ``zero``: or 0."""
    return float(check(name, value, (NONNEGATIVE if zero else POSITIVE,)))


def count(name: str, value: Any, least: int = 0) -> int:
    """An integer from ``least``."""
    return int(check(name, value, (Whole(least),)))
