"""A stream beside its changes: what is kept of it from one call to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from .._errors import ModelFileError
from .._schema import Packed, Stored
from ._moments import Moments, unit_variances

#: pairs from which the map is believed, and the squared norm of a row, or of its change, beyond which it counts less
KNOWN, FAR = 16, 64.0
#: arrays of the map, and how many axes they have
_MAP = (("offset", 1), ("whitener", 2))
#: pairs, for each column, that tell every direction's change
MANY = 10
#: rounding of sums of rows far from the origin, in units of that of one: its variance was up to 300
ROUNDED = 1000.0
#: how many times as much as the last feature a slower one may count
COMPRESSED = 10.0


@dataclass(frozen=True)
class Lagged:
    """The last row, the moments of rows and of their changes, and the map by which a network hears them.

    However a stream is cut into calls, a row is compared with the one before it. The network hears ``R x(t)`` and
    ``gain R (x(t) - keep x(t-1))``, x about its mean, each of RMS norm 1. The second moment of what is new is ``keep
    C_dd + (1 - keep)^2 C_xx``: its features are those of changes, whatever ``keep`` is. With ``(1 - keep)^2 = keep s /
    COMPRESSED``, s the mean squared change of the last feature, no other outweighs that one by more than COMPRESSED +
    1.

    Attributes
    ----------
    last : (d,) the last row; NaN where the next one begins a stream
    moments : of (x(t), x(t) - x(t-1)), side by side
    offset, whitener : (d,), (d, d) the mean, and R, which is 0 before it is known
    keep, gain : numbers
    """

    last: np.ndarray
    moments: Moments
    offset: np.ndarray
    whitener: np.ndarray
    keep: float = 1.0
    gain: float = 1.0

    @classmethod
    def fresh(cls, d: int, whiten: bool = False) -> Lagged:
        return cls(np.full(d, np.nan), Moments.empty(2 * d), np.zeros(d), np.zeros((d, d)) if whiten else np.eye(d))

    @property
    def known(self) -> bool:
        """Whether there is a map."""
        return bool(self.whitener.any())

    def cut(self) -> Lagged:
        """The same, where another stream begins: its first row has none before it."""
        return replace(self, last=np.full(len(self.last), np.nan))

    def paired(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, Lagged]:
        """Rows, their changes since the row before, and what is kept; the first of a stream is left out."""
        X = X.astype(float)
        if not len(X):
            return X, X, self
        rows = X if np.isnan(self.last).any() else np.concatenate([self.last[None], X])
        return rows[1:], np.diff(rows, axis=0), replace(self, last=X[-1])

    def follow(
        self, now: np.ndarray, changes: np.ndarray, robust: bool = False
    ) -> tuple[np.ndarray, np.ndarray, Lagged]:
        """Rows and changes through the map, and what is kept after them.

        If ``robust``, pairs far beyond those that the map was made of count less in the moments.
        """
        heard, changed = (now - self.offset) @ self.whitener.T, changes @ self.whitener.T
        changed = self.gain * (self.keep * changed + (1 - self.keep) * heard)
        if not len(now):
            return heard, changed, self
        shares = np.ones((len(now), 1))
        if robust and self.moments.count >= KNOWN:
            far = np.maximum(squares(heard), squares(changed))
            shares[:, 0] = np.sqrt(FAR / np.maximum(far, FAR))
        pairs = np.concatenate([self.offset + shares * (now - self.offset), shares * changes], 1)
        return heard, changed, replace(self, moments=self.moments.merge(pairs))

    def covariances(self) -> tuple[np.ndarray, np.ndarray]:
        """(d, d) covariance of the rows, and second moment of their changes."""
        d = len(self.last)
        if not self.moments.count:
            return np.zeros((d, d)), np.zeros((d, d))
        return self.moments.covariance(True)[:d, :d], self.moments.covariance(False)[d:, d:]

    def mapped(self, whiten: bool, k: int) -> Lagged:
        """With the map of all pairs so far, for k features: about their mean, and made white in what is new.

        Few pairs say little about directions: those in which they change least are enlarged by less.
        """
        Cxx, Cdd = self.covariances()
        slowness = slowest(Cxx, Cdd, k, self.moments.mean[: len(Cxx)])[0]
        share = float(np.max(slowness, initial=0.0, where=~np.isnan(slowness))) / COMPRESSED
        keep = 1 + share / 2 - float(np.sqrt(share + share * share / 4))
        new = keep * Cdd + (1 - keep) ** 2 * Cxx
        d, count, units = len(new), self.moments.count, unit_variances(new)
        values, vectors = linalg.eigh(units[:, None] * new * units)
        floor = max(values.mean(), 0.0) * d * (1 / max(count, 1) if count < MANY * d else 1e-12)
        placed = replace(self, offset=self.moments.mean[:d])
        if not (whiten and floor > 0 and np.trace(Cxx) > 0):
            return placed
        R = vectors / np.sqrt(np.maximum(values, 0) + floor) @ vectors.T * units
        power, news = (float(np.einsum("ij,jk,ik->", R, C, R)) for C in (Cxx, new))
        return replace(placed, whitener=R / np.sqrt(power), keep=keep, gain=float(np.sqrt(power / news)))

    def pack(self) -> Packed:
        """Arrays and header."""
        parts = {
            "last": self.last,
            "offset": self.offset,
            "whitener": self.whitener,
            "factors": np.array([self.keep, self.gain]),
        }
        parts |= {"mean": self.moments.mean, "scatter": self.moments.scatter}
        return {f"lagged.{name}": part for name, part in parts.items()}, {"lagged": self.moments.count}

    @classmethod
    def unpack(cls, file: Stored, d: int) -> Lagged:
        """What was packed, of d columns."""
        last = file.array("lagged.last", d, dtype=np.float64, missing=True)
        mean = file.array("lagged.mean", 2 * d, dtype=np.float64)
        moments = Moments(file.integer("lagged"), mean, file.moments("lagged.scatter", 2 * d))
        offset, whitener = (file.array(f"lagged.{name}", *(d,) * n, dtype=np.float64) for name, n in _MAP)
        keep, gain = file.array("lagged.factors", 2, dtype=np.float64, low=0.0).tolist()
        if whitener.any() and not np.isfinite(np.linalg.cond(whitener)):
            raise ModelFileError("lagged.whitener is singular")
        return cls(last, moments, offset, whitener, keep, gain)


def squares(X: np.ndarray) -> np.ndarray:
    """(n_samples,) squared norms."""
    return np.einsum("ti,ti->t", X, X)


def due(count: int) -> int:
    """The number of rows at which the map is next made anew: a quarter more than the last time."""
    number = 1
    while number <= count:
        number += max(number // 4, 1)
    return number


def slowest(Cxx: np.ndarray, Cdd: np.ndarray, k: int, mean: np.ndarray | float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared changes (k,), ascending, and filters (k, d) of the slowest features of variance 1, uncorrelated.

    ``Cdd v = s Cxx v`` in the directions in which rows vary; where those are fewer, filters are 0 and changes NaN.
    What is left by rounding of rows about a far ``mean`` is no direction: its changes could be of any size.
    """
    d, units = len(Cxx), unit_variances(Cxx)
    values, vectors = linalg.eigh(units[:, None] * Cxx * units)
    eps = float(np.finfo(float).eps)
    kept = values > eps * d * max(values[-1], 0.0) + ROUNDED * (eps * float(np.abs(mean * units).max())) ** 2
    root = units[:, None] * (vectors[:, kept] / np.sqrt(values[kept]))
    changes, turn = linalg.eigh(root.T @ Cdd @ root)
    slowness, filters = np.full(k, np.nan), np.zeros((k, d))
    found = min(k, len(changes))
    slowness[:found], filters[:found] = np.maximum(changes[:found], 0.0), (root @ turn[:, :found]).T
    return slowness, filters
