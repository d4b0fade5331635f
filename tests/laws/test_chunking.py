"""Laws 6 and 8: pieces equal one pass, a saved model continues bit for bit, divergence is an error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from similis import (
    CircuitTransformer,
    FlexibleSimilarityMatching,
    LocalSupervisionRegressor,
    ManifoldTiling,
    MotionDetector,
    NonnegativeSimilarityMatching,
    OnlineCCA,
    ReducedRankRegression,
    SimilarityMatching,
    SlowFeatureAnalysis,
    SupervisedSimilarityMatching,
    load,
    save,
)
from similis._errors import DivergenceError, InputError
from similis.datasets import spiked_covariance
from similis.networks import principal_subspace

X = spiked_covariance(700, 12, 4, random_state=0)[0] + 0.3
Y = X[:, :5] + 0.1 * np.random.default_rng(1).standard_normal((700, 5))
LABELS = np.where(np.arange(700) % 3, X[:, 0] > 0, -1)  # two samples of three are labelled
MAKERS = {
    "psp": lambda: SimilarityMatching(3, random_state=0, trace_every=100),
    "whiten": lambda: SimilarityMatching(3, whiten=True, random_state=0),
    "exact": lambda: SimilarityMatching(3, solver="exact"),
    "nsm": lambda: NonnegativeSimilarityMatching(4, random_state=0),
    "cca": lambda: OnlineCCA(2, random_state=0),
    "adaptive cca": lambda: OnlineCCA(3, rank="adaptive", random_state=0),
    "exact cca": lambda: OnlineCCA(2, solver="exact"),
    "rrr": lambda: ReducedRankRegression(2, ridge=0.1, random_state=0, trace_every=100),
    "rrr half": lambda: ReducedRankRegression(2, metric=0.5, random_state=0),
    "exact rrr": lambda: ReducedRankRegression(2, metric="cca", solver="exact"),
    "local": lambda: LocalSupervisionRegressor(4, random_state=0, trace_every=100),
    "local, least squares": lambda: LocalSupervisionRegressor(4, readout="least-squares", ridge=0.2, random_state=0),
    "motion": lambda: MotionDetector(2, random_state=0, trace_every=100),
    "motion, free": lambda: MotionDetector(2, rectify=False, random_state=0),
    "flexible": lambda: FlexibleSimilarityMatching(6, trace=4, random_state=0, trace_every=100),
    "flexible parts": lambda: FlexibleSimilarityMatching(4, gamma=0.3, random_state=0),
    "flexible, not begun": lambda: FlexibleSimilarityMatching(80, random_state=0),
    "supervised": lambda: SupervisedSimilarityMatching(4, random_state=0),
    "tiling": lambda: ManifoldTiling(5, random_state=0, trace_every=100),
    "slow": lambda: SlowFeatureAnalysis(3, random_state=0, trace_every=100),
    "exact slow": lambda: SlowFeatureAnalysis(3, solver="exact"),
    "own": lambda: CircuitTransformer(principal_subspace(3), random_state=0),
}


def views(name: str, rows: slice = slice(None)) -> tuple[np.ndarray, ...]:
    beside = getattr(MAKERS[name](), "beside_x", None)
    return (X[rows],) if beside is None else (X[rows], {"view": Y, "target": Y, "labels": LABELS}[beside][rows])


def output(model, name: str) -> np.ndarray:
    Z = model.transform(*(views(name) if "cca" in name else (X,)))
    return np.concatenate(Z, axis=1) if isinstance(Z, tuple) else Z


@settings(max_examples=6)
@given(cuts=st.lists(st.integers(1, 699), min_size=1, max_size=5, unique=True))
@pytest.mark.parametrize("name", MAKERS)
def test_pieces_equal_one_pass(name, cuts):
    whole, pieces = MAKERS[name]().set_params(shuffle=False, n_epochs=1).fit(*views(name)), MAKERS[name]()
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), 700], strict=True):
        pieces.partial_fit(*views(name, slice(start, stop)))
    assert pieces.n_samples_seen_ == whole.n_samples_seen_ == 700
    expected = output(whole, name)
    np.testing.assert_allclose(output(pieces, name), expected, atol=1e-8 * np.abs(expected).max())
    for key, values in whole.history_.items():
        np.testing.assert_allclose(pieces.history_[key], values, rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "own"])
def test_a_saved_model_continues_bit_for_bit(name, tmp_path):
    model = MAKERS[name]().fit(*views(name, slice(0, 300)))
    save(model, tmp_path / "m.safetensors")
    twin = load(tmp_path / "m.safetensors")
    for estimator in (model, twin):
        estimator.partial_fit(*views(name, slice(300, 700)))
    assert model.state_ == twin.state_
    np.testing.assert_array_equal(output(model, name), output(twin, name))


def test_divergence_is_an_error_and_changes_nothing():
    model = OnlineCCA(2, eta0=0.1, tau=30.0, scale=None, ridge=0.0, random_state=0).fit(X[:300], Y[:300])
    before, seen, mean = model.state_.copy(), model.n_samples_seen_, model.x_mean_.copy()
    with pytest.raises(DivergenceError, match=r"eta0=0.1.*RMS norm"):
        model.partial_fit(1e3 * X[300:], 1e3 * Y[300:])
    assert model.state_ == before
    assert model.n_samples_seen_ == seen
    np.testing.assert_array_equal(model.x_mean_, mean)


@pytest.mark.parametrize(
    "params", [{"eta0": 0.6}, {"eta0": 0.3, "tau": 0.2}, {"eta0": -1.0}, {"solver": "magic"}, {"scale": 3}]
)
def test_a_step_or_word_that_cannot_work_is_refused(params):
    with pytest.raises(InputError):
        SimilarityMatching(2, random_state=0, **params).fit(X)
