"""Arbitrary circuits with arbitrary weights: whatever the vocabulary can say, for laws of a single step."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from tests.laws.circuits import rng

from similis.circuit import FEEDBACK, OWN, Channel, Circuit, Domain, Form, Lateral, State, Step, Z, init, of

NAMES = ("x", "y", "w")
DOMAINS = (
    Domain(), Domain.nonnegative(), Domain.nonnegative(0.2), Domain(-0.7, 0.9), Domain(-0.7, 0.9, l1=0.2),
    Domain(l1=0.2), Domain(0.0, 0.5), Domain(upper=0.4),
)  # fmt: skip
number = st.floats(-2, 2).map(lambda v: round(v, 2))


@st.composite
def circuits(draw: st.DrawFn, derived: bool = True) -> Circuit:
    """A circuit of one to three channels; with ``derived`` every synapse follows from the objective."""
    k, settles = draw(st.integers(1, 5)), draw(st.booleans())
    names = NAMES[: draw(st.integers(1, 3))]
    lateral, domain, threshold = draw(cells(k, settles, derived))
    drives = [draw(number) for _ in names]
    drives[0] = drives[0] or 1.0
    channels = []
    for name, drive in zip(names, drives, strict=True):
        post = None if derived or draw(st.booleans()) else draw(forms(names))
        rate, metric = draw(st.sampled_from([0.0, 0.5, 1.0, 3.0])), draw(st.sampled_from([0.0, 0.3, 1.0]))
        metric *= settles or domain.is_free or not drive  # else the objective derives no rule, and says so
        leak = draw(st.sampled_from([None, 0.0, 0.7]))
        gated = None if post is None else draw(st.booleans())
        channels.append(Channel(name, drive, metric, leak, post, rate, gated, presynaptic=draw(st.booleans())))
    return Circuit("arbitrary", k, tuple(channels), lateral, domain, Step(0.05, 0.1), settles, threshold)


@st.composite
def cells(draw: st.DrawFn, k: int, settles: bool, derived: bool) -> tuple[Lateral, Domain, float]:
    """Laterals, domain and threshold that have a meaning together."""
    kind = draw(st.sampled_from(["gram", "whiten", "interneurons", "none"]))
    tau, threshold = draw(st.sampled_from([0.2, 2.0])), draw(st.sampled_from([0.0, 0.3]))
    if kind == "interneurons":
        shift = draw(st.sampled_from([0.0, 0.4]))
        units = draw(st.integers(1 if shift else k, k + 2))
        # of decoupled interneurons the objective knows one way only
        decoupled = not derived and not settles and draw(st.booleans())
        rest = draw(st.sampled_from([0.0, 0.3]))
        lateral = Lateral(kind, tau, shift, units, decoupled=decoupled, rest=rest)
    elif not settles:
        lateral = Lateral(kind, tau)
    else:
        gain = draw(st.sampled_from([1.0, 0.6])) if kind in ("gram", "none") else 1.0
        shift, power = draw(st.sampled_from([0.0, 0.5])), draw(st.sampled_from([None, 0.7]))
        lateral = Lateral(kind, tau, shift, gain=gain, power=power if shift else None, power_rate=0.01)
    choices = [*DOMAINS]
    if not settles:
        choices += [Domain.nonnegative(centred=0.1), Domain.nonnegative(0.2, centred=0.1), Domain(centred=0.1)]
    elif kind == "none":
        choices += [Domain.ball(0.6)]
    if settles and kind in ("none", "gram"):
        choices += [
            Domain.row_sum(0.8),
            Domain.row_sum(1.2, soft=2.0),
            Domain.simplex(),
            Domain(0.0, total=1.0, soft=3.0),
        ]
    domain = draw(st.sampled_from(choices))
    return lateral, domain, 0.0 if domain.total is not None or not settles else threshold


@st.composite
def forms(draw: st.DrawFn, names: tuple[str, ...]) -> Form:
    """Any linear form over the alphabet."""
    signals = [Z, OWN, FEEDBACK, *(of(name) for name in names)]
    return sum((draw(number) * signal for signal in signals), start=Form(()))


def weights(circuit: Circuit, seed: int = 0, t: int = 0) -> State:
    """Random weights with a well-conditioned M; streams are 4, 5, 6 wide."""
    random, k, lateral = rng(seed), circuit.size, circuit.lateral
    W = {name: random.standard_normal((k, 4 + i)) / 2 for i, name in enumerate(circuit.names)}
    start = init(circuit, {name: array.shape[1] for name, array in W.items()})
    single = {name: np.abs(array + 0.3 * random.standard_normal(len(array))) for name, array in start.cells.items()}
    P = random.standard_normal((k, lateral.units or k)) / 3 + np.eye(k, lateral.units or k)
    if lateral.kind == "none":
        return State(W, np.eye(k), None, t, cells=single)
    if lateral.kind != "interneurons":
        return State(W, P @ P.T + 0.3 * np.eye(k), None, t, cells=single)
    R = P.T + 0.2 * random.standard_normal(P.T.shape) if lateral.decoupled else None
    return State(W, P @ (P.T if R is None else R) + lateral.shift * np.eye(k), P, t, R=R, cells=single)


def samples(circuit: Circuit, T: int, seed: int = 0) -> dict[str, np.ndarray]:
    random = rng(seed + 1)
    streams = {name: random.standard_normal((T, 4 + i)) for i, name in enumerate(circuit.names)}
    return {name: np.abs(X) / 3 if circuit.channel(name).presynaptic else X for name, X in streams.items()}
