"""The principal axes of a learned subspace, as PCA orders them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ._moments import Moments

#: squared length of a filter below which its direction in M is what rounding left there: filters of directions in which
#: the data vary have length 1, with rounding alone they stay below 1e-4
ALIVE = 1e-2


def axes(filters: np.ndarray, M: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The turn from outputs to coordinates along the principal axes, and the variances along them.

    Parameters
    ----------
    filters : (k, d) F, of which the outputs are z = F x
    M : (k, k) covariance of the outputs

    Returns
    -------
    turn : (k, k) A, such that the rows of A F are orthonormal (zero for directions in which the data do not vary) and
        the coordinates A z uncorrelated
    variances : (k,) descending
    """
    U, lengths, _ = np.linalg.svd(filters, full_matrices=False)
    alive = lengths**2 > ALIVE * lengths[0] ** 2
    straight = np.where(alive, 1 / np.where(alive, lengths, 1.0), 0.0)[:, None] * U.T
    values, vectors = np.linalg.eigh(straight @ M @ straight.T)
    turn, variances = vectors[:, ::-1].T @ straight, np.maximum(values[::-1], 0.0)
    found = turn @ filters
    largest = np.take_along_axis(found, np.abs(found).argmax(1)[:, None], axis=1)
    return np.where(largest < 0, -1.0, 1.0) * turn, variances


def enough(pieces: Iterable[Any], d: int, center: bool, share: float) -> int:
    """How many principal components hold more than this share of the variance of all rows."""
    moments = Moments.empty(d)
    for X in pieces:
        moments = moments.merge(X if isinstance(X, np.ndarray) else X.toarray())
    values = np.maximum(np.linalg.eigvalsh(moments.covariance(center))[::-1], 0.0)
    if not values.sum() > 0:
        return 1
    return min(int(np.searchsorted(np.cumsum(values) / values.sum(), share, side="right")) + 1, d)
