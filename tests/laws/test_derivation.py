"""Law 2. The rules are minus half the saddle gradient of the objective at the settled z; both engines follow them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.laws.arbitrary import circuits, samples, weights
from tests.laws.circuits import CASES, DERIVED
from tests.laws.compare import gap, run_gap

from similis._errors import InputError
from similis.circuit import OWN, Box, Channel, Circuit, Neuron, State, Synapse, Z, saddle_gradients, value
from similis.engine import reference, run

seeds = st.integers(0, 10**6)
Data = dict[str, np.ndarray]


def settled(circuit: Circuit, state: State, data: Data) -> np.ndarray:
    return reference.run(circuit, state, data, learn=False)[0]


def objective(circuit: Circuit, state: State, data: Data) -> float:
    """The objective as a function of the weights alone: z settles anew (or follows its drive)."""
    return value(circuit, state, data, settled(circuit, state, data))


def with_lateral(circuit: Circuit, state: State, name: str, array: np.ndarray) -> State:
    if name == "M":
        return replace(state, M=(array + array.T) / 2)
    if name in state.cells:
        return replace(state, cells={**state.cells, name: array})
    return replace(state, P=array, M=array @ array.T + circuit.neuron.inhibition.shift * np.eye(circuit.size))


def slope(circuit: Circuit, state: State, data: Data, name: str, towards: np.ndarray, h: float = 1e-5) -> float:
    """Central difference of the objective when one weight matrix moves."""

    def at(step: float) -> float:
        if name in state.W:
            return objective(circuit, replace(state, W={**state.W, name: state.W[name] + step * towards}), data)
        array = {"M": state.M, "P": state.P, **state.cells}[name]
        return objective(circuit, with_lateral(circuit, state, name, array + step * towards), data)

    return (at(h) - at(-h)) / (2 * h)


def kinked(circuit: Circuit, state: State, data: Data) -> bool:
    """Whether an output lies so near to a bend of its response that the objective has no derivative to speak of."""
    around = [settled(circuit, state, {name: X * factor for name, X in data.items()}) for factor in (0.999, 1.001)]
    around = [Z0 + state.cells.get("mean", 0) for Z0 in around]
    bent = not np.array_equal(*(circuit.domain.interior(Z0) for Z0 in around))
    if np.isfinite(circuit.domain.radius):  # inside the ball or on its edge
        bent |= not np.array_equal(*(np.linalg.norm(Z0, axis=1) < circuit.domain.radius - 1e-9 for Z0 in around))
    return bent


def check_gradients(circuit: Circuit, state: State, data: Data, seed: int) -> None:
    Z0 = settled(circuit, state, data)
    gradients, random = saddle_gradients(circuit, state, data, Z0), np.random.default_rng(seed)
    lateral = {"P"} if circuit.lateral.has_interneurons else {"M"} if circuit.lateral.learns else set()
    assert set(gradients) == set(circuit.owners) | lateral | set(state.cells) - {"mean"}
    for name, gradient in gradients.items():
        towards = random.standard_normal(gradient.shape)
        towards = (towards + towards.T) / 2 if name == "M" else towards
        scale = np.abs(gradient).sum() + abs(objective(circuit, state, data))
        assert abs(slope(circuit, state, data, name, towards) - (gradient * towards).sum()) <= 1e-6 * scale + 1e-12


@pytest.mark.parametrize("name", DERIVED)
def test_gradients_of_known_networks_are_slopes_of_their_objective(name):
    circuit = CASES[name].circuit
    state, data = weights(circuit, 3), samples(circuit, 6, 4)
    assert not kinked(circuit, state, data)
    check_gradients(circuit, state, data, 5)


@settings(max_examples=150)
@given(circuit=circuits(), seed=seeds)
def test_gradients_of_arbitrary_networks_are_slopes_of_their_objective(circuit, seed):
    state, data = weights(circuit, seed), samples(circuit, 3, seed)
    assume(not kinked(circuit, state, data))
    check_gradients(circuit, state, data, seed)


def test_a_gate_over_a_metric_is_refused_because_no_objective_has_it():
    channels = (Channel("x", metric=0.5), Channel("y", drive=0.0))
    with pytest.raises(InputError, match=r"metric=0\.5 of channel 'x', gated by f'"):
        Circuit("mixed", 2, channels, neuron=Neuron(Box.nonnegative(), settles=False))
    Circuit("free", 2, channels, neuron=Neuron(settles=False))


def one_step(circuit: Circuit, state: State, data: Data) -> State:
    """The state after one sample, from the gradients: W descends, laterals and single units ascend."""
    gradients = saddle_gradients(circuit, state, data, settled(circuit, state, data))
    eta, tau = max(circuit.step.floor, circuit.step.eta0 / (1 + circuit.step.decay * state.t)), circuit.lateral.tau
    W = {
        c.name: state.W[c.name] - eta * c.synapse.rate * gradients[c.name] for c in map(circuit.channel, circuit.owners)
    }
    new = replace(state, W=W, t=state.t + 1)
    if state.R is not None:
        z = settled(circuit, state, data)[0]
        pull = np.outer(z, state.R @ z) + circuit.lateral.weight_offset * np.eye(*state.P.shape)
        P, R = state.P + eta / tau * (pull - state.P), state.R + eta / tau * (pull.T - state.R)
        new = replace(new, P=P, R=R, M=P @ R + circuit.neuron.inhibition.shift * np.eye(circuit.size))
    elif "P" in gradients:
        new = with_lateral(circuit, new, "P", state.P + eta / (2 * tau) * gradients["P"])
    if "M" in gradients:
        new = with_lateral(circuit, new, "M", state.M + eta / tau / circuit.lateral.acting * gradients["M"])
    single, inhibition = dict(state.cells), circuit.neuron.inhibition
    if circuit.neuron.threshold:
        single["b"] = single["b"] + eta * gradients["b"]
    if circuit.domain.learned:  # a pair that moves along each other's slope
        single["b"], single["a"] = single["b"] + eta * gradients["a"], single["a"] + eta * gradients["b"]
    if inhibition.learns:
        moved = single["shift"] + inhibition.rate * gradients["shift"]
        single["shift"] = np.maximum(inhibition.minimum, moved)
    if "mean" in single:
        single["mean"] = single["mean"] + circuit.domain.mean_rate * settled(circuit, state, data)[0]
    return replace(new, cells=single)


@settings(max_examples=150)
@given(circuit=st.one_of(circuits(), circuits(derived=False)), seed=seeds, t=st.integers(0, 50))
def test_one_step_of_either_engine_is_the_gradient_step(circuit, seed, t):
    state, data = weights(circuit, seed, t), samples(circuit, 1, seed)
    expected = settled(circuit, state, data), one_step(circuit, state, data)
    assert run_gap(reference.run(circuit, state, data), expected) < 1e-10
    assert run_gap(run(circuit, state, data), expected) < 1e-10
    assert run_gap(run(circuit, state, data, block=1), expected) < 1e-10


@pytest.mark.parametrize("name", CASES)
def test_the_mean_of_single_steps_is_the_gradient_over_all_samples(name):
    circuit = CASES[name].circuit
    state, data = weights(circuit, 1), samples(circuit, 5)
    whole = saddle_gradients(circuit, state, data, settled(circuit, state, data))
    singles = []
    for t in range(5):
        row = {channel: X[t : t + 1] for channel, X in data.items()}
        singles.append(saddle_gradients(circuit, state, row, settled(circuit, state, row)))
    for key, gradient in whole.items():
        assert gap(sum(single[key] for single in singles) / 5, gradient) < 1e-12


@pytest.mark.parametrize("domain", [Box(), Box.nonnegative(0.1), Box(-1.0, upper=1.0)])
def test_the_settled_output_is_where_the_objective_is_least(domain):
    circuit = Circuit("any", 3, neuron=Neuron(domain))
    state, data = weights(circuit, 2), samples(circuit, 4)
    Z0 = settled(circuit, state, data)
    least = value(circuit, state, data, Z0)
    for seed in range(20):
        moved = np.clip(Z0 + 1e-3 * np.random.default_rng(seed).standard_normal(Z0.shape), domain.lower, domain.upper)
        assert value(circuit, state, data, moved) > least


def test_a_declared_synapse_has_no_objective_unless_it_is_the_derived_one():
    derived = Circuit("same", 2, (Channel("x", metric=0.5, synapse=Synapse(post=Z - 0.5 * OWN)),))
    assert derived == Circuit("same", 2, (Channel("x", metric=0.5),))
    state, data = weights(derived), samples(derived, 2)
    assert np.isfinite(objective(derived, state, data))
    other = Circuit("other", 2, (Channel("x", synapse=Synapse(post=Z - 0.5 * OWN)),))
    with pytest.raises(InputError, match="channel 'x' reads"):
        objective(other, state, data)
