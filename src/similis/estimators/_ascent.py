"""The dual of a finite sample, solved: in closed form where it is linear, else by coordinate ascent to a small gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, sparse

from .._errors import InputError
from ..kernels import dual as kernel
from ..networks import Representer
from ..networks.regularizers import L2

#: of the mean squared input, added to the second moments of the output-variance regulariser: they need an inverse
RIDGE = 1e-6
#: unknowns up to which linear equations are solved at once
CLOSED = 4096
#: share of the mean loss at w = 0 above which a closed form has lost too many digits
CLOSED_GAP = 1e-10
#: passes between two looks at the gap
CHECK = 4


def packed(X: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows as the kernels take them: values, columns (none if dense), where each row starts."""
    if sparse.issparse(X):
        data = np.require(X.data, requirements=["C", "A", "W"])
        return data, X.indices.astype(np.int32), X.indptr.astype(np.int64)
    T, d = X.shape
    return (
        np.require(X, requirements=["C", "A", "W"]).reshape(-1),
        np.empty(0, np.int32),
        np.arange(0, T * d + 1, d, dtype=np.int64),
    )


def features(G: np.ndarray) -> np.ndarray:
    """Rows whose inner products are the similarities G (n, n): any kernel becomes linear."""
    if G.shape[0] != G.shape[1]:
        raise InputError(f"X has shape {G.shape}; expected the similarities of the samples among themselves, a square")
    rounding = np.sqrt(np.finfo(G.dtype).eps)
    if np.abs(G - G.T).max() > rounding * np.abs(G).max():
        raise InputError("the similarities of X are not symmetric; give K[i, j] = k(x_i, x_j), or (K + K.T) / 2")
    values, vectors = linalg.eigh(G.astype(np.float64))
    if values[0] < -rounding * np.abs(values).max():
        raise InputError(
            f"the similarities of X have an eigenvalue {values[0]:.3g} beside a largest one of {values[-1]:.3g}; "
            "expected a kernel that is positive semidefinite, such as 'rbf'"
        )
    kept = values > values[-1] * len(G) * np.finfo(float).eps
    return vectors[:, kept] * np.sqrt(values[kept])


@dataclass(frozen=True)
class Solution:
    """Dual variables A (K, T), their Hebbian sums H and weights W (K, d + 1), passes made.

    ``apart``, alpha (R(w) + R*(h) - w.h), is what W is from the weights that A makes, 0 where W was made of H.
    """

    A: np.ndarray
    H: np.ndarray
    W: np.ndarray
    n_iter: int
    apart: np.ndarray | float = 0.0


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
        return self.network.gap(solution.A, Z, self.Y) + solution.apart

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
        return Solution(found.A, W @ C, W, found.n_iter, found.apart)

    def _closed(self) -> Solution:
        """Ridge regression: (X X' / (alpha T) + I) a = y, or the normal equations where they are fewer.

        Where the products of few rows lose too many digits (features of very different size), or have no Cholesky
        factor, from singular values.
        """
        T, d = self.X.shape
        column = np.full((T, 1), self.const)
        X: Any = sparse.hstack([self.X, column], "csr") if sparse.issparse(self.X) else np.hstack([self.X, column])
        X, beyond = X.astype(np.float64), d + 1 >= T
        G: Any = X @ X.T if beyond else X.T @ X
        G = G.toarray() if sparse.issparse(G) else G
        G /= self.alpha * T
        G[np.diag_indices_from(G)] += 1.0
        try:
            factor = linalg.cho_factor(G)
            if beyond:
                W = (X.T @ linalg.cho_solve(factor, self.Y.T)).T / (self.alpha * T)
            else:
                W = linalg.cho_solve(factor, X.T @ self.Y.T / (self.alpha * T)).T
            found = self._apart(W, self.Y - (X @ W.T).T)
            if not beyond or np.all(self.gaps(found) <= CLOSED_GAP * self.scale):
                return found
        except linalg.LinAlgError:
            pass
        U, s, V = linalg.svd(X.toarray() if sparse.issparse(X) else X, full_matrices=False)
        inside, share = self.Y @ U, s / (s * s + self.alpha * T)
        return self._apart((inside * share) @ V, self.Y - (inside * (s * share)) @ U.T)

    def _apart(self, W: np.ndarray, A: np.ndarray) -> Solution:
        """Weights and dual variables that were found apart."""
        A, H = np.ascontiguousarray(A), self._sums(A)
        return Solution(A, H, np.ascontiguousarray(W), 1, 0.5 * self.alpha * ((W - H) ** 2).sum(1))

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
