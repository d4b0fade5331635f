"""The global optimum by spectral splitting: two sets that are easy to project on, one symmetric matrix of state.

    Q = P( |T| + D / rho ),      T <- T + a (Q - max(T, 0)),      S = rho max(-T, 0)

P projects on ``{Q psd, Q1 = 1, tr Q = K}``: the leading eigenpairs of the centred matrix, their eigenvalues on the
simplex of sum K - 1, plus 11'/n. max(T, 0) tends to the nonnegative solution and S to its multipliers
(Douglas-Rachford; the two-block ADMM with T = Q + U).
"""

from __future__ import annotations

import time
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .._errors import ModelFileError
from .._kept import Kept
from .certificate import Feasible, relative_gap, upper_bound
from .eigen import Leading
from .problem import Similarity, blocks

#: over-relaxation a; iterations between looks at the gap
RELAX, LOOK = 1.7, 25
#: the last leg, which makes Q feasible: how much stiffer, its longest, and the share of the tolerance left to repair
STIFF, LAST, LEFT = 3000.0, 200, 0.1
#: the penalty in units of the start's objective a unit of trace
RHO = 3.0
#: up to so many samples there is room for a second state, for the last leg; beyond, the start's point is all there is
KEPT = 10_000


@dataclass
class Solution:
    """What a solver hands back: an exactly feasible matrix, its objective, and a bound above the optimum.

    Attributes
    ----------
    point : Feasible
    objective, bound : float, of the centred similarity; the optimum lies between them
    history : list of (seconds, iterations, objective, bound) at each look; estimates before the last
    n_iter : int
    stopped : "gap" if the gap is within the tolerance, else "iterations", "time" or "interrupt"; of the low-rank
        heuristic, which has no bound, "objective" where that no longer grows
    """

    point: Feasible
    objective: float
    bound: float
    history: list[tuple[float, int, float, float]] = field(default_factory=list)
    n_iter: int = 0
    stopped: str = "gap"

    @property
    def gap(self) -> float:
        """``(bound - objective) / objective``; 0 where every feasible matrix has the same objective.

        Raises
        ------
        CertificateError
            When the bound lies below the objective.
        """
        return relative_gap(self.objective, self.bound, self.point.n)

    def pack(self, began: float, **more: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and numbers, and ``more`` beside them; ``began`` is when its seconds began."""
        point = self.point
        arrays = {"factor": point.factor, "spill": point.spill, "scale": point.scale}
        meta = {"share": point.share, "objective": self.objective, "bound": self.bound, "n_iter": self.n_iter}
        return arrays, meta | {"stopped": self.stopped} | history_of(self.history, began) | more

    @classmethod
    def restored(cls, held: Any) -> Solution:
        """The solution of :meth:`pack`."""
        factor = held.array("factor", "n", "r", dtype=np.float64)
        spill, scale = (held.array(name, "n", dtype=np.float64) for name in ("spill", "scale"))
        point = Feasible(factor, spill, scale, held.number("share", -1, high=1))
        point.refuse_unsound()
        objective, bound = held.number("objective"), held.number("bound", finite=False)
        return cls(point, objective, bound, history_from(held), held.integer("n_iter"), held.text("stopped"))

    def times(self, scale: float) -> Solution:
        """The solution where the similarity is ``scale`` times as large."""
        history = [(seconds, n_iter, scale * low, scale * high) for seconds, n_iter, low, high in self.history]
        return replace(self, objective=scale * self.objective, bound=scale * self.bound, history=history)


def history_of(history: list[tuple[float, int, float, float]], began: float) -> dict[str, Any]:
    """The history of a solver that is not finished, and its seconds so far."""
    return {"history": [list(row) for row in history], "seconds": time.perf_counter() - began}


def history_from(held: Any) -> list[tuple[float, int, float, float]]:
    """The history of :func:`history_of`."""
    try:
        return [(float(s), int(n), float(low), float(high)) for s, n, low, high in held.plain("history")]
    except (TypeError, ValueError, OverflowError) as error:
        raise ModelFileError(f"no history of a solver ({error}). Start without resume") from error


def gone_on(held: Any, began: float) -> tuple[Solution, float, float]:
    """What a solver had reached: its best point, the gap it looks for, and when it would have begun."""
    return Solution.restored(held), held.number("target", above=0), began - held.number("seconds", 0)


def convex(
    D: Similarity, K: float, start: np.ndarray, *, tol: float = 1e-4, max_iter: int = 5000, rho: float | None = None,
    dtype: type = np.float64, deadline: float = np.inf, catch: bool = False, keep: Kept | None = None,
    seed: np.random.Generator,
) -> Solution:  # fmt: skip
    """The optimum, certified: iterate until objective and bound are within ``tol`` of each other.

    Parameters
    ----------
    D : Similarity
    K : trace
    start : (n, r) array F >= 0 with FF' a first guess of Q: normalised cluster indicators, or a low-rank solution
    tol : relative gap to reach
    rho : penalty, in the units of D; None sets it from the objective of the start
    dtype : of the n x n state, numpy.float32 halves memory and time
    deadline : value of ``time.perf_counter`` at which to stop
    catch : whether KeyboardInterrupt ends the iteration instead of the call
    keep : where the state is kept now and then, and found if it was
    seed : Generator
    """
    keep = keep or Kept()
    began, scale, D = time.perf_counter(), D.scale, D.normal
    state = _State(D, K, start, (rho or 0.0) / scale or RHO * D.of(start) / (K - 1) or 1.0, dtype, seed)
    point = Feasible.nearest(start, K)
    solution = Solution(point, point.objective(D), np.inf)
    target = tol
    if (held := keep.found("convex")) is not None:
        state.restore(held)
        solution, target, began = gone_on(held, began)
    while True:
        solution.stopped = _iterate(state, solution, began, target, max_iter, deadline, catch, keep)
        solution.bound = min(solution.bound, upper_bound(D, K, state.T, state.rho))
        if solution.gap <= tol:
            break
        last = solution.stopped != "gap" or D.n > KEPT
        point = (state if D.n > KEPT else state.copy()).feasible(LEFT * target)
        if (objective := point.objective(D)) > solution.objective:
            solution.point, solution.objective = point, objective
        if last or solution.gap <= tol:
            break
        target, state.before = target / 2, np.inf
    if solution.gap <= tol:
        solution.stopped = "gap"
    elif solution.stopped == "gap":  # too many samples for a second state: nothing is left to go on from
        solution.stopped = "iterations"
    solution.history.append((time.perf_counter() - began, solution.n_iter, solution.objective, solution.bound))
    return solution.times(scale)


def _iterate(
    state: _State, solution: Solution, began: float, target: float, max_iter: int, deadline: float, catch: bool,
    keep: Kept,
) -> str:  # fmt: skip
    """Go on until the start is proved good enough, or the bound is tight; says why it stopped."""
    try:
        while solution.n_iter < max_iter:
            state.step()
            solution.n_iter += 1
            if time.perf_counter() > deadline:
                return "time"
            if solution.n_iter % LOOK == 0:
                objective, bound = state.look()
                solution.history.append((time.perf_counter() - began, solution.n_iter, objective, bound))
                room, still = target * abs(objective), state.before - bound <= 0.1 * target * abs(objective)
                if bound - solution.objective <= 0.9 * room or (still and bound - objective <= 0.5 * room):
                    return "gap"
                state.before = bound
                state.leading.refresh()
            if keep.due():
                (arrays, meta), (own, more) = state.pack(), solution.pack(began, target=target)
                keep.put("convex", arrays | own, meta | more)
    except KeyboardInterrupt:
        if not catch:
            raise
        return "interrupt"
    return "iterations"


class _State:
    """T, and the leading eigenvectors of ``|T| + D / rho``; T starts as FF', plus ``-S / rho`` where S is known."""

    def __init__(
        self, D: Similarity, K: float, start: np.ndarray, rho: float, dtype: type, rng: np.random.Generator,
        below: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        self.D, self.K, self.rho, self.n = D, K, rho, D.n
        self.T: np.ndarray = np.empty((D.n, D.n), dtype)
        for at in blocks(D.n):
            self.T[at] = start[at] @ start.T
            if below is not None:
                self.T[at] = np.maximum(self.T[at], 0) + below[at]
        guesses = np.concatenate([start, D.times(rng.standard_normal((D.n, 16)))], 1)[:, : max(1, D.n - 1)]
        guesses = guesses - guesses.mean(0) + 1e-6 * rng.standard_normal(guesses.shape) / D.n**0.5
        self.leading = Leading(guesses.astype(dtype), K - 1, rng)
        self.weights, self.V = self.leading(self.times, 5)
        self.before = np.inf

    def times(self, V: np.ndarray) -> np.ndarray:
        """(|T| + D / rho) V, without a second n x n matrix."""
        V = np.ascontiguousarray(V)
        out = self.D.times(V).astype(V.dtype, copy=False)
        out /= V.dtype.type(self.rho)
        for at in blocks(self.n):
            out[at] += np.abs(self.T[at]) @ V
        return out

    def step(self, relax: float = RELAX) -> None:
        """Project, and move T."""
        self.weights, self.V = self.leading(self.times)
        VW, a = self.V * self.weights.astype(self.V.dtype), self.V.dtype.type(relax)
        for at in blocks(self.n):
            rows = self.T[at]
            move = VW[at] @ self.V.T
            move += move.dtype.type(1 / self.n)
            move -= np.maximum(rows, 0)
            move *= a
            rows += move

    def look(self) -> tuple[float, float]:
        """Objective of Q, and the bound that holds if no eigenvector is missing: both estimates."""
        V = np.asarray(self.leading.V, np.float64)
        objective = self.D.of(self.V * np.sqrt(self.weights).astype(self.V.dtype))
        SV, total = np.zeros(V.shape), 0.0
        for at in blocks(self.n):
            S = -np.minimum(self.T[at], 0)
            total += float(S.sum(dtype=np.float64))
            SV[at] = S @ self.leading.V
        H = V.T @ (self.D.times(V) + self.rho * SV)
        return objective, self.rho * total / self.n + (self.K - 1) * float(np.linalg.eigvalsh((H + H.T) / 2)[-1])

    def feasible(self, tol: float) -> Feasible:
        """The present Q projected on both sets by the same iteration, stiff; what is left is repaired."""
        self.rho *= STIFF
        for at in blocks(self.n):
            np.maximum(self.T[at], self.T[at] / self.T.dtype.type(STIFF), out=self.T[at])
        self.leading.V = self.leading.V.astype(np.float64)  # what V V' leaves below 0 is then the set's, not rounding's
        for _ in range(LAST // 20):
            for _ in range(20):
                self.step(1.0)
            F = (self.V - self.V.mean(0)) * np.sqrt(self.weights)
            F = np.concatenate([np.full((self.n, 1), self.n**-0.5), F], 1)
            if Feasible.spilt(F).sum() <= tol * (self.K - 1):
                break
        return Feasible.nearest(F, self.K)

    def pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What the next step begins from."""
        arrays, meta = self.leading.pack()
        return arrays | {"T": self.T}, meta | {"rho": self.rho, "before": self.before}

    def restore(self, held: Any) -> None:
        self.T = held.array("T", self.n, self.n, dtype=self.T.dtype)
        self.leading.restore(held)
        self.rho, self.before = held.number("rho", above=0), held.number("before", finite=False)

    def copy(self) -> _State:
        other = copy(self)
        other.T, other.leading = self.T.copy(), self.leading.copy()
        return other
