"""Sizes of the features of rows that are seen as a whole, wherever they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..kernels.running import ROUNDING


@dataclass(frozen=True)
class Tails:
    """Count, mean (d,), and sums of second, third and fourth powers about it (d,), of rows; merged by adding."""

    count: int
    mean: np.ndarray
    second: np.ndarray
    third: np.ndarray
    fourth: np.ndarray

    @classmethod
    def empty(cls, d: int) -> Self:
        return cls(0, *np.zeros((4, d)))

    @classmethod
    def of(cls, X: np.ndarray) -> Self:
        mean = X.mean(0, dtype=np.float64)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            shifts = X - mean
            squares = shifts * shifts
            return cls(
                len(X),
                mean,
                squares.sum(0),
                np.einsum("ti,ti->i", squares, shifts),
                np.einsum("ti,ti->i", *[squares] * 2),
            )

    def __add__(self, other: Self) -> Self:
        """Of both together (Pebay's update)."""
        n, a, b = self.count + other.count, self.count, other.count
        shift, share = other.mean - self.mean, other.count / (self.count + other.count)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            square = shift * shift
            second = self.second + other.second + a * share * square
            third = self.third + other.third + a * share * (1 - 2 * share) * shift * square
            third += 3 * shift * ((1 - share) * other.second - share * self.second)
            fourth = self.fourth + other.fourth + a * share * (1 - 3 * share * (1 - share)) * square * square
            fourth += 6 * square * ((1 - share) ** 2 * other.second + share * share * self.second)
            fourth += 4 * shift * ((1 - share) * other.third - share * self.third)
        known = np.isfinite(third) & np.isfinite(fourth)
        third, fourth = np.where(known, third, 0.0), np.where(known, np.maximum(fourth, 0.0), 0.0)
        return type(self)(n, self.mean + shift * (b / n), second, third, fourth)

    def part(self, start: int, stop: int) -> Self:
        """Of these features."""
        sums = (self.mean, self.second, self.third, self.fourth)
        return type(self)(self.count, *(values[start:stop] for values in sums))

    def squares(self, center: bool) -> np.ndarray:
        """(d,) variances, or mean squares about 0."""
        return self.second / self.count + (0.0 if center else self.mean**2)

    def gains(self, center: bool) -> np.ndarray:
        """(d,) one over the fourth root of the mean fourth power about the mean, or about 0; 0 of constants."""
        squares, n = self.squares(center), self.count
        with np.errstate(all="ignore"):
            fourth = self.fourth / n
            if not center:
                fourth += 4 * self.mean * self.third / n + 6 * self.mean**2 * self.second / n + self.mean**4
            # beyond the range of fourth powers, as of common features
            sizes = np.where((fourth > 0) & np.isfinite(fourth), np.sqrt(fourth), np.sqrt(3.0) * squares)
            heard = np.maximum(sizes, (ROUNDING * self.mean) ** 2 if center else 0.0)
            return np.where(squares > 0, 1 / np.sqrt(heard), 0.0)
