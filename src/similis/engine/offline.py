"""Batch solutions of the objectives, as oracles: what the online networks approach."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.sparse.linalg import LinearOperator, svds

from .._errors import InputError
from .._random import Seed, generator
from .._threads import one_thread


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
        bounds = [(0, None)] * start.size
        with one_thread():  # L-BFGS-B adds long vectors, which threads do several times slower
            found = minimize(objective, start.ravel(), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
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


def row_sum(
    X: np.ndarray, k: int, trace: float, *, gamma: float = 0.0, total: float = 1.0, max_iter: int = 500,
    random_state: Seed = 0,
) -> tuple[np.ndarray, float]:  # fmt: skip
    """Row-sum similarity matching of all samples at once (rows are samples, Q = Z Z')::

        max_{Z >= 0}  Tr(X X' Q) / T^2 - (gamma / 2) |Q|_F^2 / T^2    with   Q 1 / T = total,   Tr(Q) / T = trace

    Every sample settles on the weighted simplex ``b.z = total``; weights, b and thresholds move towards their averages,
    and the softness mu is steered until the trace is met. The problem is not convex: this is a local optimum. With
    ``gamma = 0`` and ``total = 1`` a partition into ``trace`` clusters is a feasible point whose first term is the
    between-cluster variance, so that well-separated clusters are found exactly.

    Parameters
    ----------
    X : (T, d) array; moving its origin changes nothing
    k : number of neurons, at least ``trace / total``
    trace : mean |z|^2, for ``total = 1`` the effective number of clusters
    gamma : penalty on similar outputs, in units of the variance of X
    max_iter : iterations
    random_state : seed or generator of the first weights, k samples

    Returns
    -------
    Z : (T, k) nonnegative outputs
    explained : Tr(X X' Q) / (T Tr(X X')), X about its mean; for a partition the share of the variance between clusters

    Raises
    ------
    InputError
        If trace lies outside [total, k total], the values that k nonnegative outputs with these row sums can have.
    """
    X, rng = np.asarray(X, float) - np.mean(X, axis=0), generator(random_state)
    if not total <= trace <= k * total:
        raise InputError(f"trace={trace} of {k} outputs; expected a number from total={total} to {k} times it")
    T, power = len(X), float((X * X).sum(1).mean())
    X = X / np.sqrt(power) if power > 0 else X
    centroids = X[rng.choice(T, k, replace=k > T)]
    b = np.full(k, np.sqrt(total / k))
    W, a, M, mu = b[:, None] * centroids, b * (centroids**2).sum(1) / 2, np.eye(k), 0.05
    Z = np.full((T, k), total / b.sum())
    for _ in range(max_iter):
        Z, lam = _settle(X @ W.T - a, b, total, gamma * M, mu, Z)
        mean, size = Z.mean(0), float((Z * Z).sum(1).mean())
        W += 0.3 * (Z.T @ X / T - W)
        M += 0.3 * (Z.T @ Z / T - M)
        a += 0.3 * (lam @ Z / T - a)
        b = np.maximum(b + 0.3 * (mean - b), 1e-9)
        mu *= np.exp(0.5 * np.clip(size / trace - 1, -1, 1))
    return Z, float(((X.T @ Z / T) ** 2).sum())


def _settle(
    U: np.ndarray, b: np.ndarray, total: float, M: np.ndarray, mu: float, Z: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows z = argmin z'(M + mu I)z - 2 u.z on {z >= 0, b.z = total} and their multipliers, by accelerated projections.

    Starts from the outputs Z of the iteration before, so that a few projections do.
    """
    if not M.any():
        return weighted_simplex(U, b, total, mu)
    L = mu + float(np.linalg.eigvalsh(M)[-1])
    ahead, t = Z, 1.0
    for _ in range(20):
        new, lam = weighted_simplex((L - mu) * ahead - ahead @ M + U, b, total, L)
        later = (1 + np.sqrt(1 + 4 * t * t)) / 2
        Z, ahead, t = new, new + (t - 1) / later * (new - Z), later
    return Z, lam


def weighted_simplex(U: np.ndarray, b: np.ndarray, total: float, mu: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Rows z = argmin mu |z|^2 - 2 u.z on the weighted simplex {z >= 0, b.z = total}: z = [u - lambda b]_+ / mu.

    Returns z (T, k) and the multipliers lambda (T,), the roots of a falling, piecewise linear function.
    """
    order = np.argsort(-U / b, axis=1)
    u, w = np.take_along_axis(U, order, 1), b[order]
    lam = (np.cumsum(w * u, 1) - mu * total) / np.cumsum(w * w, 1)  # if the first 1, 2, ... neurons were active
    enough = np.ones(U.shape, bool)
    enough[:, :-1] = lam[:, :-1] >= u[:, 1:] / w[:, 1:]  # the next neuron stays silent
    lam = lam[np.arange(len(U)), enough.argmax(1)]
    return np.maximum(U - lam[:, None] * b, 0.0) / mu, lam
