"""What every entry of this room asks of its rows and numbers."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from .._errors import InputError
from .._masks import unmasked


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
    number = float(value) if isinstance(value, Real) else np.nan
    if not (np.isfinite(number) and (number > 0 or (zero and number == 0))):
        raise InputError(f"{name}={value!r}; expected a {'finite number >= 0' if zero else 'positive finite number'}")
    return number


def count(name: str, value: Any, least: int = 0) -> int:
    """An integer from ``least``."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise InputError(f"{name}={value!r}; expected an integer >= {least}")
    return int(value)
