"""Pairs of frames as a stream of their products, whitened and scaled on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..circuit import Outer
from ._moments import Moments
from ._running import Heard, Running

#: how many times the mean power of the frames so far a pair may have: beyond that it is no measurement
BEYOND = 1e6
#: pairs that the map remembers, for each pixel
WINDOW = 40


@dataclass(frozen=True)
class Frames(Running):
    """Mean, covariance and whitening of all frames so far, and the scale of their products.

    Pairs lie side by side, (before, after); a pair is learned from as outer(dx, x) with both frames whitened by the
    same map, x <- (x - offset) R, R = (C + floor I)^{-1/2}. The map is made anew whenever the number of pairs has grown
    by a quarter, from the last of them up to there: pair t uses the map made last before it (the first, its own). Pairs
    that are known together (``over``) share the map of all of them.

    Attributes
    ----------
    mean, scatter : (p,), (p, p) moments of the last frames
    offset, whitener : (p,), (p, p) the map in use
    eps : floor relative to the mean variance; p / frames, if that is more: few frames say little about directions
    until : number of pairs before which the map is not made anew
    frames : frames that the moments stand for, at most 2 WINDOW p
    count, power : pairs seen, mean squared norm of their products
    """

    scatter: np.ndarray = None  # type: ignore[assignment]
    offset: np.ndarray = None  # type: ignore[assignment]
    whitener: np.ndarray = None  # type: ignore[assignment]
    eps: float = 0.01
    until: int = 0
    frames: int = 0

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

    def normalise(self, X: np.ndarray, idle: np.ndarray | None = None, refuse: bool = False) -> Heard:
        """A pair in which nothing moves, or that is no measurement, says nothing, neither of motion nor of frames."""
        half, moves = len(self.mean), self._moving(X)
        if not moves.all():
            heard = self.normalise(X[moves], None if idle is None else idle[moves])
            left, right = (np.zeros((len(X), half), X.dtype) for _ in range(2))
            left[moves], right[moves] = heard.rows.left, heard.rows.right
            sizes, times = np.full(len(X), -1.0), np.full(len(X), np.inf)
            sizes[moves], times[moves] = heard.sizes, heard.times
            return Heard(Outer(left, right), sizes, times, heard.after)
        now, parts, start = self, [], 0
        while start < len(X):
            due = max(_due(now.count, len(self.mean)), now.until)
            piece = X[start : start + due - now.count]
            seen = now._after_frames(piece)
            seen = seen._whitened() if seen.count == due else seen
            parts.append((now if now.count or now.until else seen).products(piece))
            now, start = seen, start + len(piece)
        none = np.zeros((0, half), X.dtype)
        left, right = (np.concatenate([none, *(getattr(part, side) for part in parts)]) for side in ("left", "right"))
        heard = super().normalise(Outer(left, right), idle)
        return heard._replace(after=replace(now, power=heard.after.power, track=heard.after.track))

    def over(self, X: np.ndarray) -> Frames:
        """The map of all pairs so far and these, to be learned from in any order."""
        moves = self._moving(X)
        if not moves.any():
            return self
        seen = self._after_frames(X[moves])
        made = seen._whitened()
        return replace(self, offset=made.offset, whitener=made.whitener, until=seen.count)

    def _moving(self, X: np.ndarray) -> np.ndarray:
        """(n_samples,) whether something moves in a pair of frames, and their size is one that measurements have."""
        with np.errstate(over="ignore"):
            sizes = np.einsum("ti,ti->t", X, X, dtype=np.float64)
        if self.frames:
            power = np.trace(self.scatter) / self.frames + self.mean @ self.mean
        else:
            power = np.median(sizes) if len(X) else 0.0
        usual = np.isfinite(sizes) & (sizes <= BEYOND * power if power > 0 else True)
        return (X[:, : len(self.mean)] != X[:, len(self.mean) :]).any(1) & usual

    def apply(self, X: np.ndarray) -> Outer:
        return self.products(X) / self.rms

    def products(self, X: np.ndarray) -> Outer:
        before, after = np.split(X, 2, axis=1)
        R = self.whitener.astype(X.dtype)
        return Outer((after - before) @ R, (before - self.offset.astype(X.dtype)) @ R)

    def _after_frames(self, X: np.ndarray) -> Frames:
        moments = Moments(self.frames, self.mean, self.scatter).merge(np.concatenate(np.split(X, 2, axis=1)))
        return replace(
            self, count=self.count + len(X), frames=moments.count, mean=moments.mean, scatter=moments.scatter
        )

    def _whitened(self) -> Frames:
        frames, p = self.frames, len(self.mean)
        values, vectors = np.linalg.eigh(self.scatter / frames)
        floor = max(self.eps, p / frames) * values.mean()
        moving = floor > 0  # or frames that never change
        whitener = vectors / np.sqrt(np.maximum(values, 0) + floor) @ vectors.T if moving else np.eye(p)
        kept = min(1.0, 2 * WINDOW * p / frames)
        return replace(
            self, offset=self.mean, whitener=whitener, frames=round(kept * frames), scatter=kept * self.scatter
        )


def _due(count: int, p: int) -> int:
    """Number of pairs at which the map is next made anew."""
    due, most = 1, WINDOW * p
    while due <= count and due < most:
        due += max(due // 4, 1)
    step = most // 4
    return due if due > count else due + ((count - due) // step + 1) * step
