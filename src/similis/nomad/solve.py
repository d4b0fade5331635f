"""Which solver, and what proof: one call from a similarity to a solution."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.cluster import KMeans

from .._errors import InputError
from .._kept import Kept
from .._threads import one_thread
from .certificate import Feasible
from .convex import KEPT, Solution, convex
from .eigen import lanczos
from .embed import distinct
from .frank_wolfe import conditional_gradient
from .low_rank import low_rank, spread
from .problem import Similarity, check_clusters, check_memory

SOLVERS = ("auto", "convex", "conditional-gradient", "low-rank")
#: the most samples that "auto" gives to the convex solver
AUTO = 5000


def solve(
    D: Similarity, n_clusters: float, solver: str = "auto", *, rank: int | None = None, tol: float = 1e-3,
    max_iter: int | None = None, dtype: type | None = None, time_limit: float | None = None, catch: bool = False,
    memory_limit: float | None = None, keep: Kept | None = None, rng: np.random.Generator,
) -> Solution:  # fmt: skip
    """Solve ``max <D, Q>, Q >= 0, Q psd, Q1 = 1, tr Q = K``.

    Parameters
    ----------
    D : Similarity
    n_clusters : K, the trace, 1 <= K <= n; need not be an integer
    solver : "convex" (global, certified to ``tol``; memory n^2), "low-rank" (a heuristic without n x n matrices, no
        bound), "conditional-gradient" (the paper's, with corrected weights; memory n^2), or "auto": convex up to 5,000
        samples
    rank : columns of the low-rank factor; None is 8 K
    tol : relative gap at which the convex solver stops
    max_iter : None is 5,000 for convex, 1,000 for low-rank, 2,000 rounds for the conditional gradient
    dtype : of the convex solver's state; None is float32 where tol >= 5e-5, else float64
    time_limit : seconds after which the best point so far is returned with its gap
    catch : whether KeyboardInterrupt returns the best point so far with its gap, too
    memory_limit : bytes; None is what the machine has free
    keep : where the state is kept now and then, and found if it was: it ends as it would have without a break
    rng : Generator

    Raises
    ------
    InputError
        For a K or a solver that cannot be, or when the memory does not suffice: before the work starts.
    """
    with one_thread():
        return _solve(D, n_clusters, solver, rank, tol, max_iter, dtype, time_limit, catch, memory_limit, keep, rng)


def _solve(
    D: Similarity, n_clusters: float, solver: str, rank: int | None, tol: float, max_iter: int | None,
    dtype: type | None, time_limit: float | None, catch: bool, memory_limit: float | None, keep: Kept | None,
    rng: np.random.Generator,
) -> Solution:  # fmt: skip
    n, K = D.n, check_clusters(n_clusters, D.n)
    if solver not in SOLVERS:
        raise InputError(f"solver={solver!r}; expected one of {', '.join(map(repr, SOLVERS))}")
    if solver == "auto":
        solver = "convex" if n <= AUTO else "low-rank"
    if K in (1, n) or not D.any():  # 11'/n or the identity alone is feasible, or any matrix is optimal
        point = Feasible.nearest(np.full((n, 1), n**-0.5), K)
        value = point.objective(D)
        return Solution(point, value, value, [(0.0, 0, value, value)])
    dtype = dtype or (np.float32 if tol >= 5e-5 else np.float64)
    rank = rank or int(np.ceil(8 * K))
    need, what = memory(n, solver, rank, dtype)
    check_memory(need, what, memory_limit)
    deadline = np.inf if time_limit is None else time.perf_counter() + time_limit
    words: dict[str, Any] = {"deadline": deadline, "catch": catch, "keep": keep or Kept()}
    if solver == "conditional-gradient":
        return conditional_gradient(D, K, tol=tol, max_iter=max_iter or 2000, seed=rng, **words)
    Y = spread(first_labels(D, K, rng), rank, rng)
    if solver == "low-rank":
        kind = np.float64 if D.factor is None else D.factor.dtype
        return low_rank(D, K, Y.astype(kind), max_iter=max_iter or 1000, **words)
    guess = low_rank(D, K, Y, tol=min(1e-5, tol / 10), max_iter=200, **words)
    if guess.stopped in ("time", "interrupt"):
        max_iter = 1
    F = np.ascontiguousarray(guess.point.scale[:, None] * guess.point.factor)
    solution = convex(D, K, F, tol=tol, max_iter=max_iter or 5000, dtype=dtype, seed=rng, **words)
    return solution if guess.stopped not in ("time", "interrupt") else replace(solution, stopped=guess.stopped)


def memory(n: int, solver: str, rank: int, dtype: type) -> tuple[float, str]:
    """Bytes that a solver needs beside the data, and what needs them."""
    if solver == "low-rank":
        return 8.0 * 10 * n * rank, f"a factor of rank {rank} for {n} samples"
    states = (2 if n <= KEPT else 1) if solver == "convex" else 7
    return float(n) ** 2 * (states * np.dtype(dtype).itemsize + 8), f"the {solver} solver for {n} samples"


def first_labels(D: Similarity, K: float, rng: np.random.Generator) -> np.ndarray:
    """Clusters to start from: K-means on the factor, or on leading eigenvectors of the matrix."""
    k = int(np.ceil(min(K, D.n)))
    if D.factor is not None:
        X = D.factor
    else:
        S = D.normal.rows(slice(0, D.n))
        values, V = lanczos(lambda v: S @ v, rng.standard_normal(D.n), k)
        X = V * np.sqrt(np.maximum(values, 0))
    k = min(k, distinct(X))
    return KMeans(k, n_init=1, random_state=int(rng.integers(2**31))).fit_predict(X)
