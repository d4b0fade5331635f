"""Symmetric matrices of covariances and weights: admitted within rounding, their roots and pseudo-inverses."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._errors import InputError


def semidefinite(name: str, given: Any) -> np.ndarray:
    """The matrix, symmetric to the last bit; refused where it is asymmetric or negative by more than rounding.

    Rounding is that of the dtype it was given in, relative to its largest entry.
    """
    kind = np.asarray(given).dtype
    matrix = np.array(given, np.float64)
    size = float(np.abs(matrix).max(initial=0.0))
    if size == 0.0:
        return matrix
    rounding = 16 * len(matrix) * np.finfo(kind if np.issubdtype(kind, np.floating) else np.float64).eps
    scaled = matrix / size
    odd = np.abs(scaled - scaled.T).max()
    if odd > rounding:
        raise InputError(
            f"{name} is not symmetric: {name} - {name}.T is {odd:.2g} of its largest entry. Give ({name} + {name}.T) / "
            f"2 if that is meant"
        )
    values, vectors = np.linalg.eigh((scaled + scaled.T) / 2)
    lowest = values[0]
    if lowest < -rounding:
        raise InputError(
            f"{name} has a negative eigenvalue, {lowest:.2g} of its largest entry: it is no covariance and no weight. "
            f"Give a symmetric positive semidefinite matrix"
        )
    if lowest < 0:  # by rounding alone: it would be refused as float64 later
        matrix = size * (vectors * np.maximum(values, 0.0)) @ vectors.T
    return (matrix + matrix.T) / 2


def root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def inverse(matrix: np.ndarray, scale: float) -> np.ndarray:
    """The pseudo-inverse of a semidefinite matrix made of terms as large as ``scale``: below their rounding it is 0."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    least = 8 * len(matrix) * np.finfo(np.float64).eps * max(scale, float(np.abs(values).max(initial=0.0)))
    kept = values > least
    return (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
