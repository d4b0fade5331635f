"""The low-rank heuristic: Q = YY' with Y >= 0, on the surface where every row of Q sums to 1; memory n r, never n x n.

    max <D, YY'>   subject to   Y >= 0,   Y (Y'1) = 1,   |Y|^2 = K

A restriction (YY' is completely positive) and not convex, so no proof comes with it. Each step moves along the gradient
with its multipliers taken out,

    G = -2 D Y + 2 m Y + z s' + 1 (Y'z)',    s = Y'1,

z and m from least squares over the positive entries, clips at 0, and returns to the surface by scaling rows; momentum
restarts when it points uphill. It starts feasible and stays so: Y = 0, where penalties may fall, is never near.
"""

from __future__ import annotations

import time

import numpy as np

from .._kept import Kept
from .certificate import Feasible, row_scale
from .convex import Solution, history_from, history_of
from .problem import Similarity

#: steps of the least squares for the multipliers; of momentum the most; iterations between looks
MULTIPLIERS, MOMENTUM, LOOK = 3, 0.95, 25


def spread(labels: np.ndarray, rank: int, rng: np.random.Generator, noise: float = 0.01) -> np.ndarray:
    """A feasible first Y from clusters: each one's columns are copies, half of each row on one of them, plus noise."""
    n, k = len(labels), int(labels.max()) + 1
    copies = max(1, rank // k)
    own = np.eye(k)[labels]
    Y = np.tile(own / (2 * copies), (1, copies))
    Y[np.arange(n), rng.integers(0, copies, n) * k + labels] += 0.5
    Y = np.concatenate([Y, np.zeros((n, max(0, rank - Y.shape[1])))], 1)
    return _on_surface(Y + noise * rng.random(Y.shape))


def low_rank(
    D: Similarity, K: float, start: np.ndarray, *, tol: float = 1e-6, max_iter: int = 1000, deadline: float = np.inf,
    catch: bool = False, keep: Kept | None = None,
) -> Solution:  # fmt: skip
    """Climb from a nonnegative Y until the objective gains less than ``tol``, relatively, in 25 iterations.

    Parameters
    ----------
    D : Similarity
    K : trace
    start : (n, r) array >= 0 of any scale; its dtype is used throughout
    deadline, catch, keep : as in :func:`similis.nomad.convex`

    Returns
    -------
    Solution
        Exactly feasible; its bound is infinite.
    """
    began, scale, D, Y = time.perf_counter(), D.scale, D.normal, _on_surface(start)
    size = _largest(D, Y.dtype)
    climb = _Climb(D, K, size)
    before, objective, momentum, n_iter, stopped = Y, 0.0, 1.0, 0, "iterations"
    history: list[tuple[float, int, float, float]] = []
    keep = keep or Kept()
    if (held := keep.found("low-rank")) is not None:
        Y, before = (held.array(name, *Y.shape, dtype=Y.dtype, low=0) for name in ("Y", "before"))
        climb.z, climb.m = held.array("z", D.n, dtype=np.float64), held.number("m")
        objective, momentum, n_iter = held.number("objective"), held.number("momentum", 1), held.integer("n_iter")
        history, began = history_from(held), began - held.number("seconds", 0)
    try:
        while n_iter < max_iter:
            following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            ahead = Y + Y.dtype.type(min((momentum - 1) / following, MOMENTUM)) * (Y - before)
            np.maximum(ahead, 0, out=ahead)
            new = climb.step(ahead)
            momentum = 1.0 if np.vdot(new - Y, ahead - new) > 0 else following
            before, Y, n_iter = Y, new, n_iter + 1
            if time.perf_counter() > deadline:
                stopped = "time"
                break
            if n_iter % LOOK == 0:
                last, objective = objective, D.of(Y)
                history.append((time.perf_counter() - began, n_iter, objective, np.inf))
                if abs(objective - last) <= tol * abs(objective):
                    stopped = "objective"
                    break
            if keep.due():
                meta = {"m": climb.m, "objective": objective, "momentum": momentum, "n_iter": n_iter}
                keep.put("low-rank", {"Y": Y, "before": before, "z": climb.z}, meta | history_of(history, began))
    except KeyboardInterrupt:
        if not catch:
            raise
        stopped = "interrupt"
    point = Feasible.nearest(Y, K)
    objective = point.objective(D)
    history.append((time.perf_counter() - began, n_iter, objective, np.inf))
    return Solution(point, objective, np.inf, history, n_iter, stopped).times(scale)


class _Climb:
    """One step, and the multipliers z of the row sums and m of the trace, carried from step to step."""

    def __init__(self, D: Similarity, K: float, size: float) -> None:
        self.D, self.K, self.size = D, K, size
        self.z, self.m = np.zeros(D.n), 0.0

    def step(self, Y: np.ndarray) -> np.ndarray:
        dtype = Y.dtype.type
        free, s = Y > 0, Y.sum(0)
        G = self.D.times(Y).astype(Y.dtype, copy=False)
        G *= dtype(-2 / self.size)
        G += self._normal(Y, s, self.z, self.m)
        b, c = self._constraints(Y, s, -G * free)
        z, m, p, q, size = 0.0 * b, 0.0, b, c, float(b @ b + c * c)
        for _ in range(MULTIPLIERS):  # conjugate gradients on the normal equations
            if size <= 1e-30:
                break
            Ap, Aq = self._constraints(Y, s, self._normal(Y, s, p, q) * free)
            if not (curvature := float(p @ Ap + q * Aq)) > 0:
                break
            a = size / curvature
            z, m, b, c = z + a * p, m + a * q, b - a * Ap, c - a * Aq
            size, last = float(b @ b + c * c), size
            p, q = b + size / last * p, c + size / last * q
        self.z, self.m = self.z + z, self.m + m
        G += self._normal(Y, s, z, m)
        G *= dtype(-0.5)
        G += Y
        return self._trace(_on_surface(np.maximum(G, 0, out=G)))

    def _trace(self, Y: np.ndarray) -> np.ndarray:
        """Back to |Y|^2 = K, to first order, along the surface."""
        excess = float(np.vdot(Y, Y)) - self.K
        free, s, W = Y > 0, Y.sum(0), 2 * Y
        for _ in range(3):
            rows = self._constraints(Y, s, W)[0]
            W += self._normal(Y, s, -rows / (2 * len(Y)), 0.0)
            W *= free
        slope = 2 * float(np.vdot(Y, W))
        if slope <= 1e-12:
            return Y
        return _on_surface(np.maximum(Y - Y.dtype.type(np.clip(excess / slope, -0.1, 0.1)) * W, 0))

    @staticmethod
    def _normal(Y: np.ndarray, s: np.ndarray, z: np.ndarray, m: float) -> np.ndarray:
        """Gradient of ``z.(Y Y'1 - 1) + m |Y|^2``."""
        z = z.astype(Y.dtype, copy=False)
        N = np.multiply.outer(z, s)
        N += Y.T @ z
        if m:
            N += Y.dtype.type(2 * m) * Y
        return N

    @staticmethod
    def _constraints(Y: np.ndarray, s: np.ndarray, W: np.ndarray) -> tuple[np.ndarray, float]:
        """How row sums and trace change along W."""
        return (W @ s + Y @ W.sum(0)).astype(np.float64), 2 * float(np.vdot(Y, W))


def _on_surface(Y: np.ndarray) -> np.ndarray:
    """Rows scaled so that Y (Y'1) = 1; a row that is 0 gets the mean of the others first."""
    empty = Y.sum(1) <= 0
    if empty.any():
        Y = np.where(empty[:, None], Y.mean(0), Y)
    F = Y.astype(np.float64, copy=False)
    loose = 1e-6 if Y.dtype == np.float32 else 1e-11
    d = row_scale(F, lambda v: F @ (F.T @ v), loose)
    return (d[:, None] * F).astype(Y.dtype, copy=False)


def _largest(D: Similarity, dtype: np.dtype) -> float:
    """About the largest eigenvalue of D."""
    V = np.random.default_rng(0).standard_normal((D.n, 4)).astype(dtype)
    for _ in range(10):
        V = np.linalg.qr(V)[0]
        V = D.times(V)
    return float(np.linalg.norm(V, 2)) or 1.0
