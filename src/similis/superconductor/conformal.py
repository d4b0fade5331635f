"""How wrong an answer may be: errors on compositions that were held out, of those most like the one asked about.

Held out are a quarter of the compositions at random and, apart, a quarter of the element systems: near neighbours and
far ones. The deviation expected of an answer is that of the held-out answers most alike in predicted Tc, in distance
to what is known, and in how much the Tc of what is known around them differ. An interval is
``Tc +- q (deviation + 1 K)``, q the conformal quantile of ``error / (deviation + 1 K)``, each held-out composition
being left out of its own deviation. Compositions whose elements are known together have a quantile of their own, and
so have the others; each is moved half way, in the geometric mean, to one for Tc below 10 K or above. Without that an
interval would hold too many of the cold and too few of the hot; all the way, it would be wider in the mean.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from .._errors import InputError

_ALIKE, FEWEST = 200, 20
#: kelvin: no interval is narrower by much than measurements of one material differ
_LEAST = 1.0
#: kelvin
_HOT = 10.0


class Errors:
    """Absolute errors of held-out answers, and what they depend on; (n,) each.

    Parameters
    ----------
    tc, error : predicted, and how far from the measured; kelvin
    distance, around : to what is known, and how much the Tc around differ
    apart : whether nothing known has the same elements
    """

    def __init__(self, tc: NDArray, distance: NDArray, around: NDArray, apart: NDArray, error: NDArray) -> None:
        self.columns = np.stack([tc, distance, around, apart, error]).astype(float)
        self.error = self.columns[4]
        if len(self.error) < FEWEST:
            raise InputError(
                f"{len(self.error)} held-out errors, expected at least {FEWEST}. Fix: give more rows with a Tc."
            )
        alike = min(_ALIKE, max(FEWEST, len(self.error) // 5), len(self.error) - 1)
        self._index = NearestNeighbors(n_neighbors=alike).fit(self._place(*self.columns[:3]))
        scores, kind = self.error / (self._deviation(None) + _LEAST), self._kind(tc, apart)
        groups = [scores[kind == i] for i in range(4)] + [scores[kind % 2 == i] for i in range(2)]
        self._scores = [np.sort(scores if len(group) < FEWEST else group) for group in groups]

    def half_width(
        self, tc: NDArray, distance: NDArray, around: NDArray, apart: NDArray, coverage: float
    ) -> NDArray[np.float64]:
        """(n,) kelvin."""
        ranks = [min(len(part), int(np.ceil(coverage * (len(part) + 1)))) - 1 for part in self._scores]
        q = np.array([part[rank] for part, rank in zip(self._scores, ranks, strict=True)])
        q = np.sqrt(q[:4] * q[[4, 5, 4, 5]])
        return q[self._kind(tc, apart)] * (self.deviation(tc, distance, around) + _LEAST)

    def deviation(self, tc: NDArray, distance: NDArray, around: NDArray) -> NDArray[np.float64]:
        """(n,) root mean square, kelvin."""
        return self._deviation(self._place(tc, distance, around))

    def _deviation(self, where: NDArray | None) -> NDArray[np.float64]:
        """Of those around each place, or around each held-out composition without itself."""
        return np.sqrt((self.error[self._index.kneighbors(where, return_distance=False)] ** 2).mean(1))

    @staticmethod
    def _kind(tc: NDArray, apart: NDArray) -> NDArray[np.int64]:
        return 2 * (np.asarray(tc) >= _HOT) + np.asarray(apart, int)

    @staticmethod
    def _place(tc: NDArray, distance: NDArray, around: NDArray) -> NDArray[np.float64]:
        return np.stack([np.arcsinh(tc / 5), np.log(distance + 0.05), np.log(around + 0.3)], 1)
