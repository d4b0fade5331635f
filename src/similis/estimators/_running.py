"""Running centring and scaling of one stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..kernels.running import normalise


@dataclass(frozen=True)
class Running:
    """Mean and power of a stream so far; a sample is learned from as (x_t - mean_t) / rms_t.

    Attributes
    ----------
    center, scale : whether the mean is removed, whether the RMS norm is divided out
    count : samples seen
    mean : (d,) float64
    power : mean squared norm of the centred samples
    """

    center: bool
    scale: bool
    mean: np.ndarray
    count: int = 0
    power: float = 0.0

    @property
    def width(self) -> int:
        """Features of the normalised rows."""
        return len(self.mean)

    @property
    def rms(self) -> float:
        """What a centred sample is divided by."""
        return float(np.sqrt(self.power)) if self.scale and self.power > 0 else 1.0

    def learn(self, X: Any) -> tuple[Any, Running]:
        """Normalise the rows one after the other, each by the moments up to itself; return them and the new moments."""
        if not isinstance(X, np.ndarray):  # sparse or a lift: never centred
            squares = np.asarray(X.multiply(X).sum(1), float).ravel()
            count = self.count + len(squares)
            power = np.append(self.power * self.count, squares).cumsum()[1:] / np.arange(self.count + 1, count + 1)
            new = replace(self, count=count, power=float(power[-1]))
            if not self.scale:
                return X, new
            factor = 1 / np.sqrt(np.where(power > 0, power, 1))
            return X.multiply(factor[:, None].astype(X.dtype)), new
        X = np.ascontiguousarray(X)
        X = X if X.flags.writeable else X.copy()
        out, mean, power = np.empty_like(X), self.mean.copy(), np.array([self.power])
        count = normalise(X, self.center, self.scale, self.count, mean, power, out)
        return out, replace(self, count=count, mean=mean, power=float(power[0]))

    def apply(self, X: Any) -> Any:
        """Normalise rows by the moments as they are."""
        if not isinstance(X, np.ndarray):
            return X / self.rms
        return ((X - self.mean) / self.rms).astype(X.dtype, copy=False)
