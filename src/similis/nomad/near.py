"""Which training samples are nearest to a row, and which samples are the same: by features, or by a kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.neighbors import NearestNeighbors

from .._errors import InputError
from ..metrics import squared_distances
from .problem import BLOCK, blocks, centred, positive, rounding

#: in so many dimensions a tree is quick; relative error of a distance that could hide a neighbour
TREE, DOUBT = 15, 1e-6
#: similarities that differ by so many roundings are the same
SAME = 16


def nearest_rows(Q: np.ndarray, X: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Index of the k nearest rows of X for each row of Q, and squared distances, from differences: 0 only for equals.

    In many dimensions inner products find them first; rows that those cannot tell apart are compared again.

    Raises
    ------
    InputError
        When a squared distance is no finite number.
    """
    Q, X = np.asarray(Q, np.float64), np.asarray(X, np.float64)
    middle, p = np.median(X[:: max(1, len(X) // 100)], axis=0), X.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):
        far = np.linalg.norm(Q - middle, axis=1)
        if not np.isfinite(far @ far):
            raise InputError(
                f"row {int(np.argmax(far))} lies {far.max():.3g} from the training samples; expected less than 1e150. "
                "Look for a wrong entry in that row"
            )
    search = NearestNeighbors(n_neighbors=k, algorithm="kd_tree" if p <= TREE else "brute")
    index = search.fit(X - middle).kneighbors(Q - middle, return_distance=False)
    squared = _apart(Q, X, index)
    if p > TREE:
        reach = squared.max(1)
        doubtful = np.flatnonzero(rounding(np.float64, 2 * p) * (far + reach**0.5) ** 2 > DOUBT * reach)
        step = max(1, BLOCK // len(X))
        for some in (doubtful[i : i + step] for i in range(0, len(doubtful), step)):
            index[some] = np.argsort(squared_distances(Q[some], X), 1, kind="stable")[:, :k]
            squared[some] = _apart(Q[some], X, index[some])
    order = np.argsort(squared, 1, kind="stable")
    return np.take_along_axis(index, order, 1), np.take_along_axis(squared, order, 1)


def _apart(Q: np.ndarray, X: np.ndarray, index: np.ndarray) -> np.ndarray:
    """(m, k) squared distances between the rows of Q and chosen rows of X."""
    squared, step = np.empty(index.shape), max(1, BLOCK // X.shape[1])
    for j in range(index.shape[1]):
        for at in (slice(i, i + step) for i in range(0, len(Q), step)):
            squared[at, j] = ((Q[at] - X[index[at, j]]) ** 2).sum(1)
    return squared


def weights(squared: np.ndarray) -> np.ndarray:
    """Weights of sum 1, one over the squared distance, which grows along a row; samples at distance 0 share all."""
    exact = squared <= 0
    inverse = np.divide(squared[:, :1], squared, out=np.zeros_like(squared), where=~exact)
    found = np.where(exact[:, :1], exact, inverse)
    return found / found.sum(1, keepdims=True)


def first_of_rows(X: np.ndarray) -> np.ndarray:
    """(n,) index of the first row that equals each one."""
    _, first, which = np.unique(X, axis=0, return_index=True, return_inverse=True)
    return first[which.ravel()]


def first_of_similar(K: np.ndarray) -> np.ndarray:
    """(n,) index of the first sample that is the same as each one, to the rounding of the similarities K."""
    n, own, pairs = len(K), np.diagonal(K).astype(np.float64), []
    for at in blocks(n):
        i, j = np.nonzero(_squared(K[at], own[at], own, K.dtype) <= 0)
        pairs.append(np.stack([i + at.start, j]))
    i, j = np.concatenate(pairs, 1)
    which = connected_components(coo_array((np.ones(len(i), bool), (i, j)), shape=(n, n)), directed=False)[1]
    return np.unique(which, return_index=True)[1][which]


def nearest_similar(
    S: np.ndarray, own: np.ndarray, diagonal: np.ndarray, k: int, dtype: np.typing.DTypeLike = np.float64
) -> tuple[np.ndarray, np.ndarray]:
    """Index of the k nearest training samples for each row of S, and squared distances ``own - 2 S + diagonal``.

    Parameters
    ----------
    S : (m, n) similarities of rows and training samples
    own : (m,) of the rows and themselves
    diagonal : (n,) of the training samples and themselves
    dtype : in which the similarities were rounded; a distance below that is 0
    """
    return _first(_squared(S, own, diagonal, dtype), k)


def _squared(S: np.ndarray, own: np.ndarray, diagonal: np.ndarray, dtype: np.typing.DTypeLike) -> np.ndarray:
    size = own[:, None] + diagonal
    squared = size - 2 * S.astype(np.float64)
    squared[squared <= rounding(dtype, SAME) * np.abs(size)] = 0.0
    return squared


def _first(squared: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    index = np.argsort(squared, 1, kind="stable")[:, :k]
    return index, np.take_along_axis(squared, index, 1)


@dataclass(frozen=True)
class Given:
    """Similarities of the training samples given as a matrix, and what follows for rows of which no more is known.

    Attributes
    ----------
    matrix : (n, n) array K
    """

    matrix: np.ndarray

    def nearest(self, S: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """As :func:`nearest_similar`; a row's similarity to itself is what all training samples have, if that is one
        number, else that of its projection on the span of the training samples.
        """
        dtype = max(self.matrix.dtype, S.dtype, key=rounding)
        diagonal = np.diagonal(self.matrix).astype(np.float64)
        if np.ptp(diagonal) <= rounding(dtype, SAME) * float(np.abs(diagonal).max()):
            return nearest_similar(S, np.full(len(S), diagonal[0]), diagonal, k, dtype)
        (Z, floor), (A, B) = self.coordinates(S), self._inner(S)
        own, diagonal = (Z**2).sum(1), np.diagonal(A)
        index, squared = _first(own[:, None] + diagonal - 2 * B, k)
        squared = np.maximum(squared, floor * (own[:, None] + diagonal[index]))
        size = np.abs(np.diagonal(self.matrix)).astype(np.float64) ** 0.5
        for j, near in enumerate(index.T):  # the same similarities to all: the same sample
            apart = np.abs(S.astype(np.float64) - self.matrix[near])
            squared[(apart <= rounding(dtype, SAME) * size[near, None] * size).all(1), j] = 0.0
        order = np.argsort(squared, 1, kind="stable")
        return np.take_along_axis(index, order, 1), np.take_along_axis(squared, order, 1)

    def coordinates(self, S: np.ndarray) -> tuple[np.ndarray, float]:
        """(m, n) Z with the inner products of the rows' projections on the span of the training samples.

        Also how far a squared length may be off, relatively. Each training sample counts in units of its own length.
        """
        A, B = self._inner(S)
        size = np.where(np.diagonal(A) > 0, np.diagonal(A), 1.0) ** 0.5
        A, one, floor = A / size / size[:, None], np.eye(len(A)), self._floor
        while not positive(A + floor * one):
            floor *= 4
        L = linalg.cholesky(A + floor * one, lower=True, check_finite=False)
        return linalg.solve_triangular(L, (B / size).T, lower=True, check_finite=False).T, floor

    @property
    def _floor(self) -> float:
        return rounding(self.matrix.dtype) * len(self.matrix) ** 0.5

    def _inner(self, S: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Inner products of the training samples, and of rows with them; about their mean where they are indefinite."""
        A, B = self.matrix.astype(np.float64), S.astype(np.float64)
        size = np.abs(np.diagonal(A)) ** 0.5 + 1e-300
        if positive(A / size / size[:, None] + len(A) ** 0.5 * self._floor * np.eye(len(A))):
            return A, B
        mean = A.mean(0)
        return centred(A), B - B.mean(1, keepdims=True) - mean + mean.mean()
