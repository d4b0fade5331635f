"""Where an output may live: the settling data of each domain, what its single units carry, and its words.

A domain is one class. Engines and displays read numbers that every domain has, and know none by name.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .checks import expect, expect_fields

if TYPE_CHECKING:
    from .notation import Text


class Domain(ABC):
    """Base of the domains, z >= 0 where a class says nothing else; abstract.

    Attributes
    ----------
    lower, upper : lower <= z <= upper
    l1 : threshold on the size of z
    radius : |z| <= radius
    total : b.z = total, or None
    stiffness : of the total: an inhibitory unit lambda = stiffness (b.z - total); inf holds it exactly
    learned : whether b, and thresholds a, are learned
    mean_rate : rate of a running mean m that is subtracted from the clipped output; 0 for none
    """

    lower: float = 0.0
    upper: float = math.inf
    l1: float = 0.0
    radius: float = math.inf
    total: float | None = None
    stiffness: float = math.inf
    learned: bool = False
    mean_rate: float = 0.0

    def fits(self, settles: bool, acts: bool, averages: bool, threshold: float) -> None:
        """Refuse laterals (whether M acts, and whether it averages z z') and neurons that have no meaning with it."""
        expect(settles, f"{type(self).__name__} with settles=False", "settles=True")

    def state(self, k: int, dtype: np.dtype) -> dict[str, np.ndarray]:
        """What single neurons carry at the beginning."""
        return {}

    def interior(self, z: np.ndarray) -> np.ndarray:
        """Where f' = 1: off the bounds and, with a threshold, off 0."""
        return (z > self.lower) & (z < self.upper) & ((z != 0) | (self.l1 == 0.0))

    @property
    def is_free(self) -> bool:
        """Whether settling is linear, z = A^{-1} d."""
        return self.lower == -math.inf and self.upper == math.inf and self.l1 == 0.0

    @abstractmethod
    def words(self, hand: Text, z: str) -> str:
        """Where z may live, e.g. ``z >= 0``; empty where it is free."""

    def rules(self, hand: Text) -> list[str]:
        """How what single neurons carry learns."""
        return []


@dataclass(frozen=True)
class Box(Domain):
    """Each output by itself: between bounds, above a threshold; without either, free.

    Parameters
    ----------
    lower, upper : floats, lower <= z <= upper, with lower <= 0 < upper
    l1 : float >= 0, a threshold on the size of z
    mean_rate : float in [0, 1), rate of a running mean m that is subtracted from the clipped output; needs a neuron
        that does not settle, and z free or z >= 0
    """

    lower: float = -math.inf
    upper: float = math.inf
    l1: float = 0.0
    mean_rate: float = 0.0

    @classmethod
    def nonnegative(cls, l1: float = 0.0, mean_rate: float = 0.0) -> Box:
        """z >= 0; with ``mean_rate``, z = [d - l1]_+ - m and m follows the mean of [d - l1]_+ at that rate."""
        return cls(0.0, l1=l1, mean_rate=mean_rate)

    def __post_init__(self) -> None:
        expect_fields(self)
        expect(self.lower <= 0.0 < self.upper, f"domain [{self.lower}, {self.upper}]", "lower <= 0 < upper")
        expect(self.l1 >= 0.0, f"l1={self.l1}", "a number >= 0")
        expect(0.0 <= self.mean_rate < 1.0, f"mean_rate={self.mean_rate}", "a rate in [0, 1)")
        # elsewhere (bound - m) + m need not be the bound again, and f' is read off z + m
        open_ends = self.lower in (0.0, -math.inf) and self.upper == math.inf
        expect(open_ends or not self.mean_rate, "mean_rate with other bounds", "z >= 0, or free")

    def fits(self, settles: bool, acts: bool, averages: bool, threshold: float) -> None:
        expect(not (settles and self.mean_rate), "mean_rate with settles=True", "settles=False")

    def state(self, k: int, dtype: np.dtype) -> dict[str, np.ndarray]:
        return {"mean": np.zeros(k, dtype)} if self.mean_rate else {}

    def words(self, hand: Text, z: str) -> str:
        low = f"{hand.number(self.lower)} {hand.at_most} {z}"
        if math.isfinite(self.upper):
            return f"{low if math.isfinite(self.lower) else z} {hand.at_most} {hand.number(self.upper)}"
        return f"{z} {hand.at_least} {hand.number(self.lower)}" if math.isfinite(self.lower) else ""

    def rules(self, hand: Text) -> list[str]:
        change = hand.signed([(self.mean_rate, hand.bold("z"))])
        return [f"{hand.change(hand.bold('m'))} = {change}"] if self.mean_rate else []


@dataclass(frozen=True)
class Ball(Domain):
    """z >= 0, |z| <= radius: divisive inhibition, z = radius [d]_+ / |[d]_+| where nothing else holds z back.

    Parameters
    ----------
    radius : float > 0
    """

    radius: float = 1.0

    def __post_init__(self) -> None:
        expect_fields(self)
        expect(self.radius > 0.0, f"radius={self.radius}", "a positive number")

    def fits(self, settles: bool, acts: bool, averages: bool, threshold: float) -> None:
        super().fits(settles, acts, averages, threshold)
        expect(not acts, "a ball with laterals that act", "NoLateral")

    def words(self, hand: Text, z: str) -> str:
        return f"{z} {hand.at_least} 0, {hand.length(z)} {hand.at_most} {hand.number(self.radius)}"
