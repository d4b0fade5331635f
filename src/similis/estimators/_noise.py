"""Noise that belongs to a place in the stream, so that it does not matter how the stream is cut."""

from __future__ import annotations

import numpy as np

from ._base import Streams


def signs(start: int, n_rows: int, n_columns: int, dtype: np.dtype) -> np.ndarray:
    """Fair signs (n_rows, n_columns), +1 or -1, for the samples from ``start`` on: the same for every model."""
    words = -(-n_columns // 64)
    raw = np.random.PCG64(0).advance(start * words).random_raw(n_rows * words)
    bits = np.unpackbits(raw.astype("<u8").view(np.uint8).reshape(n_rows, -1), axis=1, count=n_columns)
    return 2 * bits.astype(dtype) - 1


def noisy(rows: Streams, ridge: float, t: int) -> Streams:
    """The rows from sample t on, x (mean squared norm 1) with noise of ``ridge`` times its mean variance."""
    if not ridge:
        return rows
    x = rows["x"]
    return {**rows, "x": x + x.dtype.type(np.sqrt(ridge / x.shape[1])) * signs(t, len(x), x.shape[1], x.dtype)}
