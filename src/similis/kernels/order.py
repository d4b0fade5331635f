"""Whether successive outputs resemble each other for longer than a network stands."""

from __future__ import annotations

import numpy as np

from ._compile import entry

#: entries of ``track``: rows in the block at hand, blocks so far, mean square of their means, mean square of rows, rows
#: that it is the mean of, sum of squares over the block at hand, mean square of the rows of blocks
FILL, BLOCKS, BETWEEN, SIZE, SEEN, PRESENT, WITHIN = range(7)
#: blocks that are remembered, blocks without which nothing is said
MEMORY, ENOUGH = 64.0, 6.0
#: blocks over which the size of rows is known: in fewer there may be but some that are not 0
USUAL = 16.0
#: in units of the mean square, what a row counts at most: an outlier says nothing of the order
OUTLIER = 1024.0


@entry
def correlated(Z, length, limit, present, mean, track):
    """Follow z, in units of its own running size, in blocks of ``length`` rows; return the row at which they are too
    alike, or -1.

    If rows are independent, the means of blocks have 1/length of the variance of rows; ``length`` times their share is
    the autocorrelation time. It is too long when the share exceeds ``limit``. ``present`` (k,), the sum over the block
    at hand, ``mean`` (k,) and ``track`` (7,) are updated.
    """
    for t in range(Z.shape[0]):
        z, size = Z[t], 0.0
        for i in range(z.shape[0]):
            size += np.float64(z[i]) * z[i]
        if size > 0.0 and np.isfinite(size):
            track[SEEN] += 1.0
            most = OUTLIER * track[SIZE] if track[SEEN] > 1.0 else size
            track[SIZE] += (min(size, most) - track[SIZE]) / min(track[SEEN], USUAL * length)
            factor = np.sqrt(min(1.0, most / size) / track[SIZE])
            for i in range(z.shape[0]):
                present[i] += factor * z[i]
            track[PRESENT] += factor * factor * size
        track[FILL] += 1.0
        if track[FILL] < length:
            continue
        track[FILL] = 0.0
        track[BLOCKS] += 1.0
        n = min(track[BLOCKS], MEMORY)
        square = middle = 0.0
        for i in range(z.shape[0]):
            own = present[i] / length
            present[i] = 0.0
            mean[i] += (own - mean[i]) / n
            square += own * own
            middle += mean[i] * mean[i]
        track[BETWEEN] += (square - track[BETWEEN]) / n
        track[WITHIN] += (track[PRESENT] / length - track[WITHIN]) / n
        track[PRESENT] = 0.0
        if n >= ENOUGH and (track[BETWEEN] - middle) * n > limit * (n - 1.0) * (track[WITHIN] - middle):
            return t
    return -1
