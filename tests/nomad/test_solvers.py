"""The solvers against exact answers: the ring's linear program, separated blocks, interior-point oracles."""

from __future__ import annotations

from importlib import import_module
from itertools import count

import numpy as np
import pytest
from sklearn.datasets import load_digits

from similis._errors import InputError
from similis.datasets import gaussian_blobs
from similis.nomad import (
    Feasible,
    Similarity,
    blocks_of,
    conditional_gradient,
    feasibility,
    ring_optimum,
    solve,
    upper_bound,
)


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def circle(n: int) -> Similarity:
    angle = 2 * np.pi * np.arange(n) / n
    return Similarity.linear(np.stack([np.cos(angle), np.sin(angle)], 1))


def digits(n: int) -> Similarity:
    X = load_digits().data[np.random.default_rng(0).permutation(1797)[:n]] / 16
    return Similarity.linear(X / np.linalg.norm(X, axis=1).max())


def feasible(point: Feasible, K: float) -> bool:
    return max(feasibility(point.dense(), K).values()) < 1e-10


def test_the_ring_is_its_linear_program():
    optimum, row = ring_optimum(100, 16)
    assert optimum == pytest.approx(98.89990857, abs=1e-8)  # the value checked before this library
    solution = solve(circle(100), 16, "convex", tol=3e-5, rng=generator())
    assert feasible(solution.point, 16)
    assert solution.objective <= optimum * (1 + 1e-12) <= solution.bound * (1 + 2e-12)
    assert solution.gap <= 3e-5
    assert np.abs(solution.point.dense()[0] - row).max() < 0.02 * row.max()


def test_the_heuristic_on_the_ring():
    solution = solve(circle(100), 16, "low-rank", rng=generator())
    optimum = ring_optimum(100, 16)[0]
    assert optimum * (1 - 1e-4) <= solution.objective <= optimum
    assert feasible(solution.point, 16)
    assert solution.point.factor.min() >= 0


@pytest.mark.parametrize("solver", ["convex", "low-rank"])
def test_separated_blobs_are_blocks(solver):
    X, labels = gaussian_blobs(90, 5, 3, separation=30, random_state=0)
    D = Similarity.linear(X)
    solution = solve(D, 3, solver, tol=1e-6, rng=generator())
    exact = blocks_of(labels)
    assert solution.objective == pytest.approx(float((D.rows(slice(0, 90)) * exact).sum()), rel=1e-6)
    assert np.abs(solution.point.dense() - exact).max() < 2e-3 * exact.max()


def test_digits_between_the_known_brackets():
    """11.540845 to 11.540901 (a reference ADMM and its bound) at n = 100; 21.148135 to 21.150130 at 200."""
    for n, low, high in ((100, 11.540845, 11.540901), (200, 21.148135, 21.150130)):
        solution = solve(digits(n), 10, "convex", tol=1e-4, rng=generator())
        assert solution.gap <= 1e-4
        assert solution.objective <= high
        assert solution.bound >= low
        assert feasible(solution.point, 10)


@pytest.mark.parametrize(("corrective", "off"), [(True, 1e-4), (False, 0.05)])
def test_the_conditional_gradient_is_bracketed_too(corrective, off):
    D, optimum = circle(30), ring_optimum(30, 5)[0]
    rounds = 300 if corrective else 60
    solution = conditional_gradient(D, 5, tol=1e-5, max_iter=rounds, corrective=corrective, seed=generator())
    assert feasible(solution.point, 5)
    assert optimum * (1 - off) < solution.objective <= optimum * (1 + 1e-12)
    assert optimum * (1 - 1e-12) <= solution.bound < optimum * (1 + off)


def test_corrected_weights_close_the_gap_on_digits():
    solution = solve(digits(100), 10, "conditional-gradient", tol=1e-3, rng=generator())
    assert solution.stopped == "gap"
    assert solution.gap < 2e-3
    assert feasible(solution.point, 10)


@pytest.mark.parametrize("solver", ["CLARABEL", "SCS"])
def test_an_independent_solver_finds_the_same_optimum(solver):
    cp = pytest.importorskip("cvxpy", reason="cvxpy is the oracle of this test")
    D = digits(24)
    dense = D.rows(slice(0, 24))
    Q = cp.Variable((24, 24), PSD=True)
    problem = cp.Problem(
        cp.Maximize(cp.sum(cp.multiply(dense, Q))), [Q >= 0, cp.sum(Q, axis=1) == 1, cp.trace(Q) == 4.5]
    )
    problem.solve(solver=solver)
    solution = solve(D, 4.5, "convex", tol=1e-6, rng=generator())
    assert solution.objective == pytest.approx(problem.value, rel=2e-6 if solver == "CLARABEL" else 1e-3)
    assert solution.gap <= 1e-6


def test_any_multipliers_bound_the_optimum():
    D, rng = circle(40), generator()
    optimum = ring_optimum(40, 6)[0]
    for _ in range(5):
        R = rng.standard_normal((40, 40)) * 0.1
        assert upper_bound(D, 6, R + R.T) >= optimum
    assert upper_bound(D, 6) >= optimum


def test_the_cholesky_proof_agrees_with_the_eigenvalue(monkeypatch):
    from similis.nomad import certificate

    D, R = digits(300), generator().standard_normal((300, 300))
    exact = upper_bound(D, 10, R + R.T)
    monkeypatch.setattr(certificate, "EXACT", 0)
    assert exact <= upper_bound(D, 10, R + R.T) <= exact * (1 + 1e-6)
    monkeypatch.setattr(
        certificate, "lanczos", lambda *_, **__: (np.array([1.0]), None)
    )  # a guess far too low is not believed
    assert upper_bound(D, 10, R + R.T) >= exact * (1 - 1e-12)


def test_repair_makes_any_factor_feasible():
    rng = generator()
    V = np.linalg.qr(np.concatenate([np.ones((40, 1)), rng.standard_normal((40, 5))], 1))[0][:, 1:]
    F = np.concatenate([np.full((40, 1), 40**-0.5), V * 0.9**0.5], 1)
    assert (F @ F.T).min() < -0.05
    point = Feasible.nearest(F, 5.5)
    assert feasible(point, 5.5)
    D = digits(40)
    assert point.objective(D) == pytest.approx(float((D.rows(slice(0, 40)) * point.dense()).sum()), rel=1e-9)


@pytest.mark.parametrize(("K", "n"), [(1, 5), (5, 5), (1, 1)])
def test_where_one_matrix_is_feasible(K, n):
    solution = solve(digits(n), K, rng=generator())
    assert solution.gap == 0
    np.testing.assert_allclose(solution.point.dense(), np.eye(n) if n == K else np.full((n, n), 1 / n), atol=1e-12)


def test_what_cannot_be_is_refused_at_once():
    D = digits(50)
    for K in (0.5, 51, np.nan):
        with pytest.raises(InputError, match="n_clusters"):
            solve(D, K, rng=generator())
    with pytest.raises(InputError, match="memory_limit"):
        solve(D, 5, "convex", memory_limit=1000, rng=generator())
    with pytest.raises(InputError, match="low-rank"):
        solve(D, 5, "simplex", rng=generator())
    skew = np.arange(16.0).reshape(4, 4)
    for S, match in ((skew, "symmetric"), (-np.eye(4), "negative"), (np.ones((3, 4)), "square")):
        with pytest.raises(InputError, match=match):
            Similarity.given(S)


def test_time_and_interrupts_end_with_a_certified_point(monkeypatch):
    D = digits(100)
    late = solve(D, 10, "convex", tol=1e-9, time_limit=0.3, rng=generator())
    assert late.stopped == "time"
    assert feasible(late.point, 10)
    assert 0 < late.gap < 1

    convex = import_module("similis.nomad.convex")
    steps = count()
    own = convex._State.step

    def step(self, *relax):
        if next(steps) == 30:
            raise KeyboardInterrupt
        own(self, *relax)

    monkeypatch.setattr(convex._State, "step", step)
    caught = solve(D, 10, "convex", tol=1e-9, catch=True, rng=generator())
    assert caught.stopped == "interrupt"
    assert feasible(caught.point, 10)
    assert 0 < caught.gap < 1
    assert next(steps) < 500  # what makes the point feasible, and no more
