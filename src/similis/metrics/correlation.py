"""How close two views' projections are to the canonical ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._errors import InputError
from .check import Matrix, covariance, matrix, same


def cca_objective_error(Vx: ArrayLike, Vy: ArrayLike, Cxx: ArrayLike, Cyy: ArrayLike, Cxy: ArrayLike) -> float:
    """Relative gap of a pair of projections to the best value of the CCA objective.

        (J* - Tr(N Vx Cxy Vy' N)) / J*,    N = (Vx Cxx Vx' + Vy Cyy Vy')^(-1/2),    J* = (rho_1 + ... + rho_k) / 2

    The projections are normalised jointly, so neither their scale nor a common rotation matters, but the sign of one
    view against the other does: anticorrelated projections have an error above 1, the worst is 2.

    Parameters
    ----------
    Vx, Vy : arrays (k, m), (k, n)
        Projections of the two views.
    Cxx, Cyy, Cxy : arrays (m, m), (n, n), (m, n)
        Covariances.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If shapes disagree, k is above min(m, n), the components are linearly dependent or the views are uncorrelated.

    References
    ----------
    Lipshutz et al., 2021, arXiv 2010.00525 (the objective error of its figures).
    """
    Vx, Vy, Cxy = matrix("Vx", Vx), matrix("Vy", Vy), matrix("Cxy", Cxy)
    Cxx, Cyy = covariance("Cxx", Cxx), covariance("Cyy", Cyy)
    same("components (rows)", Vx=len(Vx), Vy=len(Vy))
    same("features of the first view", Vx=Vx.shape[1], Cxx=len(Cxx), Cxy=len(Cxy))
    same("features of the second view", Vy=Vy.shape[1], Cyy=len(Cyy), Cxy=Cxy.shape[1])
    k = len(Vx)
    if k > min(Cxy.shape):
        raise InputError(f"Vx, Vy: {k} components, but views of {Cxy.shape} features have at most {min(Cxy.shape)}.")
    best = float(np.sum(_correlations(Cxx, Cyy, Cxy)[:k]) / 2)
    if best <= 0:
        raise InputError("Cxy: the views are uncorrelated, so the best objective is 0 and no relative error exists.")
    B = Vx @ Cxx @ Vx.T + Vy @ Cyy @ Vy.T
    spectrum = np.linalg.eigvalsh(B)
    if spectrum[0] <= len(B) * np.finfo(float).eps * spectrum[-1]:
        raise InputError(f"Vx, Vy: the {k} components are linearly dependent. Fix: ask for fewer components.")
    reached = np.trace(np.linalg.solve(B, Vx @ Cxy @ Vy.T))  # Tr(N A N) = Tr(B^-1 A)
    return float((best - reached) / best)


def canonical_correlations(X: ArrayLike, Y: ArrayLike, ridge: float = 0.0) -> Matrix:
    """Exact canonical correlations of two views.

        singular values of (Cxx + ridge I)^(-1/2) Cxy (Cyy + ridge I)^(-1/2)

    Parameters
    ----------
    X, Y : arrays (n_samples, m), (n_samples, n)
        Paired samples; centred here.
    ridge : float, default 0
        Variance added to every feature. At 0, directions without variance are left out.

    Returns
    -------
    array (min(m, n),)
        Nonnegative, descending.

    Raises
    ------
    InputError
        If the numbers of rows differ, there are fewer than two, an entry is not finite or ridge is negative.
    """
    X, Y = matrix("X", X), matrix("Y", Y)
    same("samples (rows)", X=len(X), Y=len(Y))
    if len(X) < 2:
        raise InputError("X, Y: one row has no covariance. Fix: pass at least two paired samples.")
    if not (np.isfinite(ridge) and ridge >= 0):
        raise InputError(f"ridge: expected a finite number >= 0, got {ridge!r}.")
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    n = len(X)
    Cxx, Cyy = X.T @ X / n + ridge * np.eye(X.shape[1]), Y.T @ Y / n + ridge * np.eye(Y.shape[1])
    return _correlations(Cxx, Cyy, X.T @ Y / n)


def held_out_correlations(Zx: ArrayLike, Zy: ArrayLike) -> Matrix:
    """Canonical correlations between the two views' projections of rows that were not learned from.

    A network returns its canonical directions up to a k x k mixing; measuring the canonical correlations of the
    projections undoes it. Divide their mean by the exact CCA's on the same rows to compare.

    Parameters
    ----------
    Zx, Zy : arrays (n_samples, k)
        Projections of the held-out rows.

    Returns
    -------
    array (k,)
        In [0, 1], descending.

    Raises
    ------
    InputError
        If the shapes differ or there are fewer than two rows.
    """
    Zx, Zy = matrix("Zx", Zx), matrix("Zy", Zy)
    same("components (columns)", Zx=Zx.shape[1], Zy=Zy.shape[1])
    return canonical_correlations(Zx, Zy)


def whitening_error(eigenvalues: ArrayLike, rank: int) -> float:
    """How far outputs are from ``rank`` white ones and silence.

        |sort(eigenvalues) - (0, ..., 0, 1, ..., 1)|^2 / k,    with ``rank`` ones

    Parameters
    ----------
    eigenvalues : array (k,)
        Eigenvalues of the outputs' covariance, in any order.
    rank : int
        How many should be one, 0 to k.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If an eigenvalue is not finite or the rank is out of range.

    References
    ----------
    Lipshutz et al., 2021, arXiv 2010.00525 (the whitening error of its figures).
    """
    found = np.sort(np.asarray(eigenvalues, float))
    if found.ndim != 1 or not np.isfinite(found).all():
        raise InputError(f"eigenvalues: expected finite numbers (k,), got an array {found.shape} or one with NaN.")
    if not 0 <= rank <= len(found):
        raise InputError(f"rank: expected 0 to {len(found)}, the number of eigenvalues, got {rank!r}.")
    return float(np.mean((found - (np.arange(len(found)) >= len(found) - rank)) ** 2))


def _correlations(Cxx: Matrix, Cyy: Matrix, Cxy: Matrix) -> Matrix:
    rho = np.linalg.svd(whitener(Cxx) @ Cxy @ whitener(Cyy).T, compute_uv=False)
    return np.pad(rho, (0, min(Cxy.shape) - len(rho)))


def whitener(C: Matrix) -> Matrix:
    """(rank, d) matrix with W C W' = I; directions without variance are dropped."""
    values, vectors = np.linalg.eigh(C)
    keep = values > len(C) * np.finfo(float).eps * max(values[-1], 0.0)
    return vectors[:, keep].T / np.sqrt(values[keep])[:, None]
