"""Bounds from both sides: the linear program of the ring and its dual, an interior-point solver, closed forms."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.optimize import linprog
from tests.nomad.problems import KINDS, interior_point, rows

from similis import NOMAD
from similis._errors import CertificateError
from similis.nomad import Feasible, Similarity, certificate, conditional_gradient, feasibility, solve, upper_bound
from similis.nomad.certificate import relative_gap

SOLVERS = ("convex", "conditional-gradient", "low-rank")


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def circle(n: int) -> Similarity:
    angle = 2 * np.pi * np.arange(n) / n
    return Similarity.linear(np.stack([np.cos(angle), np.sin(angle)], 1))


@cache
def ring_multipliers(n: int, K: float) -> tuple[float, np.ndarray]:
    """Optimum of the ring's linear program, and the circulant multipliers of its entries: strong duality, exact."""
    phase = 2 * np.pi * np.outer(np.arange(n), np.arange(n)) / n
    found = linprog(
        -np.real(np.fft.fft(np.cos(phase[1]))), A_ub=-np.cos(phase), b_ub=np.zeros(n),
        A_eq=np.stack([np.eye(n)[0], np.ones(n)]), b_eq=[1.0, K], bounds=(0, None), method="highs",
    )  # fmt: skip
    row = -found.ineqlin.marginals
    row = (row + np.roll(row[::-1], 1)) / 2
    return -found.fun, np.stack([np.roll(row, i) for i in range(n)])


@pytest.mark.parametrize(("n", "K", "above"), [(12, 3, 1e-10), (40, 6.5, 1e-10), (100, 16, 1e-10), (560, 20, 1e-6)])
def test_the_dual_of_the_linear_program_makes_the_bound_the_optimum(n, K, above):
    """Up to 512 the eigenvalue is computed, beyond it is proved: neither may fall below, nor stay above."""
    optimum, S = ring_multipliers(n, K)
    bound = upper_bound(circle(n), K, -S)
    assert optimum * (1 - 1e-11) <= bound <= optimum * (1 + above)
    assert upper_bound(circle(n), K, -S / 8, 8.0) == pytest.approx(bound, rel=1e-9)


@pytest.mark.parametrize("K", [1.4, 5.5])
@pytest.mark.parametrize("kind", KINDS)
def test_bounds_and_objectives_lie_about_the_interior_point_solution(kind, K):
    D = Similarity.linear(rows(kind))
    optimum, S = interior_point(D, K)
    assert optimum * (1 - 1e-5) <= upper_bound(D.normal, K, -S) <= optimum * (1 + 1e-4)  # its own multipliers
    for solver in SOLVERS:
        solution = solve(D.normal, K, solver, tol=1e-4, rng=generator())
        assert max(feasibility(solution.point.dense(), K).values()) < 1e-9, solver
        assert solution.objective <= optimum * (1 + 1e-5), solver
        assert solution.bound >= optimum * (1 - 1e-5), solver
        if solver != "low-rank":
            assert (solution.stopped, solution.gap <= 1e-4) == ("gap", True), solver
            assert solution.objective >= optimum * (1 - 1.1e-4), solver
            assert solution.bound <= optimum * (1 + 1.1e-4), solver


@pytest.mark.parametrize(("n", "exact"), [(40, 512), (40, 0)])
def test_a_bound_that_is_a_little_too_low_is_an_error(monkeypatch, n, exact):
    """The eigenvalue times .9999: every solver meets the contradiction and says so."""
    own = certificate._largest_eigenvalue
    monkeypatch.setattr(certificate, "EXACT", exact)
    monkeypatch.setattr(certificate, "_largest_eigenvalue", lambda A: 0.9999 * own(A))
    for solver in ("convex", "conditional-gradient"):
        with pytest.raises(CertificateError, match="report"):
            solve(circle(n), 6, solver, tol=1e-6, rng=generator())
    with pytest.raises(CertificateError, match="below"):
        NOMAD(2, solver="low-rank", tol=1e-6, random_state=0).fit(np.repeat(np.eye(2), 5, 0))


def test_the_gap_admits_rounding_and_no_more():
    assert relative_gap(3.0, 3.0 * (1 - 1e-15), 100) == 0
    assert relative_gap(0.0, 0.0, 5) == 0
    assert relative_gap(2.0, 3.0, 5) == 0.5
    with pytest.raises(CertificateError):
        relative_gap(3.0, 3.0 * (1 - 1e-9), 100)


@pytest.mark.parametrize("solver", ["convex", "conditional-gradient"])
def test_the_reported_stop_is_the_gap(solver):
    """Over problems of every kind: "gap" says what gap_ says, and hardly a problem ends otherwise."""
    stopped = []
    for seed in range(8):
        for kind in KINDS:
            X, rng = rows(kind, seed), np.random.default_rng(seed)
            K = 1 + rng.random() * (len(X) - 1)
            solution = solve(Similarity.linear(X), K, solver, max_iter=1000, rng=generator())
            assert (solution.stopped == "gap") == (solution.gap <= 1e-3), (kind, seed, solution.gap)
            stopped.append(solution.stopped)
    assert stopped.count("gap") >= 0.95 * len(stopped)


def test_few_rounds_do_not_report_the_gap():
    for corrective in (True, False):
        solution = conditional_gradient(circle(30), 5, max_iter=3, corrective=corrective, seed=generator())
        assert (solution.stopped, solution.gap > 1e-3) == ("iterations", True)


@pytest.mark.parametrize("solver", ["convex", "conditional-gradient"])
def test_a_kernel_that_is_nearly_the_identity(solver):
    """All eigenvalues of the centred similarity are equal to rounding; its optimum is K - 1, that of a simplex."""
    for n in (12, 28, 29):
        S = np.eye(n) + 1e-16 * np.random.default_rng(n).random((n, n))
        solution = solve(Similarity.given((S + S.T) / 2), 0.55 * n, solver, rng=generator())
        assert solution.objective == pytest.approx(0.55 * n - 1, rel=1e-3)
        assert solution.stopped == "gap"


@pytest.mark.parametrize(("n", "K"), [(n, K) for n in (1, 2, 3, 7) for K in (1, 1 + 1e-9, 1.5, 2.2, 3) if n >= K])
@pytest.mark.parametrize("solver", SOLVERS)
def test_on_a_simplex_every_feasible_matrix_has_one_objective(solver, n, K):
    """Rows of the identity: ``<M, Q> = tr Q - 1``."""
    solution = solve(Similarity.linear(np.eye(n)), K, solver, rng=generator())
    assert solution.objective == pytest.approx(K - 1, rel=1e-5, abs=1e-14)
    assert max(feasibility(solution.point.dense(), K).values()) < 1e-9


def test_float32_data_are_certified_in_double_precision():
    X = (np.random.default_rng(3).standard_normal((60, 5)) * 7 + 300).astype(np.float32)
    single, double = Similarity.linear(X), Similarity.linear(X.astype(np.float64))
    T = -np.random.default_rng(4).random((60, 60))
    assert upper_bound(single, 5, T) == pytest.approx(upper_bound(double, 5, T), rel=1e-6)
    F = np.abs(np.random.default_rng(5).standard_normal((60, 9)))
    point = Feasible.nearest(F, 5)
    exact = float((single.rows(slice(0, 60)) * point.dense()).sum())
    assert point.objective(single) == pytest.approx(exact, rel=1e-12)
