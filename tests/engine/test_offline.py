"""The batch solution that the nonnegative network is measured against."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.cluster import KMeans

from similis._errors import InputError
from similis.engine import offline
from similis.metrics import similarity_error


def test_clusters_at_right_angles_are_found_exactly():
    """X >= 0 with disjoint columns is its own solution, error 0. Most random starts end where two neurons share one."""
    X = np.repeat(np.eye(3), [8, 5, 3], axis=0) @ np.diag([1.0, 2.0, 0.5])
    Y, error = offline.nonnegative(X, 3, restarts=20, random_state=0)
    assert error < 1e-8
    assert Y.min() >= 0
    np.testing.assert_allclose(Y @ Y.T, X @ X.T, atol=1e-3)


def test_the_error_is_the_one_of_the_outputs_and_no_small_move_lowers_it():
    random = np.random.default_rng(0)
    X = random.standard_normal((60, 8)) @ np.diag(np.linspace(2, 0.2, 8))
    Y, error = offline.nonnegative(X, 4, restarts=2, random_state=1)
    assert error == pytest.approx(similarity_error(Y, X), abs=1e-10)
    for _ in range(50):
        moved = np.maximum(Y + 1e-3 * random.standard_normal(Y.shape), 0)
        assert similarity_error(moved, X) > error


def test_more_restarts_are_never_worse_and_a_seed_repeats():
    X = np.abs(np.random.default_rng(2).standard_normal((40, 6)))
    errors = [offline.nonnegative(X, 3, restarts=n, max_iter=200, random_state=3)[1] for n in (1, 2, 4)]
    assert errors == sorted(errors, reverse=True)
    again = offline.nonnegative(X, 3, restarts=4, max_iter=200, random_state=3)
    assert again[1] == errors[-1]


def test_one_nonnegative_output_of_nonnegative_data_is_its_principal_component():
    """k = 1: the best nonnegative rank-one factor of a nonnegative Gram is its leading eigenvector (Perron)."""
    X = np.abs(np.random.default_rng(4).standard_normal((30, 5)))
    values = np.linalg.eigvalsh(X.T @ X)
    _, error = offline.nonnegative(X, 1, random_state=0)
    assert error == pytest.approx((values[:-1] ** 2).sum() / (values**2).sum(), rel=1e-6)


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 12), spread=st.floats(0, 3), mu=st.floats(1e-3, 10))
def test_the_weighted_simplex_is_the_quadratic_programme(seed, k, spread, mu):
    """Conditions of the minimum, which for a strictly convex problem hold nowhere else."""
    random = np.random.default_rng(seed)
    U, b = random.standard_normal((5, k)), np.exp(spread * random.standard_normal(k))
    Z, lam = offline.weighted_simplex(U, b, 0.7, mu)
    slope = mu * Z - U + lam[:, None] * b
    size = 1 + np.abs(U).max() + np.abs(lam).max() * b.max()
    assert Z.min() >= 0
    np.testing.assert_allclose(Z @ b, 0.7, rtol=1e-9)
    assert slope.min() > -1e-9 * size
    assert np.abs(Z * slope).max() < 1e-9 * size * max(1, Z.max())


def test_the_weighted_simplex_agrees_with_scipy():
    random = np.random.default_rng(0)
    for _ in range(10):
        u, b = random.standard_normal(6), random.random(6) + 0.1
        Z, _ = offline.weighted_simplex(u[None], b, 1.0, 0.5)
        row = {"type": "eq", "fun": lambda z, b=b: b @ z - 1.0, "jac": lambda z, b=b: b}
        found = minimize(
            lambda z, u=u: 0.5 * z @ z - 2 * u @ z, np.full(6, 1 / b.sum()), jac=lambda z, u=u: z - 2 * u,
            bounds=[(0, None)] * 6, constraints=row, method="SLSQP", options={"ftol": 1e-14, "maxiter": 500},
        )  # fmt: skip
        np.testing.assert_allclose(Z[0], found.x, atol=1e-6)


def clusters(seed: int, T: int = 60, k: int = 4, d: int = 5) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(k), random.integers(k, size=T - k)])
    return 3 * random.standard_normal((k, d))[labels] + 0.3 * random.standard_normal((T, d)), labels


@pytest.mark.parametrize("seed", range(4))
def test_separated_clusters_give_the_block_matrix(seed):
    """Q = T / T_k inside a cluster and 0 between them: trace the number of clusters, every row sum 1, to rounding."""
    X, labels = clusters(seed)
    Z, explained = offline.row_sum(X + 50, 16, trace=4, max_iter=3000, random_state=seed)
    blocks = (labels[:, None] == labels) * (60 / np.bincount(labels)[labels])
    np.testing.assert_allclose(Z @ Z.T, blocks, atol=1e-9)
    best = KMeans(4, n_init=20, random_state=0).fit(X)
    assert explained == pytest.approx(1 - best.inertia_ / ((X - X.mean(0)) ** 2).sum(), abs=1e-9)


def test_row_sums_and_trace_where_clusters_overlap():
    """A partition is feasible: with room to overlap the solution is at least as good, and keeps its constraints."""
    X = np.random.default_rng(3).standard_normal((150, 3))
    Z, explained = offline.row_sum(X, 16, trace=4, max_iter=3000, random_state=0)
    best = KMeans(4, n_init=20, random_state=0).fit(X)
    np.testing.assert_allclose(Z @ Z.mean(0), 1, atol=1e-3)
    assert (Z * Z).sum(1).mean() == pytest.approx(4, abs=1e-2)
    assert explained > 1 - best.inertia_ / ((X - X.mean(0)) ** 2).sum()


def test_decorrelation_spreads_the_outputs():
    X, _ = clusters(0)
    norms = [np.linalg.norm(Z @ Z.T) for Z in (offline.row_sum(X, 16, 6, gamma=g)[0] for g in (0.0, 1.0, 4.0))]
    assert norms[0] > norms[1] > norms[2]


@pytest.mark.parametrize("trace", [0.5, 5.0])
def test_a_trace_that_no_outputs_can_have_is_refused(trace):
    with pytest.raises(InputError, match=r"expected a number from total=1\.0 to 4"):
        offline.row_sum(np.eye(8), 4, trace)
