"""Law: what is learned of several directions at once is what the closed form finds, whatever the data drawn."""

from __future__ import annotations

import numpy as np
import pytest

from similis import LocalSupervisionRegressor, ReducedRankRegression


@pytest.mark.parametrize("seed", range(12))
def test_several_modes_of_gaussian_rows_are_learned_in_one_pass(seed):
    """Weak modes swing where the teacher is fast beside them, and the average of a swing is nothing."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((3000, 5))
    Y = X @ rng.standard_normal((5, 3)) + 0.1 * rng.standard_normal((3000, 3))
    exact = ReducedRankRegression(3, solver="exact").fit(X, Y).score(X, Y)
    assert ReducedRankRegression(3, random_state=seed).fit(X, Y).score(X, Y) > 0.95 * exact
    local = LocalSupervisionRegressor(linear=True, random_state=seed).fit(X, Y)
    assert local.score(X, Y) > 0.9 * exact


@pytest.mark.parametrize("seed", range(8))
def test_two_latents_behind_many_columns(seed):
    rng = np.random.default_rng(seed)
    latents = rng.standard_normal((4000, 2))
    X = latents @ rng.standard_normal((2, 12)) + 0.5 * rng.standard_normal((4000, 12))
    Y = latents @ rng.standard_normal((2, 5)) + 0.5 * rng.standard_normal((4000, 5))
    for metric in (None, "cca"):
        words = {} if metric is None else {"metric": metric}
        exact = ReducedRankRegression(2, solver="exact", **words).fit(X, Y).score(X, Y)
        assert ReducedRankRegression(2, random_state=seed, **words).fit(X, Y).score(X, Y) > 0.93 * exact
