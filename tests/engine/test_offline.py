"""The batch solution that the nonnegative network is measured against."""

from __future__ import annotations

import numpy as np
import pytest

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
