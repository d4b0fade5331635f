"""Looking at a network while it learns: a measurement every m samples, outside the hot loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .._errors import InputError
from ..circuit import State


@dataclass
class Trace:
    """Record ``measure(state)`` after every ``every``-th sample.

    Parameters
    ----------
    every : int >= 1, counted in the state's own samples, so that chunked runs record at the same places
    measure : function of the State that returns a dict of numbers; must copy any array it keeps

    Attributes
    ----------
    samples : list of int
    records : list of dict
    """

    every: int
    measure: Callable[[State], Mapping[str, float]]
    samples: list[int] = field(default_factory=list)
    records: list[Mapping[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.every < 1:
            raise InputError(f"trace every={self.every}; expected an integer >= 1")

    @staticmethod
    def several(trace: Trace | Sequence[Trace] | None) -> tuple[Trace, ...]:
        """One trace, several or none, as a tuple."""
        return (trace,) if isinstance(trace, Trace) else tuple(trace or ())

    def due(self, t: int) -> int:
        """Samples from t to the next record."""
        return self.every - t % self.every

    def record(self, state: State) -> None:
        """Record this state."""
        self.samples.append(state.t)
        self.records.append(self.measure(state))
