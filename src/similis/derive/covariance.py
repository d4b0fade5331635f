"""Conditions on the second moment of the outputs, whose multipliers are lateral weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..circuit import Interneurons, Lateral, SoftWhiten, Whiten
from .constraints import Constraint
from .refusals import expect_number, finite, refuse, written
from .rules import Rows
from .symbols import Plain


@dataclass(frozen=True)
class Covariance(Constraint):
    """Conditions on ``<z z'>``, whose multipliers are lateral weights; abstract."""

    def lateral(self, tau: float) -> Lateral:
        """The lateral connections."""
        raise NotImplementedError

    def _moment(self, hand: Plain) -> str:
        z = hand.bold("z")
        return hand.average(f"{z} {z}{hand.T}")


@dataclass(frozen=True)
class White(Covariance):
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
class SoftWhite(Covariance):
    """``1/(2(1-s)) |<z z'> - s I|^2 = max_M <z'Mz> - (1-s)/2 |M|^2 - s Tr M``."""

    share: float

    def __post_init__(self) -> None:
        if not (finite(self.share) and 0.0 < self.share < 1.0):
            refuse(self, "expected a share between 0 (similarity matching) and 1 (white)")

    means = property(lambda self: "laterals between Gram and whitening")

    def __str__(self) -> str:
        return f"soft_white({written(self.share)})"

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
class AtMostWhite(Covariance):
    """``<z z'> <= I``: ``max_P Tr PP' (<z z'> - I)``; offset o is a barrier ``o^2 Tr ((I - <z z'>)^-1 - I)``."""

    offset: float = 0.0

    def __post_init__(self) -> None:
        expect_number(self.offset, f"at_most_white({self.offset!r})")

    def __call__(self, offset: float) -> AtMostWhite:
        """With a barrier before the bound; ``offset`` >= 0."""
        return AtMostWhite(offset)

    means = property(lambda self: "interneurons: M = P P' is the multiplier")

    def __str__(self) -> str:
        return f"at_most_white({written(self.offset)})" if self.offset else "at_most_white"

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
