"""Lifts: rows of many features that are made from few numbers, and are never written out.

A lift behaves as a ``scipy.sparse`` matrix does: it is a type of data, which the engines multiply and do not open.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .._errors import InputError


class Lift(ABC):
    """A (T, d) matrix known by its products; abstract.

    All that online learning asks of its input is linear: currents ``X @ W.T``, the similarities ``X @ X.T`` of a block
    and the sum of its updates ``coef.T @ X``. A lift answers these, row scaling, slicing and :meth:`toarray`.
    """

    __array_ufunc__ = None  # coef.T @ X is ours to answer, not NumPy's
    ndim = 2

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]: ...

    @property
    @abstractmethod
    def dtype(self) -> np.dtype: ...

    @abstractmethod
    def __getitem__(self, rows: slice | np.ndarray) -> Self:
        """Some of the rows."""

    @abstractmethod
    def astype(self, dtype: Any, copy: bool = True) -> Self:
        """The same rows in another precision."""

    @abstractmethod
    def multiply(self, other: Any) -> Self:
        """Entry by entry: with another lift of this kind, or with a (T, 1) column that scales the rows."""

    @abstractmethod
    def sum(self, axis: int) -> np.ndarray:
        """Sums of the rows, for ``axis=1``: with :meth:`multiply`, their squared norms."""

    @abstractmethod
    def toarray(self) -> np.ndarray:
        """The (T, d) matrix, written out."""

    @abstractmethod
    def __matmul__(self, other: Any) -> np.ndarray:
        """``X @ B`` for an array B (d,) or (d, k), or ``X @ Y.T`` for rows Y of the same lift."""

    @abstractmethod
    def factors(self, coef: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Two C-ordered arrays A, B: ``A.T @ B``, reshaped to (k, d), is ``coef.T @ X`` for coef (T, k)."""

    def __rmatmul__(self, coef: np.ndarray) -> np.ndarray:
        """``coef @ X`` for an array (T,) or (k, T): weighted sums of the rows."""
        rows = np.atleast_2d(coef)
        A, B = self.factors(rows.T)
        out = (A.T @ B).reshape(len(rows), -1)
        return out if coef.ndim == 2 else out[0]

    @property
    def T(self) -> Transposed:
        """Columns for rows, for products only."""
        return Transposed(self)

    def __len__(self) -> int:
        return self.shape[0]

    def __truediv__(self, number: float) -> Self:
        return self.multiply(np.full((len(self), 1), 1 / number, self.dtype))


@dataclass(frozen=True, eq=False)
class Transposed:
    """A lift with columns for rows."""

    lift: Lift

    __array_ufunc__ = None
    ndim = 2

    @property
    def shape(self) -> tuple[int, int]:
        return self.lift.shape[::-1]

    @property
    def T(self) -> Lift:
        return self.lift

    def __matmul__(self, B: np.ndarray) -> np.ndarray:
        return (B.T @ self.lift).T

    def __rmatmul__(self, A: np.ndarray) -> np.ndarray:
        return (self.lift @ A.T).T


@dataclass(frozen=True, eq=False)
class Outer(Lift):
    """Rows ``vec(left_t right_t')``: all products of a number on the left with one on the right.

    ::

        similarity  <chi_t, chi_u> = (left_t . left_u) (right_t . right_u)
        current     W_a . chi_t    = left_t' W_a right_t
        update      sum_t c_t chi_t = (c * left)' right

    so that a block of B rows costs B^2 (p + q) where written out it would cost B^2 p q, and the currents of k neurons
    are one product of (B, q) with (q, k p).

    Parameters
    ----------
    left : (T, p) array
    right : (T, q) array of the same precision

    Examples
    --------
    >>> import numpy as np
    >>> from similis.circuit import Outer
    >>> chi = Outer(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0, 5.0]]))
    >>> chi.shape, (chi @ chi.T).item()
    ((1, 6), 250.0)
    >>> chi.toarray()
    array([[ 3.,  4.,  5.,  6.,  8., 10.]])
    """

    left: np.ndarray
    right: np.ndarray

    def __post_init__(self) -> None:
        if self.left.ndim != 2 or self.right.ndim != 2 or len(self.left) != len(self.right):
            raise InputError(
                f"Outer of arrays of shape {self.left.shape} and {self.right.shape}; expected (T, p) and (T, q)"
            )

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.left), self.left.shape[1] * self.right.shape[1]

    @property
    def dtype(self) -> np.dtype:
        return np.result_type(self.left, self.right)

    def __getitem__(self, rows: slice | np.ndarray) -> Outer:
        return Outer(self.left[rows], self.right[rows])

    def astype(self, dtype: Any, copy: bool = True) -> Outer:
        return Outer(self.left.astype(dtype, copy=copy), self.right.astype(dtype, copy=copy))

    def multiply(self, other: Any) -> Outer:
        if isinstance(other, Outer):
            return Outer(self.left * other.left, self.right * other.right)
        return Outer(self.left * other, self.right)

    def sum(self, axis: int) -> np.ndarray:
        if axis != 1:
            raise InputError(f"sum over axis={axis} of a lift; expected axis=1")
        return self.left.sum(1) * self.right.sum(1)

    def toarray(self) -> np.ndarray:
        return (self.left[:, :, None] * self.right[:, None, :]).reshape(self.shape)

    def __matmul__(self, other: Any) -> np.ndarray:
        if isinstance(other, Transposed):
            return self._similarities(other.lift)
        p, q, W = self.left.shape[1], self.right.shape[1], np.atleast_2d(other.T)
        through = self.right @ W.reshape(-1, q).T  # W_a right_t, side by side
        out = np.matmul(through.reshape(len(self), len(W), p), self.left[:, :, None])[:, :, 0]
        return out if other.ndim == 2 else out[:, 0]

    def _similarities(self, other: Lift) -> np.ndarray:
        if not isinstance(other, Outer):
            raise InputError(f"similarities of an Outer with a {type(other).__name__}; expected an Outer")
        G = self.left @ other.left.T
        G *= self.right @ other.right.T
        return G

    def factors(self, coef: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weighted = np.ascontiguousarray(coef)[:, :, None] * self.left[:, None, :]
        return weighted.reshape(len(self), -1), np.ascontiguousarray(self.right)
