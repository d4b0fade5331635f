"""City-block distances |a - b| summed over coordinates, and their gradient: plain loops that SIMD makes quick."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._compile import entry

#: columns of a tile, so that it stays in the first cache
_TILE = 512


def cityblock(a: NDArray, b: NDArray) -> NDArray:
    """(n, m) distances between the rows of a (n, d) and of b (m, d), of one floating type."""
    vary = (a != a[:1]).any(0)
    found = np.zeros((len(a), len(b)), a.dtype)
    found += abs(b[:, ~vary] - a[:1, ~vary]).sum(1)  # what all rows of a share is looked at once
    _add(np.ascontiguousarray(a[:, vary]), np.ascontiguousarray(b[:, vary].T), found)
    return found


def cityblock_gradient(a: NDArray, b: NDArray, weight: NDArray) -> NDArray:
    """(n, d): sum_j weight_ij sign(a_i - b_j), the gradient of sum_ij weight_ij |a_i - b_j| by a."""
    vary = (a != a[:1]).any(0) | (b != a[:1]).any(0)
    found = np.zeros_like(a)
    found[:, vary] = _pull(np.ascontiguousarray(a[:, vary]), np.ascontiguousarray(b[:, vary].T), weight)
    return found


@entry
def _add(a, b, found):
    n, d = a.shape
    m = b.shape[1]
    for start in range(0, m, _TILE):
        stop = min(m, start + _TILE)
        for i in range(n):
            row = found[i, start:stop]
            for e in range(d):
                x, column = a[i, e], b[e, start:stop]
                for j in range(stop - start):
                    row[j] += abs(x - column[j])


@entry
def _pull(a, b, weight):
    n, d = a.shape
    m = b.shape[1]
    found = np.zeros_like(a)
    for start in range(0, m, _TILE):
        stop = min(m, start + _TILE)
        for i in range(n):
            row = weight[i, start:stop]
            for e in range(d):
                x, column, pull = a[i, e], b[e, start:stop], found[i, e] * 0
                for j in range(stop - start):
                    none = row[j] * 0  # two choices between two are quicker than one among three
                    pull += (row[j] if x > column[j] else none) - (row[j] if x < column[j] else none)
                found[i, e] += pull
    return found
