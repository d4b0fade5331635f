"""Lateral connections M that follow the second moment of the outputs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .checks import expect
from .laterals import Lateral, Second, Term

if TYPE_CHECKING:
    from .notation import Text


@dataclass(frozen=True)
class Linear(Lateral):
    """Laterals whose rule is ``dM ~ z z' - leak M - pull I``; abstract."""

    @property
    @abstractmethod
    def leak(self) -> float: ...

    @property
    @abstractmethod
    def pull(self) -> float:
        """How much is taken from the diagonal."""

    def row(self) -> dict[str, Any]:
        return {"plastic": True, "lateral_leak": self.leak, "pull": self.pull, "gain": self.acting}

    def learn(self, weights: Mapping[str, Any], second: Second, share: Any, rate: Any, one: Any, shift: Any) -> None:
        M = weights["M"]
        M += rate * (second(None) - share * (self.leak * M + self.pull * one))

    def potential(self, weights: Mapping[str, np.ndarray]) -> float:
        M = weights["M"]
        return self.acting * (0.5 * self.leak * float((M**2).sum()) + self.pull * float(np.trace(M)))

    def gradients(self, weights: Mapping[str, np.ndarray], second: np.ndarray) -> dict[str, np.ndarray]:
        M = weights["M"]
        return {"M": self.acting * (second - self.leak * M - self.pull * np.eye(len(M)))}

    def rules(self, hand: Text, matrix: str) -> list[str]:
        z, M = hand.bold("z"), hand.bold("M")
        change = hand.signed([(1.0, f"{z} {z}{hand.T}"), (-self.leak, M), (-self.pull, hand.bold("I"))])
        return [f"{hand.change(M)} = ({hand.eta}/{hand.tau}) ({change})", f"{hand.tau} = {hand.number(self.tau)}"]

    def cost(self, hand: Text) -> list[tuple[str, list[Term]]]:
        M, gain = hand.bold("M"), self.acting
        terms = [(-0.5 * gain * self.leak, hand.square(M)), (-gain * self.pull, f"{hand.word('Tr')} {M}")]
        return [(M, terms)]

    def until(self, hand: Text) -> str:
        z, M, one = hand.bold("z"), hand.bold("M"), hand.bold("I")
        target = hand.signed([(self.leak, M), (self.pull, one)])
        return f"{hand.mean(f'{z} {z}{hand.T}')} = {target}" if self.pull else ""

    @property
    def synapses(self) -> list[tuple[str, str, str, str, str, float]]:
        return [("z", "z", "M", "Z", "neuron", self.leak)]


@dataclass(frozen=True)
class Gram(Linear):
    """The second moment of the outputs, ``dM ~ z z' - M``: ``+1/2 <Z'Z, Z'Z>`` of similarity matching.

    Parameters
    ----------
    tau : float > 0, M learns at rate eta/tau
    gain : float > 0, how much of M acts, A = gain M + shift I
    """

    gain: float = 1.0
    averages: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self.gain > 0.0, f"gain={self.gain} of Gram laterals", "a positive number, or NoLateral")

    @property
    def acting(self) -> float:
        return self.gain

    @property
    def leak(self) -> float:
        return 1.0

    @property
    def pull(self) -> float:
        return 0.0


@dataclass(frozen=True)
class Whiten(Linear):
    """The multiplier of ``<z z'> = I``, ``dM ~ z z' - I``: outputs become white.

    Parameters
    ----------
    tau : float > 0, M learns at rate eta/tau
    """

    @property
    def leak(self) -> float:
        return 0.0

    @property
    def pull(self) -> float:
        return 1.0


@dataclass(frozen=True)
class SoftWhiten(Linear):
    """Between Gram and Whiten, ``dM ~ z z' - (1 - share) M - share I``: output variances shrink towards 1.

    Without other bounds the outputs span the principal subspace, and have there the variances
    ``(1 - share) lambda_i + share``, lambda_i those of the input.

    Parameters
    ----------
    tau : float > 0, M learns at rate eta/tau
    share : float in (0, 1), of whitening
    """

    share: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(0.0 < self.share < 1.0, f"share={self.share}", "a number between 0 (Gram) and 1 (Whiten)")

    @property
    def leak(self) -> float:
        return 1.0 - self.share

    @property
    def pull(self) -> float:
        return self.share
