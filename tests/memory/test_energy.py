"""The associative memory: its gradient, and what one step is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from similis._errors import InputError
from similis.memory import AssociativeMemory, kernel_mean, retrieve

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 5))
Q = RNG.standard_normal((4, 5))


@pytest.mark.parametrize("kernel", ["dot", "gaussian"])
def test_the_gradient_is_that_of_the_energy(kernel):
    memory = AssociativeMemory(X, beta=1.7, alpha=0.8, kernel=kernel)
    for q in Q:
        numeric = approx_fprime(q, lambda s: float(memory.energy(s)), 1e-6)
        np.testing.assert_allclose(memory.gradient(q), numeric, atol=1e-5)


def test_the_gaussian_mean_is_one_unit_step_down_its_energy():
    torch = pytest.importorskip("torch")
    tokens, q = torch.tensor(X), torch.tensor(Q, requires_grad=True)
    beta = 2.3
    energy = -torch.logsumexp(-beta * torch.cdist(q, tokens) ** 2 / 2, 1).sum() / beta
    (gradient,) = torch.autograd.grad(energy, q)
    np.testing.assert_allclose(kernel_mean(Q, X, beta), Q - gradient.numpy(), rtol=0, atol=1e-10)
    np.testing.assert_allclose(retrieve(X, Q, beta=beta, kernel="gaussian"), Q - gradient.numpy(), rtol=0, atol=1e-10)


def test_one_step_is_a_hopfield_layer():
    """Ramsauer et al.: new state = X softmax(beta X' s), here with torch's own attention."""
    torch = pytest.importorskip("torch")
    layer = torch.nn.functional.scaled_dot_product_attention(*map(torch.tensor, (Q, X, X)), scale=10.0).numpy()
    np.testing.assert_allclose(retrieve(X, Q, beta=10.0), layer, rtol=0, atol=1e-6)
    np.testing.assert_allclose(retrieve(X, Q, beta=10.0, alpha=1.6), 1.6 * layer, rtol=0, atol=1e-6)
    np.testing.assert_allclose(kernel_mean(Q, X, 10.0, kernel="dot"), layer, rtol=0, atol=1e-6)


def test_every_step_goes_down_and_many_end_at_rest():
    memory = AssociativeMemory(X, beta=0.7)
    state, energies = Q, [memory.energy(Q)]
    for _ in range(20):
        state = memory.step(state, 0.5)
        energies.append(memory.energy(state))
    assert (np.diff(energies, axis=0) <= 1e-12).all()
    rest = retrieve(X, Q, beta=0.7, n_steps=None, tol=1e-12)
    np.testing.assert_allclose(memory.gradient(rest), 0, atol=1e-9)


def test_a_cold_memory_returns_the_nearest_pattern():
    near = X[:4] + 0.01
    np.testing.assert_allclose(retrieve(X, near, beta=1e5, kernel="gaussian"), X[:4], atol=1e-12)
    np.testing.assert_allclose(retrieve(X, X[0], beta=1e-9), X.mean(0), atol=1e-6)  # a hot one their mean
    assert retrieve(X, Q, beta=1.0, n_steps=0) is not None


@pytest.mark.parametrize(
    ("patterns", "query", "words"),
    [
        (X, Q, {"beta": 0.0}), (X, Q, {"beta": np.inf}), (X, Q, {"beta": 1.0, "alpha": -1.0}),
        (X, Q, {"beta": 1.0, "kernel": "cosine"}), (X, Q[:, :3], {"beta": 1.0}), (X[0], Q, {"beta": 1.0}),
        (np.full((2, 5), np.nan), Q, {"beta": 1.0}), (X, np.full(5, np.inf), {"beta": 1.0}), (X[:0], Q, {"beta": 1.0}),
    ],
)  # fmt: skip
def test_bad_input_is_refused(patterns, query, words):
    with pytest.raises(InputError, match="expected"):
        retrieve(patterns, query, **words)
