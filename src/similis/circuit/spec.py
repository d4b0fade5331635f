"""A network is four choices: drive, settle, synapse, lateral. They are data; ``similis.engine`` interprets them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np

from .._errors import InputError
from .signals import FEEDBACK, OWN, SILENCE, Form, Z, of


def _check(ok: bool, given: str, expected: str) -> None:
    if not ok:
        raise InputError(f"{given}; expected {expected}")


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
    post : Form, what the synapse reads; default: derived from the objective (see :class:`Circuit`)
    rate : float > 0, this channel's learning rate relative to the circuit's
    gated : bool, whether learning is gated by f' (0 where the domain clips the neuron); default: derived
    """

    name: str = "x"
    drive: float = 1.0
    metric: float = 0.0
    leak: float | None = None
    post: Form | None = None
    rate: float = 1.0
    gated: bool | None = None

    def __post_init__(self) -> None:
        _check(self.name.isidentifier(), f"channel name {self.name!r}", "a Python identifier")
        _check(0.0 <= self.metric <= 1.0, f"metric={self.metric} of channel {self.name!r}", "a number in [0, 1]")
        _check(self.rate > 0.0, f"rate={self.rate} of channel {self.name!r}", "a positive number")
        if self.leak is None:
            object.__setattr__(self, "leak", 1.0 - self.metric)
        _check(self.leak >= 0.0, f"leak={self.leak} of channel {self.name!r}", "a number >= 0")  # type: ignore[operator]


@dataclass(frozen=True)
class Lateral:
    """The lateral connections M and how they learn, at rate eta/tau.

    ``gram``: dM ~ z z' - M. ``whiten``: dM ~ z z' - I. ``interneurons``: M = P P' + shift I,
    dP ~ z (P'z)' - P + rest I (with rest > 0 a pair that falls silent keeps a weight from which it can grow again).
    ``none``: M = I, fixed.
    """

    kind: Literal["gram", "whiten", "interneurons", "none"] = "gram"
    tau: float = 0.5
    shift: float = 0.0
    units: int | None = None
    rest: float = 0.0

    def __post_init__(self) -> None:
        kinds = ("gram", "whiten", "interneurons", "none")
        _check(self.kind in kinds, f"lateral kind {self.kind!r}", f"one of {', '.join(kinds)}")
        _check(self.tau > 0.0, f"tau={self.tau}", "a positive number")
        _check(self.shift >= 0.0, f"shift={self.shift}", "a number >= 0")
        _check(self.rest >= 0.0, f"rest={self.rest}", "a number >= 0")
        alone = self.kind != "interneurons" and (self.shift != 0.0 or self.units is not None or self.rest != 0.0)
        _check(
            not alone,
            f"shift={self.shift}, units={self.units}, rest={self.rest} with {self.kind}",
            "them with interneurons only",
        )


@dataclass(frozen=True)
class Domain:
    """Where an output may live: lower <= z <= upper, and a threshold l1 on its size."""

    lower: float = -math.inf
    upper: float = math.inf
    l1: float = 0.0

    def __post_init__(self) -> None:
        _check(self.lower <= 0.0 < self.upper, f"domain [{self.lower}, {self.upper}]", "lower <= 0 < upper")
        _check(self.l1 >= 0.0, f"l1={self.l1}", "a number >= 0")

    @classmethod
    def free(cls) -> Domain:
        return cls()

    @classmethod
    def nonnegative(cls, l1: float = 0.0) -> Domain:
        return cls(lower=0.0, l1=l1)

    @property
    def is_free(self) -> bool:
        """Whether settling is linear, z = M^{-1} d."""
        return self.lower == -math.inf and self.upper == math.inf and self.l1 == 0.0

    def interior(self, z: np.ndarray) -> np.ndarray:
        """Where f' = 1: off the bounds and, with a threshold, off 0."""
        return (z > self.lower) & (z < self.upper) & ((z != 0) | (self.l1 == 0.0))


@dataclass(frozen=True)
class Step:
    """The learning rate: eta_t = max(floor, eta0 / (1 + decay t)), t counted from 0."""

    eta0: float = 0.01
    decay: float = 0.0
    floor: float = 0.0

    def __post_init__(self) -> None:
        _check(self.eta0 > 0.0 and math.isfinite(self.eta0), f"eta0={self.eta0}", "a positive number")
        _check(self.decay >= 0.0, f"decay={self.decay}", "a number >= 0")
        _check(0.0 <= self.floor <= self.eta0, f"floor={self.floor}", "a number in [0, eta0]")

    def total(self, t: float) -> float:
        """Integral of eta from sample 0 to sample t."""
        if self.decay == 0.0:
            return self.eta0 * t
        falling = t if self.floor == 0.0 else min(t, (self.eta0 / self.floor - 1.0) / self.decay)
        return self.eta0 / self.decay * math.log1p(self.decay * falling) + self.floor * (t - falling)


@dataclass(frozen=True)
class Circuit:
    """A population z of ``size`` neurons that hears ``channels``, settles, and learns by local rules.

    ::

        drive    d    = sum_c drive_c a_c,   a_c = W_c x_c
        settle   z    = argmin_{z in domain} z'Mz - 2 z'd + 2 l1 |z|_1     (settles=False: M is replaced by I)
        synapse  dW_c = 2 eta rate_c (post_c x_c' - leak_c W_c)
        lateral  dM   = (eta / tau) (z z' - M)                             (and its kin, see Lateral)

    Where a channel declares no ``post``, it is derived from the min-max objective (``similis.circuit.objective``):
    ``drive Z - metric OWN`` where the circuit settles; where it does not, a driving channel reads
    ``of(each teacher) - FEEDBACK - metric OWN`` and a teaching one ``Z - metric OWN``.

    Raises
    ------
    InputError
        For sizes, names or signals that do not fit together.
    """

    name: str
    size: int
    channels: tuple[Channel, ...] = (Channel(),)
    lateral: Lateral = field(default_factory=Lateral)
    domain: Domain = field(default_factory=Domain)
    step: Step = field(default_factory=Step)
    settles: bool = True

    def __post_init__(self) -> None:
        _check(isinstance(self.size, int) and self.size >= 1, f"size={self.size!r}", "an integer >= 1")
        _check(len(self.channels) >= 1, "no channel", "at least one")
        _check(len(set(self.names)) == len(self.names), f"channels {self.names}", "distinct names")
        _check(any(c.drive for c in self.channels), "no channel drives the soma", "at least one with drive != 0")
        cells = self.size if self.lateral.units is None else self.lateral.units
        singular = (
            self.settles and self.lateral.kind == "interneurons" and self.lateral.shift == 0 and cells < self.size
        )
        _check(not singular, f"{cells} interneurons for {self.size} neurons", "shift > 0, or as many, or M is singular")
        readable = {"Z", "OWN", "FEEDBACK"} | {f"of({name})" for name in self.names}
        filled = tuple(self._derive(channel) for channel in self.channels)
        object.__setattr__(self, "channels", filled)
        for c in filled:
            alien = set(c.post.terms) - readable  # type: ignore[union-attr]
            _check(not alien, f"channel {c.name!r} reads {sorted(alien)}", f"only {sorted(readable)}")

    def _derive(self, channel: Channel) -> Channel:
        if channel.post is not None:
            return replace(channel, gated=bool(channel.gated))
        post, driven = channel.drive * Z, self.settles or channel.drive == 0.0
        if not driven:
            teachers = [of(c.name) for c in self.channels if c.drive == 0.0]
            post = channel.drive * (sum(teachers, start=SILENCE) - FEEDBACK)
        elif channel.drive == 0.0 and not self.settles:
            post = Z
        gated = not driven and not self.domain.is_free if channel.gated is None else channel.gated
        mixed = gated and not driven and channel.metric > 0.0  # f' gates the teachers' share of the gradient alone
        _check(not mixed, f"metric={channel.metric} of channel {channel.name!r}, gated by f'", "metric=0, or a post")
        return replace(channel, post=post - channel.metric * OWN, gated=gated)

    def reads(self, name: str) -> Form:
        """What the synapses of a channel read: declared, or derived from the objective."""
        post = self.channel(name).post
        assert post is not None  # filled in above
        return post

    @property
    def names(self) -> tuple[str, ...]:
        """Channel names, in order."""
        return tuple(c.name for c in self.channels)

    def channel(self, name: str) -> Channel:
        """The channel called ``name``."""
        for c in self.channels:
            if c.name == name:
                return c
        raise InputError(f"no channel {name!r} in circuit {self.name!r}; it has {', '.join(self.names)}")

    def to_dict(self) -> dict[str, Any]:
        """The circuit as plain JSON-able data (infinite bounds become None)."""
        data = asdict(self)
        for side in ("lower", "upper"):
            if math.isinf(data["domain"][side]):
                data["domain"][side] = None
        for channel, source in zip(data["channels"], self.channels, strict=True):
            channel["post"] = dict(source.post.terms)  # type: ignore[union-attr]
        data["channels"] = list(data["channels"])
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Circuit:
        """Inverse of :meth:`to_dict`; refuses unknown fields."""
        try:
            data = dict(data)
            channels = [dict(c) for c in data.pop("channels")]
            for c in channels:
                c["post"] = Form(tuple((str(s), float(v)) for s, v in c["post"].items()))
            domain = {key: value for key, value in data.pop("domain").items() if value is not None}
            return cls(
                channels=tuple(Channel(**c) for c in channels),
                domain=Domain(**domain),
                lateral=Lateral(**data.pop("lateral")),
                step=Step(**data.pop("step")),
                **data,
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"not the description of a circuit ({error}); expected what Circuit.to_dict() gives"
            ) from error

    def __str__(self) -> str:
        from .describe import describe

        return describe(self)
