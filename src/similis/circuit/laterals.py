"""The lateral connections M: how they learn, what they add to the objective, and how they are written.

A lateral is one class. It says what outputs settle against (``gain M``, beside the self-inhibition of the neurons),
its rule, the potential V of its weights in the objective and their gradient, the words for them, and its numbers for
the compiled loops. Engines and displays ask; none knows a class by name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .checks import expect, expect_fields

if TYPE_CHECKING:
    from .notation import Text

#: a term of a sum: its coefficient and its symbol
Term = tuple[float, str]
#: <z (B z)'> of the samples at hand, or <z z'> for None; arrays or tensors
Second = Callable[[Any], Any]


@dataclass(frozen=True)
class Lateral(ABC):
    """Base of the laterals; abstract: a class that lacks a part cannot be made."""

    tau: float = 0.5

    #: whether M follows from interneurons' weights; whether M learns; whether dM ~ z z' - M
    has_interneurons: ClassVar[bool] = False
    learns: ClassVar[bool] = True
    averages: ClassVar[bool] = False

    def __post_init__(self) -> None:
        expect_fields(self)
        expect(self.tau > 0.0, f"tau={self.tau}", "a positive number")

    @property
    def acting(self) -> float:
        """How much of M outputs settle against."""
        return 1.0

    @property
    def leak(self) -> float:
        """How fast M (or P) forgets: the step must stay below tau / leak."""
        return 0.0

    @property
    def has_objective(self) -> bool:
        """Whether its rule is a gradient."""
        return True

    def units_for(self, k: int) -> int:
        """Number of interneurons beside k neurons."""
        return 0

    def start(self, k: int, shift: float, dtype: np.dtype) -> dict[str, np.ndarray]:
        """The first weights: M, and where there are interneurons P and R."""
        return {"M": np.eye(k, dtype=dtype)}

    def fits(self, k: int, settles: bool, shift: float, adaptive: bool) -> None:
        """Refuse neurons (their number, whether they settle, their self-inhibition) without a meaning with it."""
        expect(settles or (self.acting == 1.0 and not shift and not adaptive), "gain or shift", "settles=True")

    @abstractmethod
    def row(self) -> dict[str, Any]:
        """Numbers for the compiled loops; see ``circuit.table.Table``."""

    @abstractmethod
    def learn(self, weights: Mapping[str, Any], second: Second, share: Any, rate: Any, one: Any, shift: Any) -> None:
        """One step of the rule at ``rate`` = eta/tau, in place.

        Parameters
        ----------
        weights : arrays or tensors M, and P and R where there are interneurons
        second : <z z'>, or <z (B z)'>
        share : of the samples that learn
        one : the identity, (k, k)
        shift : self-inhibition, which M of interneurons includes
        """

    @abstractmethod
    def potential(self, weights: Mapping[str, np.ndarray]) -> float:
        """V, subtracted from the objective."""

    @abstractmethod
    def gradients(self, weights: Mapping[str, np.ndarray], second: np.ndarray) -> dict[str, np.ndarray]:
        """Of the objective, by weights."""

    # words -----------------------------------------------------------------------------------------------------------

    def matrix(self, hand: Text) -> list[Term]:
        """What outputs settle against, but for the self-inhibition."""
        return [(self.acting, hand.bold("M"))]

    def current(self, hand: Text) -> list[Term]:
        """The current it sends to the neurons."""
        return [(self.acting, f"{hand.bold('M')} {hand.bold('z')}")]

    @abstractmethod
    def rules(self, hand: Text, matrix: str) -> list[str]:
        """How the weights learn; ``matrix`` is what outputs settle against."""

    @abstractmethod
    def cost(self, hand: Text) -> list[tuple[str, list[Term]]]:
        """The weights that ascend, and minus their potential."""

    def until(self, hand: Text) -> str:
        """What <z z'> converges to, where that is prescribed; otherwise empty."""
        return ""

    @property
    @abstractmethod
    def synapses(self) -> list[tuple[str, str, str, str, str, float]]:
        """Of plastic synapses: from, to, weights, the signal behind the synapse, the cell it is on, its leak."""


@dataclass(frozen=True)
class NoLateral(Lateral):
    """M = I, fixed.

    Parameters
    ----------
    tau : float > 0, unused; as of other laterals
    gain : float >= 0, A = (gain + shift) I
    """

    gain: float = 1.0
    learns: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self.gain >= 0.0, f"gain={self.gain}", "a number >= 0")

    @property
    def acting(self) -> float:
        return self.gain

    def row(self) -> dict[str, Any]:
        return {"gain": self.gain}

    def learn(self, weights: Mapping[str, Any], second: Second, share: Any, rate: Any, one: Any, shift: Any) -> None:
        """Nothing."""

    def potential(self, weights: Mapping[str, np.ndarray]) -> float:
        return 0.0

    def gradients(self, weights: Mapping[str, np.ndarray], second: np.ndarray) -> dict[str, np.ndarray]:
        return {}

    def matrix(self, hand: Text) -> list[Term]:
        return [(self.gain, hand.bold("I"))]

    def current(self, hand: Text) -> list[Term]:
        return [(self.gain, hand.bold("z"))]

    def rules(self, hand: Text, matrix: str) -> list[str]:
        return [f"{hand.bold('M')} = {hand.bold('I')}, {hand.word('fixed')}"] if self.gain else []

    def cost(self, hand: Text) -> list[tuple[str, list[Term]]]:
        return []

    @property
    def synapses(self) -> list[tuple[str, str, str, str, str, float]]:
        return []
