"""The torch modules are the NumPy formulas, and training finds what theory derives."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from similis._errors import DivergenceError, InputError
from similis.memory import (
    AssociativeMemory,
    LinearTask,
    MixtureTask,
    SphereTask,
    predict,
    symmetric_mixture,
    train,
    two_stage,
)

torch = pytest.importorskip("torch")

from similis.memory import (  # noqa: E402
    GaussianAttentionDenoiser,
    LinearAttentionDenoiser,
    SoftmaxAttentionDenoiser,
    TwoStageAttentionDenoiser,
)

ONE_LAYER = (LinearAttentionDenoiser, SoftmaxAttentionDenoiser, GaussianAttentionDenoiser)


def loss(a: np.ndarray, b: np.ndarray) -> float:
    return float(((a - b) ** 2).mean())


def test_scaled_identities_are_steps_of_the_memory():
    prompts = SphereTask().sample(5, 40, 0)
    for kind, kernel in ((SoftmaxAttentionDenoiser, "dot"), (GaussianAttentionDenoiser, "gaussian")):
        for scalar in (True, False):
            out = predict(kind(16, scalar=scalar).double().set_scales(1.3, 7.0), prompts.context, prompts.noisy)
            for x, q, f in zip(prompts.context, prompts.noisy, out, strict=True):
                np.testing.assert_allclose(f, 1.3 * AssociativeMemory(x, 7.0, kernel=kernel).mean(q), atol=1e-10)
    linear = predict(LinearAttentionDenoiser(16).double().set_scales(2.0, 0.5), prompts.context, prompts.noisy)
    x, q = prompts.context[0], prompts.noisy[0]
    np.testing.assert_allclose(linear[0], x.T @ (x @ q) / 40, atol=1e-10)


def test_softmax_with_small_weights_is_linear_attention():
    """T3: (1/eps) mean + covariance times query, to O(eps)."""
    prompts = LinearTask().sample(4, 300, 0)
    x, q = prompts.context, prompts.noisy
    centred = x - x.mean(1, keepdims=True)
    errors = []
    for eps in (1e-2, 1e-3):
        module = SoftmaxAttentionDenoiser(16, scalar=True).double().set_scales(1 / eps, eps)
        limit = x.mean(1) / eps + np.einsum("btn,bt->bn", x, np.einsum("btn,bn->bt", centred, q)) / 300
        errors.append(np.abs(predict(module, x, q) - limit).max())
    assert errors[1] < 0.2 * errors[0]


def test_a_global_map_turns_the_best_key_query_matrix():
    """T4: under x -> A x the optimum is W_KQ ~ (A A')^-1, no scaled identity."""
    task, rng = LinearTask(), np.random.default_rng(0)
    A = np.eye(16) + 0.3 * rng.standard_normal((16, 16))
    prompts = task.sample(1000, 500, 0).mapped(A)
    module = LinearAttentionDenoiser(16).double().set_scales(1.0, 1 / 3)
    plain = loss(predict(module, prompts.context, prompts.noisy), prompts.clean)
    with torch.no_grad():
        module.key_query.copy_(torch.tensor(np.linalg.inv(A @ A.T) / 3))
    mapped = loss(predict(module, prompts.context, prompts.noisy), prompts.clean)
    bayes = loss(task.posterior_mean(prompts.mapped(np.linalg.inv(A))) @ A.T, prompts.clean)
    assert mapped < 1.06 * bayes < 1.2 * bayes < plain


@pytest.mark.parametrize("kind", ONE_LAYER)
def test_modules_are_as_torch_users_expect(kind):
    module = kind(4, seed=1)
    assert torch.equal(kind(4, seed=1).value, module.value)
    other = kind(4)
    other.load_state_dict(module.state_dict())
    context, query = torch.randn(3, 9, 4), torch.randn(3, 4)
    assert torch.equal(module(context, query), other(context, query))
    assert torch.allclose(module(context, query), copy.deepcopy(module)(context, query[:, None])[:, 0])
    assert kind(4, scalar=True).identity_distance == 0
    order = torch.randperm(9)
    assert torch.allclose(module(context, query), module(context[:, order], query), atol=1e-5)


@pytest.mark.parametrize("n_features", [None, 2])
def test_the_deep_module_is_the_two_stages(n_features):
    noisy, _ = symmetric_mixture(2).sample(60, 0.5, 0)
    module = TwoStageAttentionDenoiser(8, beta=4.0, eta=0.25, beta_out=4.0, n_features=n_features).double()
    expected = two_stage(noisy, 0.25, beta=4.0, horizon=8 * 0.25 / 4.0, eta=0.25)
    np.testing.assert_allclose(predict(module, noisy[None])[0], expected, atol=1e-9)
    bare = TwoStageAttentionDenoiser(8, beta=4.0, eta=0.25, beta_out=4.0, long_skip=False).double()
    assert np.abs(predict(bare, noisy[None])[0] - expected).max() > 0.05


def test_training_finds_the_weights_of_the_theory():
    """Two numbers, short contexts: linear attention on n = 6, d = 3 ends at its closed-form optimum."""
    task, length = LinearTask(6, 3, 2.0, 1.0), 40
    module = LinearAttentionDenoiser(6, scalar=True, seed=0)

    def draw(batch, rng):
        prompts = task.sample(batch, length, rng, np.float32)
        return prompts.context, prompts.noisy, prompts.clean

    losses = train(module, draw, n_steps=400, lr=0.03, random_state=0)
    best = 1 / (3 * (1 + (3 + 1) / length))  # s d / E tr(C^2 (C + noise)), C a Wishart mean of that many tokens
    assert module.alpha * module.beta == pytest.approx(best, rel=0.06)
    assert np.mean(losses[-50:]) < 0.5 * losses[0]


def test_training_refuses_nonsense_and_says_when_it_diverges():
    module = LinearAttentionDenoiser(3)

    def huge(batch, rng):
        return np.full((batch, 2, 3), 1e30), np.full((batch, 3), 1e30), np.zeros((batch, 3))

    with pytest.raises(DivergenceError, match="lr"):
        train(module, huge, n_steps=3)
    with pytest.raises(InputError, match="n_steps"):
        train(module, huge, n_steps=0)


@pytest.mark.parametrize(
    ("task", "kind", "alpha", "beta", "known"),
    [
        (LinearTask(), LinearAttentionDenoiser, 1.0, 1 / 3, 0.342),
        (LinearTask(), SoftmaxAttentionDenoiser, 1.615, 0.194, 0.379),
        (SphereTask(), SoftmaxAttentionDenoiser, 1.0, 10.0, 0.0318),
        (SphereTask(), SoftmaxAttentionDenoiser, 1.48, 4.0, 0.0303),
        (MixtureTask(), SoftmaxAttentionDenoiser, 1.0, 5.127, 0.0255),
    ],
)  # fmt: skip
def test_numbers_of_an_earlier_check(task, kind, alpha, beta, known):
    """800 prompts there, 800 others here: each mean is known to about 2 %."""
    prompts = task.sample(800, 500, 5)
    out = predict(kind(16, scalar=True).set_scales(alpha, beta), prompts.context, prompts.noisy)
    assert loss(out, prompts.clean) == pytest.approx(known, rel=0.05)
