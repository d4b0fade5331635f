"""Squared Euclidean distances from differences: right to rounding wherever the rows lie.

``|a|^2 + |b|^2 - 2 a.b`` is quicker in many dimensions, but is wrong by ``eps |a|^2``, whatever the distance.
"""

from __future__ import annotations

from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from .check import Matrix, matrix, same


def squared_distances(A: ArrayLike, B: ArrayLike) -> Matrix:
    """(n, m) squared distances between the rows of A (n, d) and of B (m, d), in float64 whatever their type.

    Symmetric, and 0 between equal rows. Rows of more than 1e150 (or less than 1e-150) leave the range of squares: scale
    them first.
    """
    A, B = matrix("A", A), matrix("B", B)
    same("features (columns)", A=A.shape[1], B=B.shape[1])
    return cdist(A, B, "sqeuclidean")
