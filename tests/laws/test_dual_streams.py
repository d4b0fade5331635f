"""The memoryless rule of the dual on streams as they come: slow, in uneven units, row by row, sparse, by kernels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning
from tests.laws.test_streams import sample

from similis import DualClassifier, DualRegressor
from similis._errors import DivergenceError


def pieces(model, X, y, rows):
    for at in range(0, len(y), rows):
        model.partial_fit(X[at : at + rows], y[at : at + rows])
    return model


@pytest.mark.parametrize("smooth", [20, 100, 300])
@pytest.mark.parametrize("kind", [DualRegressor, DualClassifier])
def test_the_memoryless_rule_too_learns_slow_streams_or_refuses(kind, smooth):
    (X, Y, y), (Xt, Yt, yt) = sample(smooth, 6000)[:3], sample(smooth, 6000)[3:]
    told, held, words = (Y, Yt, {}) if kind is DualRegressor else (y, yt, {"classes": [0, 1]})
    mix = np.random.default_rng(1).permutation(6000)
    best = kind(solver="online").partial_fit(X[mix], told[mix], **words).score(Xt, held)
    assert kind(solver="online", random_state=0).fit(X, told).score(Xt, held) > 0.95 * best
    for rows in (6000, 700):
        model, refused = kind(solver="online"), None
        try:
            for at in range(0, 6000, rows):
                model.partial_fit(X[at : at + rows], told[at : at + rows], **words)
        except DivergenceError as error:
            refused = error
        if refused is None:
            assert model.score(Xt, held) > 0.95 * best
        else:
            assert refused.sample < 4000
            assert "random order" in str(refused)


def test_features_of_uneven_sizes_are_worth_a_word_however_they_come():
    X, Y = sample()[:2]
    rows = X[:, :10] * np.where(np.arange(10) == 3, 1e4, 1.0)
    thin = sparse.random_array((400, 10), density=0.5, rng=0, format="csr") @ sparse.diags_array(
        np.where(np.arange(10) == 3, 1e4, 1.0)
    )
    for data, words in ((rows, {}), (sparse.csr_array(thin), {}), (rows, {"kernel": "poly", "alpha": 0.1})):
        for step in (1, 10, 200):
            model = DualRegressor(solver="online", **words)
            with pytest.warns(ConvergenceWarning, match="feature 3 is .* times as large as half"):
                pieces(model, data, Y[:200, 0], step)


@pytest.mark.filterwarnings("error")
def test_features_of_like_sizes_are_worth_no_word():
    rng = np.random.default_rng(0)
    words = sparse.random_array((2000, 3000), density=0.01, rng=rng, format="csr")
    mostly = rng.standard_normal((2000, 30)) * (rng.random((2000, 30)) < 0.05)
    for data in (words, mostly, sparse.csr_array(mostly)):
        model, y = DualRegressor(solver="online"), rng.standard_normal(2000)
        for step in (1, 10):
            pieces(model, data, y[:300], step)
        model.partial_fit(data, y)


def test_a_target_in_other_units_is_learned_as_it_was():
    X, Y = sample()[:2]
    for factor in (1e4, 1e-4):
        large = Y * np.where(np.arange(6) == 2, factor, 1.0)
        for how in ("fit", "partial_fit"):
            found, best = (
                getattr(DualRegressor(solver="online", random_state=0), how)(X, y).score(X, y) for y in (large, Y)
            )
            assert found == pytest.approx(best)


@pytest.mark.parametrize("smooth", [100, 300])
def test_forty_slow_features_are_refused_or_learned(smooth):
    rng = np.random.default_rng(0)
    raw = rng.standard_normal((6000 + smooth - 1, 40))
    X = np.stack([np.convolve(column, np.ones(smooth) / smooth**0.5, "valid") for column in raw.T], axis=1)
    w = rng.standard_normal(40)
    y, held = X @ w + rng.standard_normal(6000), rng.standard_normal((2000, 40))
    best = DualRegressor(solver="online", random_state=0).fit(X, y).score(held, held @ w)
    with pytest.raises(DivergenceError, match="random order"):
        pieces(DualRegressor(solver="online"), X, y, 500)
    assert best > 0.95


@pytest.mark.parametrize("n", [3000, 10_000])
@pytest.mark.parametrize("ramp", [5, 10])
def test_a_drift_of_all_features_together_is_learned_as_exactly(ramp, n):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        drift = ramp * np.linspace(0, 1, n)[:, None] * rng.choice([-1, 1], 10)
        X = rng.standard_normal((n, 10)) + drift
        y = X @ rng.standard_normal(10) + 0.5 * rng.standard_normal(n)
        found = pieces(DualRegressor(solver="online"), X, y, 500).score(X, y)
        assert found > DualRegressor().fit(X, y).score(X, y) - 0.01


@pytest.mark.parametrize("n_classes", [3, 10])
def test_rows_sorted_by_class_are_refused(n_classes):
    X, y = make_blobs(20_000, centers=n_classes, n_features=20, cluster_std=6.0, random_state=0)
    at = np.argsort(y, kind="stable")
    with pytest.raises(DivergenceError, match="random order"):
        DualClassifier(random_state=0).partial_fit(X[at], y[at], classes=np.arange(n_classes))
    mixed = DualClassifier(random_state=0).partial_fit(X, y, classes=np.arange(n_classes))
    assert mixed.score(X, y) > 0.9
