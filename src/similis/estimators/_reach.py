"""What the exact solution makes of the rows that a network has learned: a word where the network is far from it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np
from scipy.linalg import lapack
from sklearn.exceptions import ConvergenceWarning

from ._unjudged import Halves

#: share of the exact solution that a network should reach
ENOUGH = 0.95
#: the same of what it would reach with targets of one variance
UNEVEN = 0.8
#: standard errors: by which a network has to be worse, by which an exact solution has to be more than nothing
DOUBT, CHANCE = 0.5, 2.5
#: the first for hits and misses, of which the same labels are many
UNSURE = 2.0
#: ridges, in units of the mean variance, of which the best counts where rows are fewer than so many times the columns
RIDGES, PLENTY = (0.0, 0.1, 1.0, 10.0), 8
#: by which a network may be worse than saying the mean
HARM = 0.1
#: what to do then
MORE = (
    "it has not settled. Learn more rows or passes (n_epochs), in random order, scale columns to like sizes, or use "
    "solver='exact', for narrow data of strong collinearity or rare events the better choice"
)


def directions(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m,) variances and (d, m) directions in which rows (n, d) vary, m at most the smaller of n and d."""
    n, d = x.shape
    values, vectors = np.linalg.eigh((x.T @ x if d <= n else x @ x.T) / n)
    kept = values > np.finfo(float).eps * max(n, d) * max(values[-1], 0)
    values, vectors = values[kept], vectors[:, kept]
    return values, vectors if d <= n else x.T @ vectors / np.sqrt(n * values)


def _ridges(x: np.ndarray, least: float) -> tuple[float, ...]:
    """Ridges to try, from ``least`` on."""
    unit = float((x * x).sum()) / x.size
    few = len(x) < PLENTY * x.shape[1]
    return tuple(max(least, 1e-9 * unit) + ridge * unit for ridge in RIDGES[: None if few else 1])


def exact_correlations(rows: Halves, k: int, ridges: tuple[float, float]) -> np.ndarray | None:
    """(n_held, k) products of canonical variates as ``agreement`` has them, by exact CCA; None where there is none."""
    sides = [(*directions(x), _ridges(x, ridge)) for x, ridge in zip((rows.x, rows.y), ridges, strict=True)]
    if not all(len(values) for values, *_ in sides):
        return None
    (wx, Vx, to_x), (wy, Vy, to_y) = sides
    C = (rows.x @ Vx).T @ (rows.y @ Vy) / len(rows.x)
    held_x, held_y, found = rows.held_x @ Vx, rows.held_y @ Vy, []
    for i in range(max(len(to_x), len(to_y))):
        rx, ry = 1 / np.sqrt(wx + to_x[min(i, len(to_x) - 1)]), 1 / np.sqrt(wy + to_y[min(i, len(to_y) - 1)])
        U, _, V = np.linalg.svd(rx[:, None] * C * ry, full_matrices=False)
        found.append(agreement(held_x @ (rx[:, None] * U[:, :k]), held_y @ (ry[:, None] * V[:k].T)))
    return max(found, key=np.mean)


def agreement(Zx: np.ndarray, Zy: np.ndarray) -> np.ndarray:
    """(n, k) products of the canonical variates of projections, whose means are the correlations, descending."""
    n = len(Zx)
    (Qx, Rx), (Qy, Ry) = np.linalg.qr(Zx), np.linalg.qr(Zy)
    for Q, R in ((Qx, Rx), (Qy, Ry)):
        Q[:, np.abs(R.diagonal()) <= np.finfo(float).eps * n * np.abs(R).max(initial=0.0)] = 0.0  # silent
    U, _, V = np.linalg.svd(Qx.T @ Qy)
    return n * (Qx @ U) * (Qy @ V.T)


def exact_predictions(
    rows: Halves, k: int, ridge: float, metric: Callable[[np.ndarray], np.ndarray] | None
) -> Iterator[np.ndarray]:
    """(n_held, n_y) what exact regressions of rank k say of the rows held out, one for each ridge.

    ``metric`` makes Sigma^-1 of Cyy; None is that in which every target has variance 1.
    """
    Cyy = rows.y.T @ rows.y / len(rows.y)
    S = np.diag(np.maximum(Cyy.diagonal(), np.finfo(float).tiny)) if metric is None else metric(Cyy)
    L, failed = lapack.dpotrf(S)
    if failed:
        return
    values, V = directions(rows.x)
    C, held = (rows.x @ V).T @ rows.y / len(rows.x), rows.held_x @ V
    for size in _ridges(rows.x, ridge):
        root = np.sqrt(values + size)[:, None]
        scaled = lapack.dtrtrs(L, (C / root).T, trans=1)[0]  # (n_y, m): Sigma^1/2 Cyx (Cxx + ridge)^-1/2
        U = np.linalg.svd(scaled, full_matrices=False)[0][:, :k]
        yield held @ ((L.T @ U @ (U.T @ scaled)).T / root)


def within_subspace(x: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """(n_held,) share of the variance of rows (n, d) that lies in the span of (k, d); its mean is that of all."""
    inside = x @ np.linalg.qr(basis.T)[0]
    return (inside * inside).sum(1) / max((x * x).sum() / len(x), np.finfo(float).tiny)


def explained(Y: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(n_held,) share of their variance, in the mean over targets, that is explained at each row; its mean is R2."""
    power = (Y * Y).mean(0)
    varies = power > 0
    missed = ((Y - predicted) ** 2)[:, varies] / power[varies]
    return 1 - missed.sum(1) / max(varies.sum(), 1)


def hits(labels: np.ndarray, said: np.ndarray) -> np.ndarray:
    """(n_held,) 1 where the label is the one said, 0 elsewhere, less that of always the commonest."""
    return (said == labels).astype(float) - (labels == np.bincount(labels).argmax())


def short(found: np.ndarray, exact: np.ndarray, share: float = ENOUGH, doubt: float = DOUBT) -> bool:
    """Whether (n_held,) are on average below a share of the exact solution's, which is more than chance; or harmful."""
    lack, n = share * exact - found, np.sqrt(len(exact))
    if found.mean() < -HARM - CHANCE * found.std() / n and exact.mean() > -HARM:
        return True
    return bool(lack.mean() > doubt * lack.std() / n and exact.mean() > CHANCE * exact.std() / n)


def say(text: str) -> None:
    warnings.warn(text, ConvergenceWarning, stacklevel=4)
