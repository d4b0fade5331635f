"""The semi-supervised classifier: labels that spread along manifolds, streams with rare labels, the rule of layer 2."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_moons
from sklearn.neighbors import KNeighborsClassifier
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from similis import ManifoldClassifier, load, save
from similis._errors import InputError
from similis.circuit import State
from similis.engine import reference, run
from similis.networks import label_propagation


def moons(seed: int, per_class: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X, y = make_moons(2000, noise=0.08, random_state=seed)
    labels, rng = np.full(2000, -1), np.random.default_rng(seed)
    for c in (0, 1):
        labels[rng.choice(np.flatnonzero(y == c), per_class, replace=False)] = c
    return X, y, labels


@parametrize_with_checks(
    [ManifoldClassifier()],
    expected_failed_checks=lambda _: {"check_classifiers_classes": "its labels are -1 and 1, and -1 means unlabelled"},
)
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("seed", range(6))
def test_one_label_a_moon_is_enough_wherever_the_origin_is(seed):
    X, y, labels = moons(seed)
    model = ManifoldClassifier(48, n_epochs=6, n_replays=30, random_state=seed)
    assert model.fit(X, labels).score(X, y) > 0.99
    assert model.fit(X + 50, labels).score(X + 50, y) > 0.99


def test_as_many_tiles_as_rows_and_features_ask_for():
    """Digits, 10 labels a class: at its defaults within two points of the better of scikit-learn's two roads."""
    X, y = load_digits(return_X_y=True)
    gaps = []
    for seed in range(3):
        labels, rng = np.full(len(y), -1), np.random.default_rng(seed)
        for c in range(10):
            labels[rng.choice(np.flatnonzero(y == c), 10, replace=False)] = c
        rest = labels == -1
        model = ManifoldClassifier(random_state=seed).fit(X, labels)
        assert model.n_tiles_ == 1797 // 6
        spreading = LabelSpreading(kernel="knn", n_neighbors=10).fit(X, labels).transduction_
        training = SelfTrainingClassifier(KNeighborsClassifier(3)).fit(X, labels).predict(X)
        theirs = max(np.mean(found[rest] == y[rest]) for found in (spreading, training))
        gaps.append(theirs - np.mean(model.predict(X[rest]) == y[rest]))
    assert np.mean(gaps) < 0.02
    plane, _, few = moons(0)
    assert ManifoldClassifier(n_epochs=1, n_replays=1).fit(plane, few).n_tiles_ == 50
    assert ManifoldClassifier().partial_fit(X[:1], y[:1]).n_tiles_ == 400
    with pytest.raises(InputError, match="fitted with"):
        model.set_params(n_components=20).partial_fit(X, labels)


def test_layer_2_is_a_row_of_the_table():
    """z = V s without a label and z = l with one, exactly; the rule moves columns of V towards z by 2 eta s_j."""
    rng = np.random.default_rng(0)
    V, S = rng.dirichlet(np.ones(3), 7).T, rng.dirichlet(np.ones(7), 20)
    L, spoken = np.eye(3)[rng.integers(3, size=20)], np.arange(20) % 4 == 0
    circuit = label_propagation(3, emphasis=1.0)
    start = State({"x": V, "label": np.eye(3)}, np.eye(3))
    for engine in (run, reference.run):
        Z, state = engine(circuit, start, {"x": S, "label": L}, present={"label": spoken})
        W = V.copy()
        for s, label, told, z in zip(S, L, spoken, Z, strict=True):
            np.testing.assert_allclose(z, label if told else W @ s, atol=1e-12)
            W += 2 * circuit.step.eta0 * s * (z[:, None] - W)
        np.testing.assert_allclose(state.W["x"], W, atol=1e-12)
        np.testing.assert_allclose(W.sum(0), 1)
        np.testing.assert_array_equal(state.W["label"], np.eye(3))


def test_a_stream_with_rare_labels_is_learned_as_it_comes():
    X, y, _ = moons(0)
    order = np.random.default_rng(0).permutation(np.tile(np.arange(2000), 10))
    labels = np.where(np.arange(20_000) % 200 == 150, y[order], -1)
    model = ManifoldClassifier(48, random_state=0)
    assert model.partial_fit(X[order][:30], labels[:30]).n_samples_seen_ == 30  # fewer samples than tiles, no label
    with pytest.raises(InputError, match="no label was seen"):
        model.predict(X)
    for start in range(30, 20_000, 997):
        model.partial_fit(X[order][start : start + 997], labels[start : start + 997])
    assert model.n_samples_seen_ == 20_000
    assert model.score(X, y) > 0.99


def test_pieces_equal_one_pass_where_layers_learn_together():
    X, _, labels = moons(1, 20)
    whole = ManifoldClassifier(20, n_epochs=1, n_replays=0, shuffle=False, random_state=0).fit(X, labels)
    for cuts in ((7, 19, 400), (20,), (1, 2, 3, 1999)):
        pieces = ManifoldClassifier(20, random_state=0)
        for start, stop in zip((0, *cuts), (*cuts, 2000), strict=True):
            pieces.partial_fit(X[start:stop], labels[start:stop], classes=[0, 1])
        np.testing.assert_allclose(pieces.predict_proba(X), whole.predict_proba(X), atol=1e-9)


def test_a_class_whose_labels_come_late_joins():
    X, y, _ = moons(2)
    model = ManifoldClassifier(40, random_state=0).partial_fit(X, np.where(y == 0, 0, -1))
    np.testing.assert_array_equal(model.classes_, [0])
    assert (model.predict(X) == 0).all()
    model.partial_fit(X, y)
    np.testing.assert_array_equal(model.classes_, [0, 1])
    np.testing.assert_allclose(model.tile_proba_.sum(1), 1)
    assert model.score(X, y) > 0.95


@pytest.mark.parametrize("rows", [10, 2000])  # held back, and begun
def test_a_saved_model_continues_bit_for_bit(rows, tmp_path):
    X, y, labels = moons(3, 5)
    labels[:2] = y[:2]
    model = ManifoldClassifier(30, random_state=0).partial_fit(X[:rows], labels[:rows], classes=[0, 1])
    save(model, tmp_path / "m")
    twin = load(tmp_path / "m")
    np.testing.assert_array_equal(twin.predict_proba(X), model.predict_proba(X))
    for estimator in (model, twin):
        estimator.partial_fit(X, labels)
    np.testing.assert_array_equal(twin.predict_proba(X), model.predict_proba(X))


def test_text_labels_and_single_precision():
    X, y, _ = moons(4)
    names = np.array(["lower", "upper"])[y]
    model = ManifoldClassifier(30, random_state=0).fit(X.astype(np.float32), names)
    assert model.score(X, names) > 0.99
    assert model.tiles_.dtype == np.float32


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"n_components": 0}, "n_components=0"), ({"sharpness": 0.0}, "sharpness=0"), ({"eta0": 0.5}, "eta0=0.5"),
        ({"emphasis": 0.5}, "emphasis=0.5"), ({"scale": 3}, "scale=3"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(params, match):
    X, _, labels = moons(0)
    with pytest.raises(InputError, match=match):
        ManifoldClassifier(**params).fit(X, labels)


def test_a_fit_without_any_label_is_refused():
    X, _, labels = moons(0)
    with pytest.raises(InputError, match="no sample has a label"):
        ManifoldClassifier().fit(X, np.full_like(labels, -1))
