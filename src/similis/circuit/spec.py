"""A network is five choices: channels, lateral, neuron, step and size. They are data; ``similis.engine`` runs them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from .._errors import InputError
from .channels import Channel
from .checks import expect, expect_fields, expect_type
from .domains import Domain
from .laterals import Lateral
from .linear import Gram
from .neurons import Neuron
from .signals import DERIVED, FEEDBACK, OWN, SILENCE, Form, Z, of
from .steps import Step


@dataclass(frozen=True)
class Circuit:
    """A population z of ``size`` neurons that receives ``channels``, settles, and learns by local rules.

    ::

        drive    d    = sum_c drive_c a_c - sqrt(threshold) b,   a_c = W_c x_c
        settle   z    = argmin_{z in domain} z'Az - 2 z'd + 2 l1 |z|_1,   A = gain M + shift I
                                                                           (settles=False: A is replaced by I)
        synapse  dW_c = 2 eta rate_c (post_c x_c' - leak_c W_c)
        lateral  dM   = (eta / tau) (z z' - M)                             (and its kin, see Lateral)

    Where a channel declares no ``post``, it is derived from the min-max objective (``similis.circuit.objective``):
    ``drive Z - metric OWN`` where the circuit settles; where it does not, a driving channel reads
    ``of(each teacher) - FEEDBACK - metric OWN`` and a teaching one ``Z - metric OWN``.

    Parameters
    ----------
    name : str
    size : int >= 1, number of neurons
    channels : tuple of Channel
    lateral : Lateral: Gram, Whiten, SoftWhiten, Interneurons or NoLateral
    neuron : Neuron
    step : Step

    Raises
    ------
    InputError
        For types, sizes, names or signals that do not fit together.

    Examples
    --------
    >>> from similis.circuit import Box, Channel, Circuit, Gram, Neuron
    >>> circuit = Circuit("twins", 3, (Channel("left"), Channel("right")), Gram(), Neuron(Box.nonnegative()))
    >>> circuit.reads("left")
    Z
    """

    name: str
    size: int
    channels: tuple[Channel, ...] = (Channel(),)
    lateral: Lateral = field(default_factory=Gram)
    neuron: Neuron = field(default_factory=Neuron)
    step: Step = field(default_factory=Step)

    def __post_init__(self) -> None:
        expect_fields(self)
        expect(isinstance(self.size, int) and self.size >= 1, f"size={self.size!r}", "an integer >= 1")
        several = isinstance(self.channels, tuple) and all(isinstance(c, Channel) for c in self.channels)
        expect(several, f"channels={self.channels!r}", 'a tuple of Channel, e.g. (Channel("x"),)')
        expect_type(self.lateral, Lateral, "lateral", "a Lateral, e.g. Gram(tau=0.5)")
        expect_type(self.neuron, Neuron, "neuron", "a Neuron, e.g. Neuron(Box.nonnegative())")
        expect_type(self.step, Step, "step", "a Step, e.g. Step(0.05)")
        expect(len(self.channels) >= 1, "no channel", "at least one")
        expect(len(set(self.names)) == len(self.names), f"channels {self.names}", "distinct names")
        expect(any(c.drive for c in self.channels), "no channel drives the soma", "at least one with drive != 0")
        self._fits()
        readable = {"Z", "OWN", "FEEDBACK"} | {f"of({name})" for name in self.names}
        filled = tuple(self._derive(channel) for channel in self.channels)
        object.__setattr__(self, "channels", filled)
        for c in filled:
            alien = set(c.synapse.post.terms) - readable
            expect(not alien, f"channel {c.name!r} reads {sorted(alien)}", f"only {sorted(readable)}")

    def _fits(self) -> None:
        """Refuse choices that have no meaning together."""
        lateral, neuron, owners = self.lateral, self.neuron, {c.name for c in self.channels if not c.synapse.weights}
        for c in self.channels:
            expect(c.weights in owners, f"channel {c.name!r} with the weights of {c.weights!r}", f"one of {owners}")
        neuron.domain.fits(neuron.settles, lateral.learns, lateral.averages, neuron.threshold)
        lateral.fits(self.size, neuron.settles, neuron.inhibition.shift, neuron.inhibition.learns)
        able = (lateral.has_interneurons and not neuron.settles) or neuron.domain.learned
        expect(able or not self.step.limited, "limited steps", "interneurons and settles=False, or learned row sums")
        held = lateral.acting + neuron.inhibition.shift > 0.0 or neuron.domain.radius < float("inf")
        expect(held or not neuron.settles, "gain=0 and shift=0", "a positive shift, or a ball")

    def _derive(self, channel: Channel) -> Channel:
        synapse = channel.synapse
        if synapse.post != DERIVED:
            return replace(channel, synapse=replace(synapse, gated=bool(synapse.gated)))
        post, driven = channel.drive * Z, self.settles or channel.drive == 0.0
        if synapse.weights and channel.drive == 0.0:
            post = SILENCE  # the metric of another signal: the objective holds metric <|W x|^2> alone
        elif not driven:
            teachers = [of(c.name) for c in self.channels if c.drive == 0.0 and not c.synapse.weights]
            post = channel.drive * (sum(teachers, start=SILENCE) - FEEDBACK)
        elif channel.drive == 0.0 and not self.settles:
            post = Z
        gated = not driven and not self.domain.is_free if synapse.gated is None else synapse.gated
        mixed = gated and not driven and channel.metric > 0.0  # f' gates the teachers' share of the gradient alone
        expect(not mixed, f"metric={channel.metric} of channel {channel.name!r}, gated by f'", "metric=0, or a post")
        return replace(channel, synapse=replace(synapse, post=post - channel.metric * OWN, gated=gated))

    def reads(self, name: str) -> Form:
        """What the synapses of a channel read: declared, or derived from the objective."""
        return self.channel(name).synapse.post

    def derives(self, channel: Channel) -> bool:
        """Whether a channel's synapse is the one the objective derives."""
        bare = (replace(c, synapse=replace(c.synapse, post=DERIVED, gated=None)) for c in self.channels)
        try:
            return replace(self, channels=tuple(bare)).channel(channel.name) == channel
        except InputError:
            return False

    @property
    def domain(self) -> Domain:
        """Where an output may live."""
        return self.neuron.domain

    @property
    def settles(self) -> bool:
        """Whether outputs settle against A."""
        return self.neuron.settles

    @property
    def inverts(self) -> bool:
        """Whether outputs without bounds are A^{-1} d; a ball may be all that holds them back."""
        return self.settles and self.domain.radius == math.inf

    @property
    def names(self) -> tuple[str, ...]:
        """Channel names, in order."""
        return tuple(c.name for c in self.channels)

    @property
    def owners(self) -> tuple[str, ...]:
        """Names of the channels with weights of their own, in order."""
        return tuple(c.name for c in self.channels if not c.synapse.weights)

    def channel(self, name: str) -> Channel:
        """The channel called ``name``."""
        for c in self.channels:
            if c.name == name:
                return c
        raise InputError(f"no channel {name!r} in circuit {self.name!r}; it has {', '.join(self.names)}")

    def to_dict(self) -> dict[str, Any]:
        """The circuit as plain JSON-able data (infinite bounds become None)."""
        from .files import to_dict

        return to_dict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Circuit:
        """Inverse of :meth:`to_dict`; refuses unknown fields."""
        from .files import from_dict

        return from_dict(data)

    def __str__(self) -> str:
        neurons, channels = f"neuron{'s' * (self.size > 1)}", f"channel{'s' * (len(self.channels) > 1)}"
        return f"{self.name}: {self.size} {neurons}, {len(self.channels)} {channels} ({', '.join(self.names)})"
