"""Law: where the solution does not depend on the units of a column, no unit changes what is learned."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score

from similis import LocalSupervisionRegressor, OnlineCCA, ReducedRankRegression, SimilarityMatching, load, save

MAKERS = {
    "cca": lambda **words: OnlineCCA(2, random_state=0, **words),
    "adaptive cca": lambda **words: OnlineCCA(3, rank="adaptive", threshold=0.3, random_state=0, **words),
    "rrr": lambda **words: ReducedRankRegression(2, random_state=0, **words),
    "rrr in the cca metric": lambda **words: ReducedRankRegression(2, metric="cca", random_state=0, **words),
    "local": lambda **words: LocalSupervisionRegressor(8, random_state=0, **words),
}


def rows(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two latents behind ten columns, one of them rare, one skewed, and four."""
    rng = np.random.default_rng(seed)
    latents = rng.standard_normal((n, 2))
    X = latents @ rng.standard_normal((2, 10)) + rng.standard_normal((n, 10))
    X[:, 0], X[:, 1] = X[:, 0] > 2.5, np.exp(X[:, 1])
    return X, latents @ rng.standard_normal((2, 4)) + rng.standard_normal((n, 4))


def learned(model, X, Y, how):
    if how == "fit":
        return model.fit(X, Y)
    for start in range(0, len(X), 37):
        model.partial_fit(X[start : start + 37], Y[start : start + 37])
    return model


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("how", ["fit", "partial_fit"])
@pytest.mark.parametrize("name", MAKERS)
def test_units_of_columns_change_nothing(name, how):
    X, Y = rows(1500)
    units, others = 10.0 ** np.random.default_rng(1).uniform(-6, 6, (2, 10))
    here = learned(MAKERS[name](), X, Y, how)
    there = learned(MAKERS[name](), X * units + others * (how == "fit"), Y, how)
    assert there.score(X * units + others * (how == "fit"), Y) == pytest.approx(here.score(X, Y), abs=1e-3)
    if name == "cca":
        there = learned(MAKERS[name](), X, Y * units[:4], how)
        assert there.score(X, Y * units[:4]) == pytest.approx(here.score(X, Y), abs=1e-3)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("name", ["cca", "adaptive cca", "rrr"])
def test_units_change_no_exact_solution_with_a_ridge(name, center):
    X, Y = rows(1500)
    units = 10.0 ** np.random.default_rng(1).uniform(-6, 6, 10)
    words = {"ridge": 0.1, "solver": "exact", "center": center}
    here, there = MAKERS[name](**words).fit(X, Y), MAKERS[name](**words)
    for start in range(0, 1500, 500):  # fourth powers are merged too
        there.partial_fit(X[start : start + 500] * units, Y[start : start + 500])
    assert there.score(X * units, Y) == pytest.approx(here.score(X, Y), abs=1e-8)
    np.testing.assert_allclose(there.x_scale_, here.x_scale_ * units, rtol=1e-8)


def test_a_feature_weighs_by_the_fourth_root_of_its_fourth_power():
    X, Y = rows(4000)
    model = OnlineCCA(2, random_state=0).fit(X, Y)
    sizes = ((X - X.mean(0)) ** 4).mean(0) ** 0.25
    ratio = model.x_scale_ / sizes
    assert ratio.max() / ratio.min() < 1.1
    Z = (X - model.x_mean_) / model.x_scale_
    assert (Z**2).sum(1).mean() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("how", ["fit", "partial_fit"])
def test_a_column_that_does_not_vary_is_not_heard(how, tmp_path):
    X, Y = rows(1500)
    X[:, 3] = 7.0
    X[:, 4] = 0.1 + 1e-16 * X[:, 4]  # rounding alone
    for name in ("cca", "rrr"):
        model = learned(MAKERS[name](), X, Y, how)
        assert model.x_scale_[3] == np.inf
        again, other = X.copy(), MAKERS[name]()
        again[:, 3] = -1e6
        np.testing.assert_array_equal(model.transform(again), model.transform(X))
        without = learned(other, np.delete(X, [3, 4], axis=1), Y, how)
        assert model.score(X, Y) == pytest.approx(without.score(np.delete(X, [3, 4], axis=1), Y), abs=0.05)
        save(model, tmp_path / name)
        np.testing.assert_array_equal(load(tmp_path / name).transform(X), model.transform(X))


@pytest.mark.parametrize("load_table", [load_breast_cancer, load_wine])
def test_raw_tables_are_learned_as_those_of_one_unit(load_table):
    X = load_table().data
    half = X.shape[1] // 2
    standard = (X - X.mean(0)) / X.std(0)
    exact = OnlineCCA(2, solver="exact").fit(standard[:, :half], standard[:, half:])
    best = exact.score(standard[:, :half], standard[:, half:])
    for seed in range(4):
        model = OnlineCCA(2, n_epochs=10, random_state=seed).fit(X[:, :half], X[:, half:])
        assert model.score(X[:, :half], X[:, half:]) > 0.95 * best


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_a_binary_column_among_others_is_learned(p):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((4000, 10))
        X[:, 0] = rng.random(4000) < p
        Y = np.outer(X[:, 0], rng.standard_normal(4)) / X[:, 0].std() + 0.5 * rng.standard_normal((4000, 4))
        for kind in (ReducedRankRegression, OnlineCCA):
            exact = kind(1, solver="exact").fit(X, Y).score(X, Y)
            assert kind(1, random_state=seed).fit(X, Y).score(X, Y) > 0.95 * exact


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n", [40, 300, 1000])
@pytest.mark.parametrize("kind", [ReducedRankRegression, LocalSupervisionRegressor])
def test_targets_in_small_units_are_predicted_no_worse_than_in_even_ones(kind, n):
    """The first weights of y are random, and of the size of the largest target."""
    words = {} if kind is ReducedRankRegression else {"linear": True, "readout": "own"}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((n, 6))
        Y = (X @ rng.standard_normal((6, 3)) + 0.3 * rng.standard_normal((n, 3))) * [300.0, 1.0, 1.0]
        predicted = kind(1, random_state=seed, **words).fit(X, Y).predict(X)
        assert r2_score(Y, predicted, multioutput="raw_values").min() > -0.5


def views(seed: int, condition: float, n: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    """One correlation of .9 and one of .3; x is mixed, from columns of which the shared ones are the smallest."""
    rng = np.random.default_rng(seed)
    shared, X, Y = rng.standard_normal((n, 2)), rng.standard_normal((n, 10)), rng.standard_normal((n, 8))
    rho = np.array([0.9, 0.3])
    X[:, :2] = np.sqrt(rho) * shared + np.sqrt(1 - rho) * X[:, :2]
    Y[:, :2] = np.sqrt(rho) * shared + np.sqrt(1 - rho) * Y[:, :2]
    turn = np.linalg.qr(rng.standard_normal((10, 10)))[0]
    return X * np.geomspace(1 / condition, 1, 10) @ turn, Y @ np.linalg.qr(rng.standard_normal((8, 8)))[0]


def words_of(model, X, Y) -> list[str]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model.fit(X, Y).transform(X[:1])
        model.transform(X[:1])
    return [str(each.message) for each in said if each.category is ConvergenceWarning]


@pytest.mark.parametrize("seed", range(6))
def test_a_rank_that_falls_short_of_the_exact_one_is_said(seed):
    X, Y = views(seed, 20)
    exact = OnlineCCA(3, rank="adaptive", ridge=1e-3, solver="exact").fit(X, Y)
    model = OnlineCCA(3, rank="adaptive", ridge=1e-3, random_state=seed)
    said = words_of(model, X, Y)
    assert exact.rank_ == 1
    assert model.rank_ == exact.rank_ or ["exact CCA has 1 above 0.5" in text for text in said] == [True]


def test_what_has_not_settled_is_said_once_and_what_has_is_not():
    silent = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((4000, 10))
        rare = rng.random(4000) < 0.01
        Y = np.outer(rare, rng.standard_normal(4)) / rare.std() + 0.5 * rng.standard_normal((4000, 4))
        model = ReducedRankRegression(1, random_state=seed)
        said = words_of(model, np.column_stack([X, rare]), Y)
        assert ["exact regression" in text and "solver='exact'" in text for text in said] == [True]
        Y = X @ rng.standard_normal((10, 4)) + rng.standard_normal((4000, 4))
        noise = rng.standard_normal((4000, 4))
        for fresh in (ReducedRankRegression(4, random_state=0), OnlineCCA(2, random_state=0)):
            assert not words_of(fresh, X, Y)
            silent += not words_of(fresh, X, noise)
    assert silent >= 6  # of 8: there is nothing to find


def test_targets_of_uneven_sizes_are_said_where_the_rank_is_spent_on_the_large_ones():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4000, 8))
    Y = X[:, :3] @ rng.standard_normal((3, 6)) + 0.3 * rng.standard_normal((4000, 6))
    Y[:, 0] = 100 * (X[:, 5] + 0.3 * rng.standard_normal(4000))
    assert any("targets of uneven sizes" in text for text in words_of(ReducedRankRegression(1, random_state=0), X, Y))
    assert not words_of(ReducedRankRegression(1, metric="cca", random_state=0), X, Y)


def test_what_follows_from_the_weights_is_found_once(monkeypatch):
    X, Y = rows(1500)
    for model, method, read in (
        (SimilarityMatching(2, whiten=True, random_state=0), "_whiten", lambda m: m.transform(X[:1])),
        (OnlineCCA(3, rank="adaptive", random_state=0), "_count", lambda m: m.rank_),
    ):
        data, calls, found = (X, Y)[: 2 if method == "_count" else 1], [], getattr(type(model), method)
        monkeypatch.setattr(type(model), method, lambda self, found=found, calls=calls: calls.append(1) or found(self))
        model.fit(*data)
        before = [read(model) for _ in range(3)]
        assert len(calls) <= 1
        np.testing.assert_array_equal(before[0], before[2])
        model.partial_fit(*(part[:400] * 1.5 for part in data))
        after = read(model)
        assert len(calls) == 2
        assert method == "_count" or not np.array_equal(after, before[0])
