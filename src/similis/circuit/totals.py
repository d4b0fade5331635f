"""Outputs with a prescribed sum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .checks import expect, expect_fields
from .domains import Domain

if TYPE_CHECKING:
    from .notation import Text


@dataclass(frozen=True)
class Total(Domain):
    """z >= 0, b.z = total, held by one inhibitory unit lambda; with b = 1 a simplex.

    Parameters
    ----------
    total : float > 0
    stiffness : float > 0, lambda = stiffness (b.z - total); inf holds the total exactly
    learned : bool, whether b = <z> is learned, and with it the neurons' thresholds a, db ~ z - b and
        da ~ lambda z - a, at the rate of W (the rows of the outputs' Gram then sum to the total); otherwise b is 1
    """

    total: float = 1.0
    stiffness: float = math.inf
    learned: bool = False

    @classmethod
    def row_sum(cls, total: float = 1.0, stiffness: float = math.inf) -> Total:
        """The rows of the outputs' Gram sum to the total: b = <z> is learned."""
        return cls(total, stiffness, learned=True)

    def __post_init__(self) -> None:
        expect_fields(self)
        expect(self.total > 0.0, f"total={self.total}", "a positive number")
        expect(self.stiffness > 0.0, f"stiffness={self.stiffness}", "a positive number")

    def fits(self, settles: bool, acts: bool, averages: bool, threshold: float) -> None:
        super().fits(settles, acts, averages, threshold)
        expect(averages or not acts, "a total with these laterals", "NoLateral or Gram")
        expect(not threshold, "a threshold with a total", "one of them: row sums learn thresholds")

    def state(self, k: int, dtype: np.dtype) -> dict[str, np.ndarray]:
        """b in the middle of its simplex, no threshold."""
        return {"b": np.full(k, np.sqrt(self.total / k), dtype), "a": np.zeros(k, dtype)} if self.learned else {}

    def words(self, hand: Text, z: str) -> str:
        held = f", {sum_words(self, hand)} = {hand.number(self.total)}" if math.isinf(self.stiffness) else ""
        return f"{z} {hand.at_least} 0{held}"

    def rules(self, hand: Text) -> list[str]:
        if not self.learned:
            return []
        z, a, b, rate = hand.bold("z"), hand.bold("a"), hand.bold("b"), hand.signed([(2.0, hand.eta)])
        return [f"{hand.change(b)} = {rate} ({z} - {b})", f"{hand.change(a)} = {rate} ({hand.unit} {z} - {a})"]


def sum_words(domain: Domain, hand: Text) -> str:
    """b' z, the sum that a total holds."""
    return f"{hand.bold('b' if domain.learned else '1')}{hand.T} {hand.bold('z')}"
