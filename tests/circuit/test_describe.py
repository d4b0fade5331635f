"""Equations, signal tables and pictures say what the circuit is: every row of docs/decisions/0001-vocabulary.md."""

from __future__ import annotations

import re
import sys
import warnings
from dataclasses import replace
from io import BytesIO

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser

from similis._errors import MissingDependencyError
from similis.circuit import (
    FEEDBACK,
    OWN,
    Box,
    Channel,
    Circuit,
    Domain,
    Gram,
    Inhibition,
    Interneurons,
    Neuron,
    NoLateral,
    Step,
    Synapse,
    Whiten,
    Z,
    init,
    of,
    saddle_gradients,
)
from similis.display import describe, draw, latex, signals_table
from similis.display.brush import INHIBITION, PAGE

matplotlib.use("Agg")

TWO_VIEWS = (Channel("x", metric=1.0), Channel("y", metric=1.0))
BOX = Box(-1.0, upper=1.0, l1=0.2)
INTER = Interneurons(0.02)


def rrr(s: float = 0.25, domain: Domain | None = None) -> Circuit:
    """Reduced-rank regression in the metric s, or local supervision where the domain bends."""
    channels = (Channel("x", leak=0.0, synapse=Synapse(rate=10.0)), Channel("y", drive=0.0, metric=s))
    return Circuit("rrr", 2, channels, Interneurons(), Neuron(domain or Box(), settles=False))


ROWS = {
    "psp": Circuit("psp", 4, step=Step(0.05, decay=0.001)),
    "whitening": Circuit("whitening", 4, lateral=Whiten(), step=Step(1e-05, decay=0.001, floor=1e-06)),
    "nsm": Circuit("nsm", 16, neuron=Neuron(Box.nonnegative(l1=0.1))),
    "cca": Circuit("cca", 4, TWO_VIEWS, Gram(0.1)),
    "adaptive": Circuit("adaptive", 10, TWO_VIEWS, INTER, Neuron(inhibition=Inhibition(1.5))),
    "rrr": rrr(),
    "local": rrr(0.0, Box.nonnegative()),
    "supervised": Circuit(
        "supervised", 5, (Channel("x"), Channel("label", metric=1.0)), neuron=Neuron(Box.nonnegative())
    ),
    "three": Circuit("three", 3, (*TWO_VIEWS, Channel("z_view", metric=0.5, drive=0.5)), neuron=Neuron(Box(upper=1.0))),
    "own": Circuit(
        "own", 1, (Channel("x", synapse=Synapse(post=Z - 0.5 * OWN + of("z"))), Channel("z")), NoLateral(), Neuron(BOX)
    ),
}
SAYS = {
    "psp": [
        "min_Wx max_M < min_z z' M z - 2 z' d > + |Wx|^2 - 0.5 |M|^2",
        "d = a_x,  a_x = Wx x",
        "dz/ds = d - M z\n",
        "settles at z = M^-1 d",
        "dWx = 2 eta_t (z x' - Wx)",
        "dM = (eta_t/tau) (z z' - M),  tau = 0.5",
        "eta_t = 0.05 / (1 + 0.001 t)",
    ],
    "whitening": ["- Tr M", "dM = (eta_t/tau) (z z' - I)", "eta_t = max(1e-06, 1e-05 / (1 + 0.001 t))"],
    "nsm": ["min_{z >= 0}", "+ 0.2 |z|_1", "d - M z - 0.1, z >= 0", "z_i = [r_i - 0.1]_+ / M_ii", "eta_t = 0.01"],
    "cca": [
        "min_{Wx,Wy}",
        "+ |a_x|^2 + |a_y|^2 >",
        "d = a_x + a_y",
        "dWx = 2 eta_t (z - a_x) x'",
        "dWy = 2 eta_t (z - a_y) y'",
    ],
    "adaptive": [
        "z' (P P' + 1.5 I) z",
        "- |P|^2",
        "dz/ds = d - P n - 1.5 z,  dn/ds = P' z - n",
        "z = (P P' + 1.5 I)^-1 d",
        "dP = (eta_t/tau) (z n' - P),  n = P' z,  M = P P' + 1.5 I,  tau = 0.02",
    ],
    "rrr": [
        "< z' P P' z - 2 z' a_y + 0.25 |a_y|^2 > + 0.75 |Wy|^2",
        "d = a_x,  a_x = Wx x,  a_y = Wy y",
        "dynamics   z = d\n",
        "dWx = 20 eta_t (a_y - P n) x'",
        "dWy = 2 eta_t ((z - 0.25 a_y) y' - 0.75 Wy)",
    ],
    "local": ["z = [d]_+", "dWx = 20 eta_t 1[z > 0] (a_y - P n) x'", "dWy = 2 eta_t (z y' - Wy)"],
    "supervised": ["dWx = 2 eta_t (z x' - Wx)", "dW_label = 2 eta_t (z - a_label) label'", "z_i = [r_i]_+ / M_ii"],
    "three": [
        "min_{z <= 1}",
        "d = a_x + a_y + 0.5 a_z_view",
        "clip(r_i / M_ii, -inf, 1)",
        "dW_z_view = 2 eta_t ((0.5 z - 0.5 a_z_view) z_view' - 0.5 W_z_view)",
    ],
    "own": [
        "none: the synapses of x are declared",
        "z = clip(soft(d, 0.2), -1, 1)",
        "a_z = Wz x_z",
        "dWx = 2 eta_t ((z + a_z - 0.5 a_x) x' - Wx)",
        "M = I, fixed",
    ],
}


@pytest.fixture(params=ROWS, name="row")
def _row(request):
    return request.param


def sections(circuit: Circuit) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in describe(circuit).splitlines()[2:]:
        word, rest = line[:11].strip() or list(found)[-1], line[11:].strip()
        found[word] = f"{found[word]} {rest}" if word in found else rest
    return found


def test_equations_say_what_the_circuit_is(row):
    text = describe(ROWS[row])
    assert [part for part in SAYS[row] if part not in text] == []
    assert text.startswith(f"{ROWS[row]}\n")


def test_equations_fit_one_screen(row):
    lines = describe(ROWS[row]).splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 88
    assert list(sections(ROWS[row])) == ["objective", "drive", "dynamics", "synapses", "lateral", "step"]


def test_zero_vanishes_and_one_is_not_written(row):
    text = describe(ROWS[row]).replace("^-1", "")
    assert not re.search(r"(?<![\w.,>=])[01] [aWzd|]", text)
    assert "+ -" not in text
    assert "- -" not in text


@pytest.mark.parametrize(
    ("change", "touched"),
    [
        ({"channels": (Channel("x", metric=0.3),)}, {"objective", "synapses"}),
        ({"channels": (Channel("x", leak=0.3),)}, {"objective", "synapses"}),
        ({"channels": (Channel("x", synapse=Synapse(rate=3.0)),)}, {"synapses"}),
        ({"channels": (Channel("x", synapse=Synapse(post=Z - FEEDBACK)),)}, {"objective", "synapses"}),
        ({"channels": (Channel("x", drive=0.5),)}, {"drive", "synapses"}),
        ({"neuron": Neuron(Box.nonnegative())}, {"objective", "dynamics"}),
        ({"lateral": Whiten()}, {"objective", "lateral"}),
        ({"lateral": Gram(0.2)}, {"lateral"}),
        ({"step": Step(0.3)}, {"step"}),
    ],
)
def test_a_change_of_the_circuit_changes_its_equations_and_no_other(change, touched):
    base = ROWS["psp"]
    before, after = sections(base), sections(replace(base, **change))
    assert {word for word in before if before[word] != after[word]} == touched


def test_ridge_is_a_leak_beside_the_metric():
    circuit = Circuit("ridge", 2, (Channel("x", metric=1.0, leak=0.01), Channel("y", metric=1.0)))
    text = describe(circuit)
    assert "dWx = 2 eta_t ((z - a_x) x' - 0.01 Wx)" in text
    assert "+ 0.01 |Wx|^2" in text


def test_a_synapse_that_reads_nothing_only_leaks():
    channels = (Channel("x"), Channel("y", drive=0.0), Channel("w", drive=0.0, leak=0.0))
    text = describe(Circuit("mute", 2, channels))
    assert "dWy = -2 eta_t Wy" in text
    assert "dWw = 0" in text


@pytest.mark.parametrize("row", [name for name in ROWS if name != "own"])
def test_posts_of_the_table_are_derived_not_declared(row):
    assert not sections(ROWS[row])["objective"].startswith("none")


def test_latex_renders_line_by_line(row):
    text = latex(ROWS[row])
    assert text.startswith("\\begin{aligned}\n")
    assert text.endswith("\n\\end{aligned}")
    lines = text.splitlines()[1:-1]
    assert all(line.endswith(r" \\") for line in lines[:-1])
    parser = MathTextParser("path")
    for line in lines:
        assert line.count("&") == 1
        assert line.count("{") == line.count("}")
        formula = line.replace("&", "").removesuffix(r" \\")
        assert parser.parse(f"${formula}$").width > 0


def test_latex_states_no_objective_where_none_is_derived():
    assert "\\min" not in latex(ROWS["own"])
    assert "\\min" in latex(ROWS["psp"])


def test_table_reads_only_signals_of_the_post(row):
    circuit = ROWS[row]
    for channel, entry in zip(circuit.channels, signals_table(circuit), strict=False):
        assert entry["postsynaptic"] == dict(channel.synapse.post.terms)
        synapse = channel.synapse
        assert (entry["leak"], entry["rate"], entry["gated"]) == (channel.leak, synapse.rate, synapse.gated)
        assert ("itself" in entry["locality"]) == (channel.leak > 0)
    for entry in signals_table(circuit):
        assert not set(re.findall(r"\[(\w)\]", entry["locality"])) - {"i", "j"}
        assert entry["locality"].count("[j]") == 1  # one signal before the synapse, all others at the neuron itself


def test_table_rules_are_the_saddle_gradients(row):
    """dw = 2 eta rate (post pre' - leak w), from the table alone, is the descent (ascent) of the objective."""
    circuit, rng = ROWS[row], np.random.default_rng(0)
    dims = {name: 3 + c for c, name in enumerate(circuit.names)}
    state, k, T = init(circuit, dims, 1), circuit.size, 7
    data = {name: rng.standard_normal((T, n)) for name, n in dims.items()}
    outputs = np.clip(rng.standard_normal((T, k)), circuit.domain.lower, circuit.domain.upper)
    inside = (outputs > circuit.domain.lower) & (outputs < circuit.domain.upper)
    gradients = saddle_gradients(circuit, state, data, outputs)
    for entry in signals_table(circuit):
        source, _, target = entry["synapse"].partition(" -> ")
        name = source if source in data and entry["weights"] not in ("M", "P") else None
        signals = {"Z": outputs, "FEEDBACK": outputs @ state.M}
        signals |= {f"of({c})": X @ state.W[c].T for c, X in data.items()}
        if state.P is not None:
            signals["n"] = outputs @ state.P
        if name is not None:
            signals["OWN"], before, w = signals[f"of({name})"], data[name], state.W[name]
            expected = -0.5 * gradients[name]
        else:
            before = signals["n"] if source == "n" else outputs
            w = state.M if entry["weights"] == "M" else state.P.T if target == "n" else state.P
            expected = 0.5 * gradients["P"] if state.P is not None else gradients["M"]
            expected = expected.T if target == "n" else expected
            assert entry["rate"] == pytest.approx(0.5 / circuit.lateral.tau)
            if isinstance(circuit.lateral, Whiten):
                expected = expected + np.eye(k)  # the target <zz'> = I: a constant at the self-connection
        post = sum((c * signals[s] for s, c in entry["postsynaptic"].items()), start=np.zeros((T, k)))
        post = np.where(inside, post, 0.0) if entry["gated"] else post
        np.testing.assert_allclose(post.T @ before / T - entry["leak"] * w, expected, atol=1e-12)


def test_fixed_laterals_have_no_plastic_synapse():
    assert [entry["weights"] for entry in signals_table(ROWS["own"])] == ["Wx", "Wz"]
    assert [entry["weights"] for entry in signals_table(ROWS["adaptive"])] == ["Wx", "Wy", "P'", "P"]


@pytest.fixture(name="picture")
def _picture(row):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = draw(ROWS[row])
        ax.figure.savefig(BytesIO(), format="png")
    yield ax
    pyplot.close(ax.figure)


def test_picture_names_every_part_without_overlap(row, picture):
    circuit = ROWS[row]
    words = [text for text in picture.texts if text.get_text()]
    joined = " ".join(text.get_text() for text in words)
    for name in circuit.names:
        plain = name.replace("_", r"\_")
        mark = plain if len(name) == 1 else rf"\mathrm{{{plain}}}"
        assert rf"\mathbf{{W}}_{{{mark}}}" in joined
        assert rf"\mathbf{{a}}_{{{mark}}}" in joined
    boxes = [text.get_window_extent() for text in words]
    page = picture.get_window_extent()
    for i, box in enumerate(boxes):
        assert page.x0 <= box.x0 < box.x1 <= page.x1, words[i]
        assert page.y0 <= box.y0 < box.y1 <= page.y1, words[i]
        assert [words[j] for j in range(i) if boxes[j].overlaps(box)] == []
    for artist in (*picture.lines, *picture.patches):
        corners = picture.transData.inverted().transform(artist.get_window_extent())
        assert (corners >= 0).all(), artist
        assert (corners <= PAGE).all(), artist


def test_picture_marks_inhibition_and_teaching(row, picture):
    circuit = ROWS[row]
    inhibits = any(to_hex(line.get_color()) == INHIBITION for line in picture.lines)
    assert inhibits == (circuit.lateral.learns)
    dashed = any(line.is_dashed() for line in picture.lines)
    assert dashed == (not circuit.settles or any(c.drive == 0 for c in circuit.channels))
    assert ("anti-Hebbian" in " ".join(text.get_text() for text in picture.texts)) == inhibits


def test_picture_goes_where_it_is_told(row):
    open_figures = pyplot.get_fignums()
    ax = Figure(figsize=(3, 2)).add_subplot()
    assert draw(ROWS[row], ax) is ax
    assert len(ax.lines) > 20 - 12 * (ROWS[row].size == 1)
    assert pyplot.get_fignums() == open_figures


def test_picture_without_matplotlib_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match=r"pip install .*\[plot\]"):
        draw(ROWS["psp"])
