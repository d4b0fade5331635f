"""What must not matter: the unit, the order of the rows, the origin, rows given twice, the dtype."""

from __future__ import annotations

import numpy as np
import pytest
from tests.nomad.problems import KINDS, rows

from similis._errors import InputError
from similis.nomad import Similarity, conditional_gradient, convex, low_rank, solve, spread

SOLVERS = ("convex", "conditional-gradient", "low-rank")
K = 3.3


def solved(D: Similarity, solver: str, trace: float = K):
    return solve(D, trace, solver, tol=1e-4, rng=np.random.default_rng(0))


def meet(one, other, share: float = 1.0, slack: float = 1e-9) -> bool:
    """Whether two certified intervals of one optimum, in units of ``share``, overlap."""
    return (
        one.objective <= other.bound / share * (1 + slack) and other.objective <= one.bound * share * (1 + slack)
    )  # fmt: skip


@pytest.mark.parametrize("factor", [1e-12, 1e-3, 7.0, 1e12, 1e200, 1e-200])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_unit_of_a_gram_matrix(solver, factor):
    X = rows("cloud")
    one, other = solved(Similarity.given(X @ X.T), solver), solved(Similarity.given(X @ X.T * factor), solver)
    assert other.objective == pytest.approx(one.objective * factor, rel=3e-4, abs=0)
    assert (one.stopped, one.gap <= 1e-4) == (other.stopped, other.gap <= 1e-4)
    assert np.abs(one.point.dense() - other.point.dense()).max() < 0.05


@pytest.mark.parametrize(("dtype", "factor"), [(np.float32, 1e-36), (np.float32, 1e19), (np.float64, 1e-120)])
@pytest.mark.parametrize("kind", ["cloud", "wide"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_unit_of_the_features(solver, kind, dtype, factor):
    X = rows(kind)
    one = solved(Similarity.linear(X), solver)
    other = solved(Similarity.linear((X * factor).astype(dtype)), solver)
    assert other.objective == pytest.approx(one.objective * factor**2, rel=3e-4, abs=0)


def test_each_solver_alone_knows_units():
    X, rng = rows("cloud"), np.random.default_rng(0)
    start = spread(np.arange(11) % 4, 12, rng)
    for solver in (
        lambda D: convex(D, K, start, seed=np.random.default_rng(0)),
        lambda D: low_rank(D, K, start),
        lambda D: conditional_gradient(D, K, seed=np.random.default_rng(0)),
    ):
        one, other = solver(Similarity.linear(X)), solver(Similarity.linear(X * 2.0**40))
        assert other.objective == pytest.approx(one.objective * 2.0**80, rel=1e-6)
        assert [row[2] for row in other.history] == pytest.approx([row[2] * 2.0**80 for row in one.history], rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["convex", "conditional-gradient"])
def test_the_order_of_the_rows_and_the_origin(solver, kind):
    X = rows(kind)
    order = np.random.default_rng(1).permutation(len(X))
    one = solved(Similarity.linear(X), solver)
    assert meet(one, solved(Similarity.linear(X[order]), solver))
    assert meet(one, solved(Similarity.linear(X + 17.0 * np.abs(X).max()), solver), slack=1e-6)


@pytest.mark.parametrize("kind", ["cloud", "line", "wide", "ring"])
@pytest.mark.parametrize("solver", ["convex", "conditional-gradient"])
def test_rows_given_twice_double_the_optimum(solver, kind):
    """Q of the rows, each entry spread over two by two, is feasible and doubles; by symmetry none is better."""
    X = rows(kind)
    one, twice = solved(Similarity.linear(X), solver), solved(Similarity.linear(np.repeat(X, 2, 0)), solver)
    assert meet(one, twice, share=2.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gram_matrix_is_admitted_in_its_own_precision(dtype):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        B = rng.standard_normal((int(rng.integers(3, 60)), int(rng.integers(1, 40)))).astype(dtype)
        D = Similarity.given(B @ B.T)
        exact = Similarity.linear(B).rows(slice(0, len(B)))
        assert np.abs(D.rows(slice(0, len(B))) - exact).max() <= 200 * np.finfo(dtype).eps * np.abs(B @ B.T).max()
    with pytest.raises(InputError, match="negative"):
        Similarity.given((np.eye(5) - 1.01 * np.ones((5, 5)) / 5 - 0.01 * np.diag([5, 0, 0, 0, 0])).astype(dtype) * -1)
    skew = np.eye(5, dtype=dtype)
    skew[0, 1] = 0.01
    with pytest.raises(InputError, match="symmetric"):
        Similarity.given(skew)


def test_what_double_precision_cannot_hold_is_refused():
    X = rows("cloud")
    X[3, 1] = 1e200
    with pytest.raises(InputError, match="double precision"):
        Similarity.linear(X)
    with pytest.raises(InputError, match="double precision"):
        Similarity.linear(rows("cloud") * 1e-170)
    with pytest.raises(InputError, match="double precision"):
        Similarity.given(np.eye(3) * 1e300)


@pytest.mark.parametrize("solver", SOLVERS)
def test_rows_that_are_all_the_same(solver):
    for D in (Similarity.linear(np.full((6, 3), 0.1)), Similarity.given(np.full((6, 6), 0.3))):
        solution = solved(D, solver, 2)
        assert (solution.objective, solution.bound, solution.gap) == (0, 0, 0)
    with pytest.warns(UserWarning, match="same"):
        noisy = Similarity.given(np.full((6, 6), 0.3) + 1e-17 + np.eye(6) * 5e-17)
    assert not noisy.any()
