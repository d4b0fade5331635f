"""Law: ``fit`` learns a table of few rows in as many passes as it needs; what was learned short of that is said."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import scale

from similis import (
    DualClassifier,
    DualRegressor,
    LocalSupervisionClassifier,
    LocalSupervisionRegressor,
    ManifoldClassifier,
    OnlineCCA,
    ReducedRankRegression,
    SimilarityMatching,
)
from similis.estimators._params import PASSES, SAMPLES, passes

from .estimators import CASES

SEEDS = range(3)
TABLES = {
    "wine": scale(load_wine().data),
    "cancer": scale(load_breast_cancer().data),
    "digits": load_digits().data,
    "diabetes": load_diabetes().data,
}


def some(X: np.ndarray, n: int, seed: int) -> np.ndarray:
    return X[np.random.default_rng(seed).permutation(len(X))[:n]]


def words(call) -> list[str]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        call()
    return [str(each.message) for each in said if each.category is ConvergenceWarning]


@pytest.mark.parametrize(
    ("n_rows", "n"), [(1, PASSES), (20, PASSES), (30, 100), (150, 20), (2999, 2), (3000, 1), (10**6, 1)]
)
def test_passes_make_enough_samples(n_rows, n):
    assert passes("auto", n_rows) == n
    assert passes("auto", n_rows) * n_rows >= min(SAMPLES, PASSES * n_rows)
    assert passes(2, n_rows) == 2


AUTO = [name for name, case in CASES.items() if case.make().get_params().get("n_epochs") == "auto"]


@pytest.mark.parametrize("name", AUTO)
def test_every_network_counts_the_samples_of_all_passes(name):
    model = CASES[name].fitted()
    n, learns = len(CASES[name].rows()[0]), getattr(model, "solver", "online") == "online"
    keeps_pairs = getattr(model, "kernel", "linear") != "linear"
    assert model.n_samples_seen_ == n * (passes("auto", n) if learns and not keeps_pairs else 1)


@pytest.mark.parametrize("n", [20, 30, 60, 150, 400])
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("name", TABLES)
def test_a_small_table_has_the_subspace_of_pca(name, k, n):
    for seed in SEEDS:
        X = some(TABLES[name], min(n, len(TABLES[name])), seed)
        model, best = SimilarityMatching(k, random_state=seed), PCA(k).fit(X).explained_variance_ratio_.sum()
        assert not words(lambda model=model, X=X: model.fit(X).transform(X))
        assert model.score(X) > 0.97 * best


@pytest.mark.parametrize("order", ["random", "sorted"])
@pytest.mark.parametrize("n", [20, 60, 150, 400])
@pytest.mark.parametrize("name", TABLES)
def test_a_short_stream_far_from_pca_is_said(name, n, order):
    for seed in SEEDS:
        X = some(TABLES[name], min(n, len(TABLES[name])), seed)
        pca = PCA(2).fit(X)
        X = X[np.argsort(pca.transform(X)[:, 0])] if order == "sorted" else X
        model = SimilarityMatching(2, random_state=seed)
        said = words(lambda model=model, X=X: model.partial_fit(X).transform(X))
        assert len(said) <= 1
        if model.score(X) < 0.94 * pca.explained_variance_ratio_.sum():
            assert "n_epochs" in said[0]
        elif n >= 64:
            assert not said or model.score(X) < 0.96 * pca.explained_variance_ratio_.sum()


def test_a_long_stream_says_nothing():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((20_000, 30)) * np.exp(-0.1 * np.arange(30)) @ rng.standard_normal((30, 30))
        model = SimilarityMatching(4, random_state=seed)
        for start in range(0, len(X), 500):
            assert not words(lambda at=start, X=X, model=model: model.partial_fit(X[at : at + 500]).transform(X[:2])), (
                start
            )


#: a model, what is known to do well, and by how much less it may do: the reference sees all rows at once
PREDICTORS = {
    "rrr": (lambda seed: ReducedRankRegression(1, random_state=seed), RidgeCV(np.logspace(-3, 4, 15)), 0.15),
    "dual": (lambda seed: DualRegressor(solver="online", random_state=seed), RidgeCV(np.logspace(-3, 4, 15)), 0.15),
    "local": (lambda seed: LocalSupervisionRegressor(random_state=seed), RidgeCV(np.logspace(-3, 4, 15)), 0.3),
    "dual-classes": (lambda seed: DualClassifier(solver="online", random_state=seed), LogisticRegression(), 0.1),
    "local-classes": (lambda seed: LocalSupervisionClassifier(random_state=seed), LogisticRegression(), 0.1),
}


@pytest.mark.parametrize("n", [150, 400])
@pytest.mark.parametrize("name", PREDICTORS)
def test_a_small_table_is_predicted_nearly_as_well_as_by_the_exact_model(name, n):
    make, reference, less = PREDICTORS[name]
    X, y = (load_breast_cancer if "classes" in name else load_diabetes)(return_X_y=True)
    X, once = scale(X), []
    for seed in SEEDS:
        learn, test, y_learn, y_test = train_test_split(X, y, train_size=min(n, 300), random_state=seed)
        found = make(seed).fit(learn, y_learn).score(test, y_test)
        assert found > reference.fit(learn, y_learn).score(test, y_test) - less
        once.append(found - make(seed).set_params(n_epochs=1).fit(learn, y_learn).score(test, y_test))
    assert np.mean(once) > -0.01


@pytest.mark.parametrize("n", [60, 150, 400])
def test_two_views_of_a_small_table_agree_as_exact_cca_has_it(n):
    X = TABLES["cancer"]
    for seed in SEEDS:
        rows = some(X, len(X), seed)
        learn, test = (rows[:n, :15], rows[:n, 15:]), (rows[n:, :15], rows[n:, 15:])
        exact = OnlineCCA(2, solver="exact").fit(*learn).score(*test)
        assert OnlineCCA(2, random_state=seed).fit(*learn).score(*test) > exact - 0.05


@pytest.mark.parametrize("n", [30, 60, 120])
@pytest.mark.parametrize("name", ["wine", "digits"])
def test_tiles_of_a_small_table_tell_its_classes(name, n):
    X, y = TABLES[name], {"wine": load_wine, "digits": load_digits}[name]().target
    found, known = [], []
    for seed in SEEDS:
        learn, test, y_learn, y_test = train_test_split(X, y, train_size=n, random_state=seed)
        found.append(ManifoldClassifier(random_state=seed).fit(learn, y_learn).score(test, y_test))
        known.append(KNeighborsClassifier(3).fit(learn, y_learn).score(test, y_test))
    assert np.mean(found) > np.mean(known) - 0.2
