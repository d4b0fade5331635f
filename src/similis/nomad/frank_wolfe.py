"""The paper's conditional gradient: one eigenvector an iteration, nonnegativity by an augmented Lagrangian.

With Q = 11'/n + W, W of zero row sums: in rounds t of 15 steps k, with the penalty growing as sqrt(t + 1),

    v = lowest eigenvector of M G M,   G = -D + L + sqrt(t + 1) min(W + 11'/n, 0)
    W <- (1 - e) W + e (K - 1) v v',   e = 2 / (15 t + k + 2);     then   L <- min(L + W + 11'/n, 0)

Its error falls as one over the number of steps; kept for comparison with the splitting, which certifies far more.
"""

from __future__ import annotations

import time

import numpy as np
from scipy import linalg
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from .certificate import Feasible, upper_bound
from .convex import RHO, Solution, _State
from .problem import Similarity, centred, simplex

STEPS = 15


def conditional_gradient(
    D: Similarity, K: float, *, tol: float = 1e-3, max_iter: int = 2000, deadline: float = np.inf,
    catch: bool = False, seed: np.random.Generator,
) -> Solution:  # fmt: skip
    """The paper's solver, with its stopping rule, projected on the feasible set and bounded by its multipliers.

    Parameters
    ----------
    D : Similarity
    K : trace
    tol : largest violation of nonnegativity at which to stop, in units of K / n
    max_iter : rounds t
    deadline, catch, seed : as in :func:`similis.nomad.convex`
    """
    began, n = time.perf_counter(), D.n
    size = float(D.diagonal().max()) or 1.0
    target = D.rows(slice(0, n)) / size
    W, L, G = np.zeros((n, n)), np.zeros((n, n)), np.empty((n, n))
    history: list[tuple[float, int, float, float]] = []
    stopped, t = "iterations", 0
    try:
        for t in range(max_iter):
            for k in range(STEPS):
                np.minimum(W + 1 / n, 0, out=G)
                G *= (t + 1) ** 0.5
                G += L - target
                v, value = _lowest(G, _zero_mean(seed.standard_normal(n)), 1 / (k + 1))
                if value < 0:
                    share = 2 / (STEPS * t + k + 2)
                    W *= 1 - share
                    W += share * (K - 1) * np.outer(v, v)
            L = np.minimum(L + W + 1 / n, 0)
            lacking = np.maximum(-(W + 1 / n), 0)
            if t % 25 == 0:
                history.append((time.perf_counter() - began, STEPS * (t + 1), D.pairing(slice(0, n), W), np.inf))
            if float(lacking.max()) * n / K < tol and float(np.sqrt((lacking**2).mean())) < tol / 10:
                stopped = "gap"
                break
            if time.perf_counter() > deadline:
                stopped = "time"
                break
    except KeyboardInterrupt:
        if not catch:
            raise
        stopped = "interrupt"
    values, V = linalg.eigh(centred((W + W.T) / 2))
    weights = simplex(values[:0:-1], K - 1)
    k = int(np.count_nonzero(weights))
    F = np.concatenate([np.full((n, 1), n**-0.5), V[:, :0:-1][:, :k] * np.sqrt(weights[:k])], 1)
    state = _State(D, K, F, RHO * size, np.float64, seed)
    points = (Feasible.nearest(F, K), state.feasible(tol / 100))
    point = max(points, key=lambda point: point.objective(D))
    solution = Solution(point, point.objective(D), upper_bound(D, K, L, size), history, STEPS * (t + 1), stopped)
    history.append((time.perf_counter() - began, solution.n_iter, solution.objective, solution.bound))
    return solution


def _lowest(G: np.ndarray, v: np.ndarray, tol: float) -> tuple[np.ndarray, float]:
    """The lowest eigenpair of M G M, from a random vector: the last one would hide all others."""
    n = len(v)
    operator = LinearOperator((n, n), matvec=lambda x: _zero_mean(G @ _zero_mean(np.ravel(x))), dtype=np.float64)
    try:
        values, V = eigsh(operator, 1, which="SA", v0=v, tol=tol)
    except ArpackNoConvergence as error:
        if not len(error.eigenvalues):
            return v, float(v @ operator.matvec(v) / (v @ v))
        values, V = error.eigenvalues, error.eigenvectors
    v = _zero_mean(V[:, 0])
    return v / np.linalg.norm(v), float(values[0])


def _zero_mean(v: np.ndarray) -> np.ndarray:
    return v - v.mean()
