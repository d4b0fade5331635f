"""Sizes of the features of rows that are seen as a whole, wherever they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..kernels.running import ROUNDING


@dataclass(frozen=True)
class Tails:
    """Count, mean (d,), and sums of second, third and fourth powers about it (d,), of rows; merged by adding.

    Third and fourth powers are of shifts in ``unit`` (d,), powers of 2 or 0 of constants: they leave no range.
    """

    count: int
    mean: np.ndarray
    second: np.ndarray
    third: np.ndarray
    fourth: np.ndarray
    unit: np.ndarray

    @classmethod
    def empty(cls, d: int) -> Self:
        return cls(0, *np.zeros((5, d)))

    @classmethod
    def of(cls, X: np.ndarray) -> Self:
        mean = X.mean(0, dtype=np.float64)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            shifts = X - mean
            largest = np.abs(shifts).max(0, initial=0.0)
            unit = power_of_two(largest)
            second = np.einsum("ti,ti->i", shifts, shifts)
            shifts /= np.where(unit > 0, unit, 1.0)
            squares = shifts * shifts
            third, fourth = np.einsum("ti,ti->i", squares, shifts), np.einsum("ti,ti->i", squares, squares)
            return cls(len(X), mean, second, third, fourth, unit)

    def __add__(self, other: Self) -> Self:
        """Of both together (Pebay's update)."""
        n, a, b = self.count + other.count, self.count, other.count
        shift, share = other.mean - self.mean, other.count / (self.count + other.count)
        first = np.where(a, np.abs(shift), 0.0)
        unit = np.maximum(np.maximum(self.unit, other.unit), power_of_two(first))
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            second = self.second + other.second + a * share * shift * shift
            (mine, my3, my4), (its, its3, its4) = self._within(unit), other._within(unit)
            shift = shift / np.where(unit > 0, unit, 1.0)
            square = shift * shift
            third = my3 + its3 + a * share * (1 - 2 * share) * shift * square
            third += 3 * shift * ((1 - share) * its - share * mine)
            fourth = my4 + its4 + a * share * (1 - 3 * share * (1 - share)) * square * square
            fourth += 6 * square * ((1 - share) ** 2 * its + share * share * mine)
            fourth += 4 * shift * ((1 - share) * its3 - share * my3)
        mean = self.mean + (other.mean - self.mean) * (b / n)
        return type(self)(n, mean, second, third, np.maximum(fourth, 0.0), unit)

    def _within(self, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sums of second, third and fourth powers in another unit, no smaller."""
        wide = np.where(unit > 0, unit, 1.0)
        share = self.unit / wide
        return self.second / wide / wide, self.third * share**3, self.fourth * share**4

    def part(self, start: int, stop: int) -> Self:
        """Of these features."""
        sums = (self.mean, self.second, self.third, self.fourth, self.unit)
        return type(self)(self.count, *(values[start:stop] for values in sums))

    def squares(self, center: bool) -> np.ndarray:
        """(d,) variances, or mean squares about 0."""
        return self.second / self.count + (0.0 if center else self.mean**2)

    def gains(self, center: bool) -> np.ndarray:
        """(d,) one over the fourth root of the mean fourth power about the mean, or about 0; 0 of constants."""
        unit = self.unit if center else np.maximum(self.unit, power_of_two(np.abs(self.mean)))
        with np.errstate(all="ignore"):
            second, third, fourth = (part / self.count for part in self._within(unit))
            mean = self.mean / np.where(unit > 0, unit, 1.0)
            if not center:
                fourth = fourth + 4 * mean * third + 6 * mean**2 * second + mean**4
            heard = np.maximum(np.sqrt(fourth), (ROUNDING * mean) ** 2 if center else 0.0)
            return np.where((unit > 0) & (heard > 0), 1 / (np.sqrt(heard) * unit), 0.0)


def power_of_two(sizes: np.ndarray) -> np.ndarray:
    """The power of 2 above each size, 0 where it is 0."""
    return np.where(sizes > 0, np.ldexp(1.0, np.frexp(sizes)[1]), 0.0)
