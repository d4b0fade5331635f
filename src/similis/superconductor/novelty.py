"""How unlike the known compositions one is: the share of its atoms to exchange until it is the nearest of them.

exchange_fraction(x) = min_j sum_e |x_e - x_je| / 2
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels.cityblock import cityblock
from .recall import blocks


def exchange_fraction(X: NDArray, known: NDArray) -> NDArray[np.float64]:
    """(n,) shares, 0 to 1, of fractions X (n, 118) among known ones (m, 118)."""
    return np.concatenate([_exchanged(part, known).min(1) for part in blocks(X)]).astype(np.float64)


def between(known: NDArray, systems: NDArray) -> NDArray[np.float64]:
    """The share of each known composition to the nearest of another element system; what has no other is left out."""
    found = []
    for part, own in zip(blocks(known), blocks(systems), strict=True):
        shares = _exchanged(part, known)
        shares[own[:, None] == systems] = np.inf
        found.append(shares.min(1))
    shares = np.concatenate(found)
    return shares[np.isfinite(shares)]


def _exchanged(X: NDArray, known: NDArray) -> NDArray[np.float64]:
    return cityblock(X.astype(np.float32), known.astype(np.float32)) / 2
