"""Law 3. The settled output is the constrained minimum: its KKT conditions hold, in both engines, for every domain.

M is random, positive definite and, at worst, nearly singular (condition 1e10). What is left of the conditions is measured
against the rounding that evaluating them costs, |d| + |M||z|, row by row. The reference sweeps coordinates in Python until
they rest, which takes time in proportion to the condition: it is asked up to 300.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear, nnls
from tests.laws.arbitrary import DOMAINS
from tests.laws.circuits import CASES, rng
from tests.laws.compare import gap

from similis.circuit import Channel, Circuit, Domain, Lateral, State, Step
from similis.engine import reference, run

TOLERANCE = {np.float64: 1e-9, np.float32: 2e-3}
FREE, NONNEGATIVE, BOX = Domain(), Domain.nonnegative(), Domain(-0.7, 0.9)
kinds = st.sampled_from(["gram", "whiten", "interneurons"])


@st.composite
def problems(draw: st.DrawFn, worst: float = 1e10, most: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """M (k, k) positive definite of a condition up to ``worst``, and drives (5, k)."""
    k, random = draw(st.integers(1, most)), rng(draw(st.integers(0, 10**6)))
    condition = 10.0 ** draw(st.floats(0.0, np.log10(worst)))
    basis = np.linalg.qr(random.standard_normal((k, k)))[0]
    M = (basis * np.geomspace(1.0, 1.0 / condition, k)) @ basis.T
    if draw(st.booleans()):
        scales = np.exp(random.standard_normal(k))  # neurons of different strength
        M *= np.outer(scales, scales)
    drives = random.standard_normal((5, k)) if draw(st.booleans()) else random.standard_normal((5, k)) @ M
    return (M + M.T) / 2, drives * 10.0 ** draw(st.integers(-3, 3))


def circuit_of(k: int, domain: Domain, kind: str) -> Circuit:
    return Circuit("settling", k, lateral=Lateral(kind), domain=domain, step=Step(1e-4))


def outputs(M: np.ndarray, drives: np.ndarray, domain: Domain, kind: str, dtype: type) -> dict[str, np.ndarray]:
    """z of each engine: at rest, and as the first sample of learning."""
    k = len(M)
    circuit = circuit_of(k, domain, kind)
    state = State({"x": np.eye(k, dtype=dtype)}, M.astype(dtype), np.eye(k, dtype=dtype))
    rows = drives.astype(dtype)
    found = {
        "stream": run(circuit, state, rows, learn=False)[0],
        "stream, learning": np.concatenate([run(circuit, state, row[None])[0] for row in rows]),
        "stream, in a block": np.concatenate([run(circuit, state, row[None], block=1)[0] for row in rows]),
    }
    if domain.is_free or np.linalg.cond(M) < 300:
        found["reference"] = reference.run(circuit, state, rows, learn=False)[0]
    return found


def violation(M: np.ndarray, d: np.ndarray, z: np.ndarray, domain: Domain) -> float:
    """How far z is from satisfying 0 in Mz - d + l1 d|z| + normal cone, relative to the rounding of Mz - d."""
    inside = (z >= domain.lower) & (z <= domain.upper)
    slope = d - M @ z  # what still pushes z up
    low, high = slope - domain.l1, slope + domain.l1  # the least and the most of the subdifferential
    low, high = np.where(z > 0, low, np.where(z < 0, high, low)), np.where(z < 0, high, np.where(z > 0, low, high))
    low = np.where(z <= domain.lower, -np.inf, low)  # at a bound one side is free
    high = np.where(z >= domain.upper, np.inf, high)
    off = np.maximum(0.0, np.maximum(low, -high))  # 0 must lie in [low, high]
    return float((off / (np.abs(d) + np.abs(M) @ np.abs(z) + domain.l1 + 1e-300)).max()) if inside.all() else np.inf


@pytest.mark.parametrize("domain", DOMAINS, ids=str)
@settings(max_examples=40, deadline=None)
@given(problem=problems(), kind=kinds)
def test_conditions_of_the_minimum_hold(domain, problem, kind):
    M, drives = problem
    for engine, Z in outputs(M, drives, domain, kind, np.float64).items():
        worst = max(violation(M, d, z, domain) for d, z in zip(drives, Z, strict=True))
        assert worst < TOLERANCE[np.float64], engine


@pytest.mark.parametrize("domain", DOMAINS, ids=str)
@settings(max_examples=20, deadline=None)
@given(problem=problems(worst=1e3), kind=kinds)
def test_conditions_hold_in_single_precision(domain, problem, kind):
    M, drives = (A.astype(np.float32).astype(float) for A in problem)
    for engine, Z in outputs(M, drives, domain, kind, np.float32).items():
        assert Z.dtype == np.float32
        worst = max(violation(M, d, z.astype(float), domain) for d, z in zip(drives, Z, strict=True))
        assert worst < TOLERANCE[np.float32], engine


@settings(max_examples=40, deadline=None)
@given(problem=problems(worst=1e6), l1=st.sampled_from([0.0, 0.1]))
def test_nonnegative_outputs_are_those_of_nonnegative_least_squares(problem, l1):
    """z'Mz - 2 z'd + 2 l1 |z|_1 = |L'z - L^{-1}(d - l1)|^2 + constant on z >= 0, with M = LL'."""
    M, drives = problem
    L = np.linalg.cholesky(M)
    expected = np.array([nnls(L.T, np.linalg.solve(L, d - l1))[0] for d in drives])
    for Z in outputs(M, drives, Domain.nonnegative(l1), "gram", np.float64).values():
        assert gap(Z, expected) < 1e-8


@settings(max_examples=30, deadline=None)
@given(problem=problems(worst=1e4, most=6))
def test_bounded_outputs_are_those_of_bounded_least_squares(problem):
    M, drives = problem
    L = np.linalg.cholesky(M)
    expected = []
    for d in drives:
        solution = lsq_linear(L.T, np.linalg.solve(L, d), (BOX.lower, BOX.upper), method="bvls", tol=1e-14)
        expected.append(solution.x)
    for Z in outputs(M, drives, BOX, "gram", np.float64).values():
        assert gap(Z, np.array(expected)) < 1e-7


@settings(max_examples=30, deadline=None)
@given(problem=problems(worst=1e6, most=6), l1=st.sampled_from([0.05, 0.5]))
def test_thresholded_outputs_are_those_of_their_two_halves(problem, l1):
    """The lasso as nonnegative least squares in z = p - q: a problem of twice the size and semidefinite."""
    M, drives = problem
    for Z in outputs(M, drives, Domain(l1=l1), "gram", np.float64).values():
        for d, z in zip(drives, Z, strict=True):
            gain = z @ M @ z - 2 * z @ d + 2 * l1 * np.abs(z).sum()  # at the minimum: -z'Mz, by Fermat along the ray
            assert gain == pytest.approx(-z @ M @ z, rel=1e-8, abs=1e-12 * (1 + np.abs(z).max() * np.abs(d).max()))


@pytest.mark.parametrize("k", [1, 3, 4, 5, 8, 33])
def test_uncoupled_neurons_bend_each_drive_alone(k):
    drives = 2 * rng(k).standard_normal((6, k))
    bent = np.clip(np.sign(drives) * np.maximum(np.abs(drives) - 0.2, 0), -0.7, 0.9)
    domain, eye = Domain(-0.7, 0.9, l1=0.2), np.eye(k)
    for circuit in (
        Circuit("uncoupled", k, lateral=Lateral("none"), domain=domain),
        Circuit("passing", k, domain=domain, settles=False),
        Circuit("coupled by the identity", k, domain=domain),
    ):
        state = State({"x": eye}, eye)
        for engine in (reference.run, run):
            np.testing.assert_allclose(engine(circuit, state, drives, learn=False)[0], bent, atol=1e-15)


def test_duplicate_neurons_share_a_drive_they_cannot_split():
    """Two neurons that inhibit each other as themselves: M is singular but for rounding, and settling still ends."""
    M = np.array([[1.0, 1.0 - 1e-15], [1.0 - 1e-15, 1.0]])
    for domain in (NONNEGATIVE, BOX, Domain.nonnegative(0.1)):
        for Z in outputs(M, np.array([[0.5, 0.5], [0.5, 0.4], [-1.0, 1.0]]), domain, "gram", np.float64).values():
            for d, z in zip([[0.5, 0.5], [0.5, 0.4], [-1.0, 1.0]], Z, strict=True):
                assert violation(M, np.array(d), z, domain) < 1e-12


@pytest.mark.parametrize("name", CASES)
def test_a_silent_population_is_at_rest(name):
    case = CASES[name]
    quiet = {channel: np.zeros_like(X) for channel, X in case.data(3).items()}
    for engine in (reference.run, run):
        for learn in (False, True):
            assert not engine(case.circuit, case.start(), quiet, learn=learn)[0].any()


def test_several_channels_drive_by_their_gains():
    circuit = Circuit("two", 2, (Channel("x", drive=0.5), Channel("y", drive=-2.0)), domain=FREE)
    state = State({"x": np.eye(2), "y": np.eye(2)}, np.diag([2.0, 4.0]))
    data = {"x": np.array([[4.0, 8.0]]), "y": np.array([[1.0, 1.0]])}
    for engine in (reference.run, run):
        np.testing.assert_allclose(engine(circuit, state, data, learn=False)[0], [[0.0, 0.5]])
