"""Law 5: at the closed-form solution the expected update vanishes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from similis.circuit import Channel, Circuit, Interneurons, Neuron, State, saddle_gradients
from similis.engine import reference
from similis.networks import canonical_correlation, principal_subspace

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 3)) @ RNG.standard_normal((3, 7)) + 0.5 * RNG.standard_normal((300, 7))
Y = X[:, :3] @ RNG.standard_normal((3, 5)) + RNG.standard_normal((300, 5))
CXX, CYY, CXY = X.T @ X / 300, Y.T @ Y / 300, X.T @ Y / 300
ROTATION = linalg.qr(RNG.standard_normal((3, 3)))[0]


def stationary(circuit: Circuit, state: State, data: dict) -> None:
    Z = reference.run(circuit, state, data, learn=False)[0]
    for key, gradient in saddle_gradients(circuit, state, data, Z).items():
        size = np.abs(state.W.get(key, state.M)).max()
        assert np.abs(gradient).max() < 1e-10 * max(1.0, size), key


@pytest.mark.parametrize("whiten", [False, True])
def test_principal_subspace_in_any_rotation(whiten):
    values, vectors = linalg.eigh(CXX)
    L, U = np.diag(values[::-1][:3]), vectors[:, ::-1][:, :3].T
    W = ROTATION @ (np.sqrt(L) if whiten else L) @ U
    stationary(principal_subspace(3, whiten=whiten), State({"x": W}, ROTATION @ L @ ROTATION.T), {"x": X})


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_canonical_correlations_in_any_rotation(ridge):
    """A v = mu (B + ridge I) v, A the joint covariance and B its blocks; M = mu, which is 1 + rho without a ridge."""
    A = np.block([[CXX, CXY], [CXY.T, CYY]])
    mu, V = linalg.eigh(A, linalg.block_diag(CXX, CYY) + ridge * np.eye(12), subset_by_index=[9, 11])
    M = ROTATION @ np.diag(mu) @ ROTATION.T
    W = M @ ROTATION @ V.T
    stationary(canonical_correlation(3, ridge=ridge), State({"x": W[:, :7], "y": W[:, 7:]}, M), {"x": X, "y": Y})
    if ridge == 0.0:
        roots = [linalg.sqrtm(linalg.inv(C)).real for C in (CXX, CYY)]
        rho = linalg.svdvals(roots[0] @ CXY @ roots[1])
        np.testing.assert_allclose(mu[::-1], 1 + rho[:3], atol=1e-10)


@pytest.mark.parametrize("s", [0.0, 0.4, 1.0])
def test_reduced_rank_regression(s):
    """Sigma^-1 = s Cyy + (1 - s) I: Vx' Cxx Vx = I, Vy = Sigma Cyx Vx, QQ' = squared singular values."""
    Sigma = linalg.inv(s * CYY + (1 - s) * np.eye(5))
    root = linalg.sqrtm(linalg.inv(CXX)).real
    left, sizes, _ = linalg.svd(root @ CXY @ linalg.sqrtm(Sigma).real)
    Vx = root @ left[:, :3]
    Vy, P = Sigma @ CXY.T @ Vx, np.diag(sizes[:3])
    channels = (Channel("x", leak=0.0), Channel("y", drive=0.0, metric=s))
    circuit = Circuit("rrr", 3, channels, Interneurons(), Neuron(settles=False))
    stationary(circuit, State({"x": Vx.T, "y": Vy.T}, P @ P.T, P), {"x": X, "y": Y})
