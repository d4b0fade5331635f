"""Estimators that compare themselves with an exact solution when they are first read."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .._schema import Packed, Stored
from ._base import NetworkEstimator, Streams
from ._estimator import Estimator
from ._guard import LONG
from ._reach import say
from ._unjudged import FEWEST, Halves, Unjudged


class Compared(Estimator):
    """Abstract: a subclass holds the rows that it learns, and judges itself by them."""

    _unjudged: Unjudged | None = None
    #: what to do where rows are few
    _instead: ClassVar[str]
    n_samples_seen_: int

    def _hold(self, x: np.ndarray, y: np.ndarray, *, fresh: bool, whole: bool, idle: int = 0) -> None:
        """After learning these rows, the first ones if ``fresh``, of which ``idle`` said nothing."""
        if fresh or self._unjudged is None:
            self._unjudged = Unjudged()
        self._unjudged.add(x, y, self.n_samples_seen_, whole=fresh and whole, idle=idle)

    def _as_heard(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
        """Rows as they are learned, and their usual squared norms."""
        raise TypeError(f"{type(self).__name__} has no exact solution")

    def _judge(self, rows: Halves) -> bool:
        """Whether it was said that the network is far from the exact solution."""
        raise TypeError(f"{type(self).__name__} has no exact solution")

    def _compare(self) -> None:
        """Say it where the network is far from the exact solution of rows that it has learned, or these are few."""
        taken = None if self._unjudged is None else self._unjudged.take(self.n_samples_seen_)
        if taken is None:
            return
        with np.errstate(over="ignore"):
            x, y, *usual = self._as_heard(taken.x, taken.y)
        if not np.isfinite(usual).all():  # no number that can be squared says how far anything is
            return
        judged = len(x) >= FEWEST and self._judge(Halves.of(x, y, bool(self.center), *(LONG * size for size in usual)))
        if taken.few and not judged:
            say(
                f"{type(self).__name__} has learned {self.n_samples_seen_} samples, {len(x)} different ones at most: a "
                "network that learns row by row has hardly begun, and how far it is from the exact solution cannot be "
                f"told. Learn more passes (n_epochs) or rows, or {self._instead}"
            )

    def _pack(self) -> Packed:
        self._compare()
        return super()._pack()

    def _unpack(self, file: Stored) -> None:
        super()._unpack(file)
        self._unjudged = Unjudged()


class ComparedNetwork(Compared, NetworkEstimator):
    """A network of a stream "x", and perhaps "y", compared when outputs or filters are asked for; abstract.

    Sparse rows are not held.
    """

    def _learn(self, streams: Streams, epochs: int | str = 1, shuffle: bool | np.random.Generator = False) -> None:
        fresh, idle, x = not hasattr(self, "n_samples_seen_"), getattr(self, "n_idle_", 0), streams["x"]
        super()._learn(streams, epochs, shuffle)
        if isinstance(x, np.ndarray):
            y = streams["y"] if "y" in streams else np.empty((len(x), 0))
            self._hold(x, y, fresh=fresh, whole=bool(shuffle), idle=self.n_idle_ - idle)

    def _as_heard(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
        x = self.running_["x"].apply(x).astype(float)
        y = self.running_["y"].apply(y).astype(float) if "y" in self.running_ else y
        return x, y, 1.0, 1.0

    def _outputs(self, streams: Streams) -> np.ndarray:
        self._compare()
        return super()._outputs(streams)

    def _filters(self, name: str) -> np.ndarray:
        self._compare()
        return super()._filters(name)
