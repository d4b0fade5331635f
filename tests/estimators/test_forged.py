"""Forged model files, whose checksums are right, are refused, or hold models that work."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from tests import forge

from similis import NeuralKalmanFilter, load
from similis._errors import DivergenceError, ModelFileError
from similis.estimators._schema import Stored

#: lies about a model of three neurons that hears six features: what is done to its header and arrays
LIES = {
    "weights of one column": lambda h, a: a.update({"W.x": a["W.x"][:, :1], "mean.x": a["mean.x"][:1]}),
    "4,000 features": lambda h, a: h["meta"].update(n_features_in_=4000),
    "other layout": lambda h, a: h.pop("fortran"),
    "endless": lambda h, a: h["meta"].update(t=float("inf")),
    "as text": lambda h, a: h["meta"].update(t="7"),
    "20,000 neurons": lambda h, a: h["meta"]["circuit"].update(size=20_000),
    "20,000 components": lambda h, a: h["params"].update(n_components=20_000),
    "weights that are no numbers": lambda h, a: a.update(M=a["M"] * np.nan),
    "weights beyond squares": lambda h, a: a.update({"W.x": a["W.x"] * 1e200}),
    "a negative power": lambda h, a: h["meta"]["running"]["x"].update(power=-1.0),
    "a step beyond floats": lambda h, a: h["params"].update(eta0=10**400),
    "singular": lambda h, a: a.update(M=np.zeros_like(a["M"])),
    "another inverse": lambda h, a: a.update(Minv=np.eye(2)),
    "single precision": lambda h, a: a.update(M=a["M"].astype(np.float32)),
    "an array more": lambda h, a: a.update(more=a["M"]),
    "a name more": lambda h, a: h["meta"].update(more=1),
    "a parameter less": lambda h, a: h["params"].pop("tau"),
    "a seed below 0": lambda h, a: h["params"].update(random_state=-1),
    "names of other columns": lambda h, a: h["meta"].update(feature_names_in_=["a"]),
    "a list of lists": lambda h, a: h.update(progress=[[]] * 100_000),
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return forge.saved(tmp_path_factory.mktemp("models"), slow=False)


@pytest.mark.parametrize("lie", LIES)
def test_lies_about_a_network_are_refused(files, tmp_path, lie):
    header, arrays = forge.parts(files["psp"][0])
    LIES[lie](header, arrays)
    (tmp_path / "m").write_bytes(forge.joined(header, arrays))
    with pytest.raises(ModelFileError):
        load(tmp_path / "m")


def test_text_of_labels_is_no_larger_than_the_file(files, tmp_path):
    header, arrays = forge.parts(files["dual-classifier"][0])
    for dtype in ("<U500000000", "V9"):
        header["meta"]["classes"]["dtype"] = dtype
        (tmp_path / "m").write_bytes(forge.joined(header, arrays))
        with pytest.raises(ModelFileError, match="classes"):
            load(tmp_path / "m")


def test_a_controller_needs_a_baseline(files, tmp_path):
    header, arrays = forge.parts(files["controller"][0])
    (tmp_path / "m").write_bytes(forge.joined(header, arrays | {"baseline": arrays["baseline"][:0]}))
    with pytest.raises(ModelFileError, match="baseline"):
        load(tmp_path / "m")


def test_names_come_once(files, tmp_path):
    header, arrays = forge.parts(files["psp"][0])
    (tmp_path / "m").write_bytes(forge.joined(header, arrays, lambda text: text.replace('"t": ', '"t": 1, "t": ', 1)))
    with pytest.raises(ModelFileError, match="twice"):
        load(tmp_path / "m")


def test_steps_of_settling_have_an_end(files, tmp_path):
    header, arrays = forge.parts(files["conv"][0])
    header["params"]["iterations"] = 10**15
    (tmp_path / "m").write_bytes(forge.joined(header, arrays))
    with pytest.raises(ModelFileError, match="iterations"):
        load(tmp_path / "m")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the files are used in processes that may crash")
def test_forged_files_are_refused_or_work(files):
    said = [found for found in forge.attack(files, seed=0, n=250) if found[3] not in ("refused", "works")]
    assert not said, json.dumps(said[:5], indent=1)


@pytest.mark.parametrize("size", [np.inf, -np.inf, np.nan])
def test_an_array_of_any_size_is_still_finite(size):
    """``largest=inf`` lifts the limit of what can be squared, not that of what is a number."""
    stored = Stored({"X": np.array([[1.0, size]])}, {})
    with pytest.raises(ModelFileError, match="X"):
        stored.array("X", 1, 2, largest=np.inf)


def test_a_filter_whose_predictions_overflow_says_so():
    model = NeuralKalmanFilter(rule="published", random_state=0).fit(
        np.random.default_rng(0).standard_normal((300, 2)).cumsum(0) % 3
    )
    big = {name: np.full((2, 2), 1e30) for name in ("A", "mean.A")}
    model._state = model._state | big
    with pytest.raises(DivergenceError, match="diverged"):
        model.predict(np.ones((400, 2)) * [1.0, 2.0])
