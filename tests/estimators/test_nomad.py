"""NOMAD as scikit-learn's users have it: contract, labels, unseen rows, kernels, layers, files, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_circles, make_moons
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from similis import NOMAD, load, save
from similis._errors import InputError
from similis.datasets import gaussian_blobs

X, LABELS = gaussian_blobs(90, 4, 3, separation=20, random_state=0)


@parametrize_with_checks([NOMAD(2), NOMAD(2, solver="low-rank", certify=False)])
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("solver", ["convex", "low-rank", "conditional-gradient"])
def test_blobs_with_every_solver(solver):
    words = {"max_iter": 5} if solver == "conditional-gradient" else {}
    model = NOMAD(3, solver=solver, random_state=0, **words).fit(X)
    assert adjusted_rand_score(LABELS, model.labels_) == 1
    assert model.certificate_["kind"] == "full"
    if solver != "conditional-gradient":
        assert model.gap_ < 1e-3
    np.testing.assert_allclose(model.Q_.sum(1), 1, atol=1e-10)


def test_unseen_rows_get_the_label_of_their_neighbours():
    train, test = np.arange(90) % 2 == 0, np.arange(90) % 2 == 1
    model = NOMAD(3, random_state=0).fit(X[train])
    assert adjusted_rand_score(LABELS[test], model.predict(X[test])) == 1
    np.testing.assert_array_equal(model.predict(X[train]), model.labels_)
    np.testing.assert_allclose(model.transform(X[train]), model.embedding_, atol=1e-9)
    assert model.score(X[test]) > 0.9


def test_manifolds_are_components():
    X, labels = make_circles(120, factor=0.4, random_state=0)
    model = NOMAD(12, assign_labels="components", random_state=0).fit(X)
    assert adjusted_rand_score(labels, model.labels_) == 1
    moons, labels = make_moons(160, noise=0.04, random_state=0)
    model = NOMAD(16, assign_labels="components", random_state=0).fit(moons)
    assert adjusted_rand_score(labels, model.labels_) == 1


def test_layers_merge_a_manifold_into_one_cluster():
    X, labels = make_circles(100, factor=0.4, random_state=0)
    model = NOMAD(16, layers=(8, 4, 2), random_state=0).fit(X)
    assert adjusted_rand_score(labels, model.labels_) == 1


def test_a_kernel_is_the_same_given_as_a_matrix():
    from sklearn.metrics.pairwise import rbf_kernel

    S = rbf_kernel(X, gamma=0.1)
    by_name = NOMAD(3, kernel="rbf", kernel_params={"gamma": 0.1}, random_state=0).fit(X)
    given = NOMAD(3, kernel="precomputed", random_state=0).fit(S)
    assert given.objective_ == pytest.approx(by_name.objective_, rel=1e-6)  # the solver's tolerance
    np.testing.assert_array_equal(given.predict(S[:20]), by_name.predict(X[:20]))
    assert adjusted_rand_score(LABELS, given.labels_) == 1


def test_saved_and_loaded_bit_for_bit(tmp_path):
    model = NOMAD(3, random_state=0).fit(X)
    save(model, tmp_path / "m")
    again = load(tmp_path / "m")
    assert again.get_params() == model.get_params()
    assert (again.gap_, again.certificate_, again.history_) == (model.gap_, model.certificate_, model.history_)
    for name in ("labels_", "embedding_", "Q_", "factor_"):
        np.testing.assert_array_equal(getattr(again, name), getattr(model, name))
    np.testing.assert_array_equal(again.transform(X + 0.1), model.transform(X + 0.1))


def test_a_subsample_is_said_to_be_one(monkeypatch):
    from similis.estimators import nomad

    monkeypatch.setattr(nomad, "SAMPLE", 40)
    model = NOMAD(3, solver="low-rank", random_state=0).fit(X)
    assert model.certificate_["kind"] == "subsample"
    assert model.certificate_["n_samples"] == 40
    assert model.certificate_["gap"] < 1e-3
    assert np.isnan(model.gap_)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"n_clusters": 0}, "from 1 to n_samples"), ({"n_clusters": 91}, "from 1 to n_samples"),
        ({"solver": "simplex"}, "low-rank"), ({"assign_labels": "x"}, "components"), ({"tol": 0}, "tol"),
        ({"memory_limit": 10}, "GiB"), ({"kernel": "rbf", "memory_limit": 10}, "GiB"),
        ({"kernel": "precomputed"}, "square"), ({"layers": (4, 0)}, "layer"),
    ],
)  # fmt: skip
def test_bad_parameters_are_refused_before_the_work(params, match):
    with pytest.raises(InputError, match=match):
        NOMAD(**{"n_clusters": 3} | params).fit(X)


def test_odd_data():
    twice = np.repeat(X[:30], 2, axis=0)
    assert NOMAD(3, random_state=0).fit(twice).gap_ < 1e-3
    assert NOMAD(2, random_state=0).fit(np.ones((10, 3))).gap_ == 0
    assert NOMAD(1).fit(X[:1]).gap_ == 0
    assert NOMAD(3, random_state=0).fit(X.astype(np.float32)).embedding_.dtype == np.float32
    with pytest.raises(ValueError, match="NaN"):
        NOMAD(2).fit(np.where(np.eye(90, 4) > 0, np.nan, X))
