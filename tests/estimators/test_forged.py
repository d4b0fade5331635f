"""Forged model files, whose checksums are right, are refused, or hold models that work."""

from __future__ import annotations

import copy
import json
import os

import numpy as np
import pytest
from tests import forge, mutations
from tests.laws.estimators import CASES

from similis import NeuralKalmanFilter, load, save
from similis._errors import DivergenceError, ModelFileError, SimilisError
from similis._schema import Stored

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


def _far(header, arrays):
    arrays["members/kernel0.0:own"] = arrays["members/kernel0.0:own"] + np.float32(80)


#: lies about other models, by their names
OTHERS = {
    "a read-out of no moments": ("local-classifier", lambda h, a: a.update(second=a["second"] * 0)),
    "a read-out of moments below 0": ("local-regressor", lambda h, a: a.update(second=-a["second"])),
    "a neuron of no power": ("motion", lambda h, a: a.update(M=a["M"] - np.diag(a["M"].diagonal()))),
    "a layer of no power": ("conv", lambda h, a: a.update(M=a["M"] * 1e-300)),
    "a layer that has no minimum": ("conv", lambda h, a: a.update(M=_indefinite(a["M"]))),
    "a number of 64 bits": ("conv-labels", lambda h, a: h["params"].update(l1=2**63)),
    "a coordinate without end": ("nomad", lambda h, a: a.update(embedding_=a["embedding_"] + np.inf)),
    "a coordinate beyond squares": ("nomad", lambda h, a: a.update(embedding_=a["embedding_"] * 1e200)),
    "a likelihood without end": ("empirical-bayes", lambda h, a: h["meta"].update(log_likelihood_=float("inf"))),
    "a layer of a training": ("layers", lambda h, a: a.update({"0.M": a["0.M"] * 0})),
    "a number of a training": ("layers", lambda h, a: a.update({"2.V": a["2.V"] + np.float32(np.nan)})),
    "more of a training": ("layers", lambda h, a: a.update(more=a["0.M"])),
    "a training of integers": ("layers", lambda h, a: a.update({"0.W": a["0.W"].astype(int)})),
    "a history of a training": ("layers", lambda h, a: h["meta"].update(history=10**9)),
    "a seed of a fit": ("unfinished-tc", lambda h, a: h["meta"]["seed"].update(seed=2**40)),
    "a similarity of a fit": ("unfinished-tc", _far),
    "rounds of a fit": ("distributed", lambda h, a: h["progress"].update(rounds=-1)),
    "another kind": ("layers", lambda h, a: h.update({"class": "SimilarityMatching"})),
}  # fmt: skip


def _indefinite(M):
    """Entries and minors of two are those of a mean of y y', its least eigenvalue is below 0."""
    M = np.eye(len(M), dtype=M.dtype)
    M[:3, :3] = [[1, 0.9, 0], [0.9, 1, 0.9], [0, 0.9, 1]]
    return M


@pytest.mark.parametrize("lie", LIES)
def test_lies_about_a_network_are_refused(files, tmp_path, lie):
    header, arrays = mutations.parts(files["psp"][0])
    LIES[lie](header, arrays)
    (tmp_path / "m").write_bytes(mutations.joined(header, arrays))
    with pytest.raises(ModelFileError):
        load(tmp_path / "m")


@pytest.mark.parametrize("lie", OTHERS)
def test_lies_about_others_are_refused(files, tmp_path, lie):
    name, change = OTHERS[lie]
    path, target = files[name]
    header, arrays = mutations.parts(path)
    change(header, arrays)
    (tmp_path / "m").write_bytes(mutations.joined(header, arrays))
    with pytest.raises(ModelFileError):
        target.read(tmp_path / "m")


@pytest.mark.parametrize("factor", [1e-300, 1e-30, 1e10, 1e15, 1e18, 1e30, 1e100, 1e150])
def test_weights_of_any_size_are_refused_or_work(files, tmp_path, factor):
    for name, (path, target) in files.items():
        header, arrays = mutations.parts(path)
        with np.errstate(all="ignore"):
            scaled = {key: a * a.dtype.type(factor) for key, a in arrays.items() if a.dtype.kind == "f"}
        for change in ({}, *({key: array} for key, array in scaled.items()), scaled):
            (tmp_path / "m").write_bytes(mutations.joined(copy.deepcopy(header), arrays | change))
            said = forge.outcome(tmp_path / "m", target)
            assert said in ("refused", "works"), (name, list(change), said)


def _with(key, value, at=...):
    """Numbers of an array are another one."""

    def change(header, arrays):
        arrays[key] = arrays[key].copy()
        arrays[key][at] = value

    return change


#: numbers that overflow only when a model is used or learns on
LARGE = {
    "the curvature of rows": ("dual-online", _with("power", 1e308)),
    "the mass of an average": ("dual-online", _with("power", 1e308, 1)),
    "a covariance": ("rrr-exact", _with("moments.scatter", 1e308, (0, 6))),
    "moments of outputs": ("cca-adaptive", _with("outputs", 1e308)),
    "multipliers": ("unfinished-low-rank", _with("layer0/low-rank:z", 1e30, 0)),
    "a similarity": ("unfinished-tc", _with("members/kernel0.0:shared", 80.0)),
}


@pytest.mark.parametrize("lie", LARGE)
def test_large_numbers_are_refused_or_work(files, tmp_path, lie):
    name, change = LARGE[lie]
    path, target = files[name]
    header, arrays = mutations.parts(path)
    change(header, arrays)
    (tmp_path / "m").write_bytes(mutations.joined(header, arrays))
    assert forge.outcome(tmp_path / "m", target) in ("refused", "works")


@pytest.mark.parametrize("unit", [1e-100, 1e100])
@pytest.mark.parametrize("name", CASES)
def test_models_in_any_unit_that_learns_are_saved_whole(name, unit, tmp_path):
    """What learns from rows of such a size is read again: squares are limited less than what is squared."""
    X, *beside = CASES[name].rows()
    with np.errstate(all="ignore"):
        try:
            model = CASES[name].make().fit(X * unit, *(y * unit if y.dtype.kind == "f" else y for y in beside))
        except SimilisError:
            return
    save(model, tmp_path / "m")
    assert type(load(tmp_path / "m")) is type(model)


def test_text_of_labels_is_no_larger_than_the_file(files, tmp_path):
    header, arrays = mutations.parts(files["dual-classifier"][0])
    for dtype in ("<U500000000", "V9"):
        header["meta"]["classes"]["dtype"] = dtype
        (tmp_path / "m").write_bytes(mutations.joined(header, arrays))
        with pytest.raises(ModelFileError, match="classes"):
            load(tmp_path / "m")


def test_a_controller_needs_a_baseline(files, tmp_path):
    header, arrays = mutations.parts(files["controller"][0])
    (tmp_path / "m").write_bytes(mutations.joined(header, arrays | {"baseline": arrays["baseline"][:0]}))
    with pytest.raises(ModelFileError, match="baseline"):
        load(tmp_path / "m")


def test_names_come_once(files, tmp_path):
    header, arrays = mutations.parts(files["psp"][0])
    (tmp_path / "m").write_bytes(
        mutations.joined(header, arrays, lambda text: text.replace('"t": ', '"t": 1, "t": ', 1))
    )
    with pytest.raises(ModelFileError, match="twice"):
        load(tmp_path / "m")


def test_steps_of_settling_have_an_end(files, tmp_path):
    header, arrays = mutations.parts(files["conv"][0])
    header["params"]["iterations"] = 10**15
    (tmp_path / "m").write_bytes(mutations.joined(header, arrays))
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
