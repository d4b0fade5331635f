"""Noise that belongs to a place in the stream, so that it does not matter how the stream is cut."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

#: projections of rows by which their order is judged
WATCHED = 8


def signs(start: int, n_rows: int, n_columns: int, dtype: np.dtype) -> np.ndarray:
    """Fair signs (n_rows, n_columns), +1 or -1, for the samples from ``start`` on: the same for every model."""
    words = -(-n_columns // 64)
    raw = np.random.PCG64(0).advance(start * words).random_raw(n_rows * words)
    bits = np.unpackbits(raw.astype("<u8").view(np.uint8).reshape(n_rows, 8 * words), axis=1, count=n_columns)
    return 2 * bits.astype(dtype) - 1


def noisy(rows: Mapping[str, Any], ridge: float, t: int) -> Mapping[str, Any]:
    """The rows from sample t on, x (mean squared norm 1) with noise of ``ridge`` times its mean variance."""
    if not ridge:
        return rows
    x = rows["x"]
    return {**rows, "x": x + x.dtype.type(np.sqrt(ridge / x.shape[1])) * signs(t, len(x), x.shape[1], x.dtype)}


def projected(X: Any) -> np.ndarray:
    """(n_samples, WATCHED) projections of rows, by which their order is judged where outputs swing by themselves."""
    return X @ _directions(X.shape[1], X.dtype)


@cache
def _directions(d: int, dtype: np.dtype) -> np.ndarray:
    return signs(0, d, WATCHED, dtype)
