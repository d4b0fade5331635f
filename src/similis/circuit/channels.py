"""Input streams, and the synapses through which neurons receive them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .checks import expect, expect_fields, expect_type
from .signals import DERIVED, Form

#: stands for ``1 - metric``; any other nan is refused
_FOLLOWS = float("nan")


@dataclass(frozen=True)
class Synapse:
    """How the weights of a channel learn: ``dW = 2 eta rate (post x' - leak W)``.

    Parameters
    ----------
    post : Form, the signals at the neuron that the synapse reads; default: derived from the objective (see
        :class:`Circuit`)
    rate : float >= 0, learning rate relative to the circuit's (0: the weights stay as they are)
    gated : bool, whether learning is multiplied by f' (0 where the domain clips the neuron); default: derived
    input_gated : bool, whether learning is gated by the synapse's own input, dW_ij ~ x_j (post_i - leak W_ij); then
        x >= 0, and the weights converge to conditional means <x_j post_i> / <x_j>
    weights : str, the channel whose weights this one uses and teaches, too; default: its own. So the metric of one
        signal can be learned beside the correlation with another (slow features)
    """

    post: Form = DERIVED
    rate: float = 1.0
    gated: bool | None = None
    input_gated: bool = False
    weights: str = ""

    def __post_init__(self) -> None:
        expect_fields(self)
        expect_type(self.post, Form, "post", "a Form, e.g. Z - OWN")
        expect(self.rate >= 0.0, f"rate={self.rate}", "a number >= 0")
        expect(not (self.weights and self.input_gated), "input_gated with shared weights", "one of them")


@dataclass(frozen=True)
class Channel:
    """One input stream x_c and the compartment a_c = W_c x_c it drives on every neuron.

    The objective holds ``leak |W_c|^2 + metric <|W_c x_c|^2>``, which for ``leak = 1 - metric`` is the channel metric
    ``(1 - s) I + s C_cc``; with ``metric = 1`` a positive leak is a ridge on ``C_cc``.

    Parameters
    ----------
    name : str
    drive : float, gain g_c with which the compartment drives the soma (0: it only teaches)
    metric : float in [0, 1], s above
    leak : float >= 0, default ``1 - metric``
    synapse : Synapse, how the weights learn
    lift : None or "outer", how the stream is made: of all products of a frame x with its change dx. It changes no rule;
        rows come as :class:`similis.circuit.Outer` or written out
    """

    name: str = "x"
    drive: float = 1.0
    metric: float = 0.0
    leak: float = _FOLLOWS
    synapse: Synapse = field(default_factory=Synapse)
    lift: Literal["outer"] | None = None

    def __post_init__(self) -> None:
        expect_fields(self)
        expect(isinstance(self.name, str) and self.name.isidentifier(), f"channel name {self.name!r}", "an identifier")
        expect_type(self.synapse, Synapse, f"synapse of channel {self.name!r}", "a Synapse")
        expect(0.0 <= self.metric <= 1.0, f"metric={self.metric} of channel {self.name!r}", "a number in [0, 1]")
        expect(self.lift in (None, "outer"), f"lift={self.lift!r} of channel {self.name!r}", "None or 'outer'")
        if self.leak is _FOLLOWS:
            object.__setattr__(self, "leak", 0.0 if self.synapse.weights else 1.0 - self.metric)
        own = not self.synapse.weights or self.leak == 0.0
        expect(own, f"leak={self.leak} of channel {self.name!r} that shares weights", "0: their owner has the leak")
        expect(self.leak >= 0.0, f"leak={self.leak} of channel {self.name!r}", "a number >= 0")

    @property
    def weights(self) -> str:
        """The channel whose weights this one uses."""
        return self.synapse.weights or self.name
