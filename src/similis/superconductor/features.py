"""What the networks see of a composition: numbers, a picture of the periodic table, or a set of element tokens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .elements import ELEMENTS

#: facts of the elements behind the descriptors; where one is unknown, the mean of the known ones stands
_FACTS = ("number", "period", "column", "electronegativity", "radius", "valence", "charge")
N_DESCRIPTORS = 4 * len(_FACTS)
N_COLUMNS, N_PERIODS = 32, 7
#: 18 groups, the lanthanides with the third (rare earths), and the actinides
_GROUP = np.array([e.group or (3 if e.period == 6 else 19) for e in ELEMENTS])
#: the kinds of coordinates that are amounts of groups
GROUP_KINDS = (3, 4, 5)
#: values nearer than this are one value
_TIE = 1e-9


def _facts() -> NDArray[np.float64]:
    values = np.array([[getattr(e, name) for name in _FACTS] for e in ELEMENTS], float)  # None becomes nan
    values = np.where(np.isnan(values), np.nanmean(values, 0), values)
    return (values - values.mean(0)) / values.std(0)


def descriptors(X: NDArray) -> NDArray[np.float64]:
    """Mean, mean deviation, largest and smallest of seven facts over the elements present.

    Parameters
    ----------
    X : (n, 118) fractions

    Returns
    -------
    array (n, 28)
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
    """Amounts of elements and of groups of the periodic table, descriptors, and ranks among training compositions.

    An amount is a fraction, its rank among the compositions that have any, and its logarithm. Ranks make doping
    visible: where thousands of cuprates differ by hundredths of oxygen, ranks spread them out.
    """

    def __init__(self, X: NDArray) -> None:
        self.seen = np.flatnonzero((X > 0).any(0))
        amounts, others = self._values(X)
        grids = [np.sort(column[column > 0]) for column in amounts.T] + list(np.sort(others, 0).T)
        self.levels = np.concatenate(grids)
        self.sizes = np.array([len(grid) for grid in grids])

    @property
    def n_axes(self) -> int:
        """Elements seen, their groups, and descriptors."""
        return len(self.seen) + len(np.unique(_GROUP[self.seen])) + N_DESCRIPTORS

    @property
    def axis(self) -> NDArray[np.int64]:
        """(n_coordinates,): the element or group that a coordinate rises with, or a descriptor by itself."""
        n = len(self.sizes) - N_DESCRIPTORS
        return np.concatenate([np.tile(np.arange(n), 3), np.tile(n + np.arange(N_DESCRIPTORS), 2)])

    @property
    def kind(self) -> NDArray[np.int64]:
        """(n_coordinates,): fraction, rank, logarithm, of an element or of a group; descriptor, its rank."""
        n, groups = len(self.seen), len(self.sizes) - N_DESCRIPTORS - len(self.seen)
        return np.repeat([0, 3, 1, 4, 2, 5, 6, 7], [n, groups] * 3 + [N_DESCRIPTORS] * 2)

    def __call__(self, X: NDArray) -> NDArray[np.float32]:
        """(n, n_coordinates)."""
        amounts, others = self._values(X)
        values = np.concatenate([amounts, others], 1)
        ranks = np.empty_like(values)
        for i, grid in enumerate(np.split(self.levels, np.cumsum(self.sizes)[:-1])):
            ends = np.searchsorted(grid, values[:, i] - _TIE), np.searchsorted(grid, values[:, i] + _TIE)
            ranks[:, i] = (ends[0] + ends[1]) / (2 * len(grid))
        n = amounts.shape[1]
        ranks[:, :n][amounts == 0] = 0
        parts = (3 * amounts, ranks[:, :n], 0.06 * np.log1p(100 * amounts), 0.5 * others, ranks[:, n:])
        return np.concatenate(parts, 1).astype(np.float32)

    def _values(self, X: NDArray) -> tuple[NDArray, NDArray]:
        """(n, elements and groups), (n, N_DESCRIPTORS)."""
        groups = [X[:, group == _GROUP].sum(1) for group in np.unique(_GROUP[self.seen])]
        return np.concatenate([X[:, self.seen], np.stack(groups, 1)], 1), descriptors(X)


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
