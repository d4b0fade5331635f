"""Objective in, circuit out: nothing is lost on the way, for the catalogue and for arbitrary objectives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import linalg
from tests.laws.circuits import rng
from tests.laws.objectives import allowed, attractions, data, problems

from similis.circuit import Circuit, Step, init, saddle_gradients, value
from similis.derive import (
    Problem,
    align,
    at_most_white,
    feedforward,
    identity,
    lagged,
    match,
    objective_of,
    read,
    similarity,
    trace,
    white,
)
from similis.derive.constraints import Trace
from similis.derive.recognise import rebuilt
from similis.derive.terms import Product
from similis.engine import reference, run
from similis.networks import catalogue

NETWORKS = {name: card.network(3) for name, card in catalogue().items()}
#: those of the catalogue that have a similarity objective
DERIVED = {
    name: problem for name, c in NETWORKS.items() if isinstance(c, Circuit) and (problem := objective_of(c)) is not None
}
seeds = st.integers(0, 10_000)


def gap(problem: Problem, circuit: Circuit, seed: int) -> None:
    """The weights' optimum gives the objective back, and is one."""
    rows = data(seed)
    changes = np.diff(rows["x"], axis=0, prepend=0)
    streams = problem.streams(rows | {"label": np.eye(4)[rng(seed).integers(4, size=40)], "x_change": changes})
    Z = allowed(problem, circuit, streams, seed)
    if circuit.domain.learned and circuit.neuron.inhibition.learns:  # of such row sums, the power they have
        power = trace(float((Z * Z).sum(1).mean()))
        problem = replace(problem, constraints=tuple(power if isinstance(c, Trace) else c for c in problem.constraints))
        circuit = rebuilt(problem, circuit)
    state = problem.optimum(circuit, streams, Z)
    lost = value(circuit, state, streams, Z) - problem.value(streams, Z)
    size = sum(abs(rule.value(streams, Z)) for rule in problem.rules.all)
    assert abs(lost) <= 1e-10 * max(1.0, size)
    skipped = {"a", "b"} if circuit.domain.learned else set()
    skipped |= {"x"} if not circuit.settles else set()  # of z = V x: the outputs are given
    for name, slope in saddle_gradients(circuit, state, streams, Z).items():
        if name not in skipped:
            scale = max(1.0, *(float(np.abs(array).max()) for array in state.arrays.values()))
            assert np.abs(slope).max() <= 1e-9 * scale * max(1.0, float((Z * Z).max())), name


def test_all_that_have_an_objective_are_derived():
    circuits = {name for name, c in NETWORKS.items() if isinstance(c, Circuit)}
    assert circuits - DERIVED.keys() == {"manifold"}  # synapses gated by their input


@pytest.mark.parametrize("name", DERIVED)
def test_no_gap_in_the_catalogue(name):
    circuit = NETWORKS[name]
    for seed in range(5):
        gap(DERIVED[name], circuit, seed)


@pytest.mark.parametrize("name", DERIVED)
def test_the_catalogue_reads_as_it_is_written(name):
    """Its objective, as one line of text, is enough: the circuit follows."""
    assert rebuilt(read(DERIVED[name].source), NETWORKS[name]) == NETWORKS[name]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(problems(), st.integers(3, 4), seeds)
def test_no_gap(problem, k, seed):
    gap(problem, problem.circuit(k), seed)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(problems(), st.integers(3, 4))
def test_a_circuit_knows_its_objective(problem, k):
    circuit = problem.circuit(k, name="arbitrary", tau=0.7, step=Step(0.03))
    found = objective_of(circuit)
    assert found is not None
    assert rebuilt(found, circuit) == circuit


@settings(max_examples=200, deadline=None, derandomize=True)
@given(problems())
def test_a_problem_reads_as_it_is_written(problem):
    again = read(problem.source)
    assert again.similarity.parts == problem.similarity.parts
    assert (again.matches, again.constraints) == (problem.matches, problem.constraints)
    assert problem.derivation().latex().count(r"\item \textbf") == len(problem.derivation().steps())


@pytest.mark.parametrize("seed", range(3))
def test_the_square_is_what_it_says(seed):
    """``1/2 |S - Z'Z|^2/T^2 - 1/2 |S|^2/T^2``, S from its definition."""
    problem = match(similarity("y", metric=1))
    X = data(seed)["y"]
    Z = rng(seed).standard_normal((40, 3))
    S = X @ np.linalg.inv(X.T @ X / 40) @ X.T
    square = 0.5 * (np.linalg.norm(S - Z @ Z.T) ** 2 - np.linalg.norm(S) ** 2) / 40**2
    assert problem.value({"y": X}, Z) == pytest.approx(square, rel=1e-12)


def spectrum(problem: Problem, streams: dict) -> tuple[np.ndarray, np.ndarray]:
    """Of the generalised eigenproblem the objective states, ``C v = lambda B v``: values falling, and outputs F v."""
    features, blocks = [], []
    for rule in problem.rules.attractions:
        F = streams[rule.term.channel]
        if isinstance(rule.term, Product):
            F, B = F.toarray(), np.eye(F.shape[1])
        else:
            B = rule.term.moment(streams[rule.term.measured.name])
        features.append(F)
        blocks.append(B / rule.weight)
    F = np.hstack(features)
    values, vectors = linalg.eigh(F.T @ F / len(F), linalg.block_diag(*blocks))
    outputs = F @ vectors[:, ::-1]
    return values[::-1], outputs / np.linalg.norm(outputs, axis=0) * np.sqrt(len(F))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(attractions(), st.sampled_from(["match", "cost", "white"]), st.integers(1, 3), seeds)
def test_the_stationary_point_solves_the_generalised_eigenproblem(alike, kind, k, seed):
    cost = 0.2 if kind == "cost" else 0.0
    problem = match(alike, white) if kind == "white" else match(alike - cost * identity())
    circuit, streams = problem.circuit(k), problem.streams(data(seed))
    values, outputs = spectrum(problem, streams)
    powers = np.ones(k) if kind == "white" else values[:k] - cost
    assume(powers.min() > 0.05)
    rotation = linalg.qr(rng(seed).standard_normal((k, k)))[0]
    Z = outputs[:, :k] * np.sqrt(powers) @ rotation
    state = problem.optimum(circuit, streams, Z)
    if kind == "white":  # the multiplier
        state.M[:] = rotation.T @ np.diag(values[:k]) @ rotation
    settled = reference.run(circuit, state, streams, learn=False)[0]
    np.testing.assert_allclose(settled, Z, atol=1e-7 * np.abs(Z).max())


def learned(problem: Problem, raw: dict, k: int, tau: float, step: Step, epochs: int, white: bool = False) -> float:
    """Distance of a derived network's outputs, once learned, from the span the eigenproblem asks for, in [0, 1]."""
    streams = problem.streams(raw)
    circuit = problem.circuit(k, tau=tau, step=step)
    state = init(circuit, {name: X.shape[1] for name, X in streams.items()})
    T = len(next(iter(streams.values())))
    order = np.concatenate([rng(e).permutation(T) for e in range(epochs)])
    state = run(circuit, state, {name: X[order] for name, X in streams.items()})[1]
    Z = run(circuit, state, streams, learn=False)[0]
    values, outputs = spectrum(problem, streams)
    moment = np.linalg.eigvalsh(Z.T @ Z / T)[::-1]
    np.testing.assert_allclose(moment, np.ones(k) if white else values[:k], rtol=0.1)
    one, other = linalg.orth(Z), linalg.orth(outputs[:, :k])
    return float(1.0 - linalg.svdvals(one.T @ other).min() ** 2)


def streams_with_latents(seed: int, T: int = 2000, lasting: float = 0.0) -> dict[str, np.ndarray]:
    """Two views of two latents, of RMS norm 1; the latents are graded in strength, and may last."""
    random = rng(seed)
    latents = random.standard_normal((T, 2)) * (1.0, 0.7)
    for t in range(1, T * bool(lasting)):
        latents[t] = lasting * latents[t - 1] + np.sqrt(1 - lasting**2) * latents[t]
    views = {
        n: latents @ random.standard_normal((2, d)) + 0.3 * random.standard_normal((T, d))
        for n, d in {"x": 6, "y": 5}.items()
    }
    return {n: X / np.sqrt((X * X).sum(1).mean()) for n, X in views.items()}


def test_derived_networks_learn_what_their_objective_says():
    raw, slow = streams_with_latents(0), streams_with_latents(1, lasting=0.9)
    views = similarity("x", metric=1) + similarity("y", metric=1)
    lag = similarity(lagged("x", 1) + "x", metric_of="x")
    assert learned(match(similarity("x")), raw, 2, 0.5, Step(0.05, 1e-3), 20) < 1e-4
    assert learned(align(similarity("x"), white), raw, 2, 0.5, Step(0.02, 1e-3), 20, white=True) < 1e-4
    assert learned(match(views), raw, 2, 1.0, Step(0.05, 1e-3), 40) < 1e-4
    assert learned(match(lag), slow, 2, 1.0, Step(0.05, 1e-3), 40) < 1e-4
    mixed = match(0.5 * similarity("x", metric=0.4) + similarity("y"))
    assert learned(mixed, raw, 2, 0.5, Step(0.05, 1e-3), 20) < 1e-4


@pytest.mark.parametrize("seed", range(6))
def test_random_objectives_are_learned(seed):
    """The span and the powers of the generalised eigenproblem, from a stream."""
    random = rng(seed)
    x, y = (
        float(random.choice([0.5, 1.0, 1.5]))
        * similarity(name, metric=float(random.choice([0.0, 0.4, 1.0])), ridge=0.05)
        for name in "xy"
    )
    assert learned(match(x + y), streams_with_latents(seed + 10), 2, 1.0, Step(0.05, 1e-3), 30) < 1e-4


@pytest.mark.parametrize("metric", [0.0, 1.0])
def test_a_derived_network_learns_reduced_rank_regression(metric):
    """``z = V x`` spans the singular directions of ``C_xx^-1/2 C_xy B^-1/2``; P P' has their squares."""
    problem = align(similarity("y", metric=metric), at_most_white, feedforward)
    streams = problem.streams(streams_with_latents(0))
    X, Y, T = streams["x"], streams["y"], len(streams["x"])
    circuit = problem.circuit(2, tau=5.0, step=Step(0.2, 1e-4), rates={"y": 0.1}, init_scale=1 / 3)
    state = init(circuit, {name: rows.shape[1] for name, rows in streams.items()})
    order = np.concatenate([rng(epoch).permutation(T) for epoch in range(80)])
    state = run(circuit, state, {name: rows[order] for name, rows in streams.items()})[1]
    Z = run(circuit, state, streams, learn=False)[0]
    root = linalg.sqrtm(linalg.inv(X.T @ X / T)).real
    B = (1 - metric) * np.eye(Y.shape[1]) + metric * Y.T @ Y / T
    left, sizes, _ = linalg.svd(root @ X.T @ Y / T @ linalg.sqrtm(linalg.inv(B)).real)
    assert 1.0 - linalg.svdvals(linalg.orth(Z).T @ linalg.orth(X @ root @ left[:, :2])).min() ** 2 < 1e-4
    assert state.P is not None
    np.testing.assert_allclose(linalg.eigvalsh(state.P @ state.P.T), np.sort(sizes[:2] ** 2), rtol=0.2)
