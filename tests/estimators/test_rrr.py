"""Reduced-rank regression: against closed forms, other libraries, and its own promises."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from similis import ReducedRankRegression, load, save
from similis._errors import InputError
from similis.datasets import correlated_views
from similis.estimators._noise import signs
from similis.metrics import canonical_correlations

X, Y, *_ = correlated_views(20_000, 12, 7, 4, random_state=0)
X = X + 3.0


@parametrize_with_checks(
    [
        ReducedRankRegression(),
        ReducedRankRegression(metric="cca"),
        ReducedRankRegression(ridge=0.1),
        ReducedRankRegression(solver="exact"),
    ]
)
def test_scikit_learn(estimator, check):
    check(estimator)


def test_exact_of_full_rank_is_least_squares_and_with_ridge_is_ridge_regression():
    model = ReducedRankRegression(7, solver="exact").fit(X, Y)
    np.testing.assert_allclose(model.predict(X), LinearRegression().fit(X, Y).predict(X), atol=1e-8)
    np.testing.assert_allclose(X @ model.coef_.T + model.intercept_, model.predict(X), atol=1e-8)
    shrunk = ReducedRankRegression(7, ridge=0.3, scale="norm", solver="exact").fit(X, Y)
    alpha = 0.3 * X.var(axis=0).mean() * len(X)
    np.testing.assert_allclose(shrunk.predict(X), Ridge(alpha).fit(X, Y).predict(X), atol=1e-8)
    each = ReducedRankRegression(7, ridge=0.3, solver="exact").fit(X, Y)
    scaled = X / each.x_scale_
    wanted = Ridge(0.3 / X.shape[1] * len(X)).fit(scaled, Y).predict(scaled)
    np.testing.assert_allclose(each.predict(X), wanted, atol=1e-8)


@pytest.mark.parametrize("s", [0.0, 0.3, 1.0])
def test_exact_of_low_rank_is_the_best_in_its_metric(s):
    """The whitened least-squares prediction, truncated: an independent road to the same matrix."""
    model = ReducedRankRegression(2, metric=s, solver="exact").fit(X, Y)
    xc, yc = X - X.mean(axis=0), Y - Y.mean(axis=0)
    C = yc.T @ yc / len(Y)
    root = linalg.sqrtm(linalg.inv(s * C + (1 - s) * np.trace(C) / 7 * np.eye(7))).real
    full = xc @ linalg.lstsq(xc, yc)[0] @ root
    axes = linalg.svd(full, full_matrices=False)[2][:2]
    expected = full @ axes.T @ axes @ linalg.inv(root)
    np.testing.assert_allclose(model.predict(X) - Y.mean(axis=0), expected, atol=1e-7)


def test_names_of_the_metrics_and_canonical_correlations():
    exact = ReducedRankRegression(3, metric="cca", solver="exact").fit(X, Y)
    np.testing.assert_allclose(exact.singular_values_, canonical_correlations(X, Y)[:3], atol=1e-8)
    again = ReducedRankRegression(3, metric=1.0, solver="exact").fit(X, Y)
    np.testing.assert_array_equal(exact.coef_, again.coef_)
    online = ReducedRankRegression(3, metric="cca", random_state=0, n_epochs=5).fit(X, Y)
    np.testing.assert_allclose(online.singular_values_, canonical_correlations(X, Y)[:3], atol=0.02)


@pytest.mark.parametrize("metric", ["rrmse", 0.5, "cca"])
def test_the_network_reaches_exact_regression(metric):
    exact = ReducedRankRegression(3, metric=metric, solver="exact").fit(X, Y)
    online = ReducedRankRegression(3, metric=metric, n_epochs=5, random_state=0).fit(X, Y)
    assert online.score(X, Y) > 0.99 * exact.score(X, Y)
    Z = online.transform(X)
    np.testing.assert_allclose(Z.T @ Z / len(Z), np.eye(3), atol=0.1)  # gain control


def test_the_noise_of_the_network_is_the_ridge_of_the_solver():
    exact = ReducedRankRegression(2, ridge=0.5, solver="exact").fit(X, Y)
    online = ReducedRankRegression(2, ridge=0.5, n_epochs=10, random_state=0).fit(X, Y)
    plain = ReducedRankRegression(2, solver="exact").fit(X, Y)

    def apart(model):
        return np.linalg.norm(model.coef_ - exact.coef_) / np.linalg.norm(exact.coef_)

    assert apart(online) < 0.15 * apart(plain)


def test_noise_is_fair_and_the_same_however_it_is_cut():
    noise = signs(0, 4000, 70, np.float64)
    np.testing.assert_array_equal(np.abs(noise), 1)
    np.testing.assert_allclose(noise.T @ noise / 4000, np.eye(70), atol=0.1)
    pieces = [signs(start, n, 70, np.float64) for start, n in ((0, 1), (1, 999), (1000, 3000))]
    np.testing.assert_array_equal(np.concatenate(pieces), noise)


@pytest.mark.parametrize("metric", ["rrmse", 0.5, "cca"])
def test_heavy_tails_do_not_make_it_diverge(metric):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        A = rng.standard_t(3, (5000, 10))
        B = A @ rng.standard_normal((10, 4)) + rng.standard_t(3, (5000, 4))
        assert np.isfinite(ReducedRankRegression(2, metric=metric, random_state=seed).fit(A, B).coef_).all()


def test_shapes_follow_the_target():
    model = ReducedRankRegression(1, random_state=0).fit(X, Y[:, 0])
    assert model.predict(X[:5]).shape == (5,)
    assert model.coef_.shape == (12,)
    assert isinstance(model.intercept_, float)
    assert model.n_targets_ == 1
    both = ReducedRankRegression(2, random_state=0).fit(X, Y)
    Zx, Zy = both.transform(X, Y)
    np.testing.assert_array_equal(Zx, both.transform(X))
    assert min(abs(np.corrcoef(Zx[:, i], Zy[:, i])[0, 1]) for i in range(2)) > 0.5
    names = list(both.get_feature_names_out())
    assert names == ["reducedrankregression0", "reducedrankregression1"]
    single = ReducedRankRegression(2, random_state=0).fit(X.astype(np.float32), Y.astype(np.float32))
    assert single.predict(X.astype(np.float32)).dtype == np.float32


def test_pieces_of_one_row_are_enough():
    model = ReducedRankRegression(1, random_state=0)
    for row in range(3):
        model.partial_fit(X[row : row + 1], Y[row : row + 1])
    assert model.n_samples_seen_ == 3
    constant = ReducedRankRegression(1, random_state=0).fit(np.ones((50, 3)), np.ones((50, 2)))
    np.testing.assert_allclose(constant.predict(np.ones((2, 3))), 1)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"metric": "mse"}, "'rrmse' or 'cca' or a finite number"), ({"metric": 1.5}, "metric=1.5"),
        ({"n_components": 8}, "narrower of X and Y"), ({"solver": "svd"}, "solver='svd'"),
        ({"ridge": -1}, "ridge=-1"), ({"ridge": 0.1, "scale": None}, "needs scale"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(params, match):
    with pytest.raises(InputError, match=match):
        ReducedRankRegression(**params).fit(X, Y)


@pytest.mark.parametrize("params", [{"metric": 0.5, "ridge": 0.1}, {"solver": "exact", "metric": "cca"}])
def test_a_saved_model_predicts_the_same_and_continues(params, tmp_path):
    model = ReducedRankRegression(2, random_state=0, **params).fit(X[:500], Y[:500])
    save(model, tmp_path / "m.safetensors")
    twin = load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    for each in (model, twin):
        each.partial_fit(X[500:900], Y[500:900])
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
