"""Running centring and scaling of one stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from ..kernels.features import gauge, standardise
from ..kernels.running import MOVES, POWER, ROWS, WEIGHT, WINDOW, normalise, weigh
from ._tails import Tails

#: rows that tell about how large features are
SOME = 256


class Heard(NamedTuple):
    """Normalised rows, and what they say.

    Attributes
    ----------
    rows : as the network hears them
    sizes : (n_samples,) squared norms, -1 for a row that does not teach
    times : (n_samples,) how many times longer than its past explains the stream has stood still: from 1 on it is idle
    after : the moments after these rows
    bad : the row at which one feature outweighs all others, or -1
    """

    rows: Any
    sizes: np.ndarray
    times: np.ndarray
    after: Any
    bad: int = -1


@dataclass(frozen=True)
class Running:
    """Mean and power of a stream so far; a sample is learned from as (x_t - mean_t) / rms_t.

    With ``scale`` they are robust and follow the stream (``kernels.running``, docs/decisions/0003); without, plain
    averages of all samples. With ``each`` every feature is divided by its own size first (``kernels.features``).

    Attributes
    ----------
    center, scale, each : whether the mean is removed, the RMS norm divided out, each feature brought to a like size
    count : samples seen
    mean : (d,) float64
    power : mean squared norm of the centred samples
    track : what else the averages remember, as ``kernels.running`` has it
    last : (d,) the last sample
    spread : (d,) mean squares of the features over the last samples, where they were asked for
    gains, fourth : (d,) what features are multiplied by, and mean fourth powers of the products, where ``each``
    """

    center: bool
    scale: bool
    mean: np.ndarray
    count: int = 0
    power: float = 0.0
    track: tuple[float, ...] = ()
    last: np.ndarray | None = None
    spread: np.ndarray | None = None
    each: bool = False
    gains: np.ndarray | None = None
    fourth: np.ndarray | None = None

    @property
    def width(self) -> int:
        """Features of the normalised rows."""
        return len(self.mean)

    @property
    def finite(self) -> bool:
        """Whether all moments are numbers."""
        moments = (value for name, value in vars(self).items() if name != "last" and isinstance(value, np.ndarray))
        return bool(np.isfinite(self.power) and all(np.isfinite(value).all() for value in moments))

    @property
    def rms(self) -> Any:
        """What a centred sample is divided by: a number, or one for each feature, infinite if it has not varied."""
        size = float(np.sqrt(self.power)) if self.scale and self.power > 0 else 1.0
        if not self.each:
            return size
        if self.gains is None or self.power == 0:
            return np.ones(len(self.mean))
        with np.errstate(divide="ignore"):
            return size / self.gains

    def learn(self, X: Any) -> tuple[Any, Running]:
        """Normalise the rows one after the other, each by the moments up to itself; return them and the new moments."""
        heard = self.normalise(X)
        return heard.rows, heard.after

    def normalise(self, X: Any, idle: np.ndarray | None = None, refuse: bool = False) -> Heard:
        """As :meth:`learn`, with what the rows say.

        ``idle`` (n_samples,) bool says which do not; without it each row is judged by its past (``kernels.running``).
        With ``refuse`` hearing ends where one feature outweighs all others.
        """
        track, sizes, times = self._track(), np.empty(X.shape[0]), np.zeros(X.shape[0])
        verdict = np.zeros(0, np.int8) if idle is None else idle.astype(np.int8)
        if not isinstance(X, np.ndarray):  # sparse or a lift: never centred
            exact, factors = X.astype(np.float64), np.empty(X.shape[0])
            squares = np.asarray(exact.multiply(exact).sum(1), float).ravel()
            weigh(squares, self.scale, verdict, track, factors, sizes, times)
            new = self._after(X.shape[0], track)
            return Heard(multiplied(X, factors) if self.scale else X, sizes, times, new)
        X = np.ascontiguousarray(X)
        X = X if X.flags.writeable else X.copy()
        out, mean = np.empty_like(X), self.mean.copy()
        last = np.full(len(mean), np.nan) if self.last is None else self.last.copy()
        if self.each:
            gains, fourth = (np.zeros(len(mean)) if a is None else a.copy() for a in (self.gains, self.fourth))
            known = 0 if self.count or self.gains is None else min(len(X), int(WINDOW))
            standardise(X, self.center, self.count, known, verdict, track, mean, gains, fourth, last, out, sizes, times)
            new = replace(self._after(len(X), track), mean=mean, last=last, gains=gains, fourth=fourth)
            return Heard(out, sizes, times, new)
        spread = np.zeros(len(mean)) if self.spread is None else self.spread.copy()
        bad = normalise(
            X, self.center, self.scale, refuse and self.scale, verdict, track, mean, spread, last, out, sizes, times
        )  # fmt: skip
        new = replace(self._after(len(X), track), mean=mean, last=last, spread=spread if refuse else self.spread)
        return Heard(out, sizes, times, new, bad)

    def over(self, X: Any) -> Running:
        """The same moments, which know the sizes of features of all rows to come, where none have come."""
        if not self.each or self.count:
            return self
        some = self.normalise(X[:: -(-len(X) // SOME)]).after
        if some.gains is None or not some.power > 0:
            return self
        gains, fourth = some.gains.copy(), np.zeros(len(self.mean))
        gauge(X, some.power, some.mean, gains, fourth)
        return replace(self, gains=gains, fourth=fourth)

    def updated(self, X: Any) -> Running:
        """The same moments, told how long these rows stand still, but for the longest time: it may be the sensor."""
        moves = np.flatnonzero(moving(X))
        longest = int(np.diff(moves, append=X.shape[0]).max(initial=0))
        track = self._track()
        track[ROWS] += X.shape[0] - longest + X.shape[0] / 4
        track[MOVES] += max(len(moves) - 1, 0)
        return replace(self, track=tuple(track.tolist()))

    def told(self, tails: Tails) -> Running:
        """The moments of rows that were seen as a whole."""
        gains = tails.gains(self.center) if self.each else None
        squares = tails.squares(self.center) * (1.0 if gains is None else gains**2)
        fourth = None if gains is None else np.where(gains > 0, 1.0, 0.0)
        mean, power = tails.mean if self.center else self.mean, float(squares.sum())
        return replace(self, count=tails.count, mean=mean, power=power, gains=gains, fourth=fourth)

    def _track(self) -> np.ndarray:
        """What the kernels update; moments that came from elsewhere stand for their count."""
        track = np.zeros(MOVES + 1)
        track[: len(self.track)] = self.track
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
        rows = X - self.mean
        if self.each:
            rows *= 1 / self.rms
        else:
            rows /= self.rms
        return rows.astype(X.dtype, copy=False)


def multiplied(X: Any, factors: np.ndarray) -> Any:
    """Rows times numbers: of an array, sparse rows or a lift."""
    column = factors.astype(X.dtype)[:, None]
    if isinstance(X, np.ndarray):
        return X * column
    return X.multiply(column).tocsr() if sparse.issparse(X) else X.multiply(column)


def moving(X: Any) -> np.ndarray:
    """(n_samples,) whether a row differs from the one before it; of sparse rows and lifts, whether it is not 0."""
    if isinstance(X, np.ndarray):
        return np.append(True, (X[1:] != X[:-1]).any(1))
    return np.asarray(X.multiply(X).sum(1)).ravel() > 0
