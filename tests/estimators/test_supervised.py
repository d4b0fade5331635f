"""Supervised similarity matching: exact spectra of the objective, labels that come late, layers that stack."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from similis import NonnegativeSimilarityMatching, SupervisedSimilarityMatching
from similis._errors import InputError
from similis.circuit import Box, Step, init
from similis.engine import reference, run
from similis.metrics import canonical_correlations
from similis.networks import supervised_similarity

X, Y = load_digits(return_X_y=True)


@parametrize_with_checks([SupervisedSimilarityMatching()])
def test_scikit_learn(estimator, check):
    check(estimator)


def labelled_gaussians(T: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Three classes of unequal frequency in six dimensions, and their one-hot labels."""
    rng = np.random.default_rng(0)
    labels = np.eye(3)[rng.choice(3, T, p=[0.5, 0.3, 0.2])]
    X = labels @ rng.standard_normal((3, 6)) + rng.standard_normal((T, 6)) * [1.5, 1.2, 0.9, 0.6, 0.4, 0.3]
    return X - X.mean(0), labels


def converged(circuit, streams, epochs=80):
    """The network after many passes; the latest weights, with a step that has become small."""
    state = init(circuit, {name: S.shape[1] for name, S in streams.items()}, 0, gain={"label": 0.3})
    rng = np.random.default_rng(1)
    for _ in range(epochs):
        order = rng.permutation(len(streams["x"]))
        _, state = run(circuit, state, {name: S[order] for name, S in streams.items()})
    return run(circuit, state, streams, learn=False)[0], state


@pytest.mark.parametrize("alpha", [0.3, 2.0])
def test_outputs_have_the_top_eigenvalues_of_inputs_and_whitened_labels(alpha):
    X, L = labelled_gaussians()
    whitened = L / np.sqrt(L.mean(0))
    joint = np.hstack([X, np.sqrt(alpha) * whitened])  # its Gram is X'X + alpha L' C_ll^-1 L
    exact = np.linalg.eigvalsh(joint.T @ joint / len(X))[::-1][:4]
    circuit = supervised_similarity(4, alpha=alpha, domain=Box(), step=Step(0.05, 0.01))
    Z, state = converged(circuit, {"x": X, "label": L})
    np.testing.assert_allclose(np.linalg.eigvalsh(Z.T @ Z / len(Z))[::-1], exact, rtol=1e-3)
    np.testing.assert_allclose(np.linalg.eigvalsh(state.M)[::-1], exact, rtol=0.02)


def test_whitening_both_streams_is_canonical_correlation():
    X, L = labelled_gaussians()
    rho = canonical_correlations(X, L[:, :2] - L[:, :2].mean(0))  # the third label is one minus the others
    circuit = supervised_similarity(2, alpha=1.0, whiten=True, domain=Box(), tau=5.0, step=Step(0.1, 0.01))
    Z, _ = converged(circuit, {"x": X, "label": (L - L.mean(0))[:, :2]})
    np.testing.assert_allclose(np.linalg.eigvalsh(Z.T @ Z / len(Z))[::-1], 1 + rho[:2], rtol=1e-3)


def test_label_synapses_hold_the_class_means():
    model = SupervisedSimilarityMatching(8, alpha=0.2, n_epochs=60, shuffle=True, decay=0.003, random_state=0).fit(X, Y)
    rows = {"x": X / model.scale_, "label": np.eye(10)[Y]}
    Z = run(model.circuit_, model.state_, rows, learn=False)[0] * model.scale_
    means = np.array([Z[c == Y].mean(0) for c in range(10)])
    np.testing.assert_allclose(model.class_means_, means, atol=0.03 * means.max())


def test_unlabelled_samples_are_samples_without_a_label_channel():
    some = np.where(np.random.default_rng(0).random(len(Y)) < 0.3, Y, -1)
    model = SupervisedSimilarityMatching(5, scale=None, eta0=1e-4, shuffle=False, n_epochs=1, random_state=0).fit(
        X, some
    )
    start = init(model.circuit_, {"x": 64, "label": 10}, 0, gain={"label": 0.0})
    rows = {"x": X, "label": np.eye(10)[Y]}  # the labels of silent samples are there, and must not be heard
    _, state = reference.run(model.circuit_, start, rows, present={"label": some != -1})
    for name in ("x", "label"):
        np.testing.assert_allclose(model.state_.W[name], state.W[name], rtol=1e-9, atol=1e-12)


def test_a_class_that_comes_late_joins_as_if_it_had_been_known():
    order = np.argsort(Y, kind="stable")
    whole = SupervisedSimilarityMatching(6, shuffle=False, n_epochs=1, random_state=0).fit(X[order], Y[order])
    pieces = SupervisedSimilarityMatching(6, random_state=0).partial_fit(X[: 0 + 1] * 0 + X[order][:1], [-1])
    assert pieces.classes_.size == 0
    pieces = SupervisedSimilarityMatching(6, random_state=0)
    for start in range(0, len(X), 150):
        pieces.partial_fit(X[order][start : start + 150], Y[order][start : start + 150])
    np.testing.assert_array_equal(pieces.classes_, np.arange(10))
    np.testing.assert_allclose(pieces.transform(X), whole.transform(X), atol=1e-9)
    first = SupervisedSimilarityMatching(6, random_state=0).partial_fit(X[order][::-1][:200], Y[order][::-1][:200])
    assert set(first.classes_) == {8, 9}
    first.partial_fit(X[order][:200], Y[order][:200])  # 0 and 1 come before 8 and 9
    assert set(first.classes_) == {0, 1, 8, 9}
    assert (np.abs(first.class_means_).sum(1) > 0).all()


def test_text_labels_and_announced_classes():
    names = np.array([f"digit {c}" for c in Y])
    numbers = SupervisedSimilarityMatching(4, shuffle=False, n_epochs=1, random_state=0).fit(X, Y)
    words = SupervisedSimilarityMatching(4, random_state=0).partial_fit(X, names, classes=np.unique(names))
    assert list(words.classes_[:2]) == ["digit 0", "digit 1"]
    np.testing.assert_array_equal(words.transform(X), numbers.transform(X))
    assert words.score(X, names) == pytest.approx(numbers.score(X, Y))
    with pytest.raises(InputError, match="text here and numbers there"):
        words.partial_fit(X, Y)


def test_labels_help_a_linear_read_out_of_few_neurons():
    learn, held, y, y_held = train_test_split(X, Y, test_size=1 / 3, random_state=0, stratify=Y)
    options = {"n_epochs": 10, "shuffle": True, "random_state": 0}

    def accuracy(*layers) -> float:
        return make_pipeline(*layers, RidgeClassifier(1e-3)).fit(learn, y).score(held, y_held)

    for first in ((), (NonnegativeSimilarityMatching(32, **options),)):  # one layer, and the second of two
        told, untold = (
            accuracy(*first, kind(10, **options))
            for kind in (SupervisedSimilarityMatching, NonnegativeSimilarityMatching)
        )
        assert told > untold + 0.02


def test_a_pipeline_learns_from_outputs_without_the_label():
    model = SupervisedSimilarityMatching(5, random_state=0)
    np.testing.assert_array_equal(model.fit_transform(X, Y), model.transform(X))


def test_score_is_the_share_of_similarities_kept():
    model = SupervisedSimilarityMatching(12, n_epochs=10, shuffle=True, random_state=0).fit(X, Y)
    rows = {"x": X / model.scale_, "label": np.eye(10)[Y]}
    Z = run(model.circuit_, model.state_, rows, learn=False)[0][:300]
    L, x = np.eye(10)[Y[:300]], rows["x"][:300]
    D = x @ x.T + model.alpha * (L / L.mean(0)) @ L.T
    expected = 1 - ((D - Z @ Z.T) ** 2).sum() / (D**2).sum()
    assert model.score(X[:300], Y[:300]) == pytest.approx(expected)
    assert expected > 0.95


@pytest.mark.parametrize(
    ("params", "y", "match"),
    [
        ({"alpha": 0.0}, Y, "alpha=0"),
        ({"n_components": 0}, Y, "n_components=0"),
        ({}, Y[:-1], "inconsistent numbers of samples"),
        ({}, None, "requires y"),
        ({}, Y + 0.5, "continuous"),
        ({}, np.eye(10)[Y], "1d array"),
    ],
)
def test_what_cannot_work_is_refused(params, y, match):
    with pytest.raises(ValueError, match=match):
        SupervisedSimilarityMatching(**params).fit(X, y)
