"""Bayes denoisers against brute force: the average of clean samples, weighted by the likelihood of the query."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from similis._errors import InputError
from similis.memory import (
    LinearTask,
    MixturePrior,
    MixtureTask,
    Prompts,
    SphereTask,
    kernel_mean,
    pca_projection,
    symmetric_mixture,
)


@pytest.mark.parametrize(
    "task",
    [LinearTask(5, 2, 1.5, 0.6), SphereTask(5, 2, 1.2, 0.4), SphereTask(6, 4), MixtureTask(3, 4, 1.5, 0.2, 0.4)],
    ids=lambda t: f"{type(t).__name__}{t.n}",
)  # fmt: skip
def test_the_posterior_mean_is_what_brute_force_finds(task):
    prompts = task.sample(2, 400_000, 3)
    expected = [kernel_mean(q[None], x, 1 / task.noise)[0] for q, x in zip(prompts.noisy, prompts.context, strict=True)]
    np.testing.assert_allclose(task.posterior_mean(prompts), expected, atol=0.02)


@pytest.mark.parametrize("task", [LinearTask(), SphereTask(), MixtureTask()], ids=lambda t: type(t).__name__)
def test_the_posterior_mean_leaves_an_error_that_the_query_cannot_explain(task):
    """E[(x - f(q)) f(q)] = 0: the tower rule, which fails for Bessel functions of the wrong order."""
    prompts = task.sample(20_000, 1, 0)
    f = task.posterior_mean(prompts)
    product = ((prompts.clean - f) * f).sum(1)
    assert abs(product.mean()) < 4 * product.std() / np.sqrt(len(product))


def test_the_linear_bound_is_closed():
    task = LinearTask()
    prompts = task.sample(20_000, 1, 0)
    loss = ((task.posterior_mean(prompts) - prompts.clean) ** 2).mean()
    assert task.bound == pytest.approx(1 / 3)
    assert loss == pytest.approx(task.bound, rel=0.02)


def test_the_principal_directions_of_a_context_are_its_subspace():
    task = LinearTask()
    prompts = task.sample(20, 500, 0)
    guess = pca_projection(prompts, 8, task.variance / (task.variance + task.noise))
    np.testing.assert_allclose(guess, task.posterior_mean(prompts), atol=1e-9)


def test_prompts_are_shortened_and_mapped():
    prompts = SphereTask().sample(3, 50, 0, np.float32)
    assert prompts.context.dtype == prompts.noisy.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(prompts.context, axis=-1), 1, rtol=1e-5)
    short = prompts.shortened(20)
    assert short.context.shape == (3, 20, 16)
    assert isinstance(short, Prompts)
    np.testing.assert_allclose(prompts.mapped(2 * np.eye(16)).clean, 2 * prompts.clean)


def test_a_mixture_prior_has_its_density_and_posterior_mean():
    prior = symmetric_mixture(1, 2.0, 0.3)
    grid = np.linspace(-6, 6, 4001)
    density = (norm.pdf(grid, -2, 0.3) + norm.pdf(grid, 2, 0.3)) / 2
    y = np.array([[-1.0], [0.1], [2.5]])
    weights = density * norm.pdf(y, grid, np.sqrt(0.5))
    np.testing.assert_allclose(prior.posterior_mean(y, 0.5)[:, 0], weights @ grid / weights.sum(1), atol=1e-9)
    np.testing.assert_allclose(prior.log_density(y, 0.5), np.log(weights.sum(1) * (grid[1] - grid[0])), atol=1e-9)
    gaussian = MixturePrior(np.zeros((1, 2)), 3.0)
    np.testing.assert_allclose(gaussian.posterior_mean(np.ones((1, 2)), 1.0), 0.75)


@pytest.mark.parametrize(
    "make", [lambda: LinearTask(4, 5), lambda: SphereTask(4, 4), lambda: MixtureTask(noise=0), lambda: LinearTask(d=0),
             lambda: LinearTask(variance=-1), lambda: MixturePrior(np.zeros(3), 1.0)],
)  # fmt: skip
def test_a_task_that_cannot_be_is_refused(make):
    with pytest.raises(InputError, match="expected"):
        make()
