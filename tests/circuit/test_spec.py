"""A circuit says what it is made of, refuses what has no meaning together, and survives being written down."""

from __future__ import annotations

import dataclasses
import inspect
import json

import numpy as np
import pytest
from tests.laws.circuits import CASES

import similis
from similis import CircuitTransformer, load, save
from similis._errors import InputError
from similis.circuit import (
    Ball,
    Box,
    Channel,
    Circuit,
    Domain,
    Form,
    Gram,
    Interneurons,
    Lateral,
    Neuron,
    NoLateral,
    Outer,
    PowerControl,
    State,
    Synapse,
    Total,
    Whiten,
    Z,
    init,
)
from similis.circuit.linear import Linear
from similis.display import describe
from similis.engine import run

LABEL = (Channel("x"), Channel("y", drive=0.0))


@pytest.mark.parametrize("name", CASES)
def test_as_json_and_back(name):
    circuit = CASES[name].circuit
    assert Circuit.from_dict(json.loads(json.dumps(circuit.to_dict()))) == circuit


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Circuit("c", 2, neuron=Neuron(Ball())), "ball"),
        (lambda: Circuit("c", 2, lateral=Whiten(), neuron=Neuron(Total.row_sum())), "total"),
        (lambda: Circuit("c", 2, LABEL, NoLateral(), Neuron(Total(), settles=False)), "Total"),
        (lambda: Circuit("c", 2, neuron=Neuron(Total.row_sum(), threshold=0.1)), "threshold"),
        (lambda: Circuit("c", 2, LABEL, neuron=Neuron(threshold=0.1, settles=False)), "threshold"),
        (lambda: Circuit("c", 2, neuron=Neuron(threshold=-0.1)), "threshold"),
        (lambda: Circuit("c", 2, neuron=Neuron(Box.nonnegative(mean_rate=0.1))), "mean_rate"),
        (lambda: Circuit("c", 2, LABEL, Gram(gain=0.5), Neuron(settles=False)), "gain"),
        (lambda: Circuit("c", 2, lateral=Interneurons(decoupled=True)), "decoupled"),
        (lambda: Circuit("c", 2, lateral=NoLateral(gain=0.0)), "gain=0"),
        (lambda: Gram(gain=0.0), "gain=0"),
        (lambda: Circuit("c", 2, lateral=Interneurons(), neuron=Neuron(inhibition=PowerControl(1.0))), "PowerControl"),
        (lambda: PowerControl(0.0, 1.0), "minimum"),
        (lambda: Total(stiffness=0.0), "stiffness"),
        (lambda: Box(0.0, 1.0, mean_rate=0.1), "mean_rate"),
        (lambda: Circuit("c", 2, channels=("x",)), "a tuple of Channel"),
        (lambda: Circuit("c", 2, channels=Channel("x")), "a tuple of Channel"),
        (lambda: Circuit("c", 2, neuron="nonnegative"), "a Neuron"),
        (lambda: Circuit("c", 2, lateral="gram"), "a Lateral"),
        (lambda: Circuit("c", 2, step=0.1), "a Step"),
        (lambda: Neuron("nonnegative"), "a Domain"),
        (lambda: Channel(3), "expected a text"),
        (lambda: Channel("x", leak=float("nan")), "leak=nan"),
        (lambda: Channel("x", synapse=Z), "a Synapse"),
        (lambda: Synapse("Z"), "a Form"),
        (lambda: Circuit("c", 2, (Channel("x", synapse=Synapse(weights="y")),)), "weights of 'y'"),
        (lambda: Channel("x", leak=0.1, synapse=Synapse(weights="y")), "shares weights"),
        (lambda: Ball(0.0), "radius"),
        (lambda: Total.row_sum(-1.0), "total"),
        (lambda: Box.nonnegative(mean_rate=1.0), "mean_rate"),
    ],
)
def test_what_has_no_meaning_is_refused_with_its_name(make, word):
    with pytest.raises(InputError, match=word):
        make()


@pytest.mark.parametrize(
    "make",
    [lambda: Whiten(gain=0.5), lambda: Gram(decoupled=True), lambda: Total(radius=1.0), lambda: Box(0.0, stiffness=1)],
)
def test_a_parameter_of_another_class_is_a_type_error(make):
    with pytest.raises(TypeError, match="unexpected keyword"):
        make()


def test_inputs_that_gate_their_own_synapses_are_not_negative():
    circuit = Circuit("gated", 2, (Channel("x", synapse=Synapse(input_gated=True)),))
    with pytest.raises(InputError, match="expected x >= 0"):
        run(circuit, init(circuit, {"x": 3}), -np.ones((4, 3)))


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("tiling-slow", ["z = [d]_+ / |[d]_+|", "d = a_x - 0.447214 b", "db = 2 eta_t (0.447214 z - b)", "- |b|^2"]),
        ("row-sum", ["stat_{a,b}", "min_{z >= 0, b' z = 1}", "dlambda/ds = b' z - 1", "da = 2 eta_t (lambda z - a)"]),
        ("row-sum-power", ["max_mu", "mu z' z", "dmu = 0.002 (|z|^2 - 2)", "[d - lambda b]_+ / mu"]),
        ("row-sum-gram", ["0.5 z' M z + 0.2 z' z", "- 0.25 |M|^2", "A = 0.5 M + 0.2 I"]),
        ("row-sum-soft", ["2 (b' z - 0.7)^2", "- 0.5 lambda"]),
        ("simplex", ["min_{z >= 0, 1' z = 1}", "settles at z = [d - lambda 1]_+"]),
        ("presynaptic", ["sum_ij x_j Wx_ij^2", "(z 1' - Wx) diag(x)", "dW_label = 0"]),
        ("bmvr-centred", ["z = [d]_+ - m", "1[z + m > 0]", "dm = 0.01 z"]),
        ("bmvr-decoupled", ["dR = (eta_t/tau) (n z' - R)", "n = R z", "M = P R", "objective  none"]),
        ("gain-and-shift", ["z = (0.7 M + 0.2 I)^-1 d"]),
    ],
)
def test_the_equations_say_it(name, lines):
    text = describe(CASES[name].circuit)
    assert [line for line in lines if line not in text] == []
    assert max(map(len, text.splitlines())) <= 88


@pytest.mark.parametrize("name", ["row-sum-power", "tiling-slow", "bmvr-centred", "bmvr-decoupled"])
def test_what_single_neurons_carry_is_saved(name, tmp_path):
    case = CASES[name]
    data = case.data(400)
    streams = data if len(data) > 1 else data["x"]
    model = CircuitTransformer(case.circuit, center=False, scale=None, random_state=0).fit(streams)
    save(model, tmp_path / "m.safetensors")
    twin = load(tmp_path / "m.safetensors")
    assert twin.state_ == model.state_
    assert twin.partial_fit(streams).state_ == model.partial_fit(streams).state_


@pytest.mark.parametrize("kind", [Lateral, Linear, Domain])
def test_a_class_that_lacks_a_part_cannot_be_made(kind):
    class Half(kind):
        """Says nothing of its own."""

    with pytest.raises(TypeError, match="abstract"):
        kind()
    with pytest.raises(TypeError, match="abstract"):
        Half()


def test_a_description_of_an_abstract_choice_is_refused():
    plain = Circuit("c", 2).to_dict()
    for broken in (plain | {"lateral": {"kind": "Lateral"}}, plain | {"lateral": {"kind": "Linear"}}):
        with pytest.raises(InputError, match="not the description of a circuit"):
            Circuit.from_dict(broken)


CLASSES = [kind for kind in vars(similis.circuit).values() if inspect.isclass(kind) and not inspect.isabstract(kind)]
CHOICES = [kind for kind in CLASSES if dataclasses.is_dataclass(kind) and kind not in (Form, Outer, State)]
PLAIN = {"float": (0.5,), "int": (2,), "str": ("x",), "bool": (True,)}


@pytest.mark.parametrize("kind", CHOICES, ids=lambda kind: kind.__name__)
def test_a_value_of_another_type_is_told_in_words(kind):
    """Numbers, texts and truth values of every choice: no comparison of a text with a number answers for us."""
    start, looked = {"name": "a", "size": 2} if kind is Circuit else {}, 0
    for field in dataclasses.fields(kind):
        of, _, none = str(field.type).partition(" | ")
        if of not in PLAIN:
            continue
        looked += 1
        for wrong in ("text", ["x"], {}, object(), None, True, 0.5):
            if (wrong is None and none) or isinstance(wrong, type(PLAIN[of][0])):
                continue
            with pytest.raises(InputError, match=f"{field.name}=.*; expected an? |{field.name}=.*; expected True"):
                kind(**start | {field.name: wrong})
    assert looked


def test_names_and_networks_in_place_of_circuits():
    for wrong in ("psp", similis.networks.principal_subspace, None):
        with pytest.raises(InputError, match=r"circuit=.*; expected a similis.circuit.Circuit, e.g. .*_subspace"):
            similis.CircuitTransformer(wrong).fit(np.ones((20, 3)))
    for wrong in ("x", ("x",), Channel("x"), [Channel("x")], ()):
        with pytest.raises(InputError, match=r"expected a tuple of Channel|at least one"):
            Circuit("a", 2, wrong)
    with pytest.raises(InputError, match=r"domain='nonnegative'; expected a Domain, e.g. Box.nonnegative"):
        Neuron("nonnegative")
