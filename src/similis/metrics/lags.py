"""Which lag of one stream against another makes them most alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._errors import InputError
from .check import Matrix, matrix, same
from .correlation import canonical_correlations, whitener


class LagScan(NamedTuple):
    """Canonical correlation of two streams at each lag.

    Attributes
    ----------
    lags : (n_lags,) rows by which Y is late against X
    correlations : (n_lags,) the largest canonical correlation
    held_out : (n_lags,) correlation, in the second half of the rows, of the pair of directions found in the first
    best : the lag of the largest ``held_out``
    """

    lags: np.ndarray
    correlations: Matrix
    held_out: Matrix
    best: int


def lag_scan(X: ArrayLike, Y: ArrayLike, lags: Iterable[int] = range(-10, 11), *, ridge: float = 0.0) -> LagScan:
    """Compare the rows ``X[t]`` with ``Y[t + lag]``, for each lag on the same rows of X.

    The largest canonical correlation of many features is large by chance, and so is the largest over many lags; read
    ``held_out``, which is about 0 where nothing is shared.

    Parameters
    ----------
    X, Y : arrays (n_samples, m), (n_samples, n)
        Streams in step, one row a time step.
    lags : iterable of int, default -10 to 10
        Time steps; positive where Y follows X.
    ridge : float, default 0
        Variance added to every feature.

    Returns
    -------
    LagScan

    Raises
    ------
    InputError
        If the numbers of rows differ, a lag is no integer or there are none, or fewer than 4 rows have all lags.

    Examples
    --------
    >>> import numpy as np
    >>> from similis.metrics import lag_scan
    >>> X = np.random.default_rng(0).standard_normal((500, 3))
    >>> lag_scan(X[5:], X[:-5] + 0.1).best
    5
    """
    X, Y = matrix("X", X), matrix("Y", Y)
    same("samples (rows)", X=len(X), Y=len(Y))
    asked = list(lags)
    if not asked or not all(isinstance(lag, int | np.integer) and not isinstance(lag, bool) for lag in asked):
        raise InputError(f"lags={asked!r:.80}; expected integers, at least one. Fix: range(-10, 11)")
    first, last = max(0, -min(asked)), len(X) - max(0, *asked)
    if last - first < 4:
        raise InputError(f"lags from {min(asked)} to {max(asked)} leave {max(0, last - first)} of {len(X)} rows")
    x, half = X[first:last], (last - first) // 2
    whole, held = [], []
    for lag in asked:
        y = Y[first + lag : last + lag]
        whole.append(float(canonical_correlations(x, y, ridge).max(initial=0.0)))
        held.append(_held_out(x[:half], y[:half], x[half:], y[half:], ridge))
    return LagScan(np.array(asked), np.array(whole), np.array(held), int(asked[int(np.argmax(held))]))


def _held_out(x: Matrix, y: Matrix, later_x: Matrix, later_y: Matrix, ridge: float) -> float:
    """Correlation, later, of the first pair of canonical directions."""
    Wx, Wy = (whitener(np.cov(v.T, bias=True).reshape(v.shape[1], -1) + ridge * np.eye(v.shape[1])) for v in (x, y))
    if not (len(Wx) and len(Wy)):
        return 0.0
    left, _, right = np.linalg.svd(Wx @ (x - x.mean(0)).T @ (y - y.mean(0)) / len(x) @ Wy.T)
    a, b = later_x @ (left[:, 0] @ Wx), later_y @ (right[0] @ Wy)
    a, b = a - a.mean(), b - b.mean()
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / size) if size > 0 else 0.0
