"""What the exact solution makes of the rows that a network has learned: a word where the network is far from it."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack
from sklearn.exceptions import ConvergenceWarning

from ._guard import LONG

#: rows that are compared, at least and at most; samples of a stream before the first time
FEWEST, ROWS, FIRST = 64, 2048, 1024
#: columns of both streams beyond which nothing is compared; numbers that are held, and copied from one call of a stream
WIDEST, HELD, COPIED = 512, 1 << 18, 1 << 15
#: share of the exact solution that a network should reach
ENOUGH = 0.95
#: the same of what it would reach with targets of one variance
UNEVEN = 0.8
#: standard errors: by which a network has to be worse, by which an exact solution has to be more than nothing
DOUBT, CHANCE = 0.5, 2.5
#: what to do then
MORE = (
    "it has not settled. Learn more rows or passes (n_epochs), scale columns to like sizes, or use solver='exact', for "
    "narrow data of strong collinearity or rare events the better choice"
)


@dataclass(frozen=True)
class Halves:
    """Scaled rows of x and y, centred: every other one to solve for, the rest to judge by."""

    x: np.ndarray
    y: np.ndarray
    held_x: np.ndarray
    held_y: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, center: bool) -> Halves:
        longest = np.maximum(np.einsum("ti,ti->t", x, x), np.einsum("ti,ti->t", y, y))
        whole = np.sqrt(LONG / np.maximum(longest, LONG))[:, None]
        x, y = x * whole, y * whole
        parts = (x[::2], y[::2], x[1::2], y[1::2])
        return cls(*(part - part.mean(0) for part in parts) if center else parts)


class Unjudged:
    """Rows that a network learned since it was last compared: some of a fit, or the last ones of a stream.

    They are looked at when the network is first read, so that learning costs nothing; copies of a model have none.
    """

    def __init__(self) -> None:
        self.rows: deque[tuple[np.ndarray, np.ndarray]] = deque()
        self.n_rows, self.due = 0, FIRST

    def __reduce__(self) -> tuple:
        return Unjudged, ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unjudged)  # none of this is part of the model

    __hash__ = None  # type: ignore[assignment]

    def add(self, x: np.ndarray, y: np.ndarray, seen: int, *, whole: bool, idle: int) -> None:
        """After learning these rows, ``idle`` of which said nothing; ``whole`` if they are all there will be."""
        width, n = x.shape[1] + y.shape[1], len(x)
        if whole:
            self.due = min(seen, FEWEST)
        if whole or width > WIDEST or idle > n // 20:
            self.rows.clear()
            self.n_rows = 0
        if width > WIDEST or idle > n // 20:
            return
        most = min(ROWS, HELD // width)
        every = -(-n // most) if whole else 1 + n * width // COPIED
        x, y = x[::every].copy(), y[::every].copy()
        self.rows.append((x, y))
        self.n_rows += len(x)
        while self.n_rows - len(self.rows[0][0]) >= most:
            self.n_rows -= len(self.rows.popleft()[0])

    def take(self, seen: int) -> tuple[np.ndarray, np.ndarray] | None:
        """The rows, if there are enough and the number of samples has doubled since they were last asked for."""
        if seen < self.due or self.n_rows < FEWEST:
            return None
        x, y = (np.concatenate(parts) for parts in zip(*self.rows, strict=True))
        self.rows.clear()
        self.n_rows, self.due = 0, 2 * seen
        return x, y


def _rooted(C: np.ndarray, *sides: np.ndarray) -> tuple[np.ndarray, ...] | None:
    """The Cholesky factor R of a covariance, R' R = C, and R'^-1 times matrices; None where it has none."""
    R, failed = lapack.dpotrf(C)
    return None if failed else (R, *(lapack.dtrtrs(R, side, trans=1)[0] for side in sides))


def _moment(a: np.ndarray, b: np.ndarray, ridge: float = 0.0) -> np.ndarray:
    C = a.T @ b / len(a)
    if ridge:
        C.flat[:: len(C) + 1] += ridge
    return C


def exact_projections(rows: Halves, k: int, ridges: tuple[float, float]) -> tuple[np.ndarray, np.ndarray] | None:
    """(k, d) projections of x and of y by exact CCA; None where there are none."""
    Cxx, Cyy = (_moment(a, a, max(r, 1e-9 / a.shape[1])) for a, r in zip((rows.x, rows.y), ridges, strict=True))
    left = _rooted(Cxx, _moment(rows.x, rows.y))
    right = None if left is None else _rooted(Cyy, np.ascontiguousarray(left[1].T))
    if left is None or right is None:
        return None
    U, _, V = np.linalg.svd(right[1].T, full_matrices=False)
    return lapack.dtrtrs(left[0], U[:, :k])[0].T, lapack.dtrtrs(right[0], V[:k].T)[0].T


def agreement(rows: Halves, Vx: np.ndarray, Vy: np.ndarray) -> np.ndarray:
    """(n_held, k) products of the canonical variates of projections, whose means are the correlations, descending."""
    n = len(rows.held_x)
    (Qx, Rx), (Qy, Ry) = np.linalg.qr(rows.held_x @ Vx.T), np.linalg.qr(rows.held_y @ Vy.T)
    for Q, R in ((Qx, Rx), (Qy, Ry)):
        Q[:, np.abs(R.diagonal()) <= np.finfo(float).eps * n * np.abs(R).max(initial=0.0)] = 0.0  # silent
    U, _, V = np.linalg.svd(Qx.T @ Qy)
    return n * (Qx @ U) * (Qy @ V.T)


def exact_prediction(
    rows: Halves, k: int, ridge: float, metric: Callable[[np.ndarray], np.ndarray] | None
) -> np.ndarray | None:
    """(n_held, n_y) what the exact regression of rank k says of the rows held out.

    ``metric`` makes Sigma^-1 of Cyy; None is that in which every target has variance 1.
    """
    Cyy = _moment(rows.y, rows.y)
    S = np.diag(np.maximum(Cyy.diagonal(), np.finfo(float).tiny)) if metric is None else metric(Cyy)
    found = _rooted(_moment(rows.x, rows.x, max(ridge, 1e-9 / rows.x.shape[1])), _moment(rows.x, rows.y))
    weigh = _rooted(S)
    if found is None or weigh is None:
        return None
    R, K = found
    L = weigh[0]
    scaled = lapack.dtrtrs(L, K.T, trans=1)[0]  # (n_y, d): Sigma^1/2 Cyx R^-1
    U = np.linalg.svd(scaled, full_matrices=False)[0][:, :k]
    B = lapack.dtrtrs(R, (L.T @ U @ (U.T @ scaled)).T)[0]
    return rows.held_x @ B


def explained(Y: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(n_held,) share of their variance, in the mean over targets, that is explained at each row; its mean is R2."""
    power = (Y * Y).mean(0)
    varies = power > 0
    missed = ((Y - predicted) ** 2)[:, varies] / power[varies]
    return 1 - missed.sum(1) / max(varies.sum(), 1)


def short(found: np.ndarray, exact: np.ndarray, share: float = ENOUGH) -> bool:
    """Whether (n_held,) are on average below a share of the exact solution's, which is more than chance."""
    lack, n = share * exact - found, np.sqrt(len(exact))
    return bool(lack.mean() > DOUBT * lack.std() / n and exact.mean() > CHANCE * exact.std() / n)


def say(text: str) -> None:
    warnings.warn(text, ConvergenceWarning, stacklevel=4)
