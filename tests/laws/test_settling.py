"""Law 3: settled outputs satisfy the optimality conditions of their domain, however badly M is conditioned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from scipy.optimize import nnls

from similis.circuit import Channel, Circuit, Domain, Lateral, State
from similis.engine import reference, stream

DOMAINS = {
    "free": Domain(),
    "nonnegative": Domain.nonnegative(),
    "threshold": Domain.nonnegative(0.1),
    "box": Domain(-0.3, 0.4),
    "sparse": Domain(l1=0.2),
    "sparse box": Domain(-0.5, 0.2, 0.05),
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


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 24), conditioning=st.floats(0, 5))
@pytest.mark.parametrize("name", DOMAINS)
def test_both_engines_settle(name, seed, k, conditioning):
    domain, (M, d) = DOMAINS[name], problem(seed, k, conditioning)
    circuit = Circuit("probe", k, (Channel("x"),), Lateral("gram"), domain)
    z = stream.run(circuit, State({"x": np.eye(k)}, M), d[None], learn=False)[0][0]
    assert violation(M, d, z, domain) < 1e-9
    if conditioning < 2:  # coordinate descent alone crawls where M is nearly singular
        assert violation(M, d, reference.settle(M, d, domain), domain) < 1e-9


@pytest.mark.parametrize("seed", range(10))
def test_nonnegative_settling_is_nonnegative_least_squares(seed):
    M, d = problem(seed, 30, 3)
    L = linalg.cholesky(M)
    expected = nnls(L, linalg.solve(L.T, d), maxiter=10_000)[0]
    circuit = Circuit("probe", 30, (Channel("x"),), Lateral("gram"), Domain.nonnegative())
    z = stream.run(circuit, State({"x": np.eye(30)}, M), d[None], learn=False)[0][0]
    np.testing.assert_allclose(z, expected, atol=1e-7 * np.abs(expected).max())
