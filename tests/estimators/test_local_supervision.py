"""Local supervision: scikit-learn's checks, the optimum of the linear network, labels, both read-outs."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_circles
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from similis import (
    LocalSupervisionClassifier,
    LocalSupervisionRegressor,
    ReducedRankRegression,
    load,
    save,
)
from similis._errors import InputError
from similis.datasets import correlated_views

DIGITS, LABELS = load_digits(return_X_y=True)
FAST = {"eta0": 2.0, "target_rate": 5e-4, "tau": 400.0, "decay": 1e-5}  # ten balanced classes


@parametrize_with_checks(
    [
        LocalSupervisionClassifier(8),
        LocalSupervisionClassifier(8, readout="own"),
        LocalSupervisionRegressor(8),
        LocalSupervisionRegressor(1, linear=True),
    ]
)
def test_scikit_learn(estimator, check):
    check(estimator)


def test_the_linear_network_reaches_the_optimum_of_two_linear_layers():
    X, Y, *_ = correlated_views(20_000, 12, 7, 4, random_state=0)
    exact = ReducedRankRegression(3, solver="exact").fit(X, Y)
    model = LocalSupervisionRegressor(3, linear=True, readout="own", n_epochs=5, decay=1e-4, random_state=0)
    assert model.fit(X, Y).score(X, Y) > 0.97 * exact.score(X, Y)


def test_rectified_units_do_what_no_linear_map_can():
    """One ring inside another: no line tells them apart, every start of the network does (the worst of eight: 77 %)."""
    X, y = make_circles(4000, noise=0.05, factor=0.4, random_state=0)
    scores = [
        LocalSupervisionClassifier(32, n_epochs=10, shuffle=True, random_state=seed).fit(X, y).score(X, y)
        for seed in range(4)
    ]
    assert LogisticRegression().fit(X, y).score(X, y) < 0.55
    assert min(scores) > 0.7
    assert np.median(scores) > 0.85


@pytest.mark.parametrize("readout", ["own", "least-squares"])
def test_held_out_digits(readout):
    model = LocalSupervisionClassifier(64, readout=readout, n_epochs=60, shuffle=True, random_state=0, **FAST)
    assert cross_val_score(model, DIGITS, LABELS, cv=3).min() > 0.9


def test_the_least_squares_read_out_is_least_squares_of_the_latest_outputs():
    model = LocalSupervisionClassifier(16, readout="least-squares", n_epochs=40, random_state=0, decay=1e-3)
    model.fit(DIGITS, LABELS)
    again = LinearRegression().fit(model.transform(DIGITS), np.eye(10)[LABELS])
    own = LocalSupervisionClassifier(16, readout="own", n_epochs=40, random_state=0, decay=1e-3).fit(DIGITS, LABELS)

    def apart(scores):
        return float(((scores - again.predict(model.transform(DIGITS))) ** 2).mean())

    assert apart(model.decision_function(DIGITS)) < 0.2 * apart(own.decision_function(DIGITS))


def test_the_default_reads_what_one_pass_has_learned():
    """One pass over digits: about what least squares on the final outputs reads; the own read-out is far behind."""
    order = np.random.default_rng(0).permutation(len(DIGITS))
    X, y, held, truth = DIGITS[order[600:]], LABELS[order[600:]], DIGITS[order[:600]], LABELS[order[:600]]
    model = LocalSupervisionClassifier(random_state=0).fit(X, y)
    own = LocalSupervisionClassifier(readout="own", random_state=0).fit(X, y)
    np.testing.assert_allclose(model.transform(held), own.transform(held))  # the same network
    best = LinearRegression().fit(model.transform(X), np.eye(10)[y]).predict(model.transform(held)).argmax(1)
    assert model.score(held, truth) > np.mean(best == truth) - 0.07
    assert model.score(held, truth) > own.score(held, truth) + 0.05
    assert model.refit(X, y).score(held, truth) > np.mean(best == truth) - 0.01


def test_decoupled_interneurons_that_start_alike_stay_alike():
    one = LocalSupervisionClassifier(8, random_state=0).fit(DIGITS, LABELS)
    two = LocalSupervisionClassifier(8, decoupled=True, random_state=0).fit(DIGITS, LABELS)
    np.testing.assert_allclose(two.state_.R, two.state_.P.T, atol=1e-10)
    np.testing.assert_allclose(two.transform(DIGITS), one.transform(DIGITS), atol=1e-6)


def test_labels_of_any_kind_and_classes_that_come_later():
    words = np.array(["zero", "one", "two"])[LABELS[LABELS < 3]]
    X = DIGITS[LABELS < 3]
    model = LocalSupervisionClassifier(8, n_epochs=20, random_state=0).fit(X, words)
    assert list(model.classes_) == ["one", "two", "zero"]
    assert model.score(X, words) > 0.9
    first = LocalSupervisionClassifier(8, random_state=0).partial_fit(X[:1], words[:1], classes=np.unique(words))
    assert first.partial_fit(X[1:], words[1:]).n_samples_seen_ == len(X)
    with pytest.raises(InputError, match="name all classes"):
        LocalSupervisionClassifier(8, random_state=0).partial_fit(X[:1], words[:1]).partial_fit(X, words)
    with pytest.raises(InputError, match="the model knows"):
        first.partial_fit(X, words, classes=["one", "four"])
    assert not hasattr(model, "predict_proba")


def test_two_classes_are_decided_by_a_sign():
    X, y = DIGITS[LABELS < 2], LABELS[LABELS < 2]
    model = LocalSupervisionClassifier(4, n_epochs=5, random_state=0).fit(X, y)
    scores = model.decision_function(X)
    assert scores.shape == (len(X),)
    np.testing.assert_array_equal(model.predict(X), (scores > 0).astype(int))


@pytest.mark.parametrize("readout", ["own", "least-squares"])
def test_a_saved_classifier_continues_bit_for_bit(readout, tmp_path):
    words = np.array([f"digit {label}" for label in LABELS])
    model = LocalSupervisionClassifier(8, readout=readout, decoupled=True, random_state=0)
    model.partial_fit(DIGITS[:900], words[:900], classes=np.unique(words))
    save(model, tmp_path / "m.safetensors")
    twin = load(tmp_path / "m.safetensors")
    for each in (model, twin):
        each.partial_fit(DIGITS[900:], words[900:])
    np.testing.assert_array_equal(twin.classes_, model.classes_)
    np.testing.assert_array_equal(twin.decision_function(DIGITS), model.decision_function(DIGITS))


def test_a_failed_fit_changes_nothing():
    model = LocalSupervisionRegressor(4, readout="least-squares", scale=None, random_state=0)
    model.fit(DIGITS[:200] / 70, DIGITS[:200, :2] / 16)
    before = model.predict(DIGITS)
    with pytest.raises(Exception, match="diverged"):
        model.partial_fit(1e3 * DIGITS, 1e3 * DIGITS[:, :2])
    np.testing.assert_array_equal(model.predict(DIGITS), before)


@pytest.mark.parametrize(
    ("params", "match"), [({"readout": "softmax"}, "readout='softmax'"), ({"n_components": 0}, "n_components=0")]
)
def test_what_cannot_work_is_refused(params, match):
    with pytest.raises(InputError, match=match):
        LocalSupervisionClassifier(**params).fit(DIGITS, LABELS)


def test_the_read_out_can_be_fitted_again_on_the_final_weights():
    """refit is least squares of one-hot labels on the outputs: numpy's solver finds the same predictions."""
    model = LocalSupervisionClassifier(16, readout="least-squares", ridge=0.3, n_epochs=10, random_state=0, **FAST)
    model.fit(DIGITS, LABELS)
    before = model.predict(DIGITS)
    model.refit(DIGITS, LABELS)
    heard = np.column_stack([model.transform(DIGITS), np.ones(len(DIGITS))])
    read = np.linalg.lstsq(heard, np.eye(10)[LABELS], rcond=None)[0]
    assert np.mean(model.predict(DIGITS) == (heard @ read).argmax(1)) > 0.999
    assert np.mean(model.predict(DIGITS) == LABELS) > np.mean(before == LABELS)
    with pytest.raises(InputError, match="expected 'least-squares'"):
        LocalSupervisionClassifier(4, readout="own", random_state=0).fit(DIGITS, LABELS).refit(DIGITS, LABELS)
