"""What the engines take and refuse, and that they change nothing they are given."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from tests.laws.circuits import CASES
from tests.laws.compare import run_gap

from similis._errors import InputError
from similis.circuit import Box, Channel, Circuit, Interneurons, Neuron, State, Step, Synapse, init
from similis.engine import reference, run
from similis.kernels.stream import learn
from similis.networks import canonical_correlation, nonnegative_similarity, principal_subspace

ENGINES = [pytest.param(reference.run, id="reference"), pytest.param(run, id="stream")]
TWO = canonical_correlation(2, tau=1.0, step=Step(0.05))
START = init(TWO, {"x": 3, "y": 4})
X, Y = np.random.default_rng(0).standard_normal((6, 3)), np.random.default_rng(1).standard_normal((6, 4))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("data", "present", "message"),
    [
        ({"x": X, "w": Y}, None, r"channels \['w', 'x'\].*hears x, y"),
        ({}, None, "hears x, y"),
        ({"x": X[:, :2], "y": Y}, None, r"channel 'x': data of shape \(6, 2\); expected \(T, 3\)"),
        ({"x": X[0], "y": Y}, None, r"channel 'x': data of shape \(3,\)"),
        ({"x": X, "y": Y[:5]}, None, r"differ in samples: \{'x': 6, 'y': 5\}"),
        ({"x": X}, {"y": np.ones(6)}, r"present\['y'\].*a channel in the data"),
        ({"x": X, "y": Y}, {"x": np.ones(5)}, r"present\['x'\] of shape \(5,\); expected \(6,\)"),
        ({"x": X, "y": Y}, {"z": np.ones(6)}, r"present\['z'\]"),
    ],
)
def test_data_that_does_not_fit_is_refused(engine, data, present, message):
    with pytest.raises(InputError, match=message):
        engine(TWO, START, data, present=present)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (principal_subspace(2, tau=0.05, step=Step(0.05)), "eta0/tau must be below 1"),
        (Circuit("i", 2, lateral=Interneurons(0.01), step=Step(0.02)), "eta0/tau must be below 1"),
        (principal_subspace(2, tau=9.0, step=Step(0.5)), "2 eta0 rate leak must be below 1 for channel 'x'"),
        (
            Circuit("r", 2, (Channel("x", leak=5.0, synapse=Synapse(rate=2.0)),), step=Step(0.05)),
            "must be below 1 for channel 'x'",
        ),
    ],
)
def test_a_step_with_which_an_average_overshoots_is_refused(engine, circuit, message):
    with pytest.raises(InputError, match=message):
        engine(circuit, init(circuit, {"x": 3}), X)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_bare_array_is_the_first_channel(engine):
    assert run_gap(engine(TWO, START, X), engine(TWO, START, {"x": X})) == 0.0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CASES)
def test_no_sample_changes_nothing(engine, name):
    case = CASES[name]
    empty = {channel: X[:0] for channel, X in case.data(1).items()}
    Z, state = engine(case.circuit, case.start(), empty)
    assert Z.shape == (0, case.circuit.size)
    assert state == case.start()
    assert engine(case.circuit, case.start(), empty, learn=False)[0].shape == (0, case.circuit.size)


@pytest.mark.parametrize("name", CASES)
def test_engines_are_functions_of_what_they_are_given(name):
    """Neither state nor data changes, a later run does not reach back, and a run can be repeated bit for bit."""
    case, data = CASES[name], CASES[name].data(50)
    start, bytes_before = case.start(), {channel: X.tobytes() for channel, X in data.items()}
    for engine in (reference.run, run):
        Z, after = engine(case.circuit, start, data)
        kept, kept_Z = after.copy(), Z.copy()
        assert start == case.start()
        engine(case.circuit, after, data)
        assert after == kept
        np.testing.assert_array_equal(Z, kept_Z)
        again, after2 = engine(case.circuit, start, data)
        np.testing.assert_array_equal(again, Z)
        assert after2 == after
    assert bytes_before == {channel: X.tobytes() for channel, X in data.items()}


@pytest.mark.parametrize("name", CASES)
def test_not_learning_leaves_the_state_and_agrees(name):
    case, data = CASES[name], CASES[name].data(300)
    state = run(case.circuit, case.start(), data)[1]
    Z, same = run(case.circuit, state, data, learn=False)
    assert same == state
    assert same.t == 300
    assert run_gap((Z, state), (reference.run(case.circuit, state, data, learn=False)[0], state)) < 1e-9
    rows = {channel: sparse.csr_array(X) for channel, X in data.items()}
    assert run_gap((run(case.circuit, state, rows, learn=False)[0], state), (Z, state)) < 1e-9
    quiet = {channel: np.arange(300) % 3 > 0 for channel in data}
    found = run(case.circuit, state, data, learn=False, present=quiet)[0]
    assert (
        run_gap((found, state), (reference.run(case.circuit, state, data, learn=False, present=quiet)[0], state)) < 1e-9
    )
    # undriven, a network is silent, unless single units speak for themselves: a total, thresholds, a running mean
    alone = case.circuit.domain.total is not None or state.cells.keys() & {"a", "b", "mean"}
    assert (found[::3] == found[0]).all()
    assert alone or not found[0].any()


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix, sparse.coo_array, sparse.csc_array])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32, bool])
def test_numbers_of_any_kind_are_read_in_the_precision_of_the_state(convert, dtype):
    counts = np.random.default_rng(0).integers(0, 2, (40, 3)).astype(dtype)
    circuit = nonnegative_similarity(2)
    start = init(circuit, {"x": 3})
    assert run_gap(run(circuit, start, convert(counts)), run(circuit, start, counts.astype(float))) < 1e-12


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 7, 8, 9, 17])
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_small_sizes_that_do_not_fill_a_register(k, d):
    circuit = Circuit("small", k, neuron=Neuron(Box.nonnegative()), step=Step(0.02))
    data = np.abs(np.random.default_rng(k * d).standard_normal((9, d)))
    for block in (None, 1, 4, 6):
        expected = reference.run(circuit, init(circuit, {"x": d}), data)
        assert run_gap(run(circuit, init(circuit, {"x": d}), data, block=block), expected) < 1e-9


def test_dimensions_must_name_every_channel():
    with pytest.raises(InputError, match=r"dims for channels \['x'\]"):
        init(TWO, {"x": 3})


def test_states_are_equal_by_their_numbers():
    state = init(principal_subspace(2), {"x": 3})
    other = State({"x": state.W["x"] + 1e-12}, state.M)
    assert state == state.copy()
    assert state != other
    assert state != "a state"


def broken(**parts):
    return State(**({"W": START.W, "M": START.M} | parts))


BROKEN = {
    "weights of fewer neurons": broken(W={"x": START.W["x"][:1], "y": START.W["y"]}),
    "laterals of another size": broken(M=np.eye(3)),
    "another precision": broken(M=np.eye(2, dtype=np.float32)),
    "integers": State({name: W.astype(int) for name, W in START.W.items()}, np.eye(2, dtype=int)),
    "a channel too few": broken(W={"x": START.W["x"]}),
    "one axis": broken(W={"x": START.W["x"].ravel(), "y": START.W["y"]}),
    "an inverse of another size": broken(Minv=np.eye(5)),
    "not finite": broken(M=np.diag([1.0, np.nan])),
    "a negative time": broken(t=-1),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("learn", [True, False])
@pytest.mark.parametrize("name", BROKEN)
def test_a_state_that_is_not_the_circuits_is_refused(engine, name, learn):
    with pytest.raises(InputError, match="state"):
        engine(TWO, BROKEN[name], {"x": X, "y": Y}, learn=learn)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CASES)
def test_every_array_of_a_state_is_looked_at(engine, name):
    case = CASES[name]
    for part in case.start().arrays:
        state = case.start()
        if part.startswith("W."):
            state.W[part[2:]] = np.concatenate([state.W[part[2:]]] * 2)
        elif part.startswith("cells."):
            state.cells[part[6:]] = np.zeros(state.cells[part[6:]].size + 1)
        else:
            state = replace(state, **{part: np.zeros((1, 1, 1))})
        with pytest.raises(InputError, match=re.escape(f"state.{part} ")):
            engine(case.circuit, state, case.data(5))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CASES)
def test_how_a_state_lies_in_memory_does_not_matter(engine, name):
    case, data = CASES[name], CASES[name].data(20)
    state = case.start()
    turned = replace(
        state, W={n: np.asfortranarray(W) for n, W in state.W.items()}, M=np.repeat(state.M, 2, 1)[:, ::2],
        P=None if state.P is None else np.asfortranarray(state.P), R=None if state.R is None else state.R[::-1][::-1],
    )  # fmt: skip
    for array in (*turned.W.values(), turned.M):
        array.flags.writeable = False
    expected = engine(case.circuit, state, data)
    compiled = list(learn.signatures)
    assert run_gap(engine(case.circuit, turned, data), expected) < 1e-12
    assert learn.signatures == compiled


def test_blocks_and_steps_are_numbers_that_can_be():
    for block in (0, -3):
        with pytest.raises(InputError, match="block="):
            run(TWO, START, {"x": X, "y": Y}, block=block)
    for step in ({"eta0": np.nan}, {"eta0": -1.0}, {"eta0": 0.1, "decay": np.nan}, {"eta0": 0.1, "decay": np.inf}):
        with pytest.raises(InputError):
            Step(**step)
