"""Law: no mask, duplicate, missing label or kind of number changes an answer without a word."""

from __future__ import annotations

import warnings
from inspect import signature

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from tests.laws.estimators import CASES, LABELS, READ, X, Y, calls

from similis import (
    CircuitTransformer,
    ConvSimilarityMatchingTransformer,
    DualClassifier,
    DualRegressor,
    LocalSupervisionClassifier,
    ManifoldClassifier,
    NeuralKalmanFilter,
    SimilarityMatching,
    SupervisedSimilarityMatching,
    load,
    save,
)
from similis._errors import InputError
from similis.circuit import Box, Channel, Circuit, Gram, Neuron

# masks ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in CASES if "kalman" not in name])
def test_masked_values_are_never_used_like_others(name):
    case, masked = CASES[name], np.ma.masked_array(X, X > 3)
    model = case.make().fit(np.ma.masked_array(X, np.zeros(X.shape, bool)), *case.rows()[1:])  # nothing masked
    for method in calls(model, READ):
        np.testing.assert_array_equal(getattr(model, method)(np.ma.asarray(X)), getattr(case.fitted(), method)(X))
    ways = [lambda rows: model.fit(rows, *case.rows()[1:]), lambda rows: model.score(rows, *case.rows()[1:])]
    ways += [getattr(model, method) for method in calls(model, READ)]
    for way in ways:
        for rows in (masked, list(masked)):
            with pytest.raises(InputError, match=f"{int((X > 3).sum())} masked"):
                way(rows)
    if case.y is not None:
        y = np.ma.masked_array(case.y, case.y == case.y.max())
        for way in (model.fit, model.partial_fit, *([] if name == "conv-labels" else [model.score])):
            with pytest.raises(InputError, match="masked"):
                way(X, y)


def test_a_masked_observation_is_a_missing_one():
    gaps = np.where(X > 3, np.nan, X)
    expected = NeuralKalmanFilter(random_state=0).fit(gaps)
    masked = np.ma.masked_array(X, X > 3)
    model = NeuralKalmanFilter(random_state=0).fit(masked)
    np.testing.assert_array_equal(model.predict(masked), expected.predict(gaps))
    assert model.score(masked) == expected.score(gaps)
    whole = np.ma.masked_array(np.arange(12).reshape(6, 2), [[0, 1]] * 6)
    assert np.isfinite(NeuralKalmanFilter(random_state=0).fit(whole).predict(whole)).all()
    with pytest.raises(InputError, match="actions is a masked array"):
        model.fit(X, actions=np.ma.masked_array(Y, Y > 0))


# sparse rows ----------------------------------------------------------------------------------------------------------


def twice(A):
    """A with every entry in two halves, unsorted, and explicit zeros."""
    rows, columns = np.nonzero(np.ones_like(A))
    order = np.random.default_rng(0).permutation(2 * len(rows))
    values = np.tile(A[rows, columns] / 2, 2)[order]
    at = np.tile(rows, 2)[order], np.tile(columns, 2)[order]
    sort = np.argsort(at[0], kind="stable")
    starts = np.searchsorted(at[0][sort], np.arange(len(A) + 1))
    return sparse.csr_matrix((values[sort], at[1][sort], starts), A.shape)


def takes_sparse():
    circuit = Circuit("one", 2, (Channel("x"),), Gram())
    pair = Circuit("two", 3, (Channel("x"), Channel("y")), Gram(), Neuron(Box.nonnegative()))
    yield "psp", SimilarityMatching(2, center=False, random_state=0), None
    yield "psp-exact", SimilarityMatching(2, center=False, solver="exact"), None
    yield "nsm", CASES["nsm"].make(), None
    yield "supervised", SupervisedSimilarityMatching(3, random_state=0), LABELS
    yield "circuit", CircuitTransformer(circuit, center=False, random_state=0), None
    yield "circuit-two", CircuitTransformer(pair, center=False, random_state=0), None
    for solver in ("dual", "ascent", "online"):
        yield f"regressor-{solver}", DualRegressor(solver=solver, center=False, shuffle=False), Y
        yield f"classifier-{solver}", DualClassifier(solver=solver, center=False, shuffle=False, alpha=0.1), LABELS
    yield "entropy", DualRegressor(regularizer="entropy", center=False, shuffle=False, max_iter=20), Y[:, 0]


THIN = np.where(np.random.default_rng(1).random(X.shape) < 0.5, X, 0.0)
FORMATS = {
    "twice": twice, "csc": sparse.csc_matrix, "coo": sparse.coo_array, "lil": sparse.lil_matrix,
    "dok": sparse.dok_matrix, "bsr": sparse.bsr_matrix, "csr": sparse.csr_array,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", [name for name, *_ in takes_sparse()])
def test_sparse_rows_mean_what_they_say_in_every_format(name):
    model, y = next((model, y) for found, model, y in takes_sparse() if found == name)
    two = name == "circuit-two"

    def learned(rows):
        data = {"x": rows, "y": rows} if two else rows
        read = model.fit(data, *([] if y is None else [y]))
        return (read.predict if hasattr(read, "predict") else read.transform)(data)

    expected = learned(THIN)
    for form in FORMATS.values():
        rows = form(THIN)
        before = rows.copy()
        found = learned(rows)
        if found.dtype.kind == "f":
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)
        else:
            np.testing.assert_array_equal(found, expected)
        assert rows.nnz == before.nnz, "the caller's matrix was changed"
    broken = sparse.csr_matrix(THIN)
    broken.indices[3] = 1000  # past the columns
    with pytest.raises(InputError, match="not well formed"):
        learned(broken)


# labels ---------------------------------------------------------------------------------------------------------------

WORDS = np.array(["no", "perhaps", "yes"])[LABELS]
CLASSIFIERS = {
    "dual": lambda: DualClassifier(alpha=0.1, random_state=0),
    "local": lambda: LocalSupervisionClassifier(8, random_state=0),
}
PARTLY = {
    "supervised": lambda: SupervisedSimilarityMatching(3, random_state=0),
    "manifold": lambda: ManifoldClassifier(6, random_state=0),
    "conv": lambda: ConvSimilarityMatchingTransformer(
        3, kernel_size=2, image_shape=(2, 3), alpha=0.1, random_state=0
    ),
}  # fmt: skip
EVERY = CLASSIFIERS | PARTLY
SPELLINGS = {
    "text": WORDS, "object": WORDS.astype(object), "pandas": pd.Series(WORDS), "list": list(WORDS),
    "category": pd.Series(WORDS, dtype="category"), "column": WORDS[:, None],
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:A column-vector")
@pytest.mark.parametrize("name", EVERY)
def test_the_name_of_a_class_does_not_matter(name):
    plain = EVERY[name]().fit(X, LABELS)
    read = calls(plain, ("predict_proba", "decision_function", "transform"))
    for y in SPELLINGS.values():
        model = EVERY[name]().fit(X, y)
        assert list(model.classes_) == ["no", "perhaps", "yes"]
        for method in read:
            np.testing.assert_array_equal(getattr(model, method)(X), getattr(plain, method)(X))
        if hasattr(model, "predict"):
            assert (np.array(["no", "perhaps", "yes"])[plain.predict(X)] == model.predict(X)).all()
    for y in (LABELS.astype(object), pd.Series(LABELS, dtype="Int64"), LABELS.astype(np.int8), LABELS.astype(float)):
        model = EVERY[name]().fit(X, y)
        assert list(model.classes_) == [0, 1, 2]


MISSING = {
    "None": np.where(LABELS == 1, None, WORDS.astype(object)),
    "nan": np.where(LABELS == 1, np.nan, WORDS.astype(object)),
    "NA": pd.Series(WORDS).where(LABELS != 1, pd.NA),
    "number": np.where(LABELS == 1, np.nan, LABELS),
    "NaT": np.where(LABELS == 1, pd.NaT, LABELS.astype(object)),
    "Int64": pd.Series(LABELS, dtype="Int64").where(LABELS != 1),
    "category": pd.Series(WORDS).where(LABELS != 1, None).astype("category"),
}


@pytest.mark.parametrize("kind", MISSING)
@pytest.mark.parametrize("name", EVERY)
def test_a_missing_label_is_refused_with_a_way_out(name, kind):
    fix = "Give -1" if name in PARTLY else "Leave rows"
    with pytest.raises(InputError, match=fix):
        EVERY[name]().fit(X, MISSING[kind])
    if name == "manifold":
        with pytest.raises(InputError, match=fix):
            EVERY[name]().fit(X, LABELS).score(X, MISSING[kind])


@pytest.mark.parametrize("name", PARTLY)
def test_minus_one_says_no_label_beside_numbers_and_text(name):
    few = np.where(np.arange(120) % 3 > 0, -1, LABELS)
    text = np.where(few == -1, np.array(-1, object), WORDS.astype(object))
    numbers, words = PARTLY[name]().fit(X, few), PARTLY[name]().fit(X, text)
    assert list(numbers.classes_) == [0, 1, 2]
    assert list(words.classes_) == ["no", "perhaps", "yes"]
    for method in calls(numbers, ("transform", "predict_proba")):
        np.testing.assert_array_equal(getattr(words, method)(X), getattr(numbers, method)(X))
    assert list(numbers.partial_fit(X[:9], few[:9]).classes_) == [0, 1, 2]
    with pytest.raises(InputError, match="the text '-1'"):
        PARTLY[name]().fit(X, np.array(text, str))
    with pytest.raises(InputError, match="mixes text and numbers"):
        PARTLY[name]().fit(X, np.where(few == 0, np.array(0, object), text))
    signs = np.where(LABELS > 0, 1, -1)
    with pytest.warns(UserWarning, match="-1 says 'no label'"):
        PARTLY[name]().fit(X, signs)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_minus_one_is_a_class_of_a_classifier(name):
    signs = np.where(LABELS > 0, 1, -1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = CLASSIFIERS[name]().fit(X, signs)
    assert list(model.classes_) == [-1, 1]
    with pytest.warns(UserWarning, match="-1 is learned as a class"):
        assert list(CLASSIFIERS[name]().fit(X, LABELS - 1).classes_) == [-1, 0, 1]
    with pytest.raises(InputError, match="mixes text and numbers"):
        CLASSIFIERS[name]().fit(X, np.where(LABELS == 0, np.array(-1, object), WORDS.astype(object)))
    with pytest.raises(InputError, match="not among the classes"):
        model.partial_fit(X, WORDS)


@pytest.mark.parametrize("name", EVERY)
def test_text_that_was_a_missing_label_is_pointed_at(name):
    with pytest.warns(UserWarning, match="'nan', which is learned as a class"):
        EVERY[name]().fit(X, np.where(LABELS == 1, "nan", WORDS))


# kinds of numbers -----------------------------------------------------------------------------------------------------


def as_numpy(value):
    kinds = {bool: np.bool_, int: np.int64, float: np.float64}
    if isinstance(value, tuple):
        return tuple(map(as_numpy, value))
    return kinds.get(type(value), lambda same: same)(value)


@pytest.mark.parametrize("name", CASES)
def test_parameters_may_be_numbers_of_numpy(name, tmp_path):
    case, model = CASES[name], CASES[name].make()
    model.set_params(**{param: as_numpy(value) for param, value in model.get_params(deep=False).items()})
    expected = case.fitted()
    save(model.fit(*case.rows()), tmp_path / "model.safetensors")
    for found in (model, load(tmp_path / "model.safetensors")):
        for method in calls(model, READ):
            np.testing.assert_array_equal(getattr(found, method)(X), getattr(expected, method)(X))
    rough = {p: np.float32(v) for p, v in model.get_params(deep=False).items() if isinstance(v, float)}
    near = case.make().set_params(**rough).fit(*case.rows())
    for method in calls(model, ("transform", "predict_proba", "decision_function")):
        np.testing.assert_allclose(getattr(near, method)(X), getattr(expected, method)(X), rtol=1e-3, atol=1e-3)
        assert getattr(near, method)(X).dtype == getattr(expected, method)(X).dtype


def test_sizes_of_kernels_may_be_numbers_of_numpy():
    images = np.random.default_rng(0).random((20, 8, 8))
    two = np.int64(2)
    words = {"kernel_size": 2, "stride": 2, "padding": 2, "pool_size": 2}
    for size in (two, (two, two), np.array([2, 2]), [2, 2]):
        given = dict.fromkeys(("kernel_size", "stride", "padding"), size) | {"pool_size": two}
        found = ConvSimilarityMatchingTransformer(3, random_state=0, **given).fit_transform(images)
        expected = ConvSimilarityMatchingTransformer(3, random_state=0, **words).fit_transform(images)
        np.testing.assert_array_equal(found, expected)


def wrong_kinds(model):
    """Every parameter with a value that is not what its annotation says."""
    for param, spec in signature(type(model)).parameters.items():
        kinds = str(spec.annotation).split(" | ")
        if not set(kinds) <= {"int", "float", "bool", "str", "None"}:
            continue
        wrong = {"int": ["3", 2.5, np.nan, [1]], "float": ["3", np.nan, [1]], "bool": ["yes", 2.5], "str": [3, [1]]}
        values = [value for kind in kinds for value in wrong.get(kind, [])]
        values += [] if "None" in kinds else [None]
        values += [0, -1] if param in ("n_epochs", "trace_every") and "network_" not in model.__annotations__ else []
        fits = {"int": int, "float": (int, float), "bool": bool, "str": str}
        for value in values:
            if not any(isinstance(value, fits.get(kind, ())) and value == value for kind in kinds) or value in (0, -1):
                yield param, value


@pytest.mark.parametrize("name", CASES)
def test_a_parameter_of_another_kind_is_refused_by_its_name(name):
    case = CASES[name]
    for param, value in wrong_kinds(case.make()):
        for method in calls(case.make(), ("fit", "partial_fit")):
            words = {"classes": np.unique(LABELS)} if case.beside == "labels" and method != "fit" else {}
            with pytest.raises(InputError, match=param):
                getattr(case.make().set_params(**{param: value}), method)(*case.rows(), **words)
