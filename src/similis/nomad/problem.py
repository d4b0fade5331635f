"""The nonnegative semidefinite program, and what is said of a matrix that claims to solve it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from .._errors import InputError

#: numbers in one block of rows, so that no second n x n matrix is needed
BLOCK = 1 << 20
#: a similarity counts as indefinite below minus this share of its largest eigenvalue
INDEFINITE = 1e-6


#: beyond these, sums of similarities leave the range of double precision
SMALLEST, LARGEST = 1e-280, 1e280


def rounding(dtype: np.typing.DTypeLike, n: int = 1) -> float:
    """Relative rounding error of a sum of n products in this dtype; of double precision where it is no float."""
    dtype = np.dtype(dtype)
    return 4.0 * n * float(np.finfo(dtype if dtype.kind == "f" else np.float64).eps)


def blocks(n: int) -> Iterator[slice]:
    """Rows of an n x n matrix, a bounded number of them at a time."""
    rows = max(16, BLOCK // n)
    return (slice(start, min(start + rows, n)) for start in range(0, n, rows))


@dataclass(frozen=True)
class Similarity:
    """A centred similarity D = scale A, A = M S M with M = I - 11'/n: factors X with A = XX', or the matrix A.

    Attributes
    ----------
    factor : (n, p) array, centred, or None
    matrix : (n, n) array, centred, or None
    scale : a power of two; what :meth:`linear` and :meth:`given` make has entries of A near 1
    """

    factor: np.ndarray | None = None
    matrix: np.ndarray | None = None
    scale: float = 1.0

    @classmethod
    def linear(cls, X: np.ndarray) -> Similarity:
        """Inner products of the centred rows of X; a wide X becomes its n x n Gram matrix.

        Raises
        ------
        InputError
            When the inner products leave the range of double precision.
        """
        X, dtype = np.asarray(X), X.dtype if X.dtype == np.float32 else np.float64
        with np.errstate(over="ignore", invalid="ignore"):
            X = X.astype(np.float64) - X[0]
            X -= X.mean(0)
            unit = power_of_two(X)
            within(unit, "features", 2)
        X = (X / unit).astype(dtype, copy=False)
        if X.shape[1] < X.shape[0]:
            return cls(factor=X, scale=unit**2)
        return cls(matrix=X.astype(np.float64) @ X.T, scale=unit**2)

    @classmethod
    def given(cls, S: np.ndarray) -> Similarity:
        """A similarity given as a matrix; what its dtype rounds is neither asymmetry nor a negative eigenvalue.

        Raises
        ------
        InputError
            When it is not square, not symmetric, indefinite once centred, or out of the range of double precision.
        """
        S, dtype = np.asarray(S, np.float64), np.asarray(S).dtype
        if S.ndim != 2 or S.shape[0] != S.shape[1]:
            raise InputError(f"the similarity has shape {S.shape}; expected a square matrix, one row a sample")
        size = float(np.abs(S).max())
        within(size, "similarities")
        if float(np.abs(S - S.T).max()) > rounding(dtype) ** 0.5 * size:
            raise InputError("the similarity is not symmetric; pass (S + S.T) / 2 if the difference does not matter")
        S = centred((S + S.T) / 2)
        largest, noise = float(np.abs(S).max()), rounding(dtype) * size
        if 0 < largest <= noise:
            warnings.warn(
                f"all samples are the same to the rounding of {dtype}, so that every solution is as good as any other. "
                "If they are not, centre the data before the similarities are made, or use more digits",
                stacklevel=2,
            )
            S[:] = 0
        unit = power_of_two(S)
        S /= unit
        allowed = INDEFINITE * max(_largest(S), 0.0) + len(S) * noise / unit
        if S.any() and not positive(S + np.eye(len(S)) * allowed):
            raise InputError(
                "the similarity has negative eigenvalues; expected a positive semidefinite one, such as X @ X.T or a "
                "kernel. Clip the negative eigenvalues, or use another kernel"
            )
        return cls(matrix=S, scale=unit)

    @property
    def normal(self) -> Similarity:
        """The same in its own units: scale 1."""
        return replace(self, scale=1.0)

    def any(self) -> bool:
        """Whether some similarity is not 0."""
        return bool(np.any(self.matrix if self.factor is None else self.factor))

    @property
    def n(self) -> int:
        return len(self.matrix if self.factor is None else self.factor)  # type: ignore[arg-type]

    def times(self, V: np.ndarray) -> np.ndarray:
        """D V."""
        product = self.matrix @ V if self.factor is None else self.factor @ (self.factor.T @ V)
        return product if self.scale == 1 else product * self.scale

    def of(self, F: np.ndarray) -> float:
        """``<D, FF'>``."""
        terms = F * (self.matrix @ F) if self.factor is None else (self.factor.T @ F) ** 2
        return self.scale * float(np.sum(terms, dtype=np.float64))

    def pairing(self, at: slice, rows: np.ndarray) -> float:
        """``<D, A>`` over the rows ``at`` of a matrix A."""
        if self.factor is None:
            return self.scale * float(np.vdot(self.matrix[at], rows))  # type: ignore[index]
        return self.scale * float(np.vdot(self.factor[at].astype(np.float64), rows @ self.factor))

    def diagonal(self) -> np.ndarray:
        """(n,) D_ii."""
        if self.factor is None:
            return self.scale * np.diag(self.matrix)  # type: ignore[arg-type]
        return self.scale * np.einsum("ij,ij->i", self.factor, self.factor, dtype=np.float64)

    def rows(self, at: slice) -> np.ndarray:
        """D[at], (rows, n), in double precision."""
        if self.factor is None:
            return self.scale * self.matrix[at]  # type: ignore[index]
        return self.scale * (self.factor[at].astype(np.float64) @ self.factor.T)

    def sample(self, index: np.ndarray) -> Similarity:
        """The similarity of some samples, centred among themselves."""
        if self.factor is not None:
            few = Similarity.linear(self.factor[index])
            return replace(few, scale=few.scale * self.scale)
        S = centred(self.matrix[np.ix_(index, index)])  # type: ignore[index]
        unit = power_of_two(S)
        return Similarity(matrix=S / unit, scale=unit * self.scale)


def power_of_two(values: np.ndarray) -> float:
    """The power of two next above the largest size; 1 where all are 0. Division by it rounds nothing."""
    size = float(np.abs(values).max())
    return 2.0 ** float(np.frexp(size)[1]) if 0 < size < np.inf else size or 1.0


def within(size: float, what: str, power: float = 1) -> None:
    """Refuse numbers whose powers, summed, leave the range of double precision.

    Raises
    ------
    InputError
        Unless the size is 0, or its power lies between 1e-280 and 1e280.
    """
    low, high = SMALLEST ** (1 / power), LARGEST ** (1 / power)
    if size and not low <= size <= high:
        raise InputError(
            f"the {what} differ by {size:.3g}; expected {low:.3g} to {high:.3g}, the range of double precision. Look "
            "for single wrong entries, or multiply the data by a constant"
        )


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
        "eigenvalue": max(0.0, -float(linalg.eigvalsh((Q + Q.T) / 2, driver="ev")[0])),
        "asymmetry": float(np.abs(Q - Q.T).max()),
    }


def simplex(values: np.ndarray, total: float) -> np.ndarray:
    """The nearest point of ``{w >= 0, sum w = total}`` to values in falling order."""
    values = values - values[0]  # the first weight is then positive however small the total is
    threshold = (np.cumsum(values) - total) / np.arange(1, len(values) + 1)
    return np.maximum(values - threshold[np.flatnonzero(values > threshold)[-1]], 0.0)


def centred(S: np.ndarray) -> np.ndarray:
    """M S M of a symmetric matrix; of a constant one, exactly 0."""
    S = S - S[0] - S[:, :1] + S[0, 0]
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
