"""The substitutions: what a term of the objective equals as an optimum over weights, and what of a circuit that makes.

One class a rule. Each says the term before and after, the weights at the optimum, and computes both sides of it: the
term from similarity matrices (:meth:`Rule.value`), and the optimal weights (:meth:`Rule.solve`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..circuit import Channel, Synapse
from .refusals import refuse
from .streams import signal
from .symbols import Plain
from .terms import Product, Similarity

#: rows of every channel; an array, or a lift
Rows = Mapping[str, Any]


def inner(left: np.ndarray, right: np.ndarray) -> float:
    """``Tr(A'B)/T^2`` of similarity matrices."""
    return float((left * right).sum()) / len(left) ** 2


def gram(Z: np.ndarray) -> np.ndarray:
    """The similarity matrix of rows."""
    return Z @ Z.T


class Rule:
    """A term of the objective and what becomes of it; abstract."""

    @property
    def means(self) -> str:
        """What it is in the circuit, in words."""
        return ""

    def before(self, hand: Plain) -> str:
        """The term in the objective, as it is minimised; empty where the constraint says all."""
        return ""

    def after(self, hand: Plain) -> str:
        """The same as an optimum over weights; empty where it stays as it is."""
        return ""

    def optimum(self, hand: Plain) -> str:
        """The weights at the optimum; empty where there are none."""
        return ""

    def value(self, rows: Rows, Z: np.ndarray) -> float:
        """The term, from similarity matrices."""
        return 0.0

    def solve(self, rows: Rows, Z: np.ndarray) -> dict[str, np.ndarray]:
        """The optimal weights for given outputs: arrays by name, as of ``State.arrays``."""
        return {}

    def channels(self, rates: Mapping[str, float]) -> tuple[Channel, ...]:
        """The channels it makes; ``rates`` are learning rates relative to the circuit's."""
        return ()


@dataclass(frozen=True)
class Attract(Rule):
    """``-g^2 <X' B^-1 X, Z'Z> = min_W -2 g <z' W x> + Tr W B W'``, at ``W = g <z x'> B^-1``: a channel."""

    weight: float
    term: Similarity

    def __post_init__(self) -> None:
        if self.weight < 0.0:
            reason = "subtracted, it is maximised over its weights, which no channel does: all of them descend"
            refuse(f"{self.weight:g} * {self.term}", reason)

    @property
    def drive(self) -> float:
        """The gain g of the channel."""
        return math.sqrt(self.weight)

    @property
    def means(self) -> str:
        made = f"a channel: drive {self.drive:g}, metric {self.term.metric:g}, leak {self.term.leak:g}"
        if self.term.of is None:
            return made
        return f"{made}; {self.term.of.name} comes in on the same weights, drives nothing and brings the metric"

    def before(self, hand: Plain) -> str:
        return hand.signed([(-self.weight, hand.sent(self.term.matrix(hand)))])

    def after(self, hand: Plain) -> str:
        W, z, B = hand.weight(self.term.channel), hand.bold("z"), self.term.metric_words(hand)
        current = hand.average(f"{z}{hand.T} {W} {hand.input(self.term.channel)}")
        size = (
            hand.square(W)
            if hand.bold("I") == B
            else f"{hand.word('Tr')} {W} {f'({B})' if ' ' in B else B} {W}{hand.T}"
        )
        return f"{hand.over('min', [W])} {hand.signed([(-2.0 * self.drive, current), (1.0, size)])}"

    def optimum(self, hand: Plain) -> str:
        B, x = self.term.metric_words(hand), hand.input(self.term.channel)
        pairs = hand.average(f"{hand.bold('z')} {x}{hand.T}")
        inverse = "" if hand.bold("I") == B else f" {f'({B})' if ' ' in B else B}{hand.inverse}"
        return f"{hand.weight(self.term.channel)} = {hand.signed([(self.drive, pairs + inverse)])}"

    def _moment(self, rows: Rows) -> np.ndarray:
        return self.term.moment(rows[self.term.measured.name])

    def value(self, rows: Rows, Z: np.ndarray) -> float:
        X = rows[self.term.channel]
        return -self.weight * inner(X @ np.linalg.solve(self._moment(rows), X.T), gram(Z))

    def solve(self, rows: Rows, Z: np.ndarray) -> dict[str, np.ndarray]:
        X = rows[self.term.channel]
        pairs = X.T @ Z / len(Z)
        return {f"W.{self.term.channel}": self.drive * np.linalg.solve(self._moment(rows), pairs).T}

    def channels(self, rates: Mapping[str, float]) -> tuple[Channel, ...]:
        term, name = self.term, self.term.channel
        synapse = Synapse(rate=rates.get(name, 1.0))
        if term.of is None:
            return (Channel(name, self.drive, term.metric, term.leak, synapse),)
        measured = Synapse(rate=rates.get(term.of.name, synapse.rate), weights=name)
        owner = Channel(name, self.drive, 0.0, term.leak, synapse)
        return owner, Channel(term.of.name, 0.0, term.metric, 0.0, measured)


@dataclass(frozen=True)
class Teach(Attract):
    """The same where z does not settle: ``z = V x``, and the gradient in V of ``-<S, Z'Z>`` is ``-2 a x'``."""

    @property
    def means(self) -> str:
        return f"a channel that teaches, drive 0, metric {self.term.metric:g}, leak {self.term.leak:g}"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weight != 1.0:
            reason = "a teacher's gain is 1: synapses read its current as it is; scale the stream instead"
            refuse(f"{self.weight:g} * {self.term}", reason)
        if self.term.of is not None:
            refuse(self.term, "a teacher with the metric of another signal: no rule covers it; let outputs settle")

    def channels(self, rates: Mapping[str, float]) -> tuple[Channel, ...]:
        name = self.term.channel
        return (Channel(name, 0.0, self.term.metric, self.term.leak, Synapse(rate=rates.get(name, 1.0))),)


@dataclass(frozen=True)
class AttractPairs(Rule):
    """``X'X o D'D``: the similarity of outer products, ``(x.x)(d.d) = (d x').(d x')``; then as any other signal."""

    weight: float
    term: Product

    def __post_init__(self) -> None:
        self._channel()

    def _channel(self) -> Attract:
        return Attract(self.weight, Similarity(signal(self.term.channel)))

    @property
    def means(self) -> str:
        return f"a channel of products, chi = vec(d x'), the lift outer: drive {self._channel().drive:g}"

    def before(self, hand: Plain) -> str:
        return hand.signed([(-self.weight, hand.sent(self.term.matrix(hand)))])

    def after(self, hand: Plain) -> str:
        return self._channel().after(hand)

    def optimum(self, hand: Plain) -> str:
        return self._channel().optimum(hand)

    def value(self, rows: Rows, Z: np.ndarray) -> float:
        lift = rows[self.term.channel]
        return -self.weight * inner(gram(lift.left) * gram(lift.right), gram(Z))

    def solve(self, rows: Rows, Z: np.ndarray) -> dict[str, np.ndarray]:
        return {f"W.{self.term.channel}": self._channel().drive * (Z.T @ rows[self.term.channel]) / len(Z)}

    def channels(self, rates: Mapping[str, float]) -> tuple[Channel, ...]:
        (channel,) = self._channel().channels(rates)
        return (Channel(channel.name, channel.drive, lift="outer", synapse=channel.synapse),)
