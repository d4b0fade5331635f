"""Batch solutions of the objectives, as oracles: what the online networks approach."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.sparse.linalg import LinearOperator, svds

from .._random import Seed, generator


def nonnegative(
    X: np.ndarray, k: int, *, restarts: int = 3, max_iter: int = 500, random_state: Seed = 0
) -> tuple[np.ndarray, float]:
    """Nonnegative similarity matching of all samples at once: ``min_{Y >= 0} |X X' - Y Y'|_F^2`` (rows are samples).

    Symmetric nonnegative factorisation of the Gram, by L-BFGS-B from several random starts; the Gram is never formed.
    The problem is not convex: the best of the restarts is a local minimum, an upper bound of the optimum.

    Parameters
    ----------
    X : (T, d) array
    k : number of components
    restarts, max_iter : random starts, iterations of each
    random_state : seed or generator

    Returns
    -------
    Y : (T, k) nonnegative outputs
    error : |X X' - Y Y'|_F^2 / |X X'|_F^2
    """
    X, rng = np.asarray(X, float), generator(random_state)
    total = float(((X.T @ X) ** 2).sum())

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        Y = flat.reshape(len(X), k)
        XY, YY = X.T @ Y, Y.T @ Y
        value = 1 + ((YY**2).sum() - 2 * (XY**2).sum()) / total
        return value, (4 / total * (Y @ YY - X @ XY)).ravel()

    def descend() -> tuple[float, np.ndarray]:
        start = rng.random((len(X), k)) * np.sqrt(2 * (X * X).sum(1).mean() / k)
        options = {"maxiter": max_iter, "ftol": 1e-12, "gtol": 1e-12, "maxcor": 20}
        found = minimize(
            objective, start.ravel(), jac=True, method="L-BFGS-B", bounds=[(0, None)] * start.size, options=options
        )
        return float(found.fun), found.x.reshape(len(X), k)

    error, Y = min((descend() for _ in range(restarts)), key=lambda pair: pair[0])
    return Y, error


def generators(rows: Any, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Top eigenvectors of <chi chi'>, chi the rows, where chi may be a lift: its features are never written out.

    Parameters
    ----------
    rows : (T, d) array or ``circuit.lifts.Lift``
    k : int, below T and d

    Returns
    -------
    vectors : (k, d), strongest first
    values : (k,) eigenvalues
    """
    operator = LinearOperator(
        rows.shape, matvec=lambda v: rows @ v.ravel(), rmatvec=lambda u: rows.T @ u.ravel(), dtype=np.float64
    )
    start = generator(0).standard_normal(min(rows.shape))
    _, sizes, vectors = svds(operator, k=k, v0=start)
    order = np.argsort(sizes)[::-1]
    return vectors[order], sizes[order] ** 2 / rows.shape[0]
