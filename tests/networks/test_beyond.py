"""Three networks of one line each, beside their exact optimum."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import cholesky, eigh, inv, orth

from similis.circuit import init
from similis.derive import lagged, match, objective_of, similarity
from similis.engine import offline, run
from similis.networks import minimum_noise, shared_parts, slow_features


def waves(seed: int, T: int = 20_000, d: int = 10) -> np.ndarray:
    """Three slow waves among white noise, mixed; of RMS norm 1, with variances that differ fivefold."""
    rng, t = np.random.default_rng(seed), np.arange(T)
    slow = [np.sin(2 * np.pi * t / period + rng.uniform(0, 6)) * np.sqrt(2) for period in (900, 250, 90)]
    latents = np.column_stack([*slow, rng.standard_normal((T, d - 3))]) * rng.uniform(0.6, 1.4, d)
    X = latents @ np.linalg.qr(rng.standard_normal((d, d)))[0]
    return X / np.sqrt((X * X).sum(1).mean())


def learned(circuit, rows, epochs: int = 1):
    state, rng = init(circuit, {name: X.shape[1] for name, X in rows.items()}, 1), np.random.default_rng(0)
    T = len(next(iter(rows.values())))
    for epoch in range(epochs):
        order = rng.permutation(T) if epoch else np.arange(T)
        state = run(circuit, state, {name: X[order] for name, X in rows.items()})[1]
    return state


def apart(A: np.ndarray, B: np.ndarray) -> float:
    """1 - the mean squared cosine of the angles between two spans of outputs."""
    A, B = orth(A), orth(B)
    return 1 - float(np.linalg.norm(A.T @ B) ** 2) / B.shape[1]


@pytest.mark.parametrize("seed", range(3))
def test_slow_features_are_those_of_the_exact_eigenproblem(seed):
    X = waves(seed)
    rows = match(similarity(lagged("x", 1) + "x", metric_of="x")).streams({"x": X})
    values, vectors = eigh(rows["x_sum"].T @ rows["x_sum"], rows["x"].T @ rows["x"])
    state = learned(slow_features(3), rows)
    filters = np.linalg.solve(state.M, state.W["x_sum"])
    assert apart(X @ filters.T, X @ vectors[:, -3:]) < 0.001
    np.testing.assert_allclose(np.linalg.eigvalsh(state.M), values[-3:], rtol=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_minimum_noise_is_that_of_the_exact_eigenproblem(seed):
    X = waves(seed)
    rows = match(similarity("x", metric_of="x" - lagged("x", 1))).streams({"x": X})
    noise = rows["x_change"].T @ rows["x_change"] / len(X) + 0.01 * np.eye(10)
    _, vectors = eigh(rows["x"].T @ rows["x"] / len(X), noise)
    state = learned(minimum_noise(3), rows)
    filters = np.linalg.solve(state.M, state.W["x"])
    assert apart(X @ filters.T, X @ vectors[:, -3:]) < 0.001


def test_parts_that_views_share_come_near_the_offline_factorisation():
    rng = np.random.default_rng(1)
    cluster = rng.integers(0, 4, 4000)
    latents = np.eye(4)[cluster] * (1 + 0.3 * rng.standard_normal((4000, 1)))
    views = {
        n: latents @ rng.standard_normal((4, d)) + 0.5 * rng.standard_normal((4000, d))
        for n, d in zip("abc", (9, 7, 8), strict=True)
    }
    views = {n: X / np.sqrt((X * X).sum(1).mean()) for n, X in views.items()}
    white = [X @ cholesky(inv(X.T @ X / len(X) + 0.01 * np.eye(X.shape[1])), lower=True) for X in views.values()]
    G = np.hstack(white)
    best = offline.nonnegative(G, 4)[1]
    circuit = shared_parts(4)
    Z = run(circuit, learned(circuit, views, epochs=5), views, learn=False)[0]

    def inner(A: np.ndarray, B: np.ndarray) -> float:
        return float(((A.T @ B) ** 2).sum())

    error = (inner(G, G) - 2 * inner(G, Z) + inner(Z, Z)) / inner(G, G)
    assert error < best + 0.02
    assert all(np.bincount(cluster[Z.argmax(1) == j]).max() > 0.9 * (Z.argmax(1) == j).sum() for j in range(4))


@pytest.mark.parametrize("build", [slow_features, minimum_noise, shared_parts])
def test_they_know_their_objective(build):
    circuit = build(3)
    assert objective_of(circuit) is not None
