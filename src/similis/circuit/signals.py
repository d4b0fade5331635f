"""The signals physically present at a neuron, and nothing else.

A synapse may read a linear form in them; a rule that needs any other quantity cannot be written: every rule is local.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Form:
    """A linear form in the signals: add, subtract, scale; nothing else."""

    items: tuple[tuple[str, float], ...]

    def __post_init__(self) -> None:
        order = ("Z", "of", "FEEDBACK", "OWN")  # one order, so that equal forms are equal
        by_signal = sorted(self.items, key=lambda item: (*[item[0].startswith(s) for s in reversed(order)], item[0]))
        object.__setattr__(self, "items", tuple((s, float(c)) for s, c in by_signal if c != 0.0))

    @property
    def terms(self) -> Mapping[str, float]:
        """Coefficient of each signal."""
        return MappingProxyType(dict(self.items))

    def __add__(self, other: Form) -> Form:
        total = dict(self.items)
        for signal, coefficient in other.items:
            total[signal] = total.get(signal, 0.0) + coefficient
        return Form(tuple(total.items()))

    def __mul__(self, factor: float) -> Form:
        return Form(tuple((signal, factor * c) for signal, c in self.items))

    __rmul__ = __mul__

    def __neg__(self) -> Form:
        return self * -1.0

    def __sub__(self, other: Form) -> Form:
        return self + -other

    def __str__(self) -> str:
        if not self.items:
            return "0"
        text = ""
        for signal, c in self.items:
            size = "" if abs(c) == 1.0 else f"{abs(c):g} "
            text += (" - " if text else "-") if c < 0 else (" + " if text else "")
            text += size + signal
        return text

    __repr__ = __str__


#: the neuron's settled output z
Z = Form((("Z", 1.0),))
#: the current of the synapse's own compartment, a_c = W_c x_c
OWN = Form((("OWN", 1.0),))
#: the lateral (or interneuron) current M z
FEEDBACK = Form((("FEEDBACK", 1.0),))
#: silence: a synapse that reads it does not learn, it only leaks
SILENCE = Form(())


def of(channel: str) -> Form:
    """The current of another channel's compartment on the same neuron."""
    return Form(((f"of({channel})", 1.0),))


#: stands for the form that the objective derives
DERIVED = Form((("DERIVED", 1.0),))
