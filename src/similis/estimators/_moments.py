"""Exact second moments of a stream: the batch answer, in d^2 memory and time, whatever the number of samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from .._errors import DivergenceError, InputError
from ._tails import Tails


@dataclass(frozen=True)
class Moments:
    """Count, mean (d,), scatter (d, d) and perhaps the tails of all rows so far, merged piece by piece."""

    count: int
    mean: np.ndarray
    scatter: np.ndarray
    tails: Tails | None = None

    @classmethod
    def empty(cls, d: int, *, tails: bool = False) -> Moments:
        return cls(0, np.zeros(d), np.zeros((d, d)), Tails.empty(d) if tails else None)

    def merge(self, X: np.ndarray) -> Moments:
        """The moments after the rows X (Chan, Golub & LeVeque's update)."""
        X = np.asarray(X, np.float64)
        n, mean = len(X), X.mean(0)
        shift, total = mean - self.mean, self.count + len(X)
        centred = X - mean
        scatter = self.scatter + centred.T @ centred
        scatter += (self.count * n / total) * np.outer(shift, shift)
        tails = None if self.tails is None else self.tails + Tails.of(X)
        return Moments(total, self.mean + shift * (n / total), scatter, tails)

    def spread(self) -> Tails:
        """Tails of which no more than the variances is known."""
        none = np.zeros(len(self.mean))
        return Tails(self.count, self.mean, self.scatter.diagonal(), none, none, none)

    def variances(self, center: bool) -> np.ndarray:
        """Diagonal of the covariance."""
        return self.scatter.diagonal() / self.count + (0 if center else self.mean**2)

    def covariance(self, center: bool) -> np.ndarray:
        """Second moments about the mean, or about 0."""
        C = self.scatter / self.count
        return C if center else C + np.outer(self.mean, self.mean)


#: samples that the second moment of the outputs remembers
WINDOW = 1000


@dataclass(frozen=True)
class Recent:
    """Count of all samples, and second moment (k, k) of the outputs of about the last ``WINDOW``."""

    count: int
    second: np.ndarray

    @classmethod
    def empty(cls, k: int) -> Recent:
        return cls(0, np.zeros((k, k)))

    def follow(self, Z: np.ndarray) -> Recent:
        """The moment after the outputs Z: sample t enters with weight max(1/t, 1/WINDOW)."""
        share = 1.0 / np.minimum(np.arange(self.count + 1, self.count + len(Z) + 1), WINDOW)
        kept = np.append(np.cumprod((1.0 - share)[::-1])[::-1], 1.0)  # of what came before each sample, at the end
        second = kept[0] * self.second + (Z * (share * kept[1:])[:, None]).T @ Z
        return Recent(self.count + len(Z), second)

    def follow_sum(self, ZZ: np.ndarray, count: int) -> Recent:
        """The moment after so many outputs of which only the sum ZZ of z z' is known."""
        share = count / min(self.count + count, max(WINDOW, count))
        return Recent(self.count + count, (1.0 - share) * self.second + share * ZZ / count)


def correlations(C: np.ndarray) -> np.ndarray:
    """(k,) canonical correlations, descending, of two halves with this joint covariance (2k, 2k); 0 of silent ones."""
    if not np.isfinite(C).all():
        raise DivergenceError("the moments of the outputs left the range of floats. Scale the rows, or fit again")
    k, whiteners = len(C) // 2, []
    for half in (slice(0, k), slice(k, 2 * k)):
        units = unit_variances(C[half, half])
        values, vectors = linalg.eigh(units[:, None] * C[half, half] * units)
        kept = values > np.finfo(float).eps * k * max(values[-1], 0)
        roots = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1)), 0)
        whiteners.append(units[:, None] * (vectors * roots))
    return np.clip(linalg.svdvals(whiteners[0].T @ C[:k, k:] @ whiteners[1]), 0, 1)


def principal(C: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Top k eigenvalues (descending) and eigenvectors (k, d) of a covariance, each with its largest entry positive."""
    values, vectors = linalg.eigh(C, subset_by_index=[len(C) - k, len(C) - 1])
    vectors = vectors[:, ::-1].T
    signs = np.sign(vectors[np.arange(k), np.abs(vectors).argmax(1)])
    return np.maximum(values[::-1], 0), vectors * signs[:, None]


def unit_variances(C: np.ndarray) -> np.ndarray:
    """(d,) factors that give every column that varies variance 1: then no unit is lost in another's rounding."""
    variances = C.diagonal()
    return 1 / np.sqrt(np.where(variances > 0, variances, 1))


def canonical(Cxx: np.ndarray, Cyy: np.ndarray, Cxy: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Top k canonical correlations and projections Vx, Vy (k, d), scaled so that Vx Cxx Vx' + Vy Cyy Vy' = I."""
    halves = []
    for C, view in ((Cxx, "X"), (Cyy, "Y")):
        units = unit_variances(C)
        values, vectors = linalg.eigh(units[:, None] * C * units)
        if values[0] <= np.finfo(float).eps * len(C) * values[-1]:
            raise InputError(
                f"the covariance of {view} is singular: exact CCA needs ridge > 0 or fewer, independent columns"
            )
        halves.append(units[:, None] * (vectors / np.sqrt(values) @ vectors.T))
    left, correlations, right = linalg.svd(halves[0].T @ Cxy @ halves[1])
    Vx, Vy = (halves[0] @ left[:, :k]).T, (halves[1] @ right[:k].T).T
    return correlations[:k], Vx / np.sqrt(2), Vy / np.sqrt(2)


def reduced_rank(
    Cxx: np.ndarray, metric: np.ndarray, Cxy: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Top k singular values of F = Cxx^-1/2 Cxy Sigma^1/2, Vx = (Cxx^-1/2 U)' and Vy = Vx Cxy Sigma, (k, d).

    ``metric`` is Sigma^-1. Directions in which x or y does not vary are left out. Each row of Vx has its largest entry
    positive.
    """
    roots = []
    for C, units in ((Cxx, unit_variances(Cxx)), (metric, np.ones(len(metric)))):
        values, vectors = linalg.eigh(units[:, None] * C * units)
        kept = values > np.finfo(float).eps * len(C) * max(values[-1], 0)
        roots.append(units[:, None] * (vectors[:, kept] / np.sqrt(values[kept]) @ vectors[:, kept].T))
    left, sizes, _ = linalg.svd(roots[0].T @ Cxy @ roots[1], full_matrices=False)
    Vx = (roots[0] @ left[:, :k]).T
    Vx *= np.where(Vx[np.arange(k), np.abs(Vx).argmax(1)] < 0, -1.0, 1.0)[:, None]
    return sizes[:k], Vx, Vx @ Cxy @ roots[1] @ roots[1]
