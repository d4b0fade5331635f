"""Law 1 for the batch engine: at one sample a batch it is the reference, and a batch is the average of its samples."""

from __future__ import annotations

import numpy as np
import pytest
from tests.laws.circuits import CASES, rng
from tests.laws.compare import gap, run_gap
from tests.laws.test_parity import mask

from similis._errors import DivergenceError, InputError
from similis.circuit import State, Step, init
from similis.engine import Trace, batch, reference
from similis.engine.relax import relax
from similis.networks import canonical_correlation, nonnegative_similarity

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'similis[torch]'")

T, TOLERANCE = 200, 1e-6
KNOWN = [name for name, case in CASES.items() if case.circuit.domain.total is None]
UNKNOWN = [name for name in CASES if name not in KNOWN]


@pytest.mark.parametrize("name", KNOWN)
def test_at_one_sample_a_batch_it_is_the_reference(name):
    case = CASES[name]
    data = case.data(T)
    found = batch.run(case.circuit, case.start(), data, batch=1)
    assert run_gap(found, reference.run(case.circuit, case.start(), data)) < TOLERANCE


@pytest.mark.parametrize("name", [name for name in KNOWN if len(CASES[name].dims) > 1])
def test_channels_may_fall_silent(name):
    case = CASES[name]
    data, present = case.data(T), {channel: speaks[:T] for channel, speaks in mask(case, T).items()}
    found = batch.run(case.circuit, case.start(), data, batch=1, present=present)
    assert run_gap(found, reference.run(case.circuit, case.start(), data, present=present)) < TOLERANCE


#: those whose step is the same for every sample, whatever it says
EVEN = [n for n in KNOWN if not CASES[n].circuit.neuron.inhibition.learns and not CASES[n].circuit.step.limited]


@pytest.mark.parametrize("name", EVEN)
def test_a_batch_makes_the_average_of_its_samples_steps(name):
    case = CASES[name]
    data, start = case.data(60), reference.run(case.circuit, case.start(), case.data(100, seed=1))[1]
    present = {channel: speaks[:6] for channel, speaks in mask(case, T).items()}
    data = {channel: X[:6] for channel, X in data.items()}
    Z, after = batch.run(case.circuit, start, data, batch=6, present=present)
    alone = [
        reference.run(
            case.circuit,
            start,
            {c: X[i : i + 1] for c, X in data.items()},
            present={c: s[i : i + 1] for c, s in present.items()},
        )
        for i in range(6)
    ]
    assert gap(Z, np.concatenate([z for z, _ in alone])) < TOLERANCE
    for key, array in after.arrays.items():
        if key == "M" and after.P is not None:
            continue  # follows from P, and not linearly
        assert gap(array, np.mean([state.arrays[key] for _, state in alone], axis=0)) < TOLERANCE, key


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_it_does_not_know_it_says(name):
    case = CASES[name]
    with pytest.raises(InputError, match="total, which the batch engine does not know"):
        batch.run(case.circuit, case.start(), case.data(4))


def test_single_precision_pieces_traces_and_the_state_given():
    case = CASES["nsm"]
    data, start = case.data(T), case.start(np.float32)
    before, trace = start.copy(), Trace(50, lambda state: {"t": state.t})
    Z, state = batch.run(case.circuit, start, data, batch=20, trace=trace)
    assert {Z.dtype, state.M.dtype} == {np.dtype(np.float32)}
    assert start == before
    assert trace.samples == [60, 100, 160, 200]
    pieces = start
    for piece in (slice(0, 40), slice(40, None)):
        _, pieces = batch.run(case.circuit, pieces, {"x": data["x"][piece]}, batch=20)
    assert pieces == state
    frozen, same = batch.run(case.circuit, state, data, learn=False)
    assert same == state
    assert frozen.shape == Z.shape


@pytest.mark.parametrize("name", KNOWN)
def test_numbers_that_are_none_do_not_pass(name):
    case, data = CASES[name], CASES[name].data(30)
    driving = [channel for channel in case.dims if case.circuit.channel(channel).drive]
    data[driving[0]][23, 0] = np.nan
    with pytest.raises(DivergenceError, match="at sample 23 "):
        batch.run(case.circuit, case.start(), data, batch=10)
    heard = {channel: np.arange(30) != 23 for channel in case.dims}
    Z, _ = batch.run(case.circuit, case.start(), data, batch=10, present=heard)  # nobody heard it
    assert np.isfinite(Z).all()


def test_a_step_too_long_is_an_error_and_so_is_no_batch():
    circuit = canonical_correlation(2, tau=1.0, step=Step(0.5))
    data = {"x": 30 * rng(0).standard_normal((200, 4)), "y": 5 * rng(1).standard_normal((200, 3))}
    with pytest.raises(DivergenceError, match=r"eta0=0\.5, tau=1\.0"):
        batch.run(circuit, init(circuit, {"x": 4, "y": 3}), data, batch=1)
    with pytest.raises(InputError, match="batch=0"):
        batch.run(circuit, init(circuit, {"x": 4, "y": 3}), data, batch=0)


def test_relaxing_is_stable_where_a_unit_step_is_not():
    """The largest eigenvalue of A is 40: steps of length 1 would grow twentyfold."""
    Q = np.linalg.qr(rng(0).standard_normal((6, 6)))[0]
    A, D = (Q * [0.5, 1, 2, 4, 8, 40]) @ Q.T, rng(1).standard_normal((30, 6))
    circuit = nonnegative_similarity(6)
    state = State({"x": np.eye(6)}, A)
    expected, _ = reference.run(circuit, state, D, learn=False)
    few, many = (
        relax(torch.tensor(D), torch.tensor(A), iterations=n, tolerance=tol).numpy()
        for n, tol in ((10, 0.0), (9999, 1e-15))
    )
    energy = [np.einsum("ti,ij,tj->", Z, A, Z) - 2 * (Z * D).sum() for Z in (np.zeros_like(D), few, many, expected)]
    assert energy[0] > energy[1] > energy[2] >= energy[3] - 1e-9
    assert np.abs(many - expected).max() < 1e-6
    assert not relax(-torch.ones(3, 6), torch.eye(6)).any()  # nobody is driven
    assert relax(torch.ones(2, 6), -torch.eye(6)).isnan().all()  # no minimum
