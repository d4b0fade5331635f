"""What a solution says: connected components, clusters by spectral rounding, coordinates on the manifolds."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import KMeans

from .certificate import Feasible
from .problem import blocks

#: entries above this share of the largest connect two samples: above what a gap of 1e-3 leaves
LINK = 1e-3


def embedding(point: Feasible, n_components: int) -> np.ndarray:
    """(n, n_components) leading eigenvectors of Q times the root of their eigenvalues, the constant one left out.

    Signs are fixed by the largest entry; columns beyond the rank are 0.
    """
    F = point.scale[:, None] * point.factor * (1 - abs(point.share)) ** 0.5
    U, sizes, _ = np.linalg.svd(F - F.mean(0), full_matrices=False)
    Z = np.zeros((point.n, n_components))
    k = min(n_components, len(sizes))
    Z[:, :k] = U[:, :k] * sizes[:k]
    Z[:, :k] *= np.where(np.take_along_axis(Z[:, :k], np.abs(Z[:, :k]).argmax(0)[None], 0) < 0, -1.0, 1.0)
    return Z


def components(point: Feasible, first: np.ndarray | None = None, link: float = LINK) -> np.ndarray:
    """(n,) number of the connected component of each sample in a graph, largest first.

    Two samples are linked where their entry of Q exceeds ``link`` of the larger of their two on the diagonal, and where
    they are the same; ``first`` is the index of the first sample that is the same as each one, or None.
    """
    n, labels = point.n, np.arange(point.n) if first is None else first
    own = np.concatenate([np.diagonal(point.rows(at), at.start) for at in blocks(n)])
    for at in blocks(n):
        i, j = np.nonzero(point.rows(at) > link * np.maximum(own[at, None], own))
        i, j = np.concatenate([i + at.start, np.arange(n)]), np.concatenate([j, labels])
        found = connected_components(coo_array((np.ones(len(i), bool), (i, j)), shape=(n, n)), directed=False)[1]
        labels = np.unique(found, return_index=True)[1][found]
    _, labels, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    return np.argsort(np.argsort(-sizes, kind="stable"))[labels]


def rounded(point: Feasible, n_clusters: int, rng: np.random.Generator, first: np.ndarray | None = None) -> np.ndarray:
    """(n,) clusters: K-means on the rows of the leading eigenvectors of Q, one label for samples that are the same."""
    first = np.arange(point.n) if first is None else first
    kept, which, counts = np.unique(first, return_inverse=True, return_counts=True)
    Z = shared(embedding(point, max(1, n_clusters - 1)), first)[kept]
    k = min(n_clusters, distinct(Z))
    weight = None if len(kept) == point.n else counts
    return KMeans(k, n_init=10, random_state=int(rng.integers(2**31))).fit(Z, sample_weight=weight).labels_[which]


def shared(Z: np.ndarray, first: np.ndarray) -> np.ndarray:
    """(n, k) coordinates, those of samples that are the same by their mean."""
    if len(kept := np.unique(first)) == len(Z):
        return Z
    sums, counts = np.zeros_like(Z), np.zeros(len(Z))
    np.add.at(sums, first, Z)
    np.add.at(counts, first, 1)
    sums[kept] /= counts[kept, None]
    return sums[first]


def distinct(X: np.ndarray) -> int:
    """Number of different rows, to eight digits of the largest entry."""
    return len(np.unique(np.round(X / (float(np.abs(X).max()) or 1.0), 8), axis=0))
