"""Lags between streams, against streams that were made late by so much; and pictures of learning."""

from __future__ import annotations

import numpy as np
import pytest

from similis import SimilarityMatching
from similis._errors import InputError
from similis.display import plot_history
from similis.metrics import canonical_correlations, lag_scan


def streams(seed, lag, n=3000, noise=0.5):
    """Two streams; Y hears, so many steps later, what X heard; both remember."""
    rng = np.random.default_rng(seed)
    s = np.zeros((n + 40, 2))
    for t in range(1, n + 40):
        s[t] = 0.8 * s[t - 1] + rng.standard_normal(2)
    A, B = rng.standard_normal((2, 5)), rng.standard_normal((2, 4))
    X, Y = s[20 : n + 20] @ A, s[20 - lag : n + 20 - lag] @ B
    return X + noise * rng.standard_normal(X.shape), Y + noise * rng.standard_normal(Y.shape)


@pytest.mark.parametrize("lag", [-7, -1, 0, 3, 10])
def test_the_lag_is_found(lag):
    for seed in range(3):
        X, Y = streams(seed, lag)
        found = lag_scan(X, Y)
        assert found.best == found.lags[found.correlations.argmax()] == lag
        assert lag_scan(Y, X).best == -lag


def test_correlations_are_those_of_shifted_rows():
    X, Y = streams(0, 2, n=300)
    found = lag_scan(X, Y, [5, -3, 0], ridge=0.1)
    for lag, correlation in zip(found.lags, found.correlations, strict=True):
        assert correlation == pytest.approx(canonical_correlations(X[3:295], Y[3 + lag : 295 + lag], 0.1)[0])


def test_what_is_held_out_is_about_0_where_nothing_is_shared():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((400, 20)), rng.standard_normal((400, 20))
    found = lag_scan(X, Y)
    assert found.correlations.min() > 0.3  # by chance
    assert np.abs(found.held_out).max() < 4 / np.sqrt(200)
    assert lag_scan(np.ones((50, 2)), Y[:50]).held_out.tolist() == [0.0] * 21


def test_lags_that_are_none():
    X = np.ones((20, 2))
    for lags, words in (([], "at least one"), ([0.5], "integers"), ([True], "integers"), ([-9, 9], "leave 2 of 20")):
        with pytest.raises(InputError, match=words):
            lag_scan(X, X, lags)


def test_curves_and_weights_are_drawn():
    pytest.importorskip("matplotlib", reason="the plot extra is not installed")
    X = np.random.default_rng(0).standard_normal((600, 8))
    model, seen = SimilarityMatching(2, trace_every=50, random_state=0), []
    for start in range(0, 600, 100):
        model.partial_fit(X[start : start + 100])
        seen.append((model.n_samples_seen_, model.components_))
    panels = plot_history(model, weights=seen).axes
    assert [axes.get_ylabel() for axes in panels] == ["filter norm", "output power", "weights"]
    (curve,) = panels[0].lines
    np.testing.assert_array_equal(
        curve.get_xydata(), np.column_stack([model.history_["n_samples"], model.history_["filter_norm"]])
    )
    assert len(panels[2].lines) == 16
    np.testing.assert_array_equal(panels[2].lines[9].get_ydata(), [array[1, 1] for _, array in seen])
    assert len(plot_history(model).axes) == 2
    with pytest.raises(InputError, match="trace_every"):
        plot_history(SimilarityMatching(2).fit(X))
    with pytest.raises(InputError, match="one shape"):
        plot_history(model, weights=[(1, np.ones(2)), (2, np.ones(3))])
