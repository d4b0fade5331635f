"""What every metric asks of its matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._errors import InputError
from .._masks import unmasked

Matrix = NDArray[np.float64]


def matrix(name: str, A: ArrayLike) -> Matrix:
    A = np.asarray(unmasked(A, name))
    if A.ndim != 2 or A.size == 0 or A.dtype.kind not in "fiub":
        raise InputError(
            f"{name}: expected a non-empty matrix of real numbers, got shape {A.shape}, dtype {A.dtype}. "
            "Fix: one component or one sample a row."
        )
    A = A.astype(np.float64, copy=False)
    if not np.isfinite(A).all():
        row, column = np.argwhere(~np.isfinite(A))[0]
        raise InputError(f"{name}: {A[row, column]} at row {row}, column {column}; expected finite numbers.")
    return A


def covariance(name: str, C: ArrayLike) -> Matrix:
    C = matrix(name, C)
    if C.shape[0] != C.shape[1] or not np.allclose(C, C.T, atol=1e-8 * np.abs(C).max()):
        raise InputError(f"{name}: expected a symmetric square matrix, got shape {C.shape}. Fix: pass X.T @ X / n.")
    return C


def same(what: str, **sizes: int) -> None:
    if len(set(sizes.values())) > 1:
        given = ", ".join(f"{name} has {size}" for name, size in sizes.items())
        raise InputError(
            f"Different numbers of {what}: {given}; expected one number. Fix: check for a transposed matrix."
        )


def same_rows(Y: ArrayLike, X: ArrayLike) -> tuple[Matrix, Matrix]:
    Y, X = matrix("Y", Y), matrix("X", X)
    same("samples (rows)", Y=len(Y), X=len(X))
    return Y, X
