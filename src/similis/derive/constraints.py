"""What outputs may be: each constraint, and the multiplier or the domain that it becomes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..circuit import Ball, Box, Domain, Interneurons, Lateral, PowerControl, SoftWhiten, Total, Whiten
from .hands import Plain
from .refusals import expect_number, refuse
from .rules import Rows, Rule


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
            return f"{z} {hand.word('minus its running mean')}"
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
class Spread(Constraint):
    """Conditions on ``<z z'>``, whose multipliers are lateral weights; abstract."""

    def lateral(self, tau: float) -> Lateral:
        """The lateral connections."""
        raise NotImplementedError

    def _moment(self, hand: Plain) -> str:
        z = hand.bold("z")
        return hand.average(f"{z} {z}{hand.T}")


@dataclass(frozen=True)
class White(Spread):
    """``<z z'> = I``: ``max_M Tr M (<z z'> - I)``."""

    means = property(lambda self: "whitening laterals: M is the multiplier")

    def __str__(self) -> str:
        return "white"

    def words(self, hand: Plain) -> str:
        return f"{self._moment(hand)} = {hand.bold('I')}"

    def after(self, hand: Plain) -> str:
        M = hand.bold("M")
        return f"{hand.over('max', [M])} {hand.word('Tr')} {M} ({self._moment(hand)} - {hand.bold('I')})"

    def lateral(self, tau: float) -> Whiten:
        return Whiten(tau)


@dataclass(frozen=True)
class SoftWhite(Spread):
    """``1/(2(1-s)) |<z z'> - s I|^2 = max_M <z'Mz> - (1-s)/2 |M|^2 - s Tr M``."""

    share: float

    def __post_init__(self) -> None:
        if not (isinstance(self.share, int | float) and 0.0 < self.share < 1.0):
            refuse(self, "expected a share between 0 (similarity matching) and 1 (white)")

    means = property(lambda self: "laterals between Gram and whitening")

    def __str__(self) -> str:
        return f"soft_white({self.share:g})"

    def words(self, hand: Plain) -> str:
        return ""

    def before(self, hand: Plain) -> str:
        rest = hand.signed([(1.0, self._moment(hand)), (-self.share, hand.bold("I"))])
        return hand.signed([(0.5 / (1.0 - self.share), hand.square(rest))])

    def after(self, hand: Plain) -> str:
        z, M = hand.bold("z"), hand.bold("M")
        costs = [(-0.5 * (1.0 - self.share), hand.square(M)), (-self.share, f"{hand.word('Tr')} {M}")]
        return f"{hand.over('max', [M])} {hand.signed([(1.0, hand.average(f'{z}{hand.T} {M} {z}')), *costs])}"

    def optimum(self, hand: Plain) -> str:
        rest = hand.grouped([(1.0, self._moment(hand)), (-self.share, hand.bold("I"))])
        return f"{hand.bold('M')} = {hand.signed([(1.0 / (1.0 - self.share), rest)])}"

    def value(self, rows: Rows, Z: np.ndarray) -> float:
        rest = Z.T @ Z / len(Z) - self.share * np.eye(Z.shape[1])
        return 0.5 / (1.0 - self.share) * float((rest**2).sum())

    def solve(self, rows: Rows, Z: np.ndarray) -> dict[str, np.ndarray]:
        return {"M": (Z.T @ Z / len(Z) - self.share * np.eye(Z.shape[1])) / (1.0 - self.share)}

    def lateral(self, tau: float) -> SoftWhiten:
        return SoftWhiten(tau, self.share)


@dataclass(frozen=True)
class AtMostWhite(Spread):
    """``<z z'> <= I``: ``max_P Tr PP' (<z z'> - I)``; offset o is a barrier ``o^2 Tr ((I - <z z'>)^-1 - I)``."""

    offset: float = 0.0

    def __post_init__(self) -> None:
        expect_number(self.offset, f"at_most_white(offset={self.offset!r})")

    def __call__(self, offset: float) -> AtMostWhite:
        """With a barrier before the bound; ``offset`` >= 0."""
        return AtMostWhite(offset)

    means = property(lambda self: "interneurons: M = P P' is the multiplier")

    def __str__(self) -> str:
        return f"at_most_white({self.offset:g})" if self.offset else "at_most_white"

    def words(self, hand: Plain) -> str:
        return f"{self._moment(hand)} {hand.at_most} {hand.bold('I')}"

    def before(self, hand: Plain) -> str:
        one = hand.bold("I")
        barrier = f"{hand.word('Tr')} (({one} - {self._moment(hand)}){hand.inverse} - {one})"
        return hand.signed([(self.offset**2, barrier)]) if self.offset else ""

    def after(self, hand: Plain) -> str:
        z, P, one = hand.bold("z"), hand.bold("P"), hand.bold("I")
        current = hand.average(f"{z}{hand.T} {P} {P}{hand.T} {z}")
        size = hand.square(hand.signed([(1.0, P), (-self.offset, one)]))
        return f"{hand.over('max', [P])} {current} - {size}"

    def optimum(self, hand: Plain) -> str:
        one, P = hand.bold("I"), hand.bold("P")
        if not self.offset:
            return f"{self._moment(hand)} {P} = {P}"
        return f"{P} = {hand.signed([(self.offset, f'({one} - {self._moment(hand)}){hand.inverse}')])}"

    def value(self, rows: Rows, Z: np.ndarray) -> float:
        k = Z.shape[1]
        return self.offset**2 * float(np.trace(np.linalg.inv(np.eye(k) - Z.T @ Z / len(Z))) - k)

    def solve(self, rows: Rows, Z: np.ndarray) -> dict[str, np.ndarray]:
        one = np.eye(Z.shape[1])
        return {"P": self.offset * np.linalg.inv(one - Z.T @ Z / len(Z)) if self.offset else 0.0 * one}

    def lateral(self, tau: float) -> Interneurons:
        return Interneurons(tau, weight_offset=self.offset)


@dataclass(frozen=True)
class Trace(Constraint):
    """``<|z|^2> = p``: ``max_mu mu (<|z|^2> - p)``, a self-inhibition that learns."""

    control: PowerControl

    means = property(lambda self: "self-inhibition mu that learns")

    def __str__(self) -> str:
        return f"trace({self.control.target_power:g})"

    def words(self, hand: Plain) -> str:
        return f"{hand.average(hand.square(hand.bold('z')))} = {hand.number(self.control.target_power)}"

    def after(self, hand: Plain) -> str:
        rest = f"{hand.average(hand.square(hand.bold('z')))} - {hand.number(self.control.target_power)}"
        return f"{hand.over('max', [hand.mu])} {hand.mu} ({rest})"


@dataclass(frozen=True)
class Feedforward(Constraint):
    """``z = V x``: the output is the drive, nothing settles."""

    stream: str = "x"

    def __call__(self, stream: str) -> Feedforward:
        """The same with another stream that drives."""
        return Feedforward(stream)

    means = property(lambda self: f"{self.stream} drives, nothing settles; its synapses read the teachers - M z")

    def __str__(self) -> str:
        return "feedforward" if self.stream == "x" else f"feedforward({self.stream})"

    def words(self, hand: Plain) -> str:
        return f"{hand.bold('z')} = {hand.weight(self.stream)} {hand.input(self.stream)}"


#: z >= 0
nonnegative = Within(Box.nonnegative(), "nonnegative")
#: <z z'> = I
white = White()
#: <z z'> <= I; ``at_most_white(offset)`` with a barrier before the bound
at_most_white = AtMostWhite()
#: z = V x; ``feedforward("y")`` with another stream
feedforward = Feedforward()


def sparse(l1: float) -> Within:
    """A price ``2 l1 <|z|_1>``: outputs below a threshold are 0. ``l1`` is a float > 0."""
    expect_number(l1, f"sparse({l1!r})", strictly=True)
    return Within(Box(l1=float(l1)), f"sparse({l1:g})")


def ball(radius: float = 1.0) -> Within:
    """``z >= 0``, ``|z| <= radius``; a float > 0."""
    expect_number(radius, f"ball({radius!r})", strictly=True)
    return Within(Ball(radius), f"ball({radius:g})")


def soft_white(share: float) -> SoftWhite:
    """Output variances shrink towards 1; ``share`` is a float between 0 and 1."""
    return SoftWhite(share)


def row_sums(rho: float = 1.0, stiffness: float = math.inf) -> RowSums:
    """``z >= 0`` and rows of Z'Z/T that sum to ``rho`` > 0; a finite ``stiffness`` > 0 makes it a price."""
    expect_number(rho, f"row_sums({rho!r})", strictly=True)
    return RowSums(Total.row_sum(rho, stiffness), f"row_sums({rho:g})")


def trace(power: float, *, shift: float = 0.1, rate: float = 0.002, minimum: float = 1e-3) -> Trace:
    """``<|z|^2> = power`` > 0.

    ``shift`` is the self-inhibition at the beginning, ``rate`` > 0 that at which it learns, and it never falls below
    ``minimum`` > 0.
    """
    expect_number(power, f"trace({power!r})", strictly=True)
    return Trace(PowerControl(shift, power, rate, minimum))


def within(domain: Domain) -> Within:
    """Outputs of any domain of :mod:`similis.circuit`."""
    if isinstance(domain, Total) and domain.learned:
        return RowSums(domain, f"row_sums({domain.total:g})")
    return Within(domain, f"within({domain})")


def centred(rate: float) -> Within:
    """A running mean is subtracted from outputs that are the drive; it follows at ``rate``, in [0, 1)."""
    return Within(Box(mean_rate=rate), f"centred({rate:g})")


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
