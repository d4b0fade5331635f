"""What the networks see of a composition: numbers, a picture of the periodic table, or a set of element tokens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .elements import ELEMENTS

#: facts of the elements behind the descriptors; where one is unknown, the mean of the known ones stands
_FACTS = ("number", "period", "column", "electronegativity", "radius", "valence")
N_DESCRIPTORS = 4 * len(_FACTS)
N_COLUMNS, N_PERIODS = 32, 7


def _facts() -> NDArray[np.float64]:
    values = np.array([[getattr(e, name) for name in _FACTS] for e in ELEMENTS], float)  # None becomes nan
    values = np.where(np.isnan(values), np.nanmean(values, 0), values)
    return (values - values.mean(0)) / values.std(0)


def descriptors(X: NDArray) -> NDArray[np.float64]:
    """Mean, mean deviation, largest and smallest of six facts over the elements present.

    Parameters
    ----------
    X : (n, 118) fractions

    Returns
    -------
    array (n, 24)
    """
    facts = _facts()
    mean = X @ facts
    columns = [mean]
    here = X > 0
    columns.append(np.stack([(X * abs(facts[:, j] - mean[:, j, None])).sum(1) for j in range(len(_FACTS))], 1))
    for far, end in ((-np.inf, np.max), (np.inf, np.min)):
        columns.append(0.3 * np.stack([end(np.where(here, f, far), axis=1) for f in facts.T], 1))
    return np.concatenate(columns, 1)


class Coordinates:
    """Fractions, their ranks among training compositions with that element, their logarithms, and descriptors.

    Ranks make doping visible: where thousands of cuprates differ by hundredths of oxygen, ranks spread them out.
    """

    def __init__(self, X: NDArray) -> None:
        self.seen = np.flatnonzero((X > 0).any(0))
        grids = [np.sort(X[X[:, j] > 0, j]) for j in self.seen]
        self.levels = np.concatenate(grids)
        self.sizes = np.array([len(grid) for grid in grids])

    @property
    def axis(self) -> NDArray[np.int64]:
        """(n_coordinates,): the element that a coordinate rises with, or a descriptor by itself."""
        n = len(self.seen)
        return np.concatenate([np.tile(np.arange(n), 3), n + np.arange(N_DESCRIPTORS)])

    @property
    def kind(self) -> NDArray[np.int64]:
        """(n_coordinates,): fraction, rank, logarithm or descriptor."""
        return np.repeat(np.arange(4), [*[len(self.seen)] * 3, N_DESCRIPTORS])

    def __call__(self, X: NDArray) -> NDArray[np.float32]:
        """(n, n_coordinates)."""
        ranks, start = np.zeros((len(X), len(self.seen))), 0
        for i, (j, size) in enumerate(zip(self.seen, self.sizes, strict=True)):
            grid, x = self.levels[start : start + size], X[:, j]
            below = np.searchsorted(grid, x, "left") + np.searchsorted(grid, x, "right")
            ranks[:, i] = np.where(x > 0, below / (2 * size), 0)
            start += size
        seen = X[:, self.seen]
        parts = (3 * seen, ranks, 0.06 * np.log1p(100 * seen), 0.5 * descriptors(X))
        return np.concatenate(parts, 1).astype(np.float32)


def tokens(X: NDArray) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Elements as a set: atomic numbers, most abundant first and 0 behind the last, and their fractions.

    Parameters
    ----------
    X : (n, 118) fractions

    Returns
    -------
    numbers, amounts : (n, most elements in a row)
    """
    width = max(1, int((X > 0).sum(1).max(initial=0)))
    order = np.argsort(-X, 1, kind="stable")[:, :width]
    amounts = np.take_along_axis(X, order, 1)
    return np.where(amounts > 0, order + 1, 0), amounts.astype(np.float32)


def table_image(X: NDArray) -> NDArray[np.float32]:
    """Fractions, square-rooted, at the places of the elements in the long periodic table.

    Parameters
    ----------
    X : (n, 118) fractions

    Returns
    -------
    array (n, 1, 7, 32)
    """
    image = np.zeros((len(X), 1, N_PERIODS, N_COLUMNS), np.float32)
    for j, element in enumerate(ELEMENTS):
        image[:, 0, element.period - 1, element.column - 1] = np.sqrt(X[:, j])
    return image
