"""Pairs of frames as a stream of their products, whitened and scaled on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..circuit import Outer
from ._moments import Moments
from ._running import Heard, Running

#: how many times the mean power of the frames so far a pair may have: beyond that it is no measurement
BEYOND = 1e6


@dataclass(frozen=True)
class Frames(Running):
    """Mean, covariance and whitening of all frames so far, and the scale of their products.

    Pairs lie side by side, (before, after); a pair is learned from as outer(dx, x) with both frames whitened by the
    same map, x <- (x - offset) R, R = (C + floor I)^{-1/2}. The map is made anew whenever the number of pairs has
    doubled, from all of them up to there: pair t uses that of the largest power of two below t (the first, its own).

    Attributes
    ----------
    mean, scatter : (p,), (p, p) moments of the frames
    offset, whitener : (p,), (p, p) the map in use
    eps : floor relative to the mean variance; p / frames of the mean power, if that is more: few frames say little
        about directions, and too sharp a map at the start would spoil the scale for long
    count, power : pairs seen, mean squared norm of their products
    """

    scatter: np.ndarray = None  # type: ignore[assignment]
    offset: np.ndarray = None  # type: ignore[assignment]
    whitener: np.ndarray = None  # type: ignore[assignment]
    eps: float = 0.01

    def __post_init__(self) -> None:
        p = len(self.mean)
        if self.scatter is None:  # nothing seen yet
            for name, value in (("scatter", np.zeros((p, p))), ("offset", np.zeros(p)), ("whitener", np.eye(p))):
                object.__setattr__(self, name, value)
        if not self.scatter.shape == self.whitener.shape == (p, p) or self.offset.shape != (p,):
            raise ValueError(f"moments of shape {self.scatter.shape}, {self.whitener.shape} for frames of {p} pixels")

    @property
    def width(self) -> int:
        return len(self.mean) ** 2

    def hear(self, X: np.ndarray, idle: np.ndarray | None = None, refuse: bool = False) -> Heard:
        """A pair in which nothing moves, or that is no measurement, says nothing, neither of motion nor of frames."""
        half = X.shape[1] // 2
        moves = (X[:, :half] != X[:, half:]).any(1) & self._measured(X)
        if not moves.all():
            heard = self.hear(X[moves], None if idle is None else idle[moves])
            left, right = (np.zeros((len(X), half), X.dtype) for _ in range(2))
            left[moves], right[moves] = heard.rows.left, heard.rows.right
            sizes, times = np.full(len(X), -1.0), np.full(len(X), np.inf)
            sizes[moves], times[moves] = heard.sizes, heard.times
            return Heard(Outer(left, right), sizes, times, heard.after)
        now, parts, start = self, [], 0
        while start < len(X):
            doubled = 1 << max(now.count, 1).bit_length() if now.count else 1
            piece = X[start : start + doubled - now.count]
            seen = now._after_frames(piece)
            seen = seen._whitened() if seen.count == doubled else seen
            parts.append((now if now.count else seen).products(piece))
            now, start = seen, start + len(piece)
        none = np.zeros((0, half), X.dtype)
        left, right = (np.concatenate([none, *(getattr(part, side) for part in parts)]) for side in ("left", "right"))
        heard = super().hear(Outer(left, right), idle)
        return heard._replace(after=replace(now, power=heard.after.power, track=heard.after.track))

    def _measured(self, X: np.ndarray) -> np.ndarray:
        """(n_samples,) whether frames are of a size that measurements have, beside the frames so far."""
        with np.errstate(over="ignore"):
            sizes = np.einsum("ti,ti->t", X, X, dtype=np.float64)
        frames = 2 * self.count
        power = np.trace(self.scatter) / frames + self.mean @ self.mean if frames else np.median(sizes)
        return np.isfinite(sizes) & (sizes <= BEYOND * power if power > 0 else True)

    def apply(self, X: np.ndarray) -> Outer:
        return self.products(X) / self.rms

    def products(self, X: np.ndarray) -> Outer:
        before, after = np.split(X, 2, axis=1)
        R = self.whitener.astype(X.dtype)
        return Outer((after - before) @ R, (before - self.offset.astype(X.dtype)) @ R)

    def _after_frames(self, X: np.ndarray) -> Frames:
        moments = Moments(2 * self.count, self.mean, self.scatter).merge(np.concatenate(np.split(X, 2, axis=1)))
        return replace(self, count=self.count + len(X), mean=moments.mean, scatter=moments.scatter)

    def _whitened(self) -> Frames:
        frames, p = 2 * self.count, len(self.mean)
        values, vectors = np.linalg.eigh(self.scatter / frames)
        power = values.mean() + (self.mean**2).mean()  # about zero: the first frames may be all but one and the same
        floor = max(self.eps * values.mean(), p / frames * power)
        if not floor > 0:  # frames that never change
            return replace(self, offset=self.mean, whitener=np.eye(p))
        whitener = vectors / np.sqrt(np.maximum(values, 0) + floor) @ vectors.T
        return replace(self, offset=self.mean, whitener=whitener)
