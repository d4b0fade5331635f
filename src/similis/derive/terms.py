"""Similarity matrices of an objective: of signals, of pairs of signals, constants, and of the outputs themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .expression import Term
from .refusals import expect_number, finite, refuse, written
from .streams import Signal, signal
from .symbols import Plain


class Attraction(Term):
    """A similarity that inputs have; its channel learns it."""

    @property
    def channel(self) -> str:
        """The channel it becomes."""
        raise NotImplementedError


@dataclass(frozen=True)
class Similarity(Attraction):
    """``X' B^-1 X``, ``B = (1 - metric) I + metric C + ridge I``; see :func:`similarity`."""

    signal: Signal
    metric: float = 0.0
    ridge: float = 0.0
    of: Signal | None = None

    def __post_init__(self) -> None:
        expect_number(self.ridge, f"ridge={self.ridge!r} of {self.signal}")
        if not finite(self.metric) or not 0.0 <= self.metric <= 1.0:
            reason = "B = (1 - s) I + s C must have an inverse that synapses can learn; expected s between 0 and 1"
            refuse(f"similarity({self.signal}, metric={self.metric!r})", reason)
        object.__setattr__(self, "metric", float(self.metric))
        object.__setattr__(self, "ridge", float(self.ridge))
        if self.of is not None and self.metric == 0.0:
            refuse(str(self), "metric=0 is no metric of another signal; expected metric > 0, or no metric_of")

    @property
    def channel(self) -> str:
        return self.signal.name

    @property
    def leak(self) -> float:
        """The share of I in B: how fast weights decay by themselves."""
        return 1.0 - self.metric + self.ridge

    @property
    def measured(self) -> Signal:
        """The signal whose second moment is the metric."""
        return self.signal if self.of is None else self.of

    def metric_words(self, hand: Plain) -> str:
        """B, e.g. ``0.5 I + 0.5 Cxx``."""
        return hand.signed([(self.leak, hand.bold("I")), (self.metric, hand.covariance(self.measured.name))])

    def matrix(self, hand: Plain) -> str:
        X, metric = hand.matrix(self.channel), self.metric_words(hand)
        if metric == hand.bold("I"):
            return f"{X}{hand.T}{X}"
        return f"{X}{hand.T} {f'({metric})' if ' ' in metric else metric}{hand.inverse} {X}"

    def moment(self, X: np.ndarray) -> np.ndarray:
        """B from the rows of the measured signal."""
        return self.leak * np.eye(X.shape[1]) + self.metric * (X.T @ X) / len(X)

    def factor(self, quoted: str) -> Signal:
        if self.metric or self.ridge:
            reason = "C of one factor alone, which the current of a pair does not hold: a non-local inverse"
            refuse(quoted, f"{self} has a metric, {reason}")
        return self.signal

    def __str__(self) -> str:
        options = [f"{self.signal}"]
        options += [f"metric={written(self.metric)}"] if self.metric and not (self.of and self.metric == 1.0) else []
        options += [f"ridge={written(self.ridge)}"] if self.ridge else []
        options += [f"metric_of={self.of}"] if self.of else []
        return f"similarity({', '.join(options)})"


@dataclass(frozen=True)
class Product(Attraction):
    """``X'X o D'D``, entry by entry: the similarity of the outer products ``d x'``."""

    left: Signal
    right: Signal
    channel: str = "chi"

    def named(self, channel: str) -> Product:
        """The same on a channel of another name."""
        return replace(self, channel=channel)

    def matrix(self, hand: Plain) -> str:
        factors = (f"{hand.matrix(s.name)}{hand.T}{hand.matrix(s.name)}" for s in (self.left, self.right))
        return f" {hand.hadamard} ".join(factors)

    def factor(self, quoted: str) -> Signal:
        refuse(quoted, "three factors: a synapse would multiply three signals; expected two similarities")

    def __str__(self) -> str:
        return f"similarity({self.left}) * similarity({self.right})"


def similarity(
    name: Signal | str, *, metric: float | None = None, ridge: float = 0.0, metric_of: Signal | str | None = None
) -> Similarity:
    """The similarity of a signal's samples, ``X' B^-1 X`` with ``B = (1 - metric) I + metric C + ridge I``.

    Parameters
    ----------
    name : str or Signal, a stream, or a sum of streams now and some samples ago
    metric : float in [0, 1], 0: inner products; 1: of the whitened signal; default 0, and 1 with ``metric_of``
    ridge : float >= 0
    metric_of : str or Signal, the signal whose second moment C is, default the same one

    Returns
    -------
    Similarity

    Raises
    ------
    similis._errors.InputError
        For a metric without an inverse that synapses can learn.

    Examples
    --------
    >>> from similis.derive import lagged, match, similarity
    >>> print(match(similarity("x", metric=1) + similarity("y", metric=1)))
    min_Z 1/2 |X' Cxx^-1 X + Y' Cyy^-1 Y - Z'Z|^2
    >>> print(match(similarity(lagged("x", 1) + "x", metric_of="x")))
    min_Z 1/2 |X_x_sum' Cxx^-1 X_x_sum - Z'Z|^2
    """
    of = None if metric_of is None else signal(metric_of)
    chosen = float(of is not None) if metric is None else metric
    return Similarity(signal(name), chosen, ridge, None if of == signal(name) else of)
