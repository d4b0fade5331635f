"""Running centring and scaling of one stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from ..kernels.running import POWER, WEIGHT, normalise, weigh


@dataclass(frozen=True)
class Running:
    """Mean and power of a stream so far; a sample is learned from as (x_t - mean_t) / rms_t.

    With ``scale`` they are robust and follow the stream (``kernels.running``, docs/decisions/0003); without, plain
    averages of all samples.

    Attributes
    ----------
    center, scale : whether the mean is removed, whether the RMS norm is divided out
    count : samples seen
    mean : (d,) float64
    power : mean squared norm of the centred samples
    track : what else the averages remember, as ``kernels.running`` has it
    last : (d,) the last sample, with ``scale``
    """

    center: bool
    scale: bool
    mean: np.ndarray
    count: int = 0
    power: float = 0.0
    track: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)
    last: np.ndarray | None = None

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
        rows, _, new = self.hear(X)
        return rows, new

    def hear(self, X: Any) -> tuple[Any, np.ndarray, Running]:
        """As :meth:`learn`, with (n_samples,) squared norms; -1 for a row that says nothing (``kernels.running``)."""
        track, sizes = self._track(), np.empty(X.shape[0])
        if not isinstance(X, np.ndarray):  # sparse or a lift: never centred
            exact, factors = X.astype(np.float64), np.empty(X.shape[0])
            squares = np.asarray(exact.multiply(exact).sum(1), float).ravel()
            weigh(squares, self.scale, track, factors, sizes)
            new = self._after(X.shape[0], track)
            return (multiplied(X, factors) if self.scale else X), sizes, new
        X = np.ascontiguousarray(X)
        X = X if X.flags.writeable else X.copy()
        out, mean = np.empty_like(X), self.mean.copy()
        last = np.full(len(mean), np.nan) if self.last is None else self.last.copy()
        normalise(X, self.center, self.scale, track, mean, last, out, sizes)
        return out, sizes, replace(self._after(len(X), track), mean=mean, last=last if self.scale else None)

    def _track(self) -> np.ndarray:
        """What the kernels update; moments that came from elsewhere stand for their count."""
        track = np.array(self.track, float)
        if self.count and not track[WEIGHT]:
            track[WEIGHT] = self.count
        track[POWER] = self.power
        return track

    def _after(self, n_rows: int, track: np.ndarray) -> Running:
        return replace(self, count=self.count + n_rows, power=float(track[POWER]), track=tuple(track.tolist()))

    def apply(self, X: Any) -> Any:
        """Normalise rows by the moments as they are."""
        if not isinstance(X, np.ndarray):
            return X / self.rms
        return ((X - self.mean) / self.rms).astype(X.dtype, copy=False)


def multiplied(X: Any, factors: np.ndarray) -> Any:
    """Rows times numbers: of an array, sparse rows or a lift."""
    column = factors.astype(X.dtype)[:, None]
    if isinstance(X, np.ndarray):
        return X * column
    return X.multiply(column).tocsr() if sparse.issparse(X) else X.multiply(column)
