"""Every circuit the laws are held to: the catalogue, and what else the vocabulary can already say.

The laws are about trajectories, so data and steps are part of their setting. Streams have structure (a few shared
latents, graded in strength, or clusters where outputs are nonnegative) and steps are stable: on isotropic data the
support of a nonnegative output changes for ever, such a network is chaotic, and rounding grows whatever the engine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from similis.circuit import (
    FEEDBACK,
    OWN,
    Ball,
    Box,
    Channel,
    Circuit,
    Domain,
    Gram,
    Inhibition,
    Interneurons,
    Neuron,
    NoLateral,
    PowerControl,
    State,
    Step,
    Synapse,
    Total,
    Z,
    init,
    of,
)
from similis.networks import (
    adaptive_canonical_correlation,
    canonical_correlation,
    catalogue,
    nonnegative_similarity,
    principal_subspace,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@dataclass(frozen=True)
class Case:
    """A circuit, the widths of its streams and their RMS norm."""

    circuit: Circuit
    dims: dict[str, int]
    norm: float = 1.0

    def widened(self, synapses: int) -> Case:
        """The same network on streams wide enough for more than so many synapses."""
        times = synapses // (self.circuit.size * sum(self.dims.values())) + 1
        return Case(self.circuit, {name: times * n for name, n in self.dims.items()}, self.norm)

    def data(self, T: int, seed: int = 0) -> dict[str, np.ndarray]:
        return {name: self.norm * X for name, X in structured(self.circuit, self.dims, T, seed).items()}

    def start(self, dtype: type = np.float64) -> State:
        return init(self.circuit, self.dims, 1, dtype)


def structured(circuit: Circuit, dims: dict[str, int], T: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Streams of RMS norm 1 that share ``circuit.size`` latents; one-hot for a channel called ``label``."""
    random, k = rng(seed), circuit.size
    frequent = np.linspace(2.0, 1.0, k) / np.linspace(2.0, 1.0, k).sum()
    chosen = random.choice(k, T, p=frequent)
    if circuit.domain.lower == 0.0:  # clusters
        latents = np.eye(k)[chosen] * (1 + 0.2 * random.standard_normal((T, 1)))
    else:
        latents = random.standard_normal((T, k)) * np.linspace(1.0, 0.5, k)
    streams = {}
    for name, n in dims.items():
        if name == "label":
            streams[name] = np.eye(n)[chosen % n]
            continue
        if name == "x_change":  # white, as the network hears them
            streams[name] = random.standard_normal((T, n)) / np.sqrt(n)
            continue
        loadings = random.standard_normal((k, n))
        if circuit.domain.lower == 0.0:
            loadings = np.abs(loadings) * (
                np.arange(n) % k == np.arange(k)[:, None]
            )  # each cluster has columns of its own
        X = latents @ loadings + 0.1 * random.standard_normal((T, n))
        X = np.abs(X) if circuit.channel(name).synapse.input_gated else X
        streams[name] = X / np.sqrt((X * X).sum(1).mean())
    return streams


def _rrr(
    name: str, s: float, domain: Domain | None = None, decoupled: bool = False, step: Step | None = None
) -> Circuit:  # fmt: skip
    """Reduced-rank regression of y on x: x drives, y teaches, z does not wait for the interneurons."""
    channels = (Channel("x", leak=0.0), Channel("y", drive=0.0, metric=s, synapse=Synapse(rate=2.0)))
    lateral = Interneurons(0.5, decoupled=decoupled)
    return Circuit(name, 3, channels, lateral, Neuron(domain or Box(), settles=False), step or Step(0.01, 0.001))


def _shared() -> tuple[Channel, ...]:
    """One matrix of weights: a signal drives, another brings the metric."""
    return Channel("sum", leak=0.01), Channel("x", drive=0.0, metric=1.0, synapse=Synapse(weights="sum"))


def _extra() -> dict[str, Case]:
    x, two = {"x": 12}, {"x": 9, "y": 7}
    slow, cca_step = Step(0.02, 1e-3), Step(0.05, 1e-3)
    limited = Step(0.02, 1e-3, limited=True)
    ridged = canonical_correlation(3, views=("a", "b", "c"), ridge=(0.0, 0.01, 0.1), tau=1.0, step=cca_step)
    supervised = (Channel("x", drive=0.8), Channel("label", metric=1.0, synapse=Synapse(rate=0.5)))
    # z - a_c, written by what the soma passes on: the other compartment minus the laterals
    declared = tuple(
        Channel(n, leak=0.01, metric=1.0, synapse=Synapse(post=Z + of(m) - FEEDBACK)) for n, m in ("xy", "yx")
    )
    mixed = (
        Channel("x", synapse=Synapse(post=Z - 0.25 * FEEDBACK)),
        Channel("y", leak=0.2, synapse=Synapse(post=0.5 * Z - 0.5 * OWN + 0.1 * of("x"))),
    )
    circuits = {
        "psp-whitened": (principal_subspace(3, whiten=True, step=Step(0.002, 2e-4)), x, 3.5),  # eigenvalues of order 1
        "psp-soft-whitened": (principal_subspace(3, whiten=0.5, step=Step(0.01, 5e-4)), x, 2.0),
        "shared": (Circuit("shared", 3, _shared(), Gram(2.0), step=slow), {"sum": 9, "x": 9}),
        "shared-rectified": (
            Circuit("shared", 4, _shared(), Gram(2.0), Neuron(Box.nonnegative()), slow),
            {"sum": 12, "x": 12},
        ),
        "psp-one-neuron": (principal_subspace(1), x),
        "psp-five-neurons": (principal_subspace(5), x),
        "psp-floor": (principal_subspace(3, step=Step(0.05, 0.1, floor=0.01)), x),
        "nsm-l1": (nonnegative_similarity(4, l1=0.01), x, 2.0),
        "nsm-overcomplete": (nonnegative_similarity(5, step=slow), {"x": 4}),
        "box": (Circuit("box", 3, neuron=Neuron(Box(-0.3, upper=0.4)), step=slow), x),
        "box-l1": (Circuit("box-l1", 3, neuron=Neuron(Box(-0.5, upper=0.5, l1=0.01)), step=slow), x, 2.0),
        "stiffness": (Circuit("stiffness", 3, neuron=Neuron(Box(l1=0.01)), step=slow), x, 2.0),
        "cca-ridge": (canonical_correlation(3, ridge=0.02, tau=1.0, step=cca_step), two),
        "cca-three-views": (ridged, {"a": 7, "b": 5, "c": 6}),
        "cca-adaptive": (adaptive_canonical_correlation(4, step=cca_step), two),
        "interneurons-few": (
            Circuit("few", 4, lateral=Interneurons(units=2), neuron=Neuron(inhibition=Inhibition(0.3)), step=slow),
            x,
        ),
        "interneurons-many": (Circuit("many", 3, lateral=Interneurons(units=5), step=slow), x),
        "rrr-0": (_rrr("rrr-0", 0.0), two),
        "rrr-half": (_rrr("rrr-half", 0.5), two),
        "rrr-1": (_rrr("rrr-1", 1.0), two),
        "bmvr": (_rrr("bmvr", 0.0, Box.nonnegative()), two),
        "supervised-uneven": (
            Circuit("supervised", 4, supervised, Gram(2.0), Neuron(Box.nonnegative()), slow),
            {"x": 8, "label": 4},
        ),
        "declared-cca": (Circuit("declared", 3, declared, Gram(1.0), step=cca_step), two),
        "declared-mixed": (Circuit("mixed", 3, mixed, step=slow), two),
        "bmvr-centred": (_rrr("centred", 0.0, Box.nonnegative(mean_rate=0.01)), two),
        "bmvr-decoupled": (_rrr("decoupled", 0.0, decoupled=True), two),
        "rrr-limited": (_rrr("limited", 0.5, step=limited), two, 2.7),  # unlimited, they diverge (NaN or inf)
        "bmvr-limited": (_rrr("limited", 0.0, Box.nonnegative(), True, limited), two, 3.0),
        "gain-and-shift": (
            Circuit("damped", 3, lateral=Gram(gain=0.7), neuron=Neuron(inhibition=Inhibition(0.2)), step=slow),
            x,
        ),
        "gain-nonnegative": (
            Circuit(
                "damped",
                4,
                lateral=Gram(gain=0.5),
                neuron=Neuron(Box.nonnegative(), inhibition=Inhibition(0.3)),
                step=slow,
            ),
            x,
        ),
        "power": (
            Circuit(
                "power",
                3,
                lateral=NoLateral(gain=0.0),
                neuron=Neuron(inhibition=PowerControl(0.5, 0.5, rate=0.01)),
                step=slow,
            ),
            x,
        ),
        "ball": (Circuit("ball", 4, lateral=NoLateral(gain=0.0), neuron=Neuron(Ball(0.8)), step=slow), x),
        "ball-wide": (Circuit("wide", 4, lateral=NoLateral(), neuron=Neuron(Ball(0.6)), step=slow), x),
        "tiling-slow": (
            Circuit("tiling", 4, lateral=NoLateral(gain=0.0), neuron=Neuron(Ball(), threshold=0.2), step=slow),
            x,
        ),
        "threshold-free": (Circuit("free", 3, neuron=Neuron(threshold=0.1), step=slow), x),
        "row-sum": (
            Circuit(
                "rows",
                4,
                lateral=NoLateral(gain=0.0),
                neuron=Neuron(Total.row_sum(), inhibition=Inhibition(0.2)),
                step=slow,
            ),
            x,
        ),
        "row-sum-soft": (
            Circuit(
                "stiffness",
                4,
                lateral=NoLateral(gain=0),
                neuron=Neuron(Total.row_sum(0.7, stiffness=2.0), inhibition=Inhibition(0.2)),
                step=slow,
            ),
            x,
        ),
        "row-sum-power": (
            Circuit(
                "power",
                4,
                lateral=NoLateral(gain=0.0),
                neuron=Neuron(Total.row_sum(), inhibition=PowerControl(0.2, 2.0, rate=0.002)),
                step=slow,
            ),
            x,
        ),
        "row-sum-limited": (
            Circuit(
                "limited",
                4,
                lateral=NoLateral(gain=0.0),
                neuron=Neuron(Total.row_sum(), inhibition=PowerControl(0.1, 2.0, rate=0.002)),
                step=Step(0.2, 0.01, limited=True),
            ),
            x,
            3.0,
        ),
        "row-sum-gram": (
            Circuit(
                "sparse",
                4,
                lateral=Gram(1.0, gain=0.5),
                neuron=Neuron(Total.row_sum(), inhibition=Inhibition(0.2)),
                step=slow,
            ),
            x,
        ),
        "row-sum-gram-soft": (
            Circuit(
                "sparse",
                4,
                lateral=Gram(1.0),
                neuron=Neuron(Total.row_sum(stiffness=1.0), inhibition=Inhibition(0.1)),
                step=slow,
            ),
            x,
        ),
        "simplex": (Circuit("simplex", 4, lateral=NoLateral(), neuron=Neuron(Total()), step=slow), x),
        "presynaptic": (
            Circuit(
                "gated",
                4,
                (
                    Channel("x", synapse=Synapse(input_gated=True)),
                    Channel("label", drive=2.0, synapse=Synapse(rate=0.0)),
                ),
                NoLateral(),
                Neuron(Total()),
                slow,
            ),
            {"x": 8, "label": 4},
        ),
        "uncoupled": (Circuit("uncoupled", 3, (Channel("x", metric=0.9),), NoLateral(), step=slow), x, 1.5),
        "uncoupled-box": (
            Circuit("boxed", 3, lateral=NoLateral(), neuron=Neuron(Box(0.0, upper=1.0, l1=0.01)), step=slow),
            x,
            3.0,
        ),
    }
    return {name: Case(*case) for name, case in circuits.items()}


def _catalogued() -> dict[str, Case]:
    """Every circuit of the catalogue, with its own steps: a new one inherits the laws."""
    built = {name: card.network(4) for name, card in catalogue().items()}
    circuits = {name: c for name, c in built.items() if isinstance(c, Circuit)}
    widths = {n: {v: max(8, 2 * c.size) + i for i, v in enumerate(c.owners)} for n, c in circuits.items()}
    return {n: Case(c, {own.name: widths[n][own.weights] for own in c.channels}) for n, c in circuits.items()}


CASES: dict[str, Case] = {**_catalogued(), **_extra()}
#: those whose synapses are derived from the objective; decoupled interneurons have one only where R = P'
DERIVED = [
    name
    for name, case in CASES.items()
    if not (name.startswith("declared") or not case.circuit.lateral.has_objective or case.circuit.step.limited)
]
