"""The paper's conditional gradient: eigenvectors join one at a time, nonnegativity by an augmented Lagrangian.

With Q = 11'/n + W, W of zero row sums, the next atom is v, the lowest eigenvector of M G M, M = I - 11'/n. A round t of
the paper is 15 steps k of fixed size, under a penalty that grows, and one step of the multipliers:

    G = -D + L + sqrt(t + 1) min(Q, 0),   W <- (1 - e) W + e (K - 1) v v',   e = 2 / (15 t + k + 2)
    L <- min(L + Q, 0)

Its error falls as one over the number of steps. In a corrective round (Ding, Fei, Xu and Yang 2020) the weights of all
atoms follow instead: W = V S V' on an orthonormal basis V of the atoms so far, S psd of trace K - 1, and three times

    G = -D + min(L + b Q, 0),   S <- P(S - V'GV / b);      then   L <- min(L + 1.6 b Q, 0)
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from scipy import linalg

from .._kept import Kept, restore
from .certificate import Feasible, upper_bound
from .convex import LEFT, RHO, Solution, _State, gone_on
from .eigen import lanczos
from .problem import Similarity, centred, simplex

#: steps of the paper's round; rounds between looks at objective and bound
STEPS, LOOK = 15, 25
#: the corrective round: new atoms, steps on the weights, their multipliers' step, and b over |D| / sqrt(K - 1)
ATOMS, CORRECTIONS, RELAX, PENALTY = 2, 3, 1.6, 1.7


def conditional_gradient(
    D: Similarity, K: float, *, tol: float = 1e-3, max_iter: int = 2000, corrective: bool = True,
    deadline: float = np.inf, catch: bool = False, keep: Kept | None = None, seed: np.random.Generator,
) -> Solution:  # fmt: skip
    """The paper's solver, projected on the feasible set at the end and bounded by its multipliers.

    Parameters
    ----------
    D : Similarity
    K : trace
    tol : relative gap to reach, as in :func:`similis.nomad.convex`; the point is projected once no entry is below
        -tol K / n, the root mean square of those below 0 is under tol / 10, and the bound is near
    max_iter : rounds t
    corrective : whether the weights of all atoms are corrected each round; False is the paper's fixed step
    deadline, catch, keep, seed : as in :func:`similis.nomad.convex`
    """
    began, scale, D = time.perf_counter(), D.scale, D.normal
    rounds = (_Corrective if corrective else _Paper)(D.rows(slice(0, D.n)), K, seed)
    solution = Solution(Feasible.nearest(np.full((D.n, 1), D.n**-0.5), K), 0.0, np.inf)
    solution.objective = solution.point.objective(D)
    target, keep = tol, keep or Kept()
    if (held := keep.found("conditional-gradient")) is not None:
        rounds.restore(held)
        solution, target, began = gone_on(held, began)
    while True:
        solution.stopped = _descend(D, K, rounds, solution, began, target, max_iter, deadline, catch, keep)
        F = rounds.factor()
        state = _State(D, K, F, rounds.penalty, np.float64, seed, below=rounds.L / rounds.penalty)
        for point in (Feasible.nearest(F, K), state.feasible(LEFT * target)):
            if (objective := point.objective(D)) > solution.objective:
                solution.point, solution.objective = point, objective
        solution.bound = min(solution.bound, upper_bound(D, K, rounds.L))
        if solution.stopped != "gap" or solution.gap <= tol:
            break
        target /= 2
    if solution.gap <= tol:
        solution.stopped = "gap"
    solution.history.append((time.perf_counter() - began, solution.n_iter, solution.objective, solution.bound))
    return solution.times(scale)


def _descend(
    D: Similarity, K: float, rounds: _Paper, solution: Solution, began: float, target: float, max_iter: int,
    deadline: float, catch: bool, keep: Kept,
) -> str:  # fmt: skip
    """Rounds until Q is nearly feasible and its objective near the bound; says why it stopped."""
    try:
        while rounds.done < max_iter:
            solution.n_iter += rounds.round(rounds.done)
            rounds.done += 1
            if time.perf_counter() > deadline:
                return "time"
            if rounds.done % LOOK == 0 or rounds.done == max_iter:
                objective = D.pairing(slice(0, D.n), rounds.Q)
                solution.bound = min(solution.bound, upper_bound(D, K, rounds.L))
                solution.history.append((time.perf_counter() - began, solution.n_iter, objective, solution.bound))
                lacking = np.maximum(-rounds.Q, 0)
                small = float(lacking.max()) * D.n / K < target and float((lacking**2).mean()) ** 0.5 < target / 10
                if small and abs(solution.bound - objective) <= target * abs(objective):
                    return "gap"
            if keep.due():
                (arrays, meta), (own, more) = rounds.pack(), solution.pack(began, target=target)
                keep.put("conditional-gradient", arrays | own, meta | more)
    except KeyboardInterrupt:
        if not catch:
            raise
        return "interrupt"
    return "iterations"


class _Paper:
    """Q and the multipliers L <= 0 of its entries, by steps of fixed size."""

    penalty = RHO
    done = 0

    def __init__(self, D: np.ndarray, K: float, rng: np.random.Generator) -> None:
        n = len(D)
        self.D, self.K, self.rng = D, K, rng
        self.Q, self.L = np.full((n, n), 1 / n), np.zeros((n, n))

    def round(self, t: int) -> int:
        n = len(self.Q)
        for k in range(STEPS):
            G = (t + 1) ** 0.5 * np.minimum(self.Q, 0) + self.L - self.D
            values, V = _lowest(G, 1, self.rng, 1 / (k + 1))
            if values[0] < 0:
                share = 2 / (STEPS * t + k + 2)
                self.Q += share * (1 / n + (self.K - 1) * np.outer(V[:, 0], V[:, 0]) - self.Q)
        self.L = np.minimum(self.L + self.Q, 0)
        return STEPS

    def pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What the next round begins from."""
        return {"Q": self.Q, "L": self.L}, {"done": self.done, "rng": self.rng.bit_generator.state}

    def restore(self, held: Any) -> None:
        n = len(self.Q)
        self.Q, self.L = (held.array(name, n, n, dtype=np.float64) for name in ("Q", "L"))
        self.done = held.integer("done")
        restore(self.rng, held.plain("rng"))

    def factor(self) -> np.ndarray:
        """(n, r) F, FF' the nearest psd matrix of the right row sums and trace."""
        n = len(self.Q)
        values, V = linalg.eigh(centred((self.Q + self.Q.T) / 2), driver="evd")
        weights = simplex(values[:0:-1], self.K - 1)
        k = int(np.count_nonzero(weights))
        return np.concatenate([np.full((n, 1), n**-0.5), V[:, :0:-1][:, :k] * np.sqrt(weights[:k])], 1)


class _Corrective(_Paper):
    """The same with all atoms kept, in an orthonormal basis V, and weighed anew."""

    def __init__(self, D: np.ndarray, K: float, rng: np.random.Generator) -> None:
        super().__init__(D, K, rng)
        self.penalty = PENALTY * float(np.linalg.norm(self.D)) / max(K - 1, 1e-3) ** 0.5 or 1.0
        self.V, self.S = np.zeros((len(D), 0)), np.zeros((0, 0))

    def round(self, t: int) -> int:
        n, b = len(self.Q), self.penalty
        if self.V.shape[1] < n - 1:
            self._join(_lowest(np.minimum(self.L + b * self.Q, 0) - self.D, ATOMS, self.rng, 0.1)[1])
        V = self.V
        for _ in range(CORRECTIONS):
            G = np.minimum(self.L + b * self.Q, 0) - self.D
            values, U = linalg.eigh(self.S - V.T @ G @ V / b, driver="evd", check_finite=False)
            weights = simplex(values[::-1], self.K - 1)[::-1]
            self.S = (U * weights) @ U.T
            self.Q = 1 / n + V @ self.S @ V.T
        self.L = np.minimum(self.L + RELAX * b * self.Q, 0)
        return 1

    def pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, meta = super().pack()
        return arrays | {"V": self.V, "S": self.S}, meta

    def restore(self, held: Any) -> None:
        super().restore(held)
        self.V = held.array("V", len(self.Q), "atoms", dtype=np.float64)
        self.S = held.array("S", "atoms", "atoms", dtype=np.float64)

    def _join(self, X: np.ndarray) -> None:
        """Take what the span of the atoms lacks of some vectors into it."""
        for x in X.T:
            for _ in range(2):
                x = x - self.V @ (self.V.T @ x)
            if (length := float(np.linalg.norm(x))) > 1e-3:
                self.V = np.concatenate([self.V, x[:, None] / length], 1)
                self.S = linalg.block_diag(self.S, np.zeros((1, 1)))


def _lowest(G: np.ndarray, k: int, rng: np.random.Generator, tol: float) -> tuple[np.ndarray, np.ndarray]:
    """The k lowest eigenpairs of M G M, from a random vector: the last one would hide all others."""
    n, far = len(G), float(np.abs(G).max()) * len(G) + 1  # where the constant vector's eigenvalue goes
    start = _zero_mean(rng.standard_normal(n))
    values, V = lanczos(lambda x: _zero_mean(G @ _zero_mean(x)) + far * x.mean(), start, k, which="SA", tol=tol)
    V = V - V.mean(0)
    return values, V / np.linalg.norm(V, axis=0)


def _zero_mean(v: np.ndarray) -> np.ndarray:
    return v - v.mean()
