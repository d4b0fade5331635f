"""Attention over a cloud: the blocked and the fused path against the plain formula."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from similis._errors import InputError
from similis.memory import cloud, kernel_mean, log_density

RNG = np.random.default_rng(1)
X, Q = RNG.standard_normal((300, 4)), RNG.standard_normal((70, 4))


def plain(queries, tokens, beta, drop=False):
    weights = np.exp(-beta * ((queries[:, None] - tokens) ** 2).sum(-1) / 2)
    if drop:
        weights[np.arange(len(queries)), np.arange(len(queries))] = 0
    return weights @ tokens / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("engine", ["numpy", "torch"])
@pytest.mark.parametrize("beta", [0.01, 1.0, 30.0])
def test_both_paths_are_the_formula(engine, beta, monkeypatch):
    if engine == "torch":
        pytest.importorskip("torch")
    monkeypatch.setattr(cloud, "PIECE", 1000)  # several blocks
    np.testing.assert_allclose(kernel_mean(Q, X, beta, engine=engine), plain(Q, X, beta), atol=1e-11)
    low = kernel_mean(Q.astype(np.float32), X.astype(np.float32), beta, engine=engine)
    assert low.dtype == np.float32
    np.testing.assert_allclose(low, plain(Q, X, beta), atol=2e-4)


def test_a_query_can_be_kept_from_its_own_token():
    np.testing.assert_allclose(kernel_mean(X[:70], X, 2.0, exclude_self=True), plain(X[:70], X, 2.0, True), atol=1e-11)


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_where_the_origin_lies_does_not_matter(engine):
    if engine == "torch":
        pytest.importorskip("torch")
    far = np.float32(1000.0)
    here = kernel_mean(Q.astype(np.float32), X.astype(np.float32), 1.0, engine=engine)
    there = kernel_mean(Q.astype(np.float32) + far, X.astype(np.float32) + far, 1.0, engine=engine) - far
    np.testing.assert_allclose(there, here, atol=2e-3)  # what float32 keeps of 1000


def test_tokens_of_one_norm_need_no_bias():
    sphere = X / np.linalg.norm(X, axis=1, keepdims=True)
    for engine in ("numpy", "torch"):
        dot = kernel_mean(Q, sphere, 5.0, kernel="dot", engine=engine)
        np.testing.assert_allclose(dot, kernel_mean(Q, sphere, 5.0), atol=1e-11)


def test_the_density_is_that_of_the_blurred_tokens():
    expected = [np.mean([multivariate_normal.pdf(q, x, np.eye(4) / 3.0) for x in X]) for q in Q[:5]]
    np.testing.assert_allclose(log_density(Q[:5], X, 3.0), np.log(expected), rtol=1e-10)


@pytest.mark.parametrize("beta", [0.0, -1.0, np.nan, np.inf])
def test_a_precision_is_a_positive_number(beta):
    with pytest.raises(InputError, match="> 0"):
        kernel_mean(Q, X, beta)


def test_shapes_and_engines_are_checked():
    with pytest.raises(InputError, match="expected"):
        kernel_mean(Q[:, :2], X, 1.0)
    with pytest.raises(InputError, match="engine"):
        kernel_mean(Q, X, 1.0, engine="jax")
    with pytest.raises(InputError, match="kernel"):
        kernel_mean(Q, X, 1.0, kernel="cosine")
