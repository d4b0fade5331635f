"""Every network of the catalogue, by its name, from a file of data to a file of outputs or predictions."""

from __future__ import annotations

import numpy as np
import pytest

from similis import estimators, load
from similis.estimators._params import passes
from similis.networks import catalogue

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 240)
X = np.abs(3 * np.eye(3)[LABELS] @ RNG.random((3, 6)) + 0.3 * RNG.standard_normal((240, 6)))
TARGETS = X[:, :2] @ RNG.standard_normal((2, 2)) + 0.1 * RNG.standard_normal((240, 2))
BESIDE = {"view": X[:, :4] + 0.1 * RNG.standard_normal((240, 4)), "target": TARGETS, "labels": LABELS}
FITS = [
    (name, kind)
    for name, card in catalogue().items()
    if card.data not in ("episodes", "formulas")
    for kind in (card.estimator, card.classifier)
    if kind
]


@pytest.mark.parametrize(("name", "kind"), FITS)
def test_fit_then_outputs_predictions_and_score(similis, tmp_path, name, kind):
    estimator = getattr(estimators, kind)
    np.save(tmp_path / "x.npy", X)
    beside = []
    if estimator.beside_x is not None:
        np.save(tmp_path / "y.npy", BESIDE[estimator.beside_x])
        beside = ["--y-data", tmp_path / "y.npy"]
    labels = ["--labels"] if kind == catalogue()[name].classifier else []
    size = ["-k", 2] if "n_components" in estimator().get_params() else []
    similis("fit", name, tmp_path / "x.npy", *beside, *labels, *size, "-o", tmp_path / "m", "--block-rows", 100)
    model = load(tmp_path / "m")
    assert type(model) is estimator
    assert model.n_samples_seen_ in (240, 240 * passes("auto", 240))
    if hasattr(estimator, "transform"):
        views = beside if estimator.beside_x == "view" else []
        similis("transform", tmp_path / "m", tmp_path / "x.npy", *views, "-o", tmp_path / "z.npy")
        Z = np.load(tmp_path / "z.npy")
        expected = model.transform(*((X, BESIDE["view"]) if views else (X,)))
        np.testing.assert_allclose(Z, sum(expected) if views else expected, atol=1e-9 * np.abs(Z).max())
    if hasattr(estimator, "predict"):
        similis("predict", tmp_path / "m", tmp_path / "x.npy", "-o", tmp_path / "p.npy")
        np.testing.assert_allclose(np.load(tmp_path / "p.npy"), model.predict(X).reshape(240, -1), rtol=1e-9)
    score = similis("score", tmp_path / "m", tmp_path / "x.npy", *beside, "--json").json["score"]
    assert np.isfinite(score)
