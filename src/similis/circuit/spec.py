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
    rate : float >= 0, this channel's learning rate relative to the circuit's (0: the weights stay as they are)
    gated : bool, whether learning is gated by f' (0 where the domain clips the neuron); default: derived
    presynaptic : bool, whether learning is gated by the synapse's own input, dW_ij ~ x_j (post_i - leak W_ij); then
        x >= 0, and the weights settle at conditional means <x_j post_i> / <x_j>
    lift : None or "outer", how the stream is made: of all products of a frame x with its change dx. It changes no rule;
        rows come as :class:`similis.circuit.Outer` or written out
    """

    name: str = "x"
    drive: float = 1.0
    metric: float = 0.0
    leak: float | None = None
    post: Form | None = None
    rate: float = 1.0
    gated: bool | None = None
    presynaptic: bool = False
    lift: Literal["outer"] | None = None

    def __post_init__(self) -> None:
        _check(self.name.isidentifier(), f"channel name {self.name!r}", "a Python identifier")
        _check(0.0 <= self.metric <= 1.0, f"metric={self.metric} of channel {self.name!r}", "a number in [0, 1]")
        _check(self.lift in (None, "outer"), f"lift={self.lift!r} of channel {self.name!r}", "None or 'outer'")
        _check(self.rate >= 0.0, f"rate={self.rate} of channel {self.name!r}", "a number >= 0")
        if self.leak is None:
            object.__setattr__(self, "leak", 1.0 - self.metric)
        _check(self.leak >= 0.0, f"leak={self.leak} of channel {self.name!r}", "a number >= 0")  # type: ignore[operator]


@dataclass(frozen=True)
class Lateral:
    """The lateral connections M and how they learn, at rate eta/tau; z settles against A = gain M + shift I.

    ``gram``: dM ~ z z' - M. ``whiten``: dM ~ z z' - I. ``interneurons``: M = P P' + shift I, dP ~ z (P'z)' - P
    (``decoupled``: the way back is R, which need not be P', M = P R + shift I, n = R z, dP ~ z n' - P, dR ~ n z' - R).
    ``none``: M = I, fixed.

    Parameters
    ----------
    kind : "gram", "whiten", "interneurons" or "none"
    tau : float > 0
    shift : float >= 0, self-inhibition of every neuron, what A adds to gain M
    units : number of interneurons, default as many as neurons
    start : float > 0, the first weights of interneurons are start I
    gain : float >= 0, how much of M acts
    power : mean of |z|^2 that the self-inhibition brings about by learning, d shift = power_rate (|z|^2 - power), or
        None: the shift is fixed. It never falls below ``shift_min``
    power_rate, shift_min : floats > 0
    decoupled : bool, whether the two ways between neurons and interneurons have weights of their own
    rest : float >= 0, where P (and R) come to rest, dP ~ z n' - P + rest I: a pair that falls silent keeps a weight
        from which it can grow again
    """

    kind: Literal["gram", "whiten", "interneurons", "none"] = "gram"
    tau: float = 0.5
    shift: float = 0.0
    units: int | None = None
    gain: float = 1.0
    power: float | None = None
    power_rate: float = 0.002
    shift_min: float = 1e-3
    decoupled: bool = False
    rest: float = 0.0
    start: float = 1.0

    def __post_init__(self) -> None:
        kinds = ("gram", "whiten", "interneurons", "none")
        _check(self.kind in kinds, f"lateral kind {self.kind!r}", f"one of {', '.join(kinds)}")
        _check(self.tau > 0.0, f"tau={self.tau}", "a positive number")
        _check(self.shift >= 0.0, f"shift={self.shift}", "a number >= 0")
        cells = self.kind == "interneurons"
        alone = not cells and (self.units is not None or self.decoupled or self.rest != 0.0 or self.start != 1.0)
        given = f"units={self.units}, decoupled={self.decoupled}, rest={self.rest}, start={self.start} with {self.kind}"
        _check(not alone, given, "them with interneurons")
        _check(self.rest >= 0.0 and self.start > 0.0, f"rest={self.rest}, start={self.start}", "rest >= 0, start > 0")
        _check(self.gain >= 0.0, f"gain={self.gain}", "a number >= 0")
        _check(self.power is None or not cells, f"power={self.power} with {self.kind}", "another kind")
        whole = self.gain == 1.0 or self.kind in ("gram", "none")
        _check(whole, f"gain={self.gain} with {self.kind}", "gain=1")
        _check(self.gain > 0.0 or self.kind == "none", f"gain=0 with {self.kind}", "kind 'none' where M does not act")
        _check(self.power is None or self.power > 0.0, f"power={self.power}", "a positive number or None")
        _check(self.power_rate > 0.0 and self.shift_min > 0.0, "power_rate or shift_min <= 0", "positive numbers")
        low = self.power is not None and self.shift < self.shift_min
        _check(not low, f"shift={self.shift} that learns", f"at least shift_min={self.shift_min}")


@dataclass(frozen=True)
class Domain:
    """Where an output may live.

    Parameters
    ----------
    lower, upper : lower <= z <= upper
    l1 : float >= 0, a threshold on the size of z
    radius : |z| <= radius (see :meth:`ball`)
    total : b.z = total (see :meth:`row_sum` and :meth:`simplex`)
    learned : bool, whether the weights b of the total are learned; otherwise they are 1
    soft : float > 0, stiffness of the total: an inhibitory unit lambda = soft (b.z - total); inf holds it exactly
    centred : float in [0, 1), rate of a running mean m that is subtracted from the clipped output
    """

    lower: float = -math.inf
    upper: float = math.inf
    l1: float = 0.0
    radius: float = math.inf
    total: float | None = None
    learned: bool = False
    soft: float = math.inf
    centred: float = 0.0

    def __post_init__(self) -> None:
        _check(self.lower <= 0.0 < self.upper, f"domain [{self.lower}, {self.upper}]", "lower <= 0 < upper")
        _check(self.l1 >= 0.0, f"l1={self.l1}", "a number >= 0")
        _check(self.radius > 0.0, f"radius={self.radius}", "a positive number")
        _check(self.total is None or self.total > 0.0, f"total={self.total}", "a positive number or None")
        _check(self.soft > 0.0, f"soft={self.soft}", "a positive number")
        _check(0.0 <= self.centred < 1.0, f"centred={self.centred}", "a rate in [0, 1)")
        special = (self.total is not None) + (self.radius < math.inf) + (self.centred > 0.0)
        _check(special <= 1, "total, radius and centred together", "at most one of them")
        plain = self.lower == 0.0 and self.upper == math.inf and self.l1 == 0.0
        _check(special == 0 or self.centred > 0.0 or plain, "a total or a radius with other bounds", "z >= 0 alone")
        # elsewhere (bound - m) + m need not be the bound again, and f' is read off z + m
        open_ends = self.lower in (0.0, -math.inf) and self.upper == math.inf
        _check(open_ends or not self.centred, "a centred domain with other bounds", "z >= 0, or free")
        bare = self.total is None and (self.learned or self.soft < math.inf)
        _check(not bare, "learned or soft without a total", "them with a total only")

    @classmethod
    def free(cls) -> Domain:
        return cls()

    @classmethod
    def nonnegative(cls, l1: float = 0.0, centred: float = 0.0) -> Domain:
        """z >= 0; with ``centred``, z = [d - l1]_+ - m and m follows the mean of [d - l1]_+ at that rate."""
        return cls(lower=0.0, l1=l1, centred=centred)

    @classmethod
    def ball(cls, radius: float = 1.0) -> Domain:
        """z >= 0, |z| <= radius: divisive inhibition, z = radius [d]_+ / |[d]_+| where nothing else holds z back."""
        return cls(lower=0.0, radius=radius)

    @classmethod
    def row_sum(cls, total: float = 1.0, soft: float = math.inf) -> Domain:
        """z >= 0, b.z = total with b = <z>: the rows of the outputs' Gram sum to one number.

        One inhibitory unit lambda holds it; its synapses b and the neurons' thresholds a learn, db ~ z - b and
        da ~ lambda z - a, at the rate of W.
        """
        return cls(lower=0.0, total=total, learned=True, soft=soft)

    @classmethod
    def simplex(cls, total: float = 1.0) -> Domain:
        """z >= 0, sum z = total."""
        return cls(lower=0.0, total=total)

    @property
    def is_free(self) -> bool:
        """Whether settling is linear, z = A^{-1} d."""
        return self.lower == -math.inf and self.upper == math.inf and self.l1 == 0.0

    def interior(self, z: np.ndarray) -> np.ndarray:
        """Where f' = 1: off the bounds and, with a threshold, off 0."""
        return (z > self.lower) & (z < self.upper) & ((z != 0) | (self.l1 == 0.0))


@dataclass(frozen=True)
class Step:
    """The learning rate: eta_t = max(floor, eta0 / (1 + decay t)), t counted from 0.

    ``limited``: where a sample's own step would go too far, it is smaller; ordinary samples learn at eta_t. Of circuits
    whose interneurons nothing settles against, so much that synapses which read FEEDBACK do not overshoot,
    ``2 eta rate |x|^2 z'Az <= |z|^2``, and that P grows by at most a quarter, ``eta/tau |z|^2 <= 1/4``. Under learned
    row sums, that b grows at most fivefold, ``2 eta |z|^2 <= 4``; and where those answer that answer more than half of
    all samples, by ``2 (1 - sum_i b_i^3 z_i)``, so that the tiles of rare samples are not forgotten meanwhile.
    """

    eta0: float = 0.01
    decay: float = 0.0
    floor: float = 0.0
    limited: bool = False

    def __post_init__(self) -> None:
        _check(self.eta0 > 0.0 and math.isfinite(self.eta0), f"eta0={self.eta0}", "a positive number")
        _check(0.0 <= self.decay < math.inf, f"decay={self.decay}", "a number >= 0")
        _check(0.0 <= self.floor <= self.eta0, f"floor={self.floor}", "a number in [0, eta0]")

    def at(self, t: Any) -> Any:
        """eta_t, of a sample or of an array of them."""
        return np.maximum(self.floor, self.eta0 / (1.0 + self.decay * t))

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

        drive    d    = sum_c drive_c a_c - sqrt(threshold) b,   a_c = W_c x_c
        settle   z    = argmin_{z in domain} z'Az - 2 z'd + 2 l1 |z|_1,   A = gain M + shift I
                                                                           (settles=False: A is replaced by I)
        synapse  dW_c = 2 eta rate_c (post_c x_c' - leak_c W_c)
        lateral  dM   = (eta / tau) (z z' - M)                             (and its kin, see Lateral)

    With a ``threshold`` alpha, outputs align with similarities above it, X'X - alpha E: a unit of constant activity
    inhibits neuron i by sqrt(alpha) b_i, and db = 2 eta (sqrt(alpha) z - b).

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
    threshold: float = 0.0

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
        self._fits(self.domain, self.lateral)
        readable = {"Z", "OWN", "FEEDBACK"} | {f"of({name})" for name in self.names}
        filled = tuple(self._derive(channel) for channel in self.channels)
        object.__setattr__(self, "channels", filled)
        for c in filled:
            alien = set(c.post.terms) - readable  # type: ignore[union-attr]
            _check(not alien, f"channel {c.name!r} reads {sorted(alien)}", f"only {sorted(readable)}")

    def _fits(self, domain: Domain, lateral: Lateral) -> None:
        """Refuse choices that have no meaning together."""
        none = lateral.kind == "none"
        _check(self.threshold >= 0.0, f"threshold={self.threshold}", "a number >= 0")
        _check(self.settles or not self.threshold, "a threshold with settles=False", "settles=True")
        ball, total = domain.radius < math.inf, domain.total is not None
        _check(not ball or none, f"a ball with lateral {lateral.kind!r}", "lateral 'none'")
        _check(self.settles or not (ball or total), "a ball or a total with settles=False", "settles=True")
        _check(not (self.settles and domain.centred), "a centred domain that settles", "settles=False")
        _check(not total or lateral.kind in ("none", "gram"), f"a total with {lateral.kind!r}", "'none' or 'gram'")
        _check(not (total and self.threshold), "a threshold with a total", "one of them: row sums learn thresholds")
        shifted = lateral.shift > 0.0 and lateral.kind != "interneurons"
        feedforward = not self.settles and (lateral.gain != 1.0 or lateral.power is not None or shifted)
        _check(not feedforward, "gain, shift or power with settles=False", "settles=True")
        able = (lateral.kind == "interneurons" and not self.settles) or domain.learned
        _check(able or not self.step.limited, "limited steps", "interneurons and settles=False, or learned row sums")
        _check(not (self.settles and lateral.decoupled), "decoupled interneurons that settle", "settles=False")
        rest = lateral.gain + lateral.shift > 0.0 or ball
        _check(rest or not self.settles, "gain=0 and shift=0", "a positive shift, or a ball")

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
        for side in ("lower", "upper", "radius", "soft"):
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
