"""Arbitrary circuits with arbitrary weights: whatever the vocabulary can say, for laws of a single step."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from tests.laws.circuits import rng

from similis.circuit import FEEDBACK, OWN, Channel, Circuit, Domain, Form, Lateral, State, Step, Z, of

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
    kind = draw(st.sampled_from(["gram", "whiten", "interneurons", "none"]))
    shift = draw(st.sampled_from([0.0, 0.4])) if kind == "interneurons" else 0.0
    units = draw(st.integers(1 if shift else k, k + 2)) if kind == "interneurons" else None
    domain = draw(st.sampled_from(DOMAINS))
    drives = [draw(number) for _ in names]
    drives[0] = drives[0] or 1.0
    channels = []
    for name, drive in zip(names, drives, strict=True):
        post = None if derived or draw(st.booleans()) else draw(forms(names))
        rate, metric = draw(st.sampled_from([0.5, 1.0, 3.0])), draw(st.sampled_from([0.0, 0.3, 1.0]))
        metric *= settles or domain.is_free or not drive  # else the objective derives no rule, and says so
        leak = draw(st.sampled_from([None, 0.0, 0.7]))
        gated = None if post is None else draw(st.booleans())
        channels.append(Channel(name, drive, metric, leak, post, rate, gated))
    rest = draw(st.sampled_from([0.0, 0.3])) if kind == "interneurons" else 0.0
    lateral = Lateral(kind, tau=draw(st.sampled_from([0.2, 2.0])), shift=shift, units=units, rest=rest)
    return Circuit("arbitrary", k, tuple(channels), lateral, domain, Step(0.05, 0.1), settles)


@st.composite
def forms(draw: st.DrawFn, names: tuple[str, ...]) -> Form:
    """Any linear form over the alphabet."""
    signals = [Z, OWN, FEEDBACK, *(of(name) for name in names)]
    return sum((draw(number) * signal for signal in signals), start=Form(()))


def weights(circuit: Circuit, seed: int = 0, t: int = 0) -> State:
    """Random weights with a well-conditioned M; streams are 4, 5, 6 wide."""
    random, k = rng(seed), circuit.size
    W = {name: random.standard_normal((k, 4 + i)) / 2 for i, name in enumerate(circuit.names)}
    if circuit.lateral.kind == "none":
        return State(W, np.eye(k), None, t)
    P = random.standard_normal((k, circuit.lateral.units or k)) / 3 + np.eye(k, circuit.lateral.units or k)
    if circuit.lateral.kind == "interneurons":
        return State(W, P @ P.T + circuit.lateral.shift * np.eye(k), P, t)
    return State(W, P @ P.T + 0.3 * np.eye(k), None, t)


def samples(circuit: Circuit, T: int, seed: int = 0) -> dict[str, np.ndarray]:
    random = rng(seed + 1)
    return {name: random.standard_normal((T, 4 + i)) for i, name in enumerate(circuit.names)}
