"""The dual of a finite sample, solved: in closed form where it is linear, else by coordinate ascent to a small gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, sparse

from ..kernels import dual as kernel
from ..networks import Representer
from ..networks.regularizers import L2

#: of the mean squared input, added to the second moments of the output-variance regulariser: they need an inverse
RIDGE = 1e-6
#: unknowns up to which linear equations are solved at once
CLOSED = 4096
#: passes between two looks at the gap
CHECK = 4


def packed(X: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows as the kernels take them: values, columns (none if dense), where each row starts."""
    if sparse.issparse(X):
        return X.data, X.indices.astype(np.int32, copy=False), X.indptr.astype(np.int64)
    T, d = X.shape
    return np.ascontiguousarray(X).reshape(-1), np.empty(0, np.int32), np.arange(0, T * d + 1, d, dtype=np.int64)


def features(G: np.ndarray) -> np.ndarray:
    """Rows whose inner products are the similarities G (n, n): any kernel becomes linear."""
    values, vectors = linalg.eigh(G.astype(np.float64))
    kept = values > values[-1] * len(G) * np.finfo(float).eps
    return vectors[:, kept] * np.sqrt(values[kept])


@dataclass(frozen=True)
class Solution:
    """Dual variables A (K, T), Hebbian sums H and weights W (K, d + 1) that A makes, passes made."""

    A: np.ndarray
    H: np.ndarray
    W: np.ndarray
    n_iter: int


@dataclass(frozen=True)
class Problem:
    """``min_w < l(w.x; y) > + alpha R(w)`` over samples X (T, d), for each row of Y (K, T).

    The last weight is that of a constant input, ``const``; ``closed`` allows closed forms.
    """

    network: Representer
    X: Any
    Y: np.ndarray
    alpha: float
    const: float
    closed: bool = True

    @property
    def scale(self) -> np.ndarray:
        """(K,) the mean loss at w = 0, the unit of the gap."""
        still = self.network.loss.of(np.zeros_like(self.Y), self.Y).mean(1)
        return np.where(still > 0.0, still, 1.0)

    @property
    def curvatures(self) -> np.ndarray:
        """(T,) how much R* can bend along each row."""
        values, _, starts = packed(self.X)
        kind, q = self.network.regularizer, np.empty(self.X.shape[0])
        kernel.curvatures(values, starts, self.const, kind.code, kind.exponent, kind.mass, q)
        return q

    def gaps(self, solution: Solution) -> np.ndarray:
        """(K,) duality gaps."""
        Z = np.ascontiguousarray((self.X @ solution.W[:, :-1].T).T) + self.const * solution.W[:, -1:]
        return self.network.gap(solution.A, Z, self.Y)

    def solve(self, tol: float, max_iter: int, rng: np.random.Generator | None) -> Solution:
        """Until no gap is above ``tol`` times the scale, in at most ``max_iter`` passes, in random order if ``rng``."""
        if self.network.regularizer.name == "output-variance":
            return self._whitened(tol, max_iter, rng)
        linear = self.network.loss.name == "squared" and self.network.regularizer.name == "l2"
        if self.closed and linear and min(self.X.shape[0], self.X.shape[1] + 1) <= CLOSED:
            return self._closed()
        return self._climb(tol, max_iter, rng)

    def _whitened(self, tol: float, max_iter: int, rng: np.random.Generator | None) -> Solution:
        """On inputs of unit second moments the output's variance is |w|^2."""
        X = np.column_stack([self.X, np.full(len(self.X), self.const)]).astype(np.float64)
        C = X.T @ X / len(X)
        C += RIDGE * max(np.trace(C) / len(C), np.finfo(float).tiny) * np.eye(len(C))
        values, vectors = linalg.eigh(C)
        whitener = vectors / np.sqrt(values)
        plain = Representer(self.network.loss, L2())
        found = Problem(plain, X @ whitener, self.Y, self.alpha, 0.0, self.closed).solve(tol, max_iter, rng)
        W = found.W[:, :-1] @ whitener.T
        return Solution(found.A, W @ C, W, found.n_iter)

    def _closed(self) -> Solution:
        """Ridge regression: (X X' / (alpha T) + I) a = y, or the normal equations where they are fewer."""
        T, d = self.X.shape
        column = np.full((T, 1), self.const)
        X = sparse.hstack([self.X, column], "csr") if sparse.issparse(self.X) else np.hstack([self.X, column])
        X, beyond = X.astype(np.float64), d + 1 >= T
        G: Any = X @ X.T if beyond else X.T @ X
        G = G.toarray() if sparse.issparse(G) else G
        G /= self.alpha * T
        G[np.diag_indices_from(G)] += 1.0
        if beyond:
            A = linalg.solve(G, self.Y.T, assume_a="pos").T
        else:
            A = self.Y - (X @ linalg.solve(G, X.T @ self.Y.T / (self.alpha * T), assume_a="pos")).T
        W = np.ascontiguousarray((X.T @ A.T).T) / (self.alpha * T)
        return Solution(np.ascontiguousarray(A), W, W, 1)

    def _climb(self, tol: float, max_iter: int, rng: np.random.Generator | None) -> Solution:
        """Dual coordinate ascent: each variable in turn goes to its best, and the weights with it."""
        T, d = self.X.shape
        loss, kind, K = self.network.loss, self.network.regularizer, len(self.Y)
        A, H = np.zeros((K, T)), np.zeros((K, d + 1))
        W = np.zeros_like(H) if kind.linked else H
        rows, scale, per = packed(self.X), self.scale, 1.0 / (self.alpha * T)
        q, order, active = self.curvatures * per, np.arange(T), np.ones(K, bool)
        epsilon, n_iter = float(getattr(loss, "epsilon", 0.0)), 0
        while active.any() and n_iter < max_iter:
            order = order if rng is None else rng.permutation(T)
            kernel.ascend(
                *rows, self.const, self.Y, order, loss.code, epsilon, kind.code, kind.exponent, kind.mass, per, q,
                active, A, H, W,
            )  # fmt: skip
            n_iter += 1
            if n_iter % CHECK == 0 or n_iter == max_iter:
                H[:] = self._sums(A)  # rounding gathers in a sum of many changes
                if kind.linked:
                    kernel.links(kind.code, kind.exponent, kind.mass, H, W)
                active = self.gaps(Solution(A, H, W, n_iter)) > tol * scale
        return Solution(A, H, W, n_iter)

    def _sums(self, A: np.ndarray) -> np.ndarray:
        """(K, d + 1) sum_t a_t x_t / (alpha T)."""
        return np.column_stack([(self.X.T @ A.T).T, self.const * A.sum(1)]) / (self.alpha * A.shape[1])
