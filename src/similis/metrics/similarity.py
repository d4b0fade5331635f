"""How well outputs keep the similarities of inputs, without forming them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from .._errors import InputError
from .check import matrix, same, same_rows

#: rows of a sparse Gram matrix at hand at once
GRAM_ROWS = 256


def alignment(Y: ArrayLike, X: ArrayLike) -> float:
    """Cosine between the similarity (Gram) matrices of two representations of the same samples.

        <X X', Y Y'> / (||X X'||_F ||Y Y'||_F)

    Nothing is centred. The (n_samples, n_samples) Grams are formed only where that is the smaller way.

    Parameters
    ----------
    Y, X : arrays (n_samples, k), (n_samples, d)
        Two representations, row by row.

    Returns
    -------
    float
        In [0, 1]; 1: similarities proportional.

    Raises
    ------
    InputError
        If the numbers of rows differ, an entry is not finite or a representation is zero.
    """
    Y, X = same_rows(Y, X)
    Y, X = _within(Y, Y), _within(X, X)
    xx, yy = _gram_product(X, X), _gram_product(Y, Y)
    if xx == 0 or yy == 0:
        raise InputError(f"{'X' if xx == 0 else 'Y'}: all zeros, so it has no similarities to align.")
    return float(_gram_product(X, Y) / np.sqrt(xx) / np.sqrt(yy))


def similarity_error(Y: ArrayLike, X: Any) -> float:
    """Relative similarity-matching objective.

        || X X' - Y Y' ||_F^2 / || X X' ||_F^2

    Parameters
    ----------
    Y : (n_samples, k) array
        Outputs, row by row.
    X : (n_samples, d) array or sparse matrix
        Inputs, row by row; sparse ones stay sparse.

    Returns
    -------
    float
        Nonnegative; 0: similarities preserved. Accurate to about 1e-14 absolute.

    Raises
    ------
    InputError
        If the numbers of rows differ, an entry is not finite or X is zero.
    """
    if sparse.issparse(X):
        Y, X = matrix("Y", Y), X.tocsr().astype(np.float64)
        matrix("X", X.data[:, None] if X.nnz else np.zeros((1, 1)))
        same("samples (rows)", Y=len(Y), X=X.shape[0])
    else:
        Y, X = same_rows(Y, X)
    Y, X = _within(Y, X), _within(X, X)
    xx = _gram_product(X, X)
    if xx == 0:
        raise InputError("X: all zeros, so no relative error exists.")
    return float(max(0.0, 1.0 + (_gram_product(Y, Y) - 2.0 * _gram_product(X, Y)) / xx))


def _within(A: Any, B: Any) -> Any:
    """A times the power of two that brings the largest number of B near 1: fourth powers are floats then."""
    largest = np.abs(B.data if sparse.issparse(B) else B).max(initial=0.0)
    exponent = -int(np.frexp(largest)[1])
    if sparse.issparse(A):
        return type(A)((np.ldexp(A.data, exponent), A.indices, A.indptr), shape=A.shape)
    return np.ldexp(A, exponent)


def _gram_product(A: Any, B: Any) -> float:
    """<A A', B B'> = ||A' B||_F^2, by whichever product is smaller."""
    n, p, q = A.shape[0], A.shape[1], B.shape[1]
    if sparse.issparse(B):  # A and B are one: its smaller Gram, some rows at a time
        A = A.tocsr() if n < p else A.T.tocsr()
        parts = (A[start : start + GRAM_ROWS] @ A.T for start in range(0, A.shape[0], GRAM_ROWS))
        return float(sum(part.multiply(part).sum() for part in parts))
    if n * (p + q) < p * q and not sparse.issparse(A):
        return float(np.sum((A @ A.T) * (B @ B.T)))
    return float(np.sum((A.T @ B) ** 2))
