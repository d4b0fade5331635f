"""A model file is believed only when every byte of it is right."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from similis import (
    CircuitTransformer,
    DualClassifier,
    DualRegressor,
    EmpiricalBayesDenoiser,
    FlexibleSimilarityMatching,
    InContextDenoiser,
    ManifoldTiling,
    NonnegativeSimilarityMatching,
    OnlineCCA,
    SimilarityMatching,
    SupervisedSimilarityMatching,
)
from similis._errors import InputError, ModelFileError
from similis._modelfile import read, to_bytes
from similis.circuit import Box, Circuit, Neuron
from similis.estimators.persist import load, load_with_progress, save
from similis.networks import slow_features

X = np.random.default_rng(0).standard_normal((120, 6)) * [3, 2, 1, 1, 1, 1]
Y = X[:, :4] + np.random.default_rng(1).standard_normal((120, 4))
CASES = {
    "psp": (SimilarityMatching(n_components=3, random_state=0), (X,)),
    "psp-whiten-float32": (SimilarityMatching(n_components=2, whiten=True, random_state=0), (X.astype(np.float32),)),
    "psp-exact": (SimilarityMatching(n_components=2, solver="exact"), (X,)),
    "nsm": (NonnegativeSimilarityMatching(n_components=3, l1=0.01, trace_every=20, random_state=0), (X,)),
    "flexible": (FlexibleSimilarityMatching(n_components=4, trace=2, gamma=0.1, random_state=0), (X,)),
    "flexible-not-begun": (FlexibleSimilarityMatching(n_components=20, random_state=0), (X.astype(np.float32),)),
    "cca": (OnlineCCA(n_components=2, random_state=0), (X, Y)),
    "cca-adaptive": (OnlineCCA(n_components=2, rank="adaptive", random_state=0), (X, Y)),
    "dual-kernel": (DualRegressor("epsilon-insensitive", kernel="rbf", random_state=0), (X, Y[:, 0])),
    "dual-entropy-float32": (
        DualClassifier(regularizer="entropy", random_state=0),
        (X.astype(np.float32), np.array(["no", "yes", "perhaps"])[np.digitize(Y[:, 0], [-1, 1])]),
    ),
    "dual-online": (DualRegressor(regularizer="output-variance", solver="online", random_state=0), (X, Y)),
    "tiling": (ManifoldTiling(n_components=3, threshold=0.1, random_state=0), (X,)),
    "supervised": (SupervisedSimilarityMatching(n_components=3, random_state=0), (X, X[:, 0] > 0)),
    "in-context": (InContextDenoiser(attention="softmax", weights="context", random_state=0), (X,)),
    "empirical-bayes": (EmpiricalBayesDenoiser(0.5, random_state=0), (X.astype(np.float32),)),
    "circuit": (CircuitTransformer(Circuit("mine", 2, neuron=Neuron(Box(0.0, upper=2.0))), random_state=0), (X,)),
}


@pytest.fixture(params=CASES)
def fitted(request):
    estimator, views = CASES[request.param]
    return estimator.fit(*views), views


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.safetensors"
    save(SimilarityMatching(n_components=2, random_state=0).fit(X), path)
    return path


def outputs(estimator, views):
    """What a model says of data: predictions, or the outputs of its network."""
    if hasattr(estimator, "predict"):
        return estimator.predict(views[0])
    return estimator.transform(*views) if estimator.beside_x == "view" else estimator.transform(views[0])


def packed(estimator):
    arrays, meta = estimator._pack()
    return {key: (a.dtype.str, a.shape, np.isfortran(a), a.tobytes()) for key, a in arrays.items()}, json.dumps(meta)


def rewrite(path, change):
    """Alter a model file and repair its checksums, as an adversary would."""
    header, arrays = read(path)
    changed = change(header, arrays)
    path.write_bytes(to_bytes(header, arrays if changed is None else changed))


def test_a_loaded_model_is_the_saved_one(fitted, tmp_path):
    estimator, views = fitted
    save(estimator, tmp_path / "m")
    again = load(tmp_path / "m")
    assert type(again) is type(estimator)
    assert packed(again) == packed(estimator)
    assert str(again.get_params()) == str(estimator.get_params())
    np.testing.assert_array_equal(np.asarray(outputs(again, views)), np.asarray(outputs(estimator, views)))


def test_a_loaded_model_learns_on_bit_for_bit(fitted, tmp_path):
    estimator, views = fitted
    save(estimator, tmp_path / "m")
    again = load(tmp_path / "m")
    for e in (estimator, again):
        learn = getattr(e, "partial_fit", e.fit)  # what learns from a whole table begins anew
        learn(*(view[:50] for view in views))
        learn(*(view[50:51] for view in views))
    assert packed(again) == packed(estimator)


def test_the_file_names_no_code_and_holds_plain_json(model):
    from safetensors import safe_open

    with safe_open(model, "np") as file:
        header = json.loads(file.metadata()["similis"])
    assert (header["schema"], header["class"], header["progress"]) == (2, "SimilarityMatching", None)


def test_progress_travels_with_a_checkpoint(tmp_path):
    save(SimilarityMatching(random_state=0).fit(X), tmp_path / "m", progress={"rows": 7})
    assert load_with_progress(tmp_path / "m")[1] == {"rows": 7}


def test_nothing_is_overwritten_without_force(model):
    before, other = model.read_bytes(), SimilarityMatching(random_state=1).fit(X)
    with pytest.raises(InputError, match="already exists"):
        save(other, model)
    assert model.read_bytes() == before
    save(other, model, force=True)
    assert model.read_bytes() != before


@pytest.mark.parametrize("failing", ["replace", "fsync"])
def test_a_failing_disk_leaves_nothing(tmp_path, monkeypatch, failing):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, fail)
    if failing == "replace":  # as it is where files have no links
        monkeypatch.setattr(os, "link", fail)
    for force in (False, True) if failing == "replace" else (False,):
        with pytest.raises(InputError, match="No space"):
            save(SimilarityMatching(random_state=0).fit(X), tmp_path / "m", force=force)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_saved_is_refused(tmp_path):
    with pytest.raises(InputError, match="LinearRegression"):
        save(LinearRegression().fit(X, X[:, 0]), tmp_path / "m")
    with pytest.raises(NotFittedError):
        save(SimilarityMatching(), tmp_path / "m")
    with pytest.raises(InputError, match="random_state"):
        save(SimilarityMatching(random_state=np.random.RandomState(0)).fit(X), tmp_path / "m")
    with pytest.raises(InputError, match="does not exist"):
        save(SimilarityMatching(random_state=0).fit(X), tmp_path / "absent" / "m")
    assert list(tmp_path.iterdir()) == []


HOSTILE = {
    "empty": b"",
    "text": b"hello, I am not a model at all\n",
    "header longer than the file": (2**40).to_bytes(8, "little") + b"{}",
    "header of 2^64 - 1 bytes": b"\xff" * 64,
    "deeply nested": (200_000).to_bytes(8, "little") + b"[" * 200_000,
    "no JSON": (4).to_bytes(8, "little") + b"{{{{",
    "a list": (2).to_bytes(8, "little") + b"[]",
    "an array far beyond the end": (80).to_bytes(8, "little")
    + b'{"W":{"dtype":"F64","shape":[99999999999],"data_offsets":[0,799999999992]}}'.ljust(80),
    "a pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n.",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused(tmp_path, content):
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(ModelFileError, match="m "):
        load(tmp_path / "m")


def test_missing_files_and_folders_are_refused(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ModelFileError, match="cannot read"):
            load(path)


def test_a_foreign_safetensors_file_is_refused(tmp_path):
    save_file({"W": np.eye(2)}, tmp_path / "m")
    with pytest.raises(ModelFileError, match="no similis model"):
        load(tmp_path / "m")


CHANGES = {
    "unknown class": (lambda h, a: h.update({"class": "os.system"}), "expected one of"),
    "class is no name": (lambda h, a: h.update({"class": ["SimilarityMatching"]}), "not one of a model"),
    "newer schema": (lambda h, a: h.update(schema=3), "schema 3"),
    "no schema": (lambda h, a: h.update(schema=None), "schema None"),
    "unknown parameter": (lambda h, a: h["params"].update(colour="red"), "colour"),
    "params are a list": (lambda h, a: h.update(params=[1]), "does not describe"),
    "no meta": (lambda h, a: h.update(meta=None), "does not describe"),
    "no array": (lambda h, a: {"nothing": np.zeros(2)}, "does not describe"),
    "another class": (lambda h, a: h.update({"class": "OnlineCCA"}), "does not describe"),
    "arrays of other shapes": (
        lambda h, a: {k: np.zeros((*v.shape, 3), v.dtype) for k, v in a.items()},
        "does not describe",
    ),
    "arrays of other types": (lambda h, a: {k: v.astype(np.int8) for k, v in a.items()}, "does not describe"),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_well_formed_lies_are_refused(model, change, message):
    rewrite(model, change)
    with pytest.raises(ModelFileError, match=message):
        load(model)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(place=st.floats(0, 1, exclude_max=True), bits=st.integers(1, 255))
def test_any_flipped_byte_is_noticed_or_harmless(model, place, bits):
    data = bytearray(model.read_bytes())
    data[int(place * len(data))] ^= bits
    damaged = model.with_name("damaged")
    damaged.write_bytes(data)
    try:
        again = load(damaged)
    except ModelFileError:
        return
    assert packed(again) == packed(load(model))
    assert again.get_params() == load(model).get_params()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(place=st.floats(0, 1, exclude_max=True))
def test_any_cut_is_noticed(model, place):
    data = model.read_bytes()
    cut = model.with_name("cut")
    cut.write_bytes(data[: int(place * len(data))])
    with pytest.raises(ModelFileError):
        load(cut)
    cut.write_bytes(data + b"\0")
    with pytest.raises(ModelFileError, match="cut short or altered"):
        load(cut)


def test_a_circuit_whose_channels_share_weights_is_saved_and_goes_on(tmp_path):
    X = np.random.default_rng(0).standard_normal((300, 5))
    rows = {"x_sum": X[1:] + X[:-1], "x": X[1:]}
    model = CircuitTransformer(slow_features(2), random_state=0).fit(rows)
    save(model, tmp_path / "m.safetensors")
    twin = load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(twin.transform(rows), model.transform(rows))
    assert {name: V.shape for name, V in twin.components_.items()} == {"x_sum": (2, 5), "x": (2, 5)}
    assert twin.partial_fit(rows).state_ == model.partial_fit(rows).state_
