"""What outputs may be: each constraint, and the multiplier or the domain that it becomes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..circuit import Box, Domain, PowerControl
from .refusals import refuse, written
from .rules import Rows, Rule
from .symbols import Plain


class Constraint(Rule):
    """A condition on the outputs; abstract."""

    def __str__(self) -> str:
        raise NotImplementedError

    def words(self, hand: Plain) -> str:
        """The condition, e.g. ``z >= 0``."""
        raise NotImplementedError


@dataclass(frozen=True)
class Within(Constraint):
    """Outputs of a domain: settling keeps them there, nothing is substituted."""

    domain: Domain
    said: str

    def __str__(self) -> str:
        return self.said

    @property
    def means(self) -> str:
        return "where outputs may be: settling and f' keep them there"

    def words(self, hand: Plain) -> str:
        domain, z = self.domain, hand.bold("z")
        if isinstance(domain, Box) and domain.mean_rate:
            m = hand.bold("m")
            return ", ".join(filter(None, [domain.words(hand, f"{z} + {m}"), *domain.rules(hand)]))
        return domain.words(hand, z)

    def before(self, hand: Plain) -> str:
        return hand.signed([(2.0 * self.domain.l1, hand.average(hand.absolute(hand.bold("z"))))]) * (self.domain.l1 > 0)

    def value(self, rows: Rows, Z: np.ndarray) -> float:
        return 2.0 * self.domain.l1 * float(np.abs(Z).sum(1).mean())

    def bounded(self) -> bool:
        """Whether outputs cannot grow for ever."""
        return self.domain.radius < math.inf or (self.domain.lower > -math.inf and self.domain.upper < math.inf)


@dataclass(frozen=True)
class RowSums(Within):
    """``Z'Z 1 / T = rho 1``: a multiplier for every sample, b = <z>."""

    @property
    def means(self) -> str:
        return "one inhibitory unit lambda, with learned synapses b and thresholds a"

    def words(self, hand: Plain) -> str:
        one = hand.bold("1")
        square = f"{hand.bold('Z')}{hand.T}{hand.bold('Z')} {one} / T"
        return f"{hand.bold('z')} {hand.at_least} 0, {square} = {hand.signed([(self.domain.total or 0.0, one)])}"

    def after(self, hand: Plain) -> str:
        a, b, z = (hand.bold(letter) for letter in "abz")
        rest = hand.signed([(1.0, f"{b}{hand.T} {z}"), (-(self.domain.total or 0.0), "")])
        body = f"2 {a}{hand.T} ({hand.average(z)} - {b}) + 2 {hand.average(f'{hand.unit} ({rest})')}"
        return f"{hand.stationary([a, b, hand.unit])} {body}"

    def optimum(self, hand: Plain) -> str:
        z = hand.bold("z")
        return f"{hand.bold('b')} = {hand.average(z)}, {hand.bold('a')} = {hand.average(f'{hand.unit} {z}')}"

    def value(self, rows: Rows, Z: np.ndarray) -> float:
        if math.isinf(self.domain.stiffness):
            return 0.0
        sums = (Z @ Z.T).sum(1) / len(Z)
        return self.domain.stiffness * float(((sums - (self.domain.total or 0.0)) ** 2).mean())

    def solve(self, rows: Rows, Z: np.ndarray) -> dict[str, np.ndarray]:
        return {"cells.b": Z.mean(0)}

    def bounded(self) -> bool:
        return True


@dataclass(frozen=True)
class Trace(Constraint):
    """``<|z|^2> = p``: ``max_mu mu (<|z|^2> - p)``, a self-inhibition that learns."""

    control: PowerControl

    means = property(lambda self: "self-inhibition mu that learns")

    def __str__(self) -> str:
        control, default = self.control, PowerControl(0.1)
        options = [written(control.target_power)]
        for name in ("shift", "rate", "minimum"):
            if (value := getattr(control, name)) != getattr(default, name):
                options.append(f"{name}={written(value)}")
        return f"trace({', '.join(options)})"

    def words(self, hand: Plain) -> str:
        return f"{hand.average(hand.square(hand.bold('z')))} = {hand.number(self.control.target_power)}"

    def after(self, hand: Plain) -> str:
        rest = f"{hand.average(hand.square(hand.bold('z')))} - {hand.number(self.control.target_power)}"
        return f"{hand.over('max', [hand.mu])} {hand.mu} ({rest})"


@dataclass(frozen=True)
class Feedforward(Constraint):
    """``z = V x``: the output is the drive, nothing settles; ``clipped`` by f where there is a domain."""

    stream: str = "x"
    clipped: bool = False

    def __call__(self, stream: str) -> Feedforward:
        """The same with another stream that drives."""
        return Feedforward(stream)

    @property
    def means(self) -> str:
        return f"the stream {self.stream} that drives; its synapses read a, what all teachers say, minus M z"

    def __str__(self) -> str:
        return "feedforward" if self.stream == "x" else f"feedforward({self.stream})"

    def words(self, hand: Plain) -> str:
        drive = f"{hand.weight(self.stream)} {hand.input(self.stream)}"
        return f"{hand.bold('z')} = {hand.call('f', drive) if self.clipped else drive}"

    def after(self, hand: Plain) -> str:
        error = hand.grouped([(1.0, hand.bold("a")), (-1.0, f"{hand.bold('M')} {hand.bold('z')}")])
        slope = f"f'{hand.dot} " if self.clipped else ""
        body = hand.average(f"{slope}{error} {hand.input(self.stream)}{hand.T}")
        return f"-{hand.half} dL/d{hand.weight(self.stream)} = {body}"


def joined(several: list[Within]) -> Within | None:
    """One domain of several, where they have a meaning together."""
    if len(several) <= 1:
        return several[0] if several else None
    said = ", ".join(map(str, several))
    boxes = [c.domain for c in several if isinstance(c.domain, Box)]
    others = [c for c in several if not isinstance(c.domain, Box)]
    if others:
        free = all(replace(box, lower=-math.inf) == Box() and box.lower in (0.0, -math.inf) for box in boxes)
        if len(others) > 1 or not free:
            refuse(said, "outputs settle in one domain; no local dynamics is known for their intersection")
        return others[0]  # it holds z >= 0
    lower, upper = max(box.lower for box in boxes), min(box.upper for box in boxes)
    l1, mean_rate = max(box.l1 for box in boxes), max(box.mean_rate for box in boxes)
    return Within(Box(lower, upper, l1, mean_rate), said)
