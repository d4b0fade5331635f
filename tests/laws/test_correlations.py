"""Reported canonical correlations are those of the projections, whatever the number of pairs."""

from __future__ import annotations

import numpy as np
import pytest

from similis import OnlineCCA, load, save
from similis.metrics import held_out_correlations


def views(n: int, k: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(n + k)
    L = rng.standard_normal((n, max(k, 2)))
    return tuple(L @ rng.standard_normal((L.shape[1], d)) + 0.7 * rng.standard_normal((n, d)) for d in (20, 12))


WORDS = {
    "online": {},
    "five passes": {"n_epochs": 5},
    "adaptive": {"rank": "adaptive"},
    "uncentred": {"center": False},
    "exact": {"solver": "exact"},
    "exact, adaptive": {"solver": "exact", "rank": "adaptive"},
}


@pytest.mark.parametrize("n", [30, 60, 150, 500, 6000])
@pytest.mark.parametrize("k", [1, 2, 4])
@pytest.mark.parametrize("words", WORDS)
def test_they_are_those_of_the_projections(words, k, n):
    X, Y = views(n, k)
    model = OnlineCCA(k, random_state=0, **WORDS[words]).fit(X, Y)
    found = model.canonical_correlations_
    assert found.shape == (model.rank_,)
    assert ((found >= 0) & (found <= 1)).all()
    if len(found):
        assert found.mean() == pytest.approx(model.score(X, Y), abs=0.05)
    if len(found) == k:
        np.testing.assert_allclose(found, held_out_correlations(*model.transform(X, Y)), atol=0.05)


@pytest.mark.parametrize("n", [60, 500, 6000])
def test_they_follow_pieces_and_are_kept(n, tmp_path):
    X, Y = views(n, 2)
    model = OnlineCCA(2, random_state=0)
    for start in range(0, n, 50):
        model.partial_fit(X[start : start + 50], Y[start : start + 50])
        found = model.canonical_correlations_
        np.testing.assert_array_equal(found, model.canonical_correlations_)
    assert found.mean() == pytest.approx(model.score(X, Y), abs=0.05)
    save(model, tmp_path / "m.safetensors")
    np.testing.assert_allclose(load(tmp_path / "m.safetensors").canonical_correlations_, found, atol=1e-12)


def test_rows_of_the_caller_are_not_held():
    X, Y = views(60, 2)
    model, copies = OnlineCCA(2, random_state=0).fit(X, Y), (X.copy(), Y.copy())
    before = model.canonical_correlations_
    X[:], Y[:] = 0, 1
    np.testing.assert_array_equal(model.canonical_correlations_, before)
    assert before.mean() == pytest.approx(model.score(*copies), abs=0.05)
