"""A proof of how close a solution is: an exactly feasible matrix below the optimum, a dual bound above it.

Any symmetric S >= 0 (entrywise) bounds the optimum, because ``<S, Q> >= 0`` for every feasible Q and Q - 11'/n is a
positive semidefinite matrix of trace K - 1 orthogonal to 1:

    max <D, Q>  <=  1'(D + S)1 / n + (K - 1) lambda_max( M (D + S) M )
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from .._errors import CertificateError, ModelFileError
from .eigen import lanczos
from .problem import Similarity, blocks, rounding

#: up to here the largest eigenvalue of the bound is computed; beyond, a Cholesky factor proves that none is larger
EXACT = 512
#: row sums may differ from 1 by so much in a point that counts as feasible
SCALED = 1e-10


@dataclass(frozen=True)
class Feasible:
    """A matrix that satisfies every constraint, by its factor: ``Q = (1 - t) G + t (11'/n or I)``, G = d (FF' + B) d.

    B takes the negative entries of FF' away and puts as much on the diagonal: ``B = E + diag(E1)``, E = max(-FF', 0),
    is diagonally dominant, so G stays positive semidefinite. d makes the row sums 1; t makes the trace K.

    Attributes
    ----------
    factor : (n, r), F
    spill : (n,), E1
    scale : (n,), d
    share : t; mixes with 11'/n if not negative, else -t with the identity
    """

    factor: np.ndarray
    spill: np.ndarray
    scale: np.ndarray
    share: float

    @classmethod
    def nearest(cls, factor: np.ndarray, K: float) -> Feasible:
        """Repair a factor F with nearly FF'1 = 1 and nearly no negative entry of FF'.

        Where no scaling of its rows is found, the point is the one that favours no pair of samples.
        """
        F = np.asarray(factor, np.float64)
        n, nonnegative = len(F), bool(F.min() >= 0)
        point = cls(F, np.zeros(n), np.ones(n), 0.0)
        if not nonnegative:
            point = cls(F, cls.spilt(F), point.scale, 0.0)
        d = row_scale(F, point._times, 4e-15 * n**0.5)
        if not float(np.abs(d * point._times(d) - 1).max()) <= SCALED:
            return cls.nearest(np.full((n, 1), n**-0.5), K)
        trace = float((d**2 * (np.einsum("ij,ij->i", F, F) + point.spill)).sum())
        if abs(trace - K) <= 1e-15 * n:
            share = 0.0
        else:
            share = (trace - K) / (trace - 1) if trace > K else -(K - trace) / (n - trace)
        return cls(F, point.spill, d, share)

    @staticmethod
    def spilt(F: np.ndarray) -> np.ndarray:
        """(n,) E1: what is negative in each row of FF'."""
        return np.concatenate([np.maximum(-F[at] @ F.T, 0.0).sum(1) for at in blocks(len(F))])

    @property
    def n(self) -> int:
        return len(self.factor)

    @property
    def dtype(self) -> np.dtype:
        return self.factor.dtype

    def _times(self, v: np.ndarray) -> np.ndarray:
        if not self.spill.any():
            return self.factor @ (self.factor.T @ v)
        parts = [np.maximum(self.factor[at] @ self.factor.T, 0.0) @ v for at in blocks(self.n)]
        return np.concatenate(parts) + self.spill * v

    def refuse_unsound(self) -> None:
        """Refuse, for the parts of a file, what is no such matrix.

        Raises
        ------
        ModelFileError
            If B or d is not, or rows do not sum to 1.
        """
        signs = (self.spill >= 0).all() and (self.scale > 0).all() and abs(self.share) <= 1
        with np.errstate(over="ignore", invalid="ignore"):
            if not (signs and float(np.abs(self.scale * self._times(self.scale) - 1).max()) <= 2 * SCALED):
                raise ModelFileError("the rows of Q do not sum to 1")

    def rows(self, at: slice) -> np.ndarray:
        """Q[at], (rows, n)."""
        rows = np.maximum(self.factor[at] @ self.factor.T, 0.0)
        here = np.arange(at.start, at.stop)
        rows[here - at.start, here] += self.spill[at]
        rows *= self.scale[at, None] * self.scale
        rows *= 1 - abs(self.share)
        if self.share >= 0:
            rows += self.share / self.n
        else:
            rows[here - at.start, here] -= self.share
        return rows

    def dense(self) -> np.ndarray:
        """Q, (n, n)."""
        return np.concatenate([self.rows(at) for at in blocks(self.n)])

    def objective(self, D: Similarity) -> float:
        """``<D, Q>``."""
        F = self.scale[:, None] * self.factor
        value = D.of(F)
        diagonal = D.diagonal().astype(np.float64)
        if self.spill.any():
            value += float(self.scale**2 * self.spill @ diagonal)
            value += sum(D.pairing(at, np.maximum(-F[at] @ F.T, 0.0)) for at in blocks(self.n))
        return (1 - abs(self.share)) * value + max(-self.share, 0.0) * float(diagonal.sum())


def row_scale(F: np.ndarray, times: Callable[[np.ndarray], np.ndarray], tol: float) -> np.ndarray:
    """(n,) d > 0 with ``d_i (G d)_i = 1``, G >= 0 near FF' and given by its products: Newton's steps with FF' for G."""
    d = np.ones(len(F))
    for _ in range(100):
        sums = d * times(d) - 1
        if float(np.abs(sums).max()) < tol or not sums.min() > -1:
            break
        if sums.min() < -0.5 or sums.max() > 1:  # far away, the plain scaling is safe
            d = d / np.sqrt(1 + sums)
            continue
        DF = d[:, None] * F
        inner = linalg.solve(np.eye(F.shape[1]) + DF.T @ DF, DF.T @ sums, assume_a="pos")
        d = d * np.maximum(1 - (sums - DF @ inner), 0.5)
    return d


def upper_bound(D: Similarity, K: float, T: np.ndarray | None = None, rho: float = 1.0) -> float:
    """A number that no feasible matrix exceeds, from the multipliers ``S = rho max(-T, 0)``, whatever solver made T.

    Up to 512 samples the largest eigenvalue is computed; beyond, Lanczos guesses it and a Cholesky factor of
    ``lambda I - M (D + S) M`` proves that none is larger. What double precision may round is added. One n x n matrix.

    Parameters
    ----------
    D : Similarity
    K : trace
    T : (n, n) array or None (S = 0, the bound of principal components)
    rho : float > 0
    """
    n, unit, D = D.n, D.scale, D.normal
    A = np.empty((n, n))
    for at in blocks(n):
        A[at] = D.rows(at)
        if T is not None:
            A[at] -= 0.5 * (rho / unit) * (np.minimum(T[at], 0.0) + np.minimum(T[:, at].T, 0.0))
    mean = A.mean(0)
    for at in blocks(n):
        A[at] -= mean[at, None] + (mean - mean.mean())
    total = float(mean.sum())
    slack = rounding(np.float64, n) * (abs(total) + K * float(np.linalg.norm(A)))
    return unit * (total + (K - 1) * _largest_eigenvalue(A) + slack)


def relative_gap(objective: float, bound: float, n: int) -> float:
    """``(bound - objective) / objective``; 0 where both are 0.

    Raises
    ------
    CertificateError
        When the bound lies below the objective of a feasible matrix of n samples by more than rounding.
    """
    room = bound - objective
    if room < -rounding(np.float64, n) * abs(objective):
        raise CertificateError(
            f"the bound {bound:.17g} lies below the objective {objective:.17g} of a feasible matrix (n={n}), "
            "which cannot be. Please report it with the data"
        )
    room = max(room, 0.0)
    return room / abs(objective) if objective else (np.inf if room > 0 else 0.0)


def _largest_eigenvalue(A: np.ndarray) -> float:
    """A number that no eigenvalue of a symmetric matrix exceeds; overwrites it."""
    n = len(A)
    if n <= EXACT:
        return float(linalg.eigvalsh(A, driver="ev", overwrite_a=True)[-1])  # "evr" fails where all are equal
    start = np.random.default_rng(0).standard_normal(n)
    guess = float(lanczos(lambda v: A @ v, start - start.mean(), 1, tol=1e-7)[0][0])
    diagonal, margin = np.diag(A).copy(), 1e-7 * abs(guess) + 1e-13 * float(np.abs(A).max())
    np.negative(A, out=A)
    while True:
        A[np.diag_indices(n)] = guess + margin - diagonal
        if lapack.dpotrf(A.T, lower=1, clean=0, overwrite_a=1)[1] == 0:
            return guess + margin
        margin *= 4
        for at in blocks(n):  # the factor has overwritten one triangle; the other still holds -A
            A[: at.start, at] = A[at, : at.start].T
            A[at, at] = np.tril(A[at, at], -1) + np.tril(A[at, at], -1).T
