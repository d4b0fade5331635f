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
    assert (again.gap_, again.certificate_) == (model.gap_, model.certificate_)
    assert again.history_ == {name: values for name, values in model.history_.items() if name != "seconds"}
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
        ({"n_clusters": 0}, "n_clusters=0; expected"), ({"n_clusters": 91}, "from 1 to n_samples"),
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


QUERIES = X[::3] + np.random.default_rng(5).standard_normal((30, 4))


def test_a_polynomial_of_degree_one_is_linear():
    linear = NOMAD(3, random_state=0).fit(X)
    poly = NOMAD(3, kernel="poly", kernel_params={"degree": 1, "gamma": 1.0, "coef0": 0.0}, random_state=0).fit(X)
    given = NOMAD(3, kernel="precomputed", random_state=0).fit(X @ X.T)
    for model, rows in ((poly, QUERIES), (given, QUERIES @ X.T)):
        np.testing.assert_allclose(np.abs(model.transform(rows)), np.abs(linear.transform(QUERIES)), atol=0.02)
        assert adjusted_rand_score(model.predict(rows), linear.predict(QUERIES)) == 1
        assert model.score(rows) == pytest.approx(linear.score(QUERIES), rel=1e-9)


@pytest.mark.parametrize("kernel", ["linear", "rbf", "poly", "laplacian", "precomputed"])
def test_n_neighbors_counts_for_every_kernel(kernel):
    cloud, queries = (np.random.default_rng(seed).standard_normal((30, 3)) for seed in (0, 1))
    rows, queries = (cloud @ cloud.T, queries @ cloud.T) if kernel == "precomputed" else (cloud, queries)
    model = NOMAD(5, kernel=kernel, n_neighbors=1, random_state=0).fit(rows)
    one = model.transform(queries)
    np.testing.assert_allclose(np.sort(np.abs(one[:, None] - model.embedding_).max(2), 1)[:, 0], 0, atol=1e-12)
    five = model.set_params(n_neighbors=5).transform(queries)  # a parameter of the query, honoured after the fit
    assert np.abs(one - five).max() > 1e-6


@pytest.mark.parametrize("kernel", ["linear", "rbf", "poly"])
def test_one_far_row_changes_no_other(kernel):
    model = NOMAD(3, kernel=kernel, random_state=0).fit(X)
    far = np.concatenate([QUERIES, np.full((1, 4), 1e9)])
    np.testing.assert_allclose(model.transform(far)[:-1], model.transform(QUERIES), rtol=1e-12)
    np.testing.assert_array_equal(model.predict(far)[:-1], model.predict(QUERIES))


@pytest.mark.parametrize("assign_labels", ["kmeans", "components"])
@pytest.mark.parametrize("kernel", ["linear", "rbf", "precomputed"])
def test_rows_given_many_times_share_label_and_place(kernel, assign_labels):
    """More clusters than distinct rows, and more copies than neighbours."""
    rows = np.random.default_rng(0).standard_normal((5, 3))[np.random.default_rng(1).integers(0, 5, 40)]
    rows = rows @ rows.T if kernel == "precomputed" else rows
    model = NOMAD(9, kernel=kernel, assign_labels=assign_labels, random_state=0).fit(rows)
    np.testing.assert_array_equal(model.predict(rows), model.labels_)
    np.testing.assert_allclose(model.transform(rows), model.embedding_, atol=1e-9)


@pytest.mark.parametrize("solver", ["convex", "low-rank", "conditional-gradient"])
@pytest.mark.parametrize("kernel", ["linear", "rbf", "poly"])
def test_rows_that_are_all_the_same_are_one_cluster(kernel, solver):
    model = NOMAD(3, kernel=kernel, solver=solver, random_state=0).fit(np.full((9, 2), 0.7))
    assert set(model.labels_) == {0}
    assert model.gap_ == 0


@pytest.mark.parametrize("factor", [1e-36, 1e19])
@pytest.mark.parametrize("kernel", ["linear", "precomputed"])
def test_float32_of_any_size(kernel, factor):
    rows = (X * factor).astype(np.float32) if kernel == "linear" else (X @ X.T * factor).astype(np.float32)
    model = NOMAD(3, kernel=kernel, random_state=0).fit(rows)
    assert adjusted_rand_score(LABELS, model.labels_) == 1
    assert model.gap_ < 1e-3
    np.testing.assert_array_equal(model.predict(rows), model.labels_)
    assert 0.9 < model.score(rows) <= 1


@pytest.mark.parametrize("kernel", ["rbf", "laplacian", "poly"])
def test_float32_kernels_are_those_of_float64(kernel):
    single, double = (NOMAD(3, kernel=kernel, random_state=0).fit(X.astype(dtype)) for dtype in ("f4", "f8"))
    assert single.objective_ == pytest.approx(double.objective_, rel=1e-3)
    assert adjusted_rand_score(single.labels_, double.labels_) == 1


def test_rbf_far_from_the_origin():
    near, off = (NOMAD(3, kernel="rbf", kernel_params={"gamma": 0.1}, random_state=0).fit(X + a) for a in (0, 2.0**26))
    assert off.objective_ == pytest.approx(near.objective_, rel=2e-3)
    np.testing.assert_allclose(off._neighbours(QUERIES + 2.0**26)[1], near._neighbours(QUERIES)[1], atol=1e-6)


def test_given_similarities_are_cross_validated():
    from sklearn.metrics.pairwise import rbf_kernel
    from sklearn.model_selection import cross_val_score

    linear = cross_val_score(NOMAD(3, random_state=0), X)
    for S, off in ((X @ X.T, 1e-6), (rbf_kernel(X, gamma=1e-5), 0.02)):
        np.testing.assert_allclose(cross_val_score(NOMAD(3, kernel="precomputed", random_state=0), S), linear, atol=off)


def test_a_kernel_changed_after_the_fit_is_refused():
    model = NOMAD(3, kernel="rbf", kernel_params={"gamma": 0.1}, random_state=0).fit(X)
    for change in ({"kernel": "linear"}, {"kernel_params": {"gamma": 0.2}}, {"kernel_params": None}):
        changed = NOMAD(3, kernel="rbf", kernel_params={"gamma": 0.1}, random_state=0).fit(X).set_params(**change)
        for call in (changed.predict, changed.transform, changed.score):
            with pytest.raises(InputError, match=r"[Ff]it again"):
                call(X)
    assert model.predict(X).shape == (90,)


@pytest.mark.parametrize(
    ("params", "rows"),
    [
        ({"n_clusters": 200}, X[:20, :3]), ({"kernel": "precomputed"}, -np.eye(20)), ({}, X[:20] * 1e200),
        ({"solver": "simplex"}, X[:20, :2]), ({"n_neighbors": 0}, X[:20, :2]),
    ],
)  # fmt: skip
def test_a_refused_fit_changes_nothing(params, rows):
    model = NOMAD(3, random_state=0).fit(X)
    before, kept = model.predict(QUERIES), dict(vars(model))
    own = {name: getattr(model, name) for name in params}
    with pytest.raises(InputError):
        model.set_params(**params).fit(rows)
    model.set_params(**own)
    assert vars(model).keys() == kept.keys()
    np.testing.assert_array_equal(model.predict(QUERIES), before)
    fresh = NOMAD(**{"n_clusters": 3} | params)
    with pytest.raises(InputError):
        fresh.fit(rows)
    assert not [name for name in vars(fresh) if name.endswith("_")]


@pytest.mark.parametrize(
    "params",
    [{"n_labels": 0}, {"rank": 0}, {"max_iter": 0}, {"n_neighbors": 1.5}, {"time_limit": float("nan")},
     {"tol": float("nan")}, {"n_components": "2"}],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused(params):
    with pytest.raises(InputError, match=next(iter(params))):
        NOMAD(3, **params).fit(X)


def test_too_few_iterations_are_said():
    from sklearn.exceptions import ConvergenceWarning

    rows = np.random.default_rng(0).standard_normal((40, 3))
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        model = NOMAD(7, solver="conditional-gradient", max_iter=1, random_state=0).fit(rows)
    assert model.stopped_ == "iterations"
    assert model.gap_ > model.tol
