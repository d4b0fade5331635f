"""City-block distances |a - b| summed over coordinates, and their gradient: plain loops that SIMD makes quick."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._threads import one_thread
from ._compile import entry

#: columns of a tile, so that it stays in the first cache
_TILE = 512
#: share of pairs above the least value of a column below which such pairs are looked up one by one
_RARE = 0.06


def cityblock(a: NDArray, b: NDArray) -> NDArray:
    """(n, m) distances between the rows of a (n, d) and of b (m, d), of one floating type."""
    vary = (a != a[:1]).any(0)
    found = np.zeros((len(a), len(b)), a.dtype)
    found += abs(b[:, ~vary] - a[:1, ~vary]).sum(1)  # what all rows of a share is looked at once
    _add(np.ascontiguousarray(a[:, vary]), np.ascontiguousarray(b[:, vary].T), found)
    return found


def cityblock_gradient(a: NDArray, b: NDArray, weight: NDArray) -> NDArray:
    """(n, d): sum_j weight_ij sign(a_i - b_j), the gradient of sum_ij weight_ij |a_i - b_j| by a.

    Where most rows of a column have its least value, as amounts of an element do, all pairs with such a row are one
    product of matrices.
    """
    least = np.minimum(a.min(0), b.min(0))
    up, over = a > least, b > least
    share = up.mean(0) * over.mean(0)
    rare, full = share < _RARE, share >= _RARE
    found = np.empty_like(a)
    found[:, full] = _pull(np.ascontiguousarray(a[:, full]), np.ascontiguousarray(b[:, full].T), weight)
    with one_thread():  # NumPy's threads and PyTorch's, in turn, would wait for each other
        less = weight @ over[:, rare].astype(a.dtype)
    some = weight.sum(1)[:, None] - less
    _look_up(a[:, rare], np.ascontiguousarray(b[:, rare].T), up[:, rare], over[:, rare].T.copy(), weight, some)
    found[:, rare] = np.where(up[:, rare], some, -less)
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


@entry
def _look_up(a, b, up, over, weight, found):
    n, d = a.shape
    for e in range(d):
        column, rows = b[e], np.flatnonzero(over[e])
        for i in range(n):
            if up[i, e]:
                x, row, pull = a[i, e], weight[i], found[i, e] * 0
                for j in rows:
                    pull += (row[j] if x > column[j] else 0) - (row[j] if x < column[j] else 0)
                found[i, e] += pull
