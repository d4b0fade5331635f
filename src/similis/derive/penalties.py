"""Substitutions of what concerns outputs alone: the quartic term, the cost on power, the threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..circuit import Gram
from .refusals import refuse
from .rules import Rows, Rule, gram, inner
from .symbols import Plain


@dataclass(frozen=True)
class OutputSquare(Rule):
    """``+q/2 <Z'Z, Z'Z> = max_M q (<z'Mz> - 1/2 |M|^2)``, at ``M = <z z'>``: Gram laterals."""

    quartic: float

    def __post_init__(self) -> None:
        if self.quartic < 0.0:
            refuse(f"+ {-self.quartic / 2:g} * output", "outputs that attract outputs: the problem is unbounded below")

    @property
    def means(self) -> str:
        return f"Gram laterals, gain {self.quartic:g}: neurons inhibit each other"

    def before(self, hand: Plain) -> str:
        square = f"{hand.bold('Z')}{hand.T}{hand.bold('Z')}"
        return hand.signed([(0.5 * self.quartic, hand.pair(square, square))])

    def after(self, hand: Plain) -> str:
        z, M = hand.bold("z"), hand.bold("M")
        terms = [(self.quartic, hand.average(f"{z}{hand.T} {M} {z}")), (-0.5 * self.quartic, hand.square(M))]
        return f"{hand.over('max', [M])} {hand.signed(terms)}"

    def optimum(self, hand: Plain) -> str:
        z = hand.bold("z")
        return f"{hand.bold('M')} = {hand.average(f'{z} {z}{hand.T}')}"

    def value(self, rows: Rows, Z: np.ndarray) -> float:
        return 0.5 * self.quartic * inner(gram(Z), gram(Z))

    def solve(self, rows: Rows, Z: np.ndarray) -> dict[str, np.ndarray]:
        return {"M": Z.T @ Z / len(Z)}

    def lateral(self, tau: float) -> Gram:
        return Gram(tau, self.quartic)


@dataclass(frozen=True)
class PowerCost(Rule):
    """``+ alpha <I T, Z'Z> = alpha <|z|^2>`` stays: self-inhibition."""

    alpha: float

    def __post_init__(self) -> None:
        if self.alpha < 0.0:
            refuse(f"+ identity({-self.alpha:g})", "a reward on power: settling against M - alpha I has no minimum")

    @property
    def means(self) -> str:
        return f"self-inhibition {self.alpha:g} of every neuron"

    def before(self, hand: Plain) -> str:
        return hand.signed([(self.alpha, hand.sent(f"T {hand.bold('I')}"))])

    def after(self, hand: Plain) -> str:
        return hand.signed([(self.alpha, hand.average(hand.square(hand.bold("z"))))])

    def value(self, rows: Rows, Z: np.ndarray) -> float:
        return self.alpha * inner(len(Z) * np.eye(len(Z)), gram(Z))


@dataclass(frozen=True)
class Threshold(Rule):
    """``+ alpha <11', Z'Z> = alpha |<z>|^2 = max_b 2 sqrt(alpha) b.<z> - |b|^2``, at ``b = sqrt(alpha) <z>``."""

    alpha: float

    def __post_init__(self) -> None:
        if self.alpha < 0.0:
            refuse(
                f"+ constant({-self.alpha:g})",
                "all samples attract each other: a mean that is rewarded, not a threshold",
            )

    @property
    def means(self) -> str:
        return "one unit of constant activity that inhibits every neuron: thresholds"

    def before(self, hand: Plain) -> str:
        ones = f"{hand.bold('1')}{hand.bold('1')}{hand.T}"
        return hand.signed([(self.alpha, hand.sent(ones))])

    def after(self, hand: Plain) -> str:
        b, z = hand.bold("b"), hand.bold("z")
        terms = [(2.0 * self.alpha**0.5, f"{b}{hand.T} {hand.average(z)}"), (-1.0, hand.square(b))]
        return f"{hand.over('max', [b])} {hand.signed(terms)}"

    def optimum(self, hand: Plain) -> str:
        return f"{hand.bold('b')} = {hand.signed([(self.alpha**0.5, hand.average(hand.bold('z')))])}"

    def value(self, rows: Rows, Z: np.ndarray) -> float:
        return self.alpha * inner(np.ones((len(Z), len(Z))), gram(Z))

    def solve(self, rows: Rows, Z: np.ndarray) -> dict[str, np.ndarray]:
        return {"cells.b": self.alpha**0.5 * Z.mean(0)} if self.alpha else {}
