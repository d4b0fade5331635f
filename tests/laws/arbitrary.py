"""Arbitrary circuits with arbitrary weights: whatever the vocabulary can say, for laws of a single step."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from tests.laws.circuits import rng

from similis.circuit import (
    FEEDBACK,
    OWN,
    Ball,
    Box,
    Channel,
    Circuit,
    Form,
    Gram,
    Inhibition,
    Interneurons,
    Lateral,
    Neuron,
    NoLateral,
    PowerControl,
    SoftWhiten,
    State,
    Step,
    Synapse,
    Total,
    Whiten,
    Z,
    init,
    of,
)  # fmt: skip
from similis.circuit.signals import DERIVED

NAMES = ("x", "y", "w")
DOMAINS = (
    Box(), Box.nonnegative(), Box.nonnegative(0.2), Box(-0.7, 0.9), Box(-0.7, 0.9, l1=0.2), Box(l1=0.2),
    Box(0.0, 0.5), Box(upper=0.4),
)  # fmt: skip
number = st.floats(-2, 2).map(lambda v: round(v, 2))


@st.composite
def circuits(draw: st.DrawFn, derived: bool = True) -> Circuit:
    """A circuit of one to three channels; with ``derived`` every synapse follows from the objective."""
    k, settles = draw(st.integers(1, 5)), draw(st.booleans())
    names = NAMES[: draw(st.integers(1, 3))]
    lateral, neuron = draw(cells(k, settles, derived))
    drives = [draw(number) for _ in names]
    drives[0] = drives[0] or 1.0
    channels = []
    for name, drive in zip(names, drives, strict=True):
        post = DERIVED if derived or draw(st.booleans()) else draw(forms(names))
        rate, metric = draw(st.sampled_from([0.0, 0.5, 1.0, 3.0])), draw(st.sampled_from([0.0, 0.3, 1.0]))
        metric *= settles or neuron.domain.is_free or not drive  # else the objective derives no rule, and says so
        leak = draw(st.sampled_from([1.0 - metric, 0.0, 0.7]))
        gated = None if post == DERIVED else draw(st.booleans())
        synapse = Synapse(post, rate, gated, input_gated=draw(st.booleans()))
        channels.append(Channel(name, drive, metric, leak, synapse))
    return Circuit("arbitrary", k, tuple(channels), lateral, neuron, Step(0.05, 0.1))


@st.composite
def cells(draw: st.DrawFn, k: int, settles: bool, derived: bool) -> tuple[Lateral, Neuron]:
    """Laterals and neurons that have a meaning together."""
    kind = draw(st.sampled_from(["gram", "whiten", "stiffness", "interneurons", "none"]))
    tau, threshold = draw(st.sampled_from([0.2, 2.0])), draw(st.sampled_from([0.0, 0.3]))
    inhibition = Inhibition()
    lateral: Lateral
    if kind == "interneurons":
        shift = draw(st.sampled_from([0.0, 0.4]))
        units = draw(st.integers(1 if shift else k, k + 2))
        # of decoupled interneurons the objective knows one way only
        decoupled = not derived and not settles and draw(st.booleans())
        lateral = Interneurons(tau, units, decoupled, draw(st.sampled_from([0.0, 0.3])))
        inhibition = Inhibition(shift)
    else:
        gain = draw(st.sampled_from([1.0, 0.6])) if settles else 1.0
        of_kind = {"gram": Gram(tau, gain), "whiten": Whiten(tau), "stiffness": SoftWhiten(tau, 0.3)}
        lateral = of_kind.get(kind, NoLateral(tau, gain))
        if settles and (shift := draw(st.sampled_from([0.0, 0.5]))):
            learned = PowerControl(shift, 0.7, 0.01)
            inhibition = draw(st.sampled_from([Inhibition(shift), learned]))
    choices = [*DOMAINS]
    if not settles:
        choices += [Box.nonnegative(mean_rate=0.1), Box.nonnegative(0.2, mean_rate=0.1), Box(mean_rate=0.1)]
    elif kind == "none":
        choices += [Ball(0.6)]
    if settles and kind in ("none", "gram"):
        choices += [Total.row_sum(0.8), Total.row_sum(1.2, stiffness=2.0), Total(), Total(1.0, 3.0)]
    domain = draw(st.sampled_from(choices))
    threshold = 0.0 if domain.total is not None or not settles else threshold
    return lateral, Neuron(domain, inhibition, threshold, settles)


@st.composite
def forms(draw: st.DrawFn, names: tuple[str, ...]) -> Form:
    """Any linear form over the alphabet."""
    signals = [Z, OWN, FEEDBACK, *(of(name) for name in names)]
    return sum((draw(number) * signal for signal in signals), start=Form(()))


def widths(circuit: Circuit) -> dict[str, int]:
    """4, 5, 6; of a channel that shares weights, those of their owner."""
    return {c.name: 4 + circuit.names.index(c.weights) for c in circuit.channels}


def weights(circuit: Circuit, seed: int = 0, t: int = 0) -> State:
    """Random weights with a well-conditioned M; streams are 4, 5, 6 wide."""
    random, k, lateral = rng(seed), circuit.size, circuit.lateral
    dims = widths(circuit)
    W = {name: random.standard_normal((k, dims[name])) / 2 for name in circuit.owners}
    start = init(circuit, dims)
    single = {name: np.abs(array + 0.3 * random.standard_normal(len(array))) for name, array in start.cells.items()}
    units, shift = lateral.units_for(k) or k, circuit.neuron.inhibition.shift
    P = random.standard_normal((k, units)) / 3 + np.eye(k, units)
    if not lateral.learns:
        return State(W, np.eye(k), None, t, cells=single)
    if not lateral.has_interneurons:
        return State(W, P @ P.T + 0.3 * np.eye(k), None, t, cells=single)
    R = None if lateral.has_objective else P.T + 0.2 * random.standard_normal(P.T.shape)
    return State(W, P @ (P.T if R is None else R) + shift * np.eye(k), P, t, R=R, cells=single)


def samples(circuit: Circuit, T: int, seed: int = 0) -> dict[str, np.ndarray]:
    random = rng(seed + 1)
    streams = {name: random.standard_normal((T, n)) for name, n in widths(circuit).items()}
    return {name: np.abs(X) / 3 if circuit.channel(name).synapse.input_gated else X for name, X in streams.items()}
