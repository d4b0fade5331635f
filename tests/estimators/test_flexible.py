"""Clusters of any shape, tiles and parts by an estimator that does not mind where the origin lies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.datasets import make_moons
from sklearn.metrics import adjusted_rand_score

from similis import FlexibleSimilarityMatching, load, save
from similis._errors import DivergenceError, InputError
from similis.datasets import gaussian_blobs, ring

X, LABELS = gaussian_blobs(1500, 8, 4, separation=12, random_state=1)


@pytest.mark.parametrize("center", [True, False])
def test_labels_and_centres_move_with_the_origin(center):
    choices = {"mu": 0.02, "center": center, "n_epochs": 2, "shuffle": True, "random_state": 0}
    choices |= {} if center else {"scale": None, "mu": 3.0}
    here = FlexibleSimilarityMatching(16, **choices).fit(X)
    there = FlexibleSimilarityMatching(16, **choices).fit(X + 50)
    assert adjusted_rand_score(LABELS, here.labels_) == 1
    np.testing.assert_array_equal(here.labels_, there.labels_)
    np.testing.assert_allclose(there.components_, here.components_ + 50, atol=1e-6)
    np.testing.assert_allclose(there.transform(X + 50), here.transform(X), atol=1e-6)


def test_shares_sum_to_one_and_the_score_of_hard_clusters_is_that_of_kmeans():
    model = FlexibleSimilarityMatching(16, mu=0.01, n_epochs=20, shuffle=True, random_state=0).fit(X)
    np.testing.assert_allclose(model.transform(X) @ model.state_.cells["b"], 1, atol=1e-10)
    best = KMeans(4, n_init=5, random_state=0).fit(X)
    expected = 1 - best.inertia_ / ((X - X.mean(0)) ** 2).sum()
    assert model.score(X) == pytest.approx(expected, abs=0.05)
    assert np.trace(model.coactivity_) == pytest.approx(4, abs=0.5)


def test_half_moons_far_away():
    rows, labels = make_moons(1500, noise=0.06, random_state=0)
    model = FlexibleSimilarityMatching(32, trace=16, n_clusters=2, n_epochs=6, shuffle=True, random_state=0)
    assert adjusted_rand_score(labels, model.fit_predict(rows - 30)) == 1
    assert adjusted_rand_score(labels, KMeans(2, n_init=5, random_state=0).fit_predict(rows)) < 0.7


def test_outputs_before_the_network_has_begun_follow_from_the_samples_held():
    """10 samples a neuron are looked at first; until then a network begun with those at hand answers."""
    model = FlexibleSimilarityMatching(8, random_state=0)
    for seen in (1, 2, 79, 80, 81):
        model.partial_fit(X[model.n_samples_seen_ if seen > 1 else 0 : seen])
        assert model.n_samples_seen_ == seen
        assert np.isfinite(model.transform(X[:5])).all()
        again = FlexibleSimilarityMatching(8, random_state=0).partial_fit(X[:seen])
        np.testing.assert_allclose(model.transform(X[:5]), again.transform(X[:5]), atol=1e-10)
    assert model._held is None


def test_what_is_constant_or_too_little_is_one_cluster():
    for rows in (np.ones((200, 3)), np.ones((1, 3)), np.repeat(np.eye(3), 40, axis=0)):
        model = FlexibleSimilarityMatching(6, n_epochs=5, shuffle=True, random_state=0).fit(rows)
        assert len(set(model.labels_)) == len(np.unique(rows, axis=0))
        assert np.isfinite(model.components_).all()


def test_labels_belong_to_fit_and_are_saved(tmp_path):
    model = FlexibleSimilarityMatching(16, mu=0.02, random_state=0).fit(X)
    save(model, tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m").labels_, model.labels_)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert not hasattr(model.partial_fit(X[:3]), "labels_")


def test_float32_stays_and_agrees():
    rows = ring(1000, random_state=0)[0]
    models = [FlexibleSimilarityMatching(12, trace=6, random_state=0).fit(rows.astype(t)) for t in (float, "float32")]
    Z, Z32 = (m.transform(rows.astype(t)) for m, t in zip(models, (float, "float32"), strict=True))
    assert Z32.dtype == np.float32
    assert np.corrcoef(Z.ravel(), Z32.ravel())[0, 1] > 0.99


def test_soft_row_sums_and_history():
    model = FlexibleSimilarityMatching(12, mu=0.02, stiffness=2.0, trace_every=500, n_epochs=1, random_state=0).fit(X)
    sums = model.transform(X) @ model.state_.cells["b"]
    assert 0.01 < np.abs(sums - 1).max() < 1
    assert adjusted_rand_score(LABELS, model.labels_) == 1
    assert model.history_["n_samples"] == [500, 1000, 1500]
    assert model.history_["mu"] == [0.02] * 3


def test_sparse_rows_are_refused():
    with pytest.raises(TypeError, match="dense"):
        FlexibleSimilarityMatching(4, center=False).fit(sparse.csr_array(np.eye(9)))


@pytest.mark.filterwarnings("ignore:overflow")
def test_failure_changes_nothing():
    model = FlexibleSimilarityMatching(4, scale=None, center=False, random_state=0).fit(X[:300])
    before, seen = model.state_.copy(), model.n_samples_seen_
    with pytest.raises(DivergenceError):
        model.partial_fit(np.concatenate([X[:5], np.full((1, 8), 1e200)]))
    assert model.state_ == before
    assert model.n_samples_seen_ == seen


@pytest.mark.parametrize(
    "choices",
    [{"trace": 0.5}, {"trace": 9}, {"gamma": -1.0}, {"mu": 0.0}, {"n_clusters": 0}, {"n_clusters": 1.5},
     {"stiffness": -1.0}, {"n_components": 0}, {"scale": 3}, {"eta0": 0.6}],
)  # fmt: skip
def test_choices_that_cannot_work_are_refused(choices):
    with pytest.raises(InputError):
        FlexibleSimilarityMatching(**{"n_components": 8, **choices}).fit(X)


def off_for_three_quarters(rng, rows, off=0.0):
    return np.where(np.arange(len(rows))[:, None] % 100 < 25, rows, off * rng.standard_normal(rows.shape))


def there_now_and_then(rng, rows):
    return np.tile(rows, (4, 1)) * (rng.random((4 * len(rows), 1)) < 0.03)


@pytest.mark.parametrize("how", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "spoil",
    [off_for_three_quarters, lambda *it: off_for_three_quarters(*it, off=0.03), there_now_and_then],
    ids=["off", "off with noise", "rarely there"],
)
def test_rows_that_are_mostly_missing_leave_the_clusters_of_the_others(spoil, how):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        centres = 3 * rng.standard_normal((4, 10))
        rows = centres[rng.integers(4, size=4000)] + rng.standard_normal((4000, 10))
        spoilt, scores = spoil(rng, rows), []
        for data in (rows, spoilt):
            model = FlexibleSimilarityMatching(8, trace=4, random_state=seed)
            for piece in np.array_split(data, 1 if how == "fit" else 50):
                getattr(model, how)(piece)
            scores.append(model.score(rows))
        assert max(scores) <= 1
        assert scores[1] > 0.9 * scores[0]


def test_the_score_is_a_share_for_rows_of_any_frequencies():
    model = FlexibleSimilarityMatching(8, random_state=0).fit(X)
    for rows in (X, X[:3], X[LABELS == 0], np.concatenate([X[LABELS == 0], X[:1]]), 10 * X):
        assert 0 <= model.score(rows) <= 1
