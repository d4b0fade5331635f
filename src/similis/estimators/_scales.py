"""What the dual's parameters and data must be for its steps: finite numbers, features of comparable size."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from .._errors import DivergenceError, InputError
from ._guard import Order, too_correlated
from ._moments import Recent
from ._noise import WATCHED, projected

#: rows from which the sizes of features can be told; numbers of one that are not 0
SOME, FEW = 64, 3
#: of so many rows one is looked at for their order, in blocks of so many of these at the usual step
EVERY, LENGTH = 4, 64
#: of WATCHED directions; the longest block whose mean is looked at
MANY, LONGEST = 4.0, 4096
#: how much larger than half of the features one may be before that is said, and before it is an error
UNEVEN, HOPELESS = 100.0, 1e6


def largest(X: Any) -> float:
    """The largest size of a number."""
    return float(np.abs(X.data if sparse.issparse(X) else X).max(initial=0.0))


def too_large(X: Any, Y: np.ndarray) -> InputError:
    """What to raise where squares of these numbers are beyond the range of floats."""
    return InputError(
        f"X or y is too large to be squared: the largest numbers are {largest(X):.3g} and {largest(Y):.3g}. "
        "Remove such samples, or scale the data"
    )


def check_range(X: Any, Y: np.ndarray) -> None:
    """Refuse targets of which a sum of squares is beyond the range of floats: weights would follow them in silence."""
    if largest(Y) > np.sqrt(np.finfo(np.float64).max) / max(1, Y.size):
        raise too_large(X, Y)


def diverged(count: int, eta0: float, power: float, X: Any, Y: np.ndarray) -> DivergenceError:
    """What to raise where learning from these rows diverged (NaN or inf) after ``count`` samples."""
    return DivergenceError(
        f"an output diverged (NaN or inf) at or before sample {count + 1}: eta0={eta0}, mean curvature of the rows "
        f"{power:.3g}, largest of these numbers {largest(X):.3g} in X, {largest(Y):.3g} in y. Remove such samples, or "
        "scale the data"
    )


@dataclass(frozen=True)
class Regard:
    """What is kept of a stream to judge the order of its rows, one in EVERY, and the sizes of its features."""

    order: Order
    directions: Recent  # in which the means of blocks vary
    block: np.ndarray  # rows of the block at hand
    rows: tuple[Any, ...] = ()
    said: bool = False  # that their sizes are uneven; once is enough

    @classmethod
    def fresh(cls) -> Self:
        return cls(Order.fresh(WATCHED), Recent.empty(WATCHED + 1), np.zeros((0, WATCHED)))

    def ordered(self, name: str, X: Any, count: int, eta0: float, usual: float, *, labels: bool) -> Self:
        """After the rows X, the first of which is sample ``count``; ``labels`` are learned from them, or numbers.

        Raises
        ------
        DivergenceError
            Where they resemble each other for longer than steps of ``eta0`` average over, in MANY directions: few, such
            as that of a drift, are all met again before they are forgotten. Of labels any: rows of one class after
            the other differ in few directions, too.
        """
        first, length = -count % EVERY, max(16, round(LENGTH * usual / eta0))
        Z = projected(X[first::EVERY])
        if not len(Z):
            return self
        order, bad = self.order.follow(Z, length)
        block, length = np.concatenate([self.block, Z], dtype=float), min(length, LONGEST)
        n = len(block) // length
        heard = np.ones((n, WATCHED + 1))
        heard[:, :-1] = block[: n * length].reshape(n, length, WATCHED).mean(1)
        directions = self.directions.follow_sum(heard.T @ heard, n) if n else self.directions
        if bad >= 0 and (labels or _spread(directions.second) > MANY):
            raise too_correlated(name, count + first + EVERY * bad, EVERY * length, order.far)
        return replace(self, order=order, directions=directions, block=block[n * length :].copy())

    def compared(self, X: Any, count: int, eta0: float, *, alike: bool = False) -> Self:
        """After the rows X, the last of which is sample ``count``; say it where their features are of uneven sizes."""
        if X.shape[0] >= SOME:
            return replace(self, said=check_scales(X[:: X.shape[0] // SOME], count, eta0, alike, self.said))
        # the first soon, later ones cheaply
        fresh = X if count <= 2 * SOME else X[-(count - X.shape[0]) % EVERY :: EVERY]
        rows = (*self.rows, fresh.copy())
        if sum(part.shape[0] for part in rows) < SOME:
            return replace(self, rows=rows)
        together = sparse.vstack(rows, format="csr") if sparse.issparse(X) else np.concatenate(rows)
        return replace(self, rows=(), said=check_scales(together, count, eta0, alike, self.said))


def check_scales(rows: Any, count: int, eta0: float, alike: bool, said: bool) -> bool:
    """Say it once where one step for all features, or similarities (``alike``), cannot have learned from half of them.

    Returns whether it is ``said`` by now.

    The size of a feature is its median distance from its median: one row does not change it, and features that are
    mostly the same do not count. Of sparse rows it is the median size of what is not 0.
    """
    thin = sparse.issparse(rows)
    if not thin and _unevenness(rows.std(axis=0)) < UNEVEN:  # which one row can only make larger: then a closer look
        return said
    sizes = _medians(rows) if thin else np.median(np.abs(rows - np.median(rows, axis=0)), axis=0)
    ratio = _unevenness(sizes)
    needed = np.inf if alike else rows.shape[1] * ratio**2 / eta0
    if ratio < UNEVEN or count > needed:
        return said
    which = f"feature {sizes.argmax()} is {ratio:.2g} times as large as half of the others, which "
    scale = "Scale the features, for instance with sklearn.preprocessing.StandardScaler"
    if alike:
        text = f"{which}similarities tell nothing of; this is sample {count}. {scale}"
    else:
        text = f"{which}one step for all learns from after some {needed:.2g} samples; this is sample {count}. {scale}"
        text += ", or use solver='dual'"
    if ratio > HOPELESS:
        raise DivergenceError(text)
    if not said:
        warnings.warn(text, ConvergenceWarning, stacklevel=6)
    return True


def _spread(second: np.ndarray) -> float:
    """In how many directions rows vary about their mean, by the second moment of them and 1."""
    C = second[:-1, :-1] - np.outer(second[:-1, -1], second[:-1, -1])
    return float(np.trace(C) ** 2 / max((C * C).sum(), np.finfo(float).tiny))


def _medians(rows: sparse.csr_array) -> np.ndarray:
    """(n_features,) median size of the numbers that are not 0, where there are at least FEW of them; else 0."""
    sizes, columns = np.abs(rows.data), rows.indices
    order = np.lexsort((sizes, columns))
    counts = np.bincount(columns, minlength=rows.shape[1])
    middle = np.cumsum(counts) - counts + (counts - 1) // 2
    found = counts >= FEW
    medians = np.zeros(rows.shape[1])
    medians[found] = sizes[order][middle[found]]
    return medians


def _unevenness(sizes: np.ndarray) -> float:
    """The largest size over the lower median of those that are not 0."""
    spoken = np.sort(sizes[sizes > 0.0])
    return float(spoken[-1] / spoken[(len(spoken) - 1) // 2]) if len(spoken) else 1.0
