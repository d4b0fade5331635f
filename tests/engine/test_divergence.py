"""Law 8. What diverges (NaN or inf), or was never there, ends in an error: where, by which step, at what scale."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from tests.laws.circuits import CASES

from similis._errors import DivergenceError, InputError, SimilisError
from similis.circuit import Circuit, Gram, Interneurons, State, Step, Whiten, init
from similis.engine import reference, run
from similis.networks import canonical_correlation, principal_subspace

ENGINES = {"reference": reference.run, "stream": run, "in blocks": lambda *a, **o: run(*a, block=16, **o)}
each_engine = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)


@each_engine
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_do_not_pass(engine, name, bad):
    case = CASES[name]
    for channel in case.dims:
        if not case.circuit.channel(channel).drive:
            continue  # it teaches: its weights carry the damage to the next sample that reads them
        data = case.data(30)
        data[channel][20, 0] = bad
        negative = case.circuit.channel(channel).synapse.input_gated and bad < 0
        error, words = (InputError, "x >= 0") if negative else (DivergenceError, r"at sample 2[0-9] ")
        with pytest.raises(error, match=words):
            engine(case.circuit, case.start(), data)


@each_engine
@pytest.mark.parametrize("name", ["rrr-half", "bmvr"])
def test_a_bad_teacher_is_found_by_the_next_sample(engine, name):
    case, data = CASES[name], CASES[name].data(30)
    data["y"][20, 0] = np.nan
    with pytest.raises(DivergenceError, match=r"at sample 2[0-9] "):
        engine(case.circuit, case.start(), data)


@each_engine
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_message_names_step_scale_and_sample(engine, dtype):
    circuit = canonical_correlation(2, tau=1.0, step=Step(0.5))
    random = np.random.default_rng(0)
    data = {"x": 30 * random.standard_normal((200, 4)), "y": 5 * random.standard_normal((200, 3))}
    with pytest.raises(DivergenceError) as caught:
        engine(circuit, init(circuit, {"x": 4, "y": 3}, dtype=dtype), data)
    message = str(caught.value)
    assert "circuit 'cca'" in message
    assert "eta0=0.5, tau=1.0" in message
    x, y = (np.sqrt((data[name].astype(dtype) ** 2).sum(1).mean()) for name in "xy")
    assert f"x {x:.3g}, y {y:.3g}" in message
    assert "Lower eta0" in message
    assert isinstance(caught.value, SimilisError)
    assert isinstance(caught.value, ArithmeticError)


@each_engine
def test_the_sample_is_counted_in_the_states_own_time(engine):
    case, data = CASES["nsm"], CASES["nsm"].data(60)
    data["x"][50] = np.nan
    first = {"x": data["x"][:30]}
    _, state = engine(case.circuit, case.start(), first)
    with pytest.raises(DivergenceError, match="at sample 50 "):
        engine(case.circuit, state, {"x": data["x"][30:]})


@each_engine
def test_laterals_that_lose_positive_definiteness_are_an_error_not_a_wrong_minimum(engine):
    """Whitening is no average: with a large step M passes through zero, where the settled point is a saddle."""
    circuit = principal_subspace(3, whiten=True, step=Step(0.05))
    data = 0.3 * np.random.default_rng(0).standard_normal((500, 6))
    with pytest.raises(DivergenceError):
        engine(circuit, init(circuit, {"x": 6}), data)


@each_engine
@pytest.mark.parametrize("kind", [Gram, Whiten, Interneurons])
@pytest.mark.parametrize("learn", [True, False])
def test_a_state_whose_laterals_are_indefinite_is_refused(engine, kind, learn):
    circuit = Circuit("broken", 2, lateral=kind(), step=Step(0.01))
    state = State({"x": np.eye(2)}, np.array([[1.0, 2.0], [2.0, 1.0]]), np.eye(2), t=7)
    with pytest.raises(DivergenceError, match=r"at sample 7 .*eta0=0.01.*: x 1.12\. Lower"):
        engine(circuit, state, np.array([[0.5, 1.0], [1.0, 0.5]]), learn=learn)


@each_engine
@pytest.mark.parametrize("name", CASES)
def test_a_failed_run_leaves_its_state_as_it_was(engine, name):
    case, start = CASES[name], CASES[name].start()
    data = {channel: np.full_like(X, np.nan) for channel, X in case.data(40).items()}
    with pytest.raises(DivergenceError):
        engine(case.circuit, start, data)
    assert start == case.start()


@each_engine
def test_sparse_rows_diverge_alike(engine):
    circuit = canonical_correlation(2, tau=1.0, step=Step(0.5))
    random = np.random.default_rng(0)
    data = {n: sparse.csr_array(30 * random.standard_normal((200, 4))) for n in "xy"}
    with pytest.raises(DivergenceError, match="RMS norm of the samples: x "):
        engine(circuit, init(circuit, {"x": 4, "y": 4}), data)
