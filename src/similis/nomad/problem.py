"""The nonnegative semidefinite program, and what is said of a matrix that claims to solve it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from .._errors import InputError

#: numbers in one block of rows, so that no second n x n matrix is needed
BLOCK = 1 << 20
#: a similarity counts as indefinite below minus this share of its largest eigenvalue
INDEFINITE = 1e-6


def blocks(n: int) -> Iterator[slice]:
    """Rows of an n x n matrix, a bounded number of them at a time."""
    rows = max(16, BLOCK // n)
    return (slice(start, min(start + rows, n)) for start in range(0, n, rows))


@dataclass(frozen=True)
class Similarity:
    """A centred similarity D = M S M, M = I - 11'/n: either factors X with D = XX', or the matrix itself.

    Attributes
    ----------
    factor : (n, p) array, centred, or None
    matrix : (n, n) array, centred, or None
    """

    factor: np.ndarray | None = None
    matrix: np.ndarray | None = None

    @classmethod
    def linear(cls, X: np.ndarray) -> Similarity:
        """Inner products of the centred rows of X; a wide X becomes its n x n Gram matrix."""
        X = np.asarray(X, np.float64) if X.dtype != np.float32 else X
        X = X - X.mean(0, dtype=np.float64).astype(X.dtype)
        return cls(factor=X) if X.shape[1] < X.shape[0] else cls(matrix=np.asarray(X @ X.T, np.float64))

    @classmethod
    def given(cls, S: np.ndarray) -> Similarity:
        """A similarity given as a matrix.

        Raises
        ------
        InputError
            When it is not square, not symmetric, or indefinite once centred.
        """
        S = np.asarray(S, np.float64)
        if S.ndim != 2 or S.shape[0] != S.shape[1]:
            raise InputError(f"the similarity has shape {S.shape}; expected a square matrix, one row a sample")
        size = float(np.abs(S).max())
        if size and float(np.abs(S - S.T).max()) > 1e-8 * size:
            raise InputError("the similarity is not symmetric; pass (S + S.T) / 2 if the difference does not matter")
        S = centred((S + S.T) / 2)
        top = _largest(S)
        shifted = S + np.eye(len(S)) * (INDEFINITE * max(top, 0.0) + 1e-12 * size + 1e-300)
        if not positive(shifted):
            raise InputError(
                "the similarity has negative eigenvalues; expected a positive semidefinite one, such as X @ X.T or a "
                "kernel. Clip the negative eigenvalues, or use another kernel"
            )
        return cls(matrix=S)

    @property
    def n(self) -> int:
        return len(self.matrix if self.factor is None else self.factor)  # type: ignore[arg-type]

    def times(self, V: np.ndarray) -> np.ndarray:
        """D V."""
        return self.matrix @ V if self.factor is None else self.factor @ (self.factor.T @ V)

    def of(self, F: np.ndarray) -> float:
        """``<D, FF'>``."""
        if self.factor is None:
            return float(np.sum(F * (self.matrix @ F), dtype=np.float64))
        return float(np.sum((self.factor.T @ F) ** 2, dtype=np.float64))

    def pairing(self, at: slice, rows: np.ndarray) -> float:
        """``<D, A>`` over the rows ``at`` of a matrix A."""
        if self.factor is None:
            return float(np.vdot(self.matrix[at], rows))  # type: ignore[index]
        return float(np.vdot(self.factor[at], (rows.astype(self.factor.dtype, copy=False) @ self.factor)))

    def diagonal(self) -> np.ndarray:
        """(n,) D_ii."""
        return np.diag(self.matrix).copy() if self.factor is None else np.einsum("ij,ij->i", self.factor, self.factor)  # type: ignore[arg-type]

    def rows(self, at: slice) -> np.ndarray:
        """D[at], (rows, n)."""
        return self.matrix[at] if self.factor is None else self.factor[at] @ self.factor.T  # type: ignore[index]

    def sample(self, index: np.ndarray) -> Similarity:
        """The similarity of some samples, centred among themselves."""
        if self.factor is not None:
            return Similarity.linear(self.factor[index])
        return Similarity(matrix=centred(self.matrix[np.ix_(index, index)]))  # type: ignore[index]


def check_clusters(n_clusters: float, n: int, name: str = "n_clusters") -> float:
    """The trace K, if some matrix can have it; ``name`` is what the message calls it.

    Raises
    ------
    InputError
        Unless 1 <= K <= n.
    """
    if not 1 <= n_clusters <= n:
        raise InputError(f"{name}={n_clusters}, n_samples={n}; expected a number from 1 to n_samples")
    return float(n_clusters)


def check_memory(needed: float, what: str, limit: float | None = None) -> None:
    """Refuse work that does not fit before any of it is allocated.

    Raises
    ------
    InputError
        When ``needed`` bytes exceed the limit, or the machine's memory that is free.
    """
    free = _free_memory() if limit is None else float(limit)
    if needed > free:
        raise InputError(
            f"{what} needs about {needed / 2**30:.2g} GiB, of which {free / 2**30:.2g} GiB are there. Use "
            "solver='low-rank', fewer samples, or raise memory_limit"
        )


def feasibility(Q: np.ndarray, K: float) -> dict[str, float]:
    """How far a matrix is from the constraints: negative entry, row sums, trace, negative eigenvalue, asymmetry."""
    return {
        "negative": max(0.0, -float(Q.min())),
        "rows": float(np.abs(Q.sum(1) - 1).max()),
        "trace": abs(float(np.trace(Q)) - K),
        "eigenvalue": max(0.0, -float(linalg.eigvalsh((Q + Q.T) / 2, subset_by_index=[0, 0])[0])),
        "asymmetry": float(np.abs(Q - Q.T).max()),
    }


def simplex(values: np.ndarray, total: float) -> np.ndarray:
    """The nearest point of ``{w >= 0, sum w = total}`` to values in falling order."""
    threshold = (np.cumsum(values) - total) / np.arange(1, len(values) + 1)
    return np.maximum(values - threshold[np.flatnonzero(values > threshold)[-1]], 0.0)


def centred(S: np.ndarray) -> np.ndarray:
    """M S M of a symmetric matrix."""
    mean = S.mean(0)
    return S - mean - mean[:, None] + mean.mean()


def positive(A: np.ndarray) -> bool:
    """Whether a symmetric matrix is positive definite: it has a Cholesky factor. Overwrites A."""
    try:
        linalg.cholesky(A, lower=True, overwrite_a=True, check_finite=False)
    except linalg.LinAlgError:
        return False
    return True


def _largest(S: np.ndarray) -> float:
    """A lower estimate of the largest eigenvalue, by a few power steps."""
    v = np.random.default_rng(0).standard_normal(len(S))
    for _ in range(20):
        w = S @ v
        if not (size := float(np.linalg.norm(w))):
            return 0.0
        v = w / size
    return float(v @ S @ v)


def _free_memory() -> float:
    try:
        with open("/proc/meminfo") as file:
            fields = dict(line.split(":") for line in file)
        return 1024.0 * int(fields["MemAvailable"].split()[0])
    except (OSError, KeyError, ValueError):
        return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else np.inf
