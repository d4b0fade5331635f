"""How wrong an answer may be: errors on compositions that were held out, of those most like the one asked about.

Held out are a quarter of the compositions at random and, apart, a quarter of the element systems: near neighbours and
far ones. An interval is ``Tc +- q``, q the conformal quantile of the errors at the held-out compositions that are most
alike in predicted Tc, in distance to what is known, and in how much the Tc of what is known around them differ.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from .._errors import InputError

_ALIKE, _FEWEST = 200, 20


class Errors:
    """Absolute errors of held-out answers, and what they depend on: Tc, distance, differences around; (n,) each."""

    def __init__(self, tc: NDArray, distance: NDArray, around: NDArray, error: NDArray) -> None:
        self.columns = np.stack([tc, distance, around, error]).astype(float)
        self.error = self.columns[3]
        if len(self.error) < _FEWEST:
            raise InputError(
                f"{len(self.error)} held-out errors, expected at least {_FEWEST}. Fix: give more rows with a Tc."
            )
        self._index = NearestNeighbors(n_neighbors=min(_ALIKE, max(_FEWEST, len(self.error) // 5))).fit(
            self._place(*self.columns[:3])
        )

    def half_width(self, tc: NDArray, distance: NDArray, around: NDArray, coverage: float) -> NDArray[np.float64]:
        """(n,) kelvin."""
        alike = self._alike(tc, distance, around)
        n = alike.shape[1]
        rank = min(n, int(np.ceil(coverage * (n + 1))))
        return np.partition(alike, rank - 1, axis=1)[:, rank - 1]

    def deviation(self, tc: NDArray, distance: NDArray, around: NDArray) -> NDArray[np.float64]:
        """(n,) root mean square, kelvin."""
        return np.sqrt((self._alike(tc, distance, around) ** 2).mean(1))

    def _alike(self, *where: NDArray) -> NDArray[np.float64]:
        return self.error[self._index.kneighbors(self._place(*where), return_distance=False)]

    @staticmethod
    def _place(tc: NDArray, distance: NDArray, around: NDArray) -> NDArray[np.float64]:
        return np.stack([np.arcsinh(tc / 5), np.log(distance + 0.05), np.log(around + 0.3)], 1)
