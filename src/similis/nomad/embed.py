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


def components(point: Feasible, link: float = LINK) -> np.ndarray:
    """(n,) number of the connected component of each sample in the graph of ``Q > link max Q``, largest first."""
    n, labels = point.n, np.arange(point.n)
    threshold = link * max(float(np.diagonal(point.rows(at), at.start).max()) for at in blocks(n))
    for at in blocks(n):
        i, j = np.nonzero(point.rows(at) > threshold)
        i, j = np.concatenate([i + at.start, np.arange(n)]), np.concatenate([j, labels])
        found = connected_components(coo_array((np.ones(len(i), bool), (i, j)), shape=(n, n)), directed=False)[1]
        labels = np.unique(found, return_index=True)[1][found]
    _, labels, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    return np.argsort(np.argsort(-sizes, kind="stable"))[labels]


def rounded(point: Feasible, n_clusters: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) clusters: K-means on the rows of the leading eigenvectors of Q."""
    Z = embedding(point, max(1, n_clusters - 1))
    k = min(n_clusters, len(np.unique(Z, axis=0)))
    return KMeans(k, n_init=10, random_state=int(rng.integers(2**31))).fit_predict(Z)
