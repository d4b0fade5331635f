"""Two readings of a learned similarity to the known compositions, Z: kernel regression and attention.

kernel   k(z, Z) (K + r I)^-1 (y - centre) + centre,     K_ij = 1 / (1 + d_ij)
recall   sum_j w_j y_j,                                  w_j ~ exp(-d_j)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from ..kernels.cityblock import cityblock

_BLOCK = 4096
#: coordinates of a place that count by their Euclidean distance, the last ones; the others by their city-block distance
N_CURVED = 96
#: what is around a query is told from the rest by a sharper kernel than that of the regression
_LOCAL_SHARPNESS = 10.0


class Kernel:
    """Kernel regression in closed form: (n, k) targets y of compositions at Z."""

    def __init__(
        self, Z: NDArray, y: NDArray, centre: NDArray, ridge: float, coefficients: NDArray | None = None
    ) -> None:
        self.Z, self.y, self.centre = np.ascontiguousarray(Z, np.float32), y, np.asarray(centre, float)
        self.ridge = float(ridge)
        if coefficients is None:
            try:
                coefficients = self._solve(np.float32)
            except LinAlgError:  # twins can make the matrix indefinite in single precision
                coefficients = self._solve(np.float64)
        self.coefficients = coefficients

    def _solve(self, precision: type) -> NDArray[np.float32]:
        K = _alike(apart(self.Z, self.Z, precision))
        K[np.diag_indices(len(K))] = 1 + self.ridge
        factor = cho_factor(K, lower=True, overwrite_a=True)
        return cho_solve(factor, (self.y - self.centre).astype(precision)).astype(np.float32)

    def __call__(self, z: NDArray) -> NDArray[np.float64]:
        """(m, k) answers to queries at z."""
        found = [_alike(apart(part, self.Z)) @ self.coefficients for part in blocks(z)]
        return np.concatenate(found).astype(np.float64) + self.centre

    def without(self, kept: NDArray) -> Kernel:
        """The same similarity, with only some of the compositions known."""
        return Kernel(self.Z[kept], self.y[kept], self.centre, self.ridge)

    def around(self, z: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(m,) each: distance to the nearest known composition, and deviation of the first target around each query."""
        first, found = self.y[:, 0], []
        powers = np.stack([first, first**2, np.ones_like(first)], 1).astype(np.float32)
        for part in blocks(z):
            far = apart(part, self.Z)
            near = far.min(1)
            found.append(np.column_stack([near, _attention(far, near, _LOCAL_SHARPNESS) @ powers]))
        near, mean, square, total = np.concatenate(found).astype(np.float64).T
        return near, np.sqrt(np.maximum(square / total - (mean / total) ** 2, 0))

    def arrays(self) -> dict[str, Any]:
        return {"Z": self.Z, "y": self.y, "centre": self.centre, "coefficients": self.coefficients,
                "ridge": np.array([self.ridge])}  # fmt: skip


class Recall:
    """Attention from a query to the known compositions at Z; targets that are nan are skipped."""

    def __init__(self, Z: NDArray, y: NDArray) -> None:
        self.Z, self.y = np.ascontiguousarray(Z, np.float32), y

    def __call__(self, z: NDArray) -> NDArray[np.float64]:
        """(m, k) answers to queries at z."""
        known = np.isfinite(self.y)
        values, answers = np.concatenate([np.nan_to_num(self.y), known], 1).astype(np.float32), []
        for part in blocks(z):
            far = apart(part, self.Z)
            both = _attention(far, far.min(1)) @ values
            answers.append(both[:, : known.shape[1]] / np.maximum(both[:, known.shape[1] :], 1e-12))
        return np.concatenate(answers).astype(np.float64)

    def without(self, kept: NDArray) -> Recall:
        """The same similarity, with only some of the compositions known."""
        return Recall(self.Z[kept], self.y[kept])

    def arrays(self) -> dict[str, Any]:
        return {"Z": self.Z, "y": self.y}


def apart(a: NDArray, b: NDArray, precision: type = np.float32) -> NDArray:
    """(len(a), len(b)) distances: city-block, and Euclidean on the last N_CURVED coordinates."""
    a, b = a.astype(precision), b.astype(precision)
    centre = b[:, -N_CURVED:].mean(0)  # near the origin, squares lose fewer digits
    p, q = a[:, -N_CURVED:] - centre, b[:, -N_CURVED:] - centre
    squared = p @ (-2 * q.T)
    squared += (p**2).sum(1)[:, None]
    squared += (q**2).sum(1)
    far = np.sqrt(np.maximum(squared, 0, out=squared), out=squared)
    far += cityblock(a[:, :-N_CURVED], b[:, :-N_CURVED])
    return far


def _alike(far: NDArray) -> NDArray:
    far += 1
    return np.reciprocal(far, out=far)


def _attention(far: NDArray, nearest: NDArray, sharpness: float = 1.0) -> NDArray:
    """exp(-sharpness d), the largest of each row 1."""
    far -= nearest[:, None]
    far *= -sharpness
    return np.exp(far, out=far)


def blocks(rows: NDArray) -> list[NDArray]:
    """Parts whose distances to all that is known fit in memory."""
    return np.array_split(rows, max(1, -(-len(rows) // _BLOCK)))
