"""Rows that a network has learned, held until it is compared with the exact solution of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

#: rows that are compared, at least and at most, columns beyond which those are no more than twice as many; few rows
FEWEST, ROWS, WIDE, FEW = 16, 2048, 512, 64
#: samples of a small table, all of which are held
SMALL = 512
#: samples of passes over a few rows before which little can be said
FIRST = 256
#: numbers that are held, and copied from one call of a stream, or one row in so many
HELD, COPIED, ONE_IN = 1 << 21, 1 << 13, 16


@dataclass(frozen=True)
class Halves:
    """Scaled rows of x and y: every other one to solve for, the rest to judge by, less the means of the former."""

    x: np.ndarray
    y: np.ndarray
    held_x: np.ndarray
    held_y: np.ndarray
    mean_x: np.ndarray
    mean_y: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, center: bool, long_x: float, long_y: float) -> Halves:
        """Rows of a larger squared norm are shortened."""
        whole = np.ones(len(x))
        for rows, most in ((x, long_x), (y, long_y)):
            whole = np.minimum(whole, np.sqrt(most / np.maximum(np.einsum("ti,ti->t", rows, rows), most)))
        x, y = x * whole[:, None], y * whole[:, None]
        means = [part[::2].mean(0) if center else np.zeros(part.shape[1]) for part in (x, y)]
        x, y = x - means[0], y - means[1]
        return cls(x[::2], y[::2], x[1::2], y[1::2], *means)


class Taken(NamedTuple):
    """Rows to compare, and whether they, and the samples learned from them, are few."""

    x: np.ndarray
    y: np.ndarray
    few: bool


class Unjudged:
    """Rows that a network learned since it was last compared: some of a fit, or the last ones of a stream.

    They are looked at when the network is first read, so that learning costs nothing; copies of a model have none.
    """

    def __init__(self) -> None:
        self.rows: deque[tuple[np.ndarray, np.ndarray]] = deque()
        self.n_rows, self.due, self.whole = 0, FEWEST, False

    def __reduce__(self) -> tuple:
        return Unjudged, ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unjudged)  # none of this is part of the model

    __hash__ = None  # type: ignore[assignment]

    def add(self, x: np.ndarray, y: np.ndarray, seen: int, *, whole: bool, idle: int) -> None:
        """After learning these rows, ``idle`` of which said nothing; ``whole`` if they are all there will be."""
        width, n = x.shape[1] + y.shape[1], len(x)
        if whole:
            self.due = min(seen, FEW)
        if whole or idle > n // 20:
            self.rows.clear()
            self.n_rows = 0
        if idle > n // 20:
            return
        self.whole = whole and n < FEW
        most = max(FEW, min(ROWS if width <= WIDE else 2 * WIDE, HELD // width))
        every = -(-n // most) if whole or seen <= SMALL else min(ONE_IN, 1 + n * width // COPIED)
        x, y = x[::every].copy(), y[::every].copy()
        self.rows.append((x, y))
        self.n_rows += len(x)
        while self.n_rows - len(self.rows[0][0]) >= most:
            self.n_rows -= len(self.rows.popleft()[0])

    def take(self, seen: int) -> Taken | None:
        """The rows, if there are enough and the number of samples has doubled since they were last asked for."""
        few = self.n_rows < FEW
        if not self.n_rows or seen < self.due or (few and seen >= FEW and not self.whole):
            return None
        x, y = (np.concatenate(parts) for parts in zip(*self.rows, strict=True))
        taken = Taken(x, y, few and seen < FIRST)
        self.rows.clear()
        self.n_rows, self.due = 0, max(2 * seen, FEW)
        return taken
