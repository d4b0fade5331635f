"""What a neuron is: where its output may live, how it inhibits itself, and whether it settles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .checks import expect, expect_fields, expect_type
from .domains import Box, Domain

if TYPE_CHECKING:
    from .notation import Text


@dataclass(frozen=True)
class Inhibition:
    """Self-inhibition of every neuron: what A adds to gain M.

    Parameters
    ----------
    shift : float >= 0
    """

    shift: float = 0.0

    def __post_init__(self) -> None:
        expect_fields(self)
        expect(self.shift >= 0.0, f"shift={self.shift}", "a number >= 0")

    @property
    def learns(self) -> bool:
        """Whether the shift changes."""
        return False

    def row(self) -> dict[str, Any]:
        """Numbers for the compiled loops."""
        return {"shift": self.shift}

    def words(self, hand: Text, alone: str) -> list[tuple[float, str]]:
        """What it adds to A, or to A z, ``alone`` being I or z."""
        return [(self.shift, alone)]

    def rules(self, hand: Text) -> list[str]:
        """How it learns."""
        return []

    def cost(self, hand: Text) -> list[tuple[str, list[tuple[float, str]]]]:
        """What ascends in the objective, and its cost there."""
        return []


@dataclass(frozen=True)
class PowerControl(Inhibition):
    """Self-inhibition that learns until the outputs have a power, d shift = rate (|z|^2 - target_power).

    Parameters
    ----------
    shift : float >= minimum, the first one
    target_power : float > 0, of the mean of |z|^2
    rate, minimum : floats > 0, the shift never falls below the minimum
    """

    target_power: float = 1.0
    rate: float = 0.002
    minimum: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self.target_power > 0.0, f"target_power={self.target_power}", "a positive number")
        expect(self.rate > 0.0 and self.minimum > 0.0, "rate or minimum <= 0", "positive numbers")
        expect(self.shift >= self.minimum, f"shift={self.shift} that learns", f"at least minimum={self.minimum}")

    @property
    def learns(self) -> bool:
        return True

    def row(self) -> dict[str, Any]:
        numbers = {"power": self.target_power, "power_rate": self.rate, "shift_min": self.minimum}
        return {"shift": self.shift, "adaptive": True} | numbers

    def words(self, hand: Text, alone: str) -> list[tuple[float, str]]:
        return [(1.0, f"{hand.mu} {alone}")]

    def rules(self, hand: Text) -> list[str]:
        rest = f"({hand.square(hand.bold('z'))} - {hand.number(self.target_power)})"
        change = f"{hand.change(hand.mu)} = {hand.signed([(self.rate, rest)])}"
        return [change, f"{hand.mu} {hand.at_least} {hand.number(self.minimum)}"]

    def cost(self, hand: Text) -> list[tuple[str, list[tuple[float, str]]]]:
        return [(hand.mu, [(-self.target_power, hand.mu)])]


@dataclass(frozen=True)
class Neuron:
    """How outputs follow from drives: ``z = argmin_{z in domain} z'Az - 2 z'd + 2 l1 |z|_1``, A = gain M + shift I.

    Parameters
    ----------
    domain : Domain, default any z
    inhibition : Inhibition, self-inhibition, default none
    threshold : float >= 0, alpha: outputs align with similarities above it, X'X - alpha E. A unit of constant activity
        inhibits neuron i by sqrt(alpha) b_i, and db = 2 eta (sqrt(alpha) z - b)
    settles : bool, whether outputs settle against A; otherwise A is replaced by I, and laterals are read by synapses
        alone (FEEDBACK)
    """

    domain: Domain = field(default_factory=Box)
    inhibition: Inhibition = field(default_factory=Inhibition)
    threshold: float = 0.0
    settles: bool = True

    def __post_init__(self) -> None:
        expect_fields(self)
        expect_type(self.domain, Domain, "domain", "a Domain, e.g. Box.nonnegative()")
        expect_type(self.inhibition, Inhibition, "inhibition", "an Inhibition, e.g. PowerControl(0.1, 1.0)")
        expect(self.threshold >= 0.0, f"threshold={self.threshold}", "a number >= 0")
        expect(self.settles or not self.threshold, "a threshold with settles=False", "settles=True")

    def state(self, k: int, dtype: np.dtype) -> dict[str, np.ndarray]:
        """What single neurons carry at the beginning."""
        found = self.domain.state(k, dtype)
        if self.threshold:
            found["b"] = np.zeros(k, dtype)
        if self.inhibition.learns:
            found["shift"] = np.full(1, self.inhibition.shift, dtype)
        return found

    def rules(self, hand: Text) -> list[str]:
        """How what single neurons carry learns."""
        z, b = hand.bold("z"), hand.bold("b")
        body = hand.signed([(self.threshold**0.5, z), (-1.0, b)])
        constant = [f"{hand.change(b)} = {hand.signed([(2.0, hand.eta)])} ({body})"] if self.threshold else []
        return [*constant, *self.domain.rules(hand), *self.inhibition.rules(hand)]
