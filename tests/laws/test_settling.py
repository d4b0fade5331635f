"""Law 3: settled outputs satisfy the optimality conditions of their domain, however badly M is conditioned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from scipy.optimize import minimize, nnls
from tests.laws.circuits import CASES

from similis.circuit import Ball, Box, Channel, Circuit, Domain, Gram, Inhibition, Neuron, NoLateral, State, Total
from similis.circuit.state import settling_matrix
from similis.engine import reference, stream

DOMAINS = {
    "free": Box(),
    "nonnegative": Box.nonnegative(),
    "threshold": Box.nonnegative(0.1),
    "box": Box(-0.3, upper=0.4),
    "sparse": Box(l1=0.2),
    "sparse box": Box(-0.5, upper=0.2, l1=0.05),
}


def problem(seed: int, k: int, conditioning: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    Q = linalg.qr(rng.standard_normal((k, k)))[0]
    M = Q @ np.diag(np.logspace(0, -conditioning, k)) @ Q.T
    return (M + M.T) / 2, rng.standard_normal(k)


def violation(M: np.ndarray, d: np.ndarray, z: np.ndarray, domain: Domain) -> float:
    """How far d - M z is from the subdifferential of l1 |z|_1 plus the walls, relative to d."""
    g = d - M @ z
    low, high = g - domain.l1 * np.where(z < 0, -1, 1), g - domain.l1 * np.where(z > 0, 1, -1)
    push = np.where(z == 0, np.clip(0, low, high), g - domain.l1 * np.sign(z))
    push = np.where(z <= domain.lower, np.maximum(push, 0), push)
    push = np.where(z >= domain.upper, np.minimum(push, 0), push)
    outside = max(0.0, (domain.lower - z).max(), (z - domain.upper).max())
    return max(np.abs(push).max() / np.abs(d).max(), outside)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 24), conditioning=st.floats(0, 5))
@pytest.mark.parametrize("name", DOMAINS)
def test_both_engines_settle(name, seed, k, conditioning):
    domain, (M, d) = DOMAINS[name], problem(seed, k, conditioning)
    circuit = Circuit("probe", k, (Channel("x"),), Gram(), Neuron(domain))
    z = stream.run(circuit, State({"x": np.eye(k)}, M), d[None], learn=False)[0][0]
    assert violation(M, d, z, domain) < 1e-9
    if conditioning < 2:  # coordinate descent alone crawls where M is nearly singular
        assert violation(M, d, reference.settle(M, d, domain, {})[0], domain) < 1e-9


@pytest.mark.parametrize("seed", range(10))
def test_nonnegative_settling_is_nonnegative_least_squares(seed):
    M, d = problem(seed, 30, 3)
    L = linalg.cholesky(M)
    expected = nnls(L, linalg.solve(L.T, d), maxiter=10_000)[0]
    circuit = Circuit("probe", 30, (Channel("x"),), Gram(), Neuron(Box.nonnegative()))
    z = stream.run(circuit, State({"x": np.eye(30)}, M), d[None], learn=False)[0][0]
    np.testing.assert_allclose(z, expected, atol=1e-7 * np.abs(expected).max())


def under_a_total(seed: int, k: int, conditioning: float, stiffness: float) -> tuple[Circuit, State, np.ndarray]:
    """A network that only settles: W = I, so d is what it hears; b drawn anew, the thresholds 0."""
    (M, d), rng = problem(seed, k, conditioning), np.random.default_rng(seed + 1)
    circuit = Circuit("probe", k, (Channel("x"),), Gram(), Neuron(Total.row_sum(1.5, stiffness)))
    cells = {"b": rng.uniform(0.05, 1, k), "a": np.zeros(k)}
    return circuit, State({"x": np.eye(k)}, M, cells=cells), 3 * d


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 24), conditioning=st.floats(0, 4), diagonal=st.booleans())
@pytest.mark.parametrize("stiffness", [np.inf, 2.0])
def test_a_total_is_met_exactly_by_the_least_output(stiffness, seed, k, conditioning, diagonal):
    """d - A z - lambda b is 0 on the support and negative off it, and b.z = total + lambda / stiffness."""
    circuit, state, d = under_a_total(seed, k, conditioning, stiffness)
    if diagonal:
        circuit = Circuit("probe", k, lateral=NoLateral(gain=0.3), neuron=Neuron(circuit.domain))
        state = State(state.W, np.eye(k), cells=state.cells)
    z, b, A = (
        stream.run(circuit, state, d[None], learn=False)[0][0],
        state.cells["b"],
        settling_matrix(circuit, state),
    )
    on = z > 0
    assert z.min() >= 0
    unit = float(np.median(((d - A @ z) / b)[on])) if on.any() else -1.5 * stiffness
    push = d - A @ z - unit * b
    size = np.abs(d).max() + abs(unit)
    assert np.abs(np.append(push[on], 0)).max() < 1e-9 * size
    assert np.append(push[~on], 0).max() < 1e-9 * size
    assert b @ z == pytest.approx(1.5 + unit / stiffness, abs=1e-9 * (1 + abs(unit)))
    if conditioning < 1 and k < 8:  # the obvious one is slow: sweeps inside the search for a root
        obvious, unit2 = reference.settle(A, d, circuit.domain, state.cells)
        np.testing.assert_allclose(z, obvious, atol=1e-9 * np.abs(z).max())
        assert unit2 == pytest.approx(unit, abs=1e-8 * size)


@pytest.mark.parametrize("seed", range(5))
def test_a_total_against_a_general_solver(seed):
    circuit, state, d = under_a_total(seed, 6, 1, np.inf)
    b, M = state.cells["b"], state.M
    z = stream.run(circuit, state, d[None], learn=False)[0][0]
    found = minimize(
        lambda y: y @ M @ y - 2 * y @ d, np.full(6, 1.5 / b.sum()), jac=lambda y: 2 * (M @ y - d), method="SLSQP",
        bounds=[(0, None)] * 6, constraints={"type": "eq", "fun": lambda y: b @ y - 1.5, "jac": lambda y: b},
        options={"ftol": 1e-14, "maxiter": 1000},
    )  # fmt: skip
    np.testing.assert_allclose(z, found.x, atol=1e-5)


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_a_ball_is_divisive_inhibition(shift):
    circuit = Circuit("probe", 3, lateral=NoLateral(gain=0.0), neuron=Neuron(Ball(2.0), inhibition=Inhibition(shift)))
    for d in (np.array([3.0, -1.0, 4.0]), np.array([0.3, -1.0, 0.4]), -np.ones(3)):
        z = stream.run(circuit, State({"x": np.eye(3)}, np.eye(3)), d[None], learn=False)[0][0]
        v = np.maximum(d, 0)
        size = np.linalg.norm(v)
        wanted = v / shift if shift and size <= 2 * shift else v * 2 / (size or 1)
        np.testing.assert_allclose(z, wanted, rtol=1e-14)


@pytest.mark.parametrize("size", [1e3, 1e10, 1e17, 1e40, 1e200])
def test_the_total_is_held_however_large_the_drive(size):
    """Where the total is lost in the drive's rounding one neuron takes all: b.z = total."""
    case = CASES["flexible"]
    state = stream.run(case.circuit, case.start(), case.data(50))[1]
    rows = size * np.random.default_rng(0).standard_normal((200, state.W["x"].shape[1]))
    Z = stream.run(case.circuit, state, {"x": rows}, learn=False)[0]
    assert (Z >= 0).all()
    np.testing.assert_allclose(
        Z @ state.cells["b"], case.circuit.domain.total, rtol=1e-16 * size if size < 1e12 else 1e-12, atol=1e-10
    )
