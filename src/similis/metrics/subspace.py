"""How close a learned subspace is to the right one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._errors import InputError
from .check import Matrix, covariance, matrix, same


def subspace_error(V: ArrayLike, U: ArrayLike) -> float:
    """Relative distance of two row spaces.

        || P_V - P_U ||_F / sqrt(k),    P the orthogonal projection on the row space, k = rank of U

    Both are orthonormalised first. 0: same subspace; sqrt(2): orthogonal ones. Directions that V lacks count as wrong.

    Parameters
    ----------
    V : array (m, d)
        Learned components.
    U : array (k, d)
        Reference components.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If the numbers of features differ, an entry is not finite or U is zero.

    References
    ----------
    Giovannucci et al., 2018, arXiv 1808.02083 (the error of its figures).
    """
    V, U = matrix("V", V), matrix("U", U)
    same("features (columns)", V=V.shape[1], U=U.shape[1])
    V, U = _row_basis(V), _row_basis(U)
    if not len(U):
        raise InputError("U: every component is zero, so it spans nothing. Fix: pass the reference components as rows.")
    # Two residuals, because k + m - 2 ||V U'||^2 cancels and loses half of the digits.
    missed = U - (U @ V.T) @ V
    spurious = V - (V @ U.T) @ U
    return float(np.sqrt((np.sum(missed**2) + np.sum(spurious**2)) / len(U)))


def captured_variance(V: ArrayLike, C: ArrayLike) -> float:
    """Fraction of the variance inside the row space of V.

        Tr(P_V C) / Tr(C)

    Parameters
    ----------
    V : array (k, d)
        Components; orthonormalised first.
    C : array (d, d)
        Covariance.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    InputError
        If the shapes disagree, an entry is not finite or C has no variance.
    """
    V, C = matrix("V", V), covariance("C", C)
    same("features", V=V.shape[1], C=len(C))
    total = float(np.trace(C))
    if total <= 0:
        raise InputError(
            f"C: expected a covariance with positive trace, got trace {total:g}. Fix: check for constant data."
        )
    Q = _row_basis(V)
    return float(np.sum((Q @ C) * Q) / total)


def _row_basis(V: Matrix) -> Matrix:
    _, s, rows = np.linalg.svd(V, full_matrices=False)
    return rows[s > max(V.shape) * np.finfo(float).eps * s[0]]
