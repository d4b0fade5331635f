"""Law: columns keep their names, in X and in what is beside it; containers of outputs change no number."""

from __future__ import annotations

from inspect import signature

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.utils._set_output import ADAPTERS_MANAGER
from tests.laws.estimators import CASES, LABELS, LEARN, READ, X, Y, calls

from similis import CircuitTransformer, DualRegressor, NeuralKalmanFilter, OnlineCCA, ReducedRankRegression, load, save
from similis._errors import InputError
from similis.circuit import Box, Channel, Circuit, Gram, Neuron

FRAME = pd.DataFrame(X, columns=list("abcdef"))
SECOND = pd.DataFrame(Y, columns=list("pqrs"))
TWO = [name for name, case in CASES.items() if case.beside in ("view", "target")]
CHANGES = {
    "order": (SECOND[["s", "r", "q", "p"]], "another order"),
    "name": (SECOND.rename(columns={"q": "other"}), "unknown: other; missing: q"),
}


def named(case):
    """The case's rows, with names where they have columns."""
    return (FRAME, SECOND) if case.beside in ("view", "target") else (FRAME, *case.rows()[1:])


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", TWO)
def test_the_columns_beside_x_are_those_of_the_fit(name, change, tmp_path):
    model, (other, said) = CASES[name].make().fit(FRAME, SECOND), CHANGES[change]
    assert list(model.feature_names_in_y_) == list("pqrs")
    save(model, tmp_path / "model.safetensors")
    for known in (model, load(tmp_path / "model.safetensors")):
        methods = [m for m in ("partial_fit", "refit", "score") if hasattr(known, m)]
        methods += ["transform"] if "y" in signature(getattr(known, "transform", id)).parameters else []
        for method in methods:
            if method == "refit" and known.readout != "least-squares":
                continue
            with pytest.raises(InputError, match=said):
                getattr(known, method)(FRAME, other)
        expected = model.score(FRAME, SECOND)
        assert known.score(FRAME, other.set_axis(list("pqrs"), axis=1)[known.feature_names_in_y_]) <= 1 + 1e-9
        assert known.score(FRAME, SECOND) == pytest.approx(expected)
        assert known.score(X, Y) == pytest.approx(expected)  # without names, as they come
    model.fit(FRAME, other)  # anew
    assert list(model.feature_names_in_y_) == list(other.columns)
    assert not hasattr(model.fit(X, Y), "feature_names_in_y_")


@pytest.mark.parametrize("name", CASES)
def test_the_columns_of_x_are_those_of_the_fit(name, tmp_path):
    case = CASES[name]
    model = case.make().fit(*named(case))
    save(model, tmp_path / "model.safetensors")
    for known in (model, load(tmp_path / "model.safetensors")):
        assert list(known.feature_names_in_) == list("abcdef")
        for method in calls(known, READ):
            with pytest.raises(ValueError, match="same order"):
                getattr(known, method)(FRAME[FRAME.columns[::-1]])
        for method in calls(known, ("partial_fit", "score")):
            with pytest.raises(ValueError, match="same order"):
                getattr(known, method)(FRAME[FRAME.columns[::-1]], *named(case)[1:])


def test_actions_of_a_filter_keep_their_names():
    actions = pd.DataFrame(Y, columns=list("pqrs"))
    model = NeuralKalmanFilter(random_state=0).fit(FRAME, actions=actions)
    expected = model.predict(FRAME, actions=actions)
    np.testing.assert_allclose(model.predict(FRAME, actions=Y), expected, rtol=1e-9)
    for call in (model.predict, model.score, model.partial_fit):
        with pytest.raises(InputError, match="another order"):
            call(FRAME, actions=actions[list("qprs")])


@pytest.fixture
def twins():
    channels = (Channel("left"), Channel("right"))
    circuit = Circuit("twins", 3, channels, Gram(), Neuron(Box.nonnegative()))
    return CircuitTransformer(circuit, random_state=0).fit({"left": FRAME, "right": SECOND})


def test_every_channel_of_a_circuit_keeps_its_names(twins, tmp_path):
    save(twins, tmp_path / "twins.safetensors")
    for model in (twins, load(tmp_path / "twins.safetensors")):
        before = dict(vars(model))
        assert list(model.feature_names_in_left_) == list("abcdef")
        assert list(model.feature_names_in_right_) == list("pqrs")
        expected = model.transform({"left": X, "right": Y})
        np.testing.assert_allclose(model.transform({"right": SECOND, "left": FRAME}), expected, rtol=1e-9)
        for call in (model.transform, model.score, model.partial_fit):
            with pytest.raises(InputError, match=r"right .*another order"):
                call({"left": FRAME, "right": SECOND[list("qprs")]})
            with pytest.raises(InputError, match=r"right.* 3 features"):
                call({"left": X, "right": Y[:, :3]})
        model.transform({"left": FRAME})
        assert before.keys() == vars(model).keys()
        assert model.n_features_in_ == 10


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if hasattr(case.make(), "transform")])
def test_a_container_of_outputs_changes_no_number(name):
    case = CASES[name]
    plain = case.fitted()
    framed = case.make().set_output(transform="pandas").fit(*case.rows())
    Z = framed.transform(X)
    assert isinstance(Z, pd.DataFrame)
    assert list(Z.columns) == list(framed.get_feature_names_out())
    np.testing.assert_array_equal(Z.to_numpy(), plain.transform(X))
    for method in calls(plain, ("predict", "predict_proba", "decision_function")):
        np.testing.assert_array_equal(getattr(framed, method)(X), getattr(plain, method)(X))
    assert framed.score(*case.rows()) == pytest.approx(plain.score(*case.rows()))
    for method in calls(framed, LEARN):
        if method != "refit" or getattr(framed, "readout", "") == "least-squares":
            getattr(framed, method)(*case.rows())
    np.testing.assert_array_equal(np.asarray(case.make().set_output(transform="pandas").fit_transform(*case.rows())),
                                  case.make().fit_transform(*case.rows()))  # fmt: skip


class Bare:
    """A container that has none of an array's methods, as those of other libraries."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)

    container_lib = "bare"

    def create_container(self, values, original, columns, inplace=False):
        return Bare(values)

    def is_supported_container(self, values):
        return isinstance(values, Bare)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if hasattr(case.make(), "transform")])
def test_scores_need_nothing_of_the_container(name, monkeypatch):
    monkeypatch.setitem(ADAPTERS_MANAGER.adapters, "bare", Bare([]))
    case = CASES[name]
    model = case.make()
    model._sklearn_output_config = {"transform": "bare"}
    model.fit(*case.rows())
    assert isinstance(model.transform(X), Bare)
    assert model.score(*case.rows()) == pytest.approx(case.fitted().score(*case.rows()))


@pytest.mark.parametrize("make", [OnlineCCA, ReducedRankRegression], ids=lambda kind: kind.__name__)
def test_a_network_of_two_streams_is_a_step_of_a_pipeline(make):
    model = make(2, random_state=0)
    Z = model.fit(X, Y).transform(X)
    assert isinstance(Z, np.ndarray)
    direct = Ridge().fit(Z, Y).score(Z, Y)
    assert make_pipeline(make(2, random_state=0), Ridge()).fit(X, Y).score(X, Y) == pytest.approx(direct)
    union = FeatureUnion([("one", make(2, random_state=0)), ("two", make(1, random_state=0))]).fit(X, Y)
    assert union.transform(X).shape == (120, 3)
    table = ColumnTransformer([("part", make(2, random_state=0), list("abcd"))], remainder="passthrough")
    out = table.set_output(transform="pandas").fit_transform(FRAME, Y)
    prefix = make.__name__.lower()
    assert list(out.columns) == [f"part__{prefix}0", f"part__{prefix}1", "remainder__e", "remainder__f"]
    expected = make(2, random_state=0).fit(X[:, :4], Y).transform(X[:, :4])
    np.testing.assert_allclose(out.iloc[:, :2], expected, rtol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_arguments_have_the_names_of_scikit_learn(name):
    case = CASES[name]
    words = dict(zip(("X", "y"), case.rows(), strict=False))
    model, expected = case.make().fit(**words), case.fitted()
    for method in calls(model, READ):
        np.testing.assert_array_equal(getattr(model, method)(X=X), getattr(expected, method)(X))
    assert model.score(**words) == expected.score(*case.rows())
    if hasattr(model, "partial_fit"):
        model.partial_fit(**words)
        case.make().partial_fit(**words, **({"classes": np.unique(LABELS)} if case.beside == "labels" else {}))


def test_the_second_view_may_be_called_by_its_own_name():
    model, expected = OnlineCCA(2, random_state=0).fit(X, Y=Y), OnlineCCA(2, random_state=0).fit(X, Y)
    assert model.score(X, Y=Y) == expected.score(X, Y)
    for found, wanted in zip(model.partial_fit(X, Y=Y).transform(X, Y=Y), expected.partial_fit(X, Y).transform(X, Y),
                             strict=True):  # fmt: skip
        np.testing.assert_array_equal(found, wanted)
    y = SECOND["p"]
    assert DualRegressor().fit(X, y).score(X, SECOND[["q"]].rename(columns={"q": "p"})) < 1
