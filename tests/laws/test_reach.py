"""Law: a network far from the exact solution of the rows it has learned says so, once; one near it says nothing."""

from __future__ import annotations

import warnings
from contextlib import suppress

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_predict

from similis import (
    DualRegressor,
    LocalSupervisionClassifier,
    LocalSupervisionRegressor,
    OnlineCCA,
    ReducedRankRegression,
)
from similis._errors import DivergenceError

SEEDS = range(4)


def linear(rng: np.random.Generator, X: np.ndarray, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    Y = X @ rng.standard_normal((X.shape[1], 3))
    return X, Y + noise * Y.std(0) * rng.standard_normal(Y.shape)


def rare(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X, event = rng.standard_normal((4000, 10)), rng.random(4000) < 0.01
    X[:, 0] = event
    return X, np.outer(event, rng.standard_normal(3)) / event.std() + 0.5 * rng.standard_normal((4000, 3))


def wide(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    latents = rng.standard_normal((1500, 20))
    X = latents @ rng.standard_normal((20, 600)) + 0.5 * rng.standard_normal((1500, 600))
    return X, latents[:, :3] + 0.2 * rng.standard_normal((1500, 3))


def diabetes(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X, y = load_diabetes(return_X_y=True)
    at = rng.permutation(len(y))
    return X[at], y[at, None]


KINDS = {
    "plain": lambda rng: linear(rng, rng.standard_normal((4000, 8))),
    "many": lambda rng: linear(rng, rng.standard_normal((20000, 8))),
    "few": lambda rng: linear(rng, rng.standard_normal((150, 8))),
    "rare": rare,
    "wide": wide,
    "collinear": lambda rng: linear(
        rng, rng.standard_normal((4000, 2)) @ rng.standard_normal((2, 8)) + 0.02 * rng.standard_normal((4000, 8))
    ),
    "diabetes": diabetes,
}
MAKERS = {
    "rrr": lambda Y, seed: ReducedRankRegression(Y.shape[1], random_state=seed),
    "local": lambda Y, seed: LocalSupervisionRegressor(16, random_state=seed),
    "local, settled": lambda Y, seed: LocalSupervisionRegressor(32, n_epochs=20, random_state=seed),
    "linear": lambda Y, seed: LocalSupervisionRegressor(Y.shape[1], linear=True, random_state=seed),
    "dual": lambda Y, seed: DualRegressor(solver="online", alpha=1e-6, random_state=seed),
    "dual of cosines": lambda Y, seed: DualRegressor(solver="online", kernel="rbf", gamma=0.01, random_state=seed),
    "its own read-out": lambda Y, seed: LocalSupervisionRegressor(16, readout="own", random_state=seed),
}


def words(model, X: np.ndarray, y: np.ndarray, how: str = "fit") -> list[str]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        getattr(model, how)(X, y)
        model.score(X, y)
        model.predict(X[:1]) if hasattr(model, "predict") else model.transform(X[:1])
    return [str(each.message) for each in said if each.category is ConvergenceWarning]


def out_of_sample(X: np.ndarray, Y: np.ndarray) -> float:
    """R2 of a ridge regression of half of the rows on the other half."""
    return r2_score(Y, cross_val_predict(RidgeCV(np.logspace(-3, 5, 9)), X, Y, cv=2))


@pytest.mark.parametrize("how", ["fit", "partial_fit"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MAKERS)
def test_a_regression_far_from_the_exact_one_is_said_and_one_near_it_is_not(name, kind, how):
    for seed in SEEDS:
        X, Y = KINDS[kind](np.random.default_rng(seed))
        model = MAKERS[name](Y, seed)
        said, exact = words(model, X, Y, how), out_of_sample(X, Y)
        found = model.score(X, Y)
        assert len(said) <= 1
        if found < 0.8 * exact:
            assert "it has not settled" in said[0]
        if found > exact:
            assert not said


@pytest.mark.parametrize("rows", [50, 2000])
@pytest.mark.parametrize("name", [name for name in MAKERS if name != "local, settled"])
def test_a_stream_sorted_by_what_is_to_be_learned_is_said_or_refused(name, rows):
    for seed in SEEDS[:2]:
        X, Y = linear(np.random.default_rng(seed), np.random.default_rng(seed + 9).standard_normal((2000, 8)))
        at, model = np.argsort(Y[:, 0]), MAKERS[name](Y[:, :1], seed)
        found, said = -np.inf, []
        with warnings.catch_warnings(record=True) as heard, suppress(DivergenceError):
            warnings.simplefilter("always")
            for start in range(0, len(X), rows):
                model.partial_fit(X[at[start : start + rows]], Y[at[start : start + rows], 0])
            found = model.score(X, Y[:, 0])
            said = [str(each.message) for each in heard if each.category is ConvergenceWarning]
            assert any("random order" in text for text in said) or found > 0.8


@pytest.mark.parametrize("name", ["rrr", "local", "dual"])
def test_a_level_of_y_that_moves_is_learned_or_said(name):
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        X, Y = linear(rng, rng.standard_normal((4000, 8)))
        Y[2000:] += 100 * Y.std(0)
        model = MAKERS[name](Y, seed)
        said = words(model, X, Y)
        assert said or model.score(X, Y) > -0.2


def test_classes_too():
    X, y = load_digits(return_X_y=True)
    for seed in SEEDS:
        far = LocalSupervisionClassifier(16, eta0=0.02, random_state=seed)
        said = words(far, X, y)
        assert ["more often than the commonest class" in text for text in said] == [True]
        near = LocalSupervisionClassifier(32, eta0=2.0, target_rate=5e-4, tau=400, n_epochs=20, random_state=seed)
        assert not words(near, X, y)
        mixed = np.random.default_rng(seed)
        X_of_noise, labels = mixed.standard_normal((2000, 6)), mixed.integers(3, size=2000)
        assert not words(LocalSupervisionClassifier(16, random_state=seed), X_of_noise, labels)


def test_wide_views_too():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        latents = rng.standard_normal((1500, 20))
        X, Y = (latents @ rng.standard_normal((20, 500)) + rng.standard_normal((1500, 500)) for _ in range(2))
        assert ["exact CCA" in text for text in words(OnlineCCA(10, eta0=0.005, random_state=seed), X, Y)] == [True]
        assert not words(OnlineCCA(2, n_epochs=3, random_state=seed), X, Y)


@pytest.mark.parametrize(("how", "rows"), [("fit", 2), ("fit", 12), ("fit", 40), ("fit", 63), ("partial_fit", 40)])
@pytest.mark.parametrize("name", [*MAKERS, "cca"])
def test_of_few_rows_seen_a_few_times_it_is_said_that_they_are_few(name, how, rows):
    rng = np.random.default_rng(0)
    X, Y = linear(rng, rng.standard_normal((rows, 6)))
    model = OnlineCCA(2, random_state=0) if name == "cca" else MAKERS[name](Y, 0)
    said = words(model.set_params(n_epochs=1), X, Y, how)
    assert len(said) == 1
    assert "n_epochs" in said[0]
    assert f"has learned {rows} samples" in said[0] or "it has not settled" in said[0]
    if hasattr(model, "solver"):
        assert not words(model.set_params(solver="dual" if name.startswith("dual") else "exact"), X, Y)


def test_read_again_by_least_squares_it_is_compared_as_it_is_then():
    rng = np.random.default_rng(0)
    X, Y = linear(rng, rng.standard_normal((4000, 8)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        LocalSupervisionRegressor(64, random_state=0).fit(X, Y).refit(X, Y).predict(X)
