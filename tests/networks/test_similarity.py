"""Soft whitening: the variances that the circuit promises."""

from __future__ import annotations

import numpy as np
import pytest

from similis.circuit import Step, init
from similis.engine import run
from similis.networks import principal_subspace


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_soft_whitening_shrinks_the_variances_of_the_principal_subspace(share):
    """(1 - s) lambda + s, by the exact eigenvalues of the input."""
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    X = rng.standard_normal((30_000, 8)) * np.sqrt([1.0, 0.5, 0.08, 0.05, 0.05, 0.02, 0.02, 0.02]) @ rotation
    values = np.linalg.eigvalsh(X.T @ X / len(X))[::-1][:2]
    circuit = principal_subspace(2, whiten=share, step=Step(0.005, 1e-3))
    _, state = run(circuit, init(circuit, {"x": 8}, 1), X)
    Z, _ = run(circuit, state, X, learn=False)
    found = np.linalg.eigvalsh(Z.T @ Z / len(Z))[::-1]
    np.testing.assert_allclose(found, (1 - share) * values + share, rtol=0.05)
