"""The few largest eigenpairs of a matrix that changes slowly, carried from one matrix to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import linalg
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh

from .._kept import restore
from .problem import simplex

#: vectors kept beside the active ones, and fresh random ones now and then, so that none is missed
SPARE, FRESH = 8, 2


class Leading:
    """Leading eigenvectors of symmetric matrices A1, A2, ... on the complement of 1, for a projection on a simplex.

    Each call makes one shifted power step of the whole block and a Rayleigh-Ritz step, two products A V in all, and
    keeps as many vectors as the simplex wants, and a few more.

    Parameters
    ----------
    V : (n, r) array, first guesses
    total : float, of the simplex
    rng : Generator
    """

    def __init__(self, V: np.ndarray, total: float, rng: np.random.Generator) -> None:
        self.V, self.total, self.rng = V, total, rng
        self.values = np.zeros(V.shape[1])
        self._low, self._lowest = 0.0, self._random(1)

    def __call__(self, times: Callable[[np.ndarray], np.ndarray], steps: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Weights w > 0 with sum ``total`` and orthonormal V (n, k): V diag(w) V' is the projection of A."""
        n = len(self.V)
        if self.V.shape[1] * 3 > n:
            return self._all(times)
        for _ in range(steps):
            X = self._power(times)
            X /= np.maximum(np.linalg.norm(X, axis=0), 1e-30)
            X = _orthonormal(X)
            AX = centre(times(X))
            H = (X.T @ AX).astype(np.float64)
            values, U = linalg.eigh((H + H.T) / 2, driver="evd", check_finite=False)
            self.values, self.V = values[::-1], X @ U[:, ::-1].astype(X.dtype)
        return self._active()

    def refresh(self) -> None:
        """Take in a few random directions: an eigenvector that the block had missed enters by them."""
        self.V = np.concatenate([self.V, self._random(FRESH)], 1)
        self.values = np.concatenate([self.values, np.full(FRESH, self.values[-1])])

    def copy(self) -> Leading:
        other = Leading(self.V.copy(), self.total, self.rng)
        other.values, other._low, other._lowest = self.values.copy(), self._low, self._lowest
        return other

    def pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and numbers that the next call begins from."""
        arrays = {"V": self.V, "values": self.values, "lowest": self._lowest}
        return arrays, {"low": self._low, "rng": self.rng.bit_generator.state}

    def restore(self, held: Any) -> None:
        n = len(self.V)
        self.V = held.array("V", n, "block", dtype=self.V.dtype)
        self.values = held.array("values", "block", dtype=np.float64)
        self._lowest, self._low = held.array("lowest", n, 1, dtype=self.V.dtype), held.number("low")
        restore(self.rng, held.plain("rng"))

    def _power(self, times: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """(A - shift) V with the shift midway between the lowest eigenvalue and the last of the block."""
        W = centre(times(np.concatenate([self.V, self._lowest], 1)))
        low, top = self._lowest[:, 0], float(self.values[-1])
        self._low = min(float(low @ W[:, -1]), 0.0)
        away = W[:, -1:] - low.dtype.type(max(float(self.values[0]), 0.0)) * self._lowest
        self._lowest = away / max(float(np.linalg.norm(away)), 1e-30)
        shift = 0.5 * (1.05 * self._low + min(top, 0.0)) if top <= 0 else 0.5 * (1.05 * self._low + top)
        return W[:, :-1] - W.dtype.type(shift) * self.V

    def _active(self) -> tuple[np.ndarray, np.ndarray]:
        weights = simplex(self.values, self.total)
        k, r = int(np.count_nonzero(weights)), len(weights)
        V = self.V[:, :k]
        if r < k + SPARE // 2:
            self.V = np.concatenate([self.V, self._random(SPARE)], 1)
            self.values = np.concatenate([self.values, np.full(SPARE, self.values[-1])])
        elif r > (keep := max(k + 2 * SPARE, int(1.5 * k))):
            self.V, self.values = np.ascontiguousarray(self.V[:, :keep]), self.values[:keep]
        return weights[:k], V

    def _all(self, times: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Every eigenpair, where the block is nearly the whole space."""
        n, dtype = len(self.V), self.V.dtype
        A = centre(centre(times(np.eye(n, dtype=dtype))).T).astype(np.float64)
        # -> A with its zero eigenvalue on 1 moved below all others
        values, V = linalg.eigh((A + A.T) / 2 - (4 * np.abs(A).sum(1).max() + 1) / n, driver="evd", check_finite=False)
        self.values, self.V = values[:0:-1], V[:, :0:-1].astype(dtype)
        weights = simplex(self.values, self.total)
        k = int(np.count_nonzero(weights))
        W, active = self.V[:, :k], weights[:k]
        keep = min(n - 1, max(k + SPARE, int(1.25 * k)))
        self.V, self.values = np.ascontiguousarray(self.V[:, :keep]), self.values[:keep]
        return active, W

    def _random(self, k: int) -> np.ndarray:
        R = centre(self.rng.standard_normal((len(self.V), k)).astype(self.V.dtype))
        return R / np.linalg.norm(R, axis=0)


def lanczos(
    times: Callable[[np.ndarray], np.ndarray], start: np.ndarray, k: int, *, which: str = "LA", tol: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Up to k extreme eigenpairs of a symmetric n x n matrix; every eigenpair is computed where ARPACK gives up."""
    n = len(start)
    operator = LinearOperator((n, n), matvec=lambda v: times(np.ravel(v)), dtype=np.float64)
    try:
        return eigsh(operator, min(k, n - 1), which=which, v0=start, tol=tol)
    except ArpackNoConvergence as error:
        if len(error.eigenvalues):
            return error.eigenvalues, error.eigenvectors
        return np.array([start @ times(start) / (start @ start)]), start[:, None]
    except ArpackError:  # the matrix is 0, or the start lies in a small invariant space
        A = np.stack([times(e) for e in np.eye(n)], 1)
        values, V = linalg.eigh((A + A.T) / 2, driver="evd")
        chosen = slice(-k, None) if which == "LA" else slice(k)
        return values[chosen], V[:, chosen]


def centre(V: np.ndarray) -> np.ndarray:
    """Columns without their means."""
    return V - V.mean(0)


def _orthonormal(X: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the columns, by Cholesky where it is safe, else by Householder."""
    G = (X.T @ X).astype(np.float64)
    floor = 1e-5 if X.dtype == np.float32 else 1e-10
    try:
        L = linalg.cholesky(G, lower=True, check_finite=False)
    except linalg.LinAlgError:
        L = None
    if L is None or np.diag(L).min() < floor**0.5:
        return linalg.qr(X, mode="economic", check_finite=False)[0]
    return X @ linalg.solve_triangular(L, np.eye(len(L)), lower=True, check_finite=False).T.astype(X.dtype)
