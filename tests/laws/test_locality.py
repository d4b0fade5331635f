"""Law 4. A synapse learns from what is present at its own two cells, and from nothing else.

A neuron's output depends on the others, for they inhibit each other, so "change row j and see that row i stays" is
only asked where what neuron i *sees* stays: its compartments, its output and its lateral current. Where a circuit
does not settle and reads no lateral current, changing row j alone does that. Elsewhere the self-inhibition M_jj takes
up the change, so that every output is what it was.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.laws.arbitrary import circuits, samples, weights
from tests.laws.circuits import CASES, rng
from tests.laws.compare import gap, run_gap

from similis._errors import InputError
from similis.circuit import Channel, Circuit, Form, NoLateral, State, Synapse
from similis.circuit.state import settling_matrix
from similis.display import signals_table
from similis.engine import reference, run

ENGINES = {"reference": reference.run, "stream": run, "stream, in a block": lambda *a: run(*a, block=1)}
seeds = st.integers(0, 10**6)
Data = dict[str, np.ndarray]


def elsewhere(circuit: Circuit, state: State, data: Data, j: int, seed: int) -> State | None:
    """Other weights of neuron j, under which every other neuron's output and lateral current are the same.

    Row j of every W is drawn anew. Where the circuit settles, M_jj z_j then grows by what d_j grew. None if that is not
    possible (a neuron at rest, or an M no longer positive definite).
    """
    random, W = rng(seed), {name: array.copy() for name, array in state.W.items()}
    shared = circuit.domain.total is not None or np.isfinite(circuit.domain.radius)
    for name, array in W.items():
        towards = 0.1 * random.standard_normal(array.shape[1])
        if shared:  # one unit hears all and inhibits all: what neuron j says must stay
            x = data[name][0]
            towards -= (towards @ x) / (x @ x) * x
        array[j] += towards
    moved = replace(state, W=W)
    if shared:
        return moved
    z = reference.run(circuit, state, data, learn=False)[0][0]
    growth = sum(c.drive * (W[c.weights][j] - state.W[c.weights][j]) @ data[c.name][0] for c in circuit.channels)
    if not circuit.lateral.learns:  # M = I
        return moved
    if not circuit.settles:
        z2, M = reference.run(circuit, moved, data, learn=False)[0][0], state.M.copy()
        if z2[j] == 0:
            return None
        ratio = z[j] / z2[j]
        if state.P is None:
            M[:, j], M[j, :] = state.M[:, j] * ratio, state.M[j, :] * ratio
            return replace(moved, M=M)
        P, R = state.P.copy(), (state.P.T if state.R is None else state.R).copy()
        P[j], R[:, j] = P[j] * ratio, R[:, j] * ratio  # the interneurons hear what they heard
        M = P @ R + circuit.neuron.inhibition.shift * np.eye(circuit.size)
        return replace(moved, M=M, P=P, R=None if state.R is None else R)
    if not circuit.domain.interior(z)[j] or z[j] == 0:
        return None
    M = state.M.copy()
    M[j, j] += growth / z[j] / circuit.lateral.acting
    return replace(moved, M=M) if np.linalg.eigvalsh(M)[0] > 1e-3 else None


def check_that_others_stay(circuit: Circuit, state: State, data: Data, j: int, seed: int) -> bool:
    changed = elsewhere(circuit, state, data, j, seed)
    if changed is None:
        return False
    others = np.arange(circuit.size) != j
    for name, engine in ENGINES.items():
        Z, after = engine(circuit, state, data)
        Z2, after2 = engine(circuit, changed, data)
        same = others if not circuit.settles or not circuit.lateral.learns else slice(None)
        assert gap(Z2[:, same], Z[:, same]) < 1e-9, name
        for channel in circuit.owners:
            grown, grown2 = after.W[channel] - state.W[channel], after2.W[channel] - changed.W[channel]
            grown, grown2 = grown[others], grown2[others]
            if circuit.step.limited:  # by one number told to all
                grown2 *= np.linalg.norm(grown) / max(np.linalg.norm(grown2), 1e-300)
            assert gap(grown2, grown) < 1e-9, (name, channel)
        if circuit.lateral.learns and not circuit.lateral.has_interneurons:
            grown, grown2 = after.M - state.M, after2.M - changed.M
            assert gap(grown2[np.ix_(others, others)], grown[np.ix_(others, others)]) < 1e-9, name
    return True


@pytest.mark.parametrize("name", CASES)
def test_known_networks_leave_the_other_rows_alone(name):
    circuit = CASES[name].circuit
    state, tried = weights(circuit, 3), 0
    for seed in range(30):
        for j in range(circuit.size):
            tried += check_that_others_stay(circuit, state, samples(circuit, 1, seed), j, seed)
    assert tried > 5


@settings(max_examples=100)
@given(circuit=circuits(derived=False), seed=seeds, data=st.data())
def test_arbitrary_networks_leave_the_other_rows_alone(circuit, seed, data):
    assume(circuit.size > 1)
    j = data.draw(st.integers(0, circuit.size - 1))
    assume(check_that_others_stay(circuit, weights(circuit, seed), samples(circuit, 1, seed), j, seed))


@settings(max_examples=150)
@given(circuit=circuits(derived=False), seed=seeds, t=st.integers(0, 30))
def test_each_synapse_is_the_same_function_of_what_its_row_of_the_table_lists(circuit, seed, t):
    """dw_ij = 2 eta rate (post_i pre_j - leak w_ij), neuron by neuron from ``signals_table`` and numbers seen at i."""
    state, data = weights(circuit, seed, t), samples(circuit, 1, seed)
    Z, after = reference.run(circuit, state, data)
    eta, rows = circuit.step.eta0 / (1 + circuit.step.decay * t), signals_table(circuit)
    currents = {name: state.W[name] @ data[name][0] for name in circuit.names}
    back = settling_matrix(circuit, state)
    for row, name in zip(rows, circuit.names, strict=False):
        for i in range(circuit.size):
            seen = {"Z": Z[0, i], "OWN": currents[name][i], "FEEDBACK": (back @ Z[0])[i]}
            seen |= {f"of({other})": current[i] for other, current in currents.items()}
            post = sum(coefficient * seen[signal] for signal, coefficient in row["postsynaptic"].items())
            post *= not row["gated"] or circuit.domain.interior(Z[0] + state.cells.get("mean", 0))[i]
            leaving = row["leak"] * state.W[name][i] * (data[name][0] if row["gated by input"] else 1)
            rule = 2 * eta * row["rate"] * (post * data[name][0] - leaving)
            np.testing.assert_allclose(after.W[name][i] - state.W[name][i], rule, atol=1e-12 * (1 + abs(post)))
    lateral, cells, cells2 = {row["weights"]: row for row in rows[len(circuit.names) :]}, state.cells, after.cells
    if circuit.neuron.threshold:
        wanted = 2 * eta * (circuit.neuron.threshold**0.5 * Z[0] - cells["b"])
        np.testing.assert_allclose(cells2["b"] - cells["b"], wanted, atol=1e-12)
        assert lateral["b"]["locality"] == "b[i] reads 1 before it, z[i] at neuron i, and itself"
    if circuit.domain.learned:
        np.testing.assert_allclose(cells2["b"] - cells["b"], 2 * eta * (Z[0] - cells["b"]), atol=1e-12)
        assert lateral["b"]["locality"] == "b[i] reads z[i] before it, and itself"
        grown = cells2["a"] - (1 - 2 * eta) * cells["a"]  # one number, lambda, times z
        assert np.abs(np.outer(grown, Z[0]) - np.outer(Z[0], grown)).max() < 1e-9 * (1 + np.abs(grown).max())
    if "M" in lateral:
        row, i, j = lateral["M"], *rng(seed).integers(0, circuit.size, 2)
        own = row["leak"] * state.M[i, j] + circuit.lateral.pull * (i == j)
        rule = 2 * eta * row["rate"] * (Z[0, i] * Z[0, j] - own)
        assert after.M[i, j] - state.M[i, j] == pytest.approx(rule, abs=1e-12)
    if "P" in lateral:
        row, i = lateral["P"], rng(seed).integers(0, circuit.size)
        n = (state.P.T if state.R is None else state.R) @ Z[0]  # the interneurons' outputs
        rest = circuit.lateral.weight_offset * (np.arange(len(n)) == i)
        rule = 2 * eta * row["rate"] * (Z[0, i] * n - row["leak"] * state.P[i] + rest)
        np.testing.assert_allclose(after.P[i] - state.P[i], rule, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_neurons_have_no_address(name):
    """Exchange the neurons and the whole trajectory is exchanged: no rule knows which neuron it sits on."""
    case = CASES[name]
    order, start, data = rng(5).permutation(case.circuit.size), case.start(), case.data(200)

    def exchanged(state: State) -> State:
        W = {channel: array[order] for channel, array in state.W.items()}
        P, R = None if state.P is None else state.P[order], None if state.R is None else state.R[:, order]
        if getattr(
            case.circuit.lateral, "weight_offset", 0
        ):  # each interneuron has a neuron it is at rest with, and moves along
            P = P[:, order]
        single = {name: array[order] if len(array) == len(order) else array for name, array in state.cells.items()}
        return replace(state, W=W, M=state.M[np.ix_(order, order)], P=P, Minv=None, R=R, cells=single)

    Z, state = run(case.circuit, start, data)
    assert run_gap(run(case.circuit, exchanged(start), data), (Z[:, order], exchanged(state))) < 1e-9


@pytest.mark.parametrize("name", CASES)
def test_the_table_lists_only_signals_of_the_alphabet(name):
    circuit = CASES[name].circuit
    alphabet = {"Z", "OWN", "FEEDBACK", *(f"of({channel})" for channel in circuit.names)}
    for row in signals_table(circuit)[: len(circuit.names)]:
        assert set(row["postsynaptic"]) <= alphabet
        assert row["weights"] + "[i,j]" in row["locality"]
        assert "[k]" not in row["locality"]


def test_a_synapse_that_reads_anything_else_cannot_be_written():
    for alien in ("of(nobody)", "W[j]", "error", "Z[j]"):
        with pytest.raises(InputError, match="reads"):
            Circuit("alien", 2, (Channel("x", synapse=Synapse(post=Form(((alien, 1.0),)))),), NoLateral())
