"""Law: a call that fails changes nothing, and parameters belong to the fit they were of."""

from __future__ import annotations

import pickle
from copy import deepcopy

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted
from tests.laws.estimators import CASES, LABELS, LEARN, READ, X, Y, calls, first

import similis.estimators as estimators
from similis import ReducedRankRegression
from similis._errors import InputError
from similis.estimators._params import allowed
from similis.estimators._unjudged import Unjudged
from similis.networks import nonnegative_similarity

#: rows that no estimator may learn from
BAD_ROWS = {
    "infinite": np.where(np.arange(720).reshape(120, 6) == 700, np.inf, X),
    "empty": X[:0],
    "text": np.full((120, 6), "a"),
    "complex": X + 1j,
    "flat": X[:, 0],
    "masked": np.ma.masked_array(X, X > 3),
    "no columns": X[:, :0],
    "deep": X[None, :, :, None, None],
}
#: what may not stand beside them; labels, then numbers
BAD_LABELS = {
    "short": LABELS[:-1], "none": None, "missing": np.where(LABELS == 2, None, LABELS.astype(object)),
    "nan": np.where(LABELS == 2, np.nan, LABELS), "mixed": np.array(["a", 2, "c"] * 40, object),
    "real": X[:, 0], "masked": np.ma.masked_array(LABELS, LABELS == 2), "wide": Y,
}  # fmt: skip
BAD_NUMBERS = {
    "short": Y[:-1], "none": None, "infinite": np.where(Y.max() - 0.1 < Y, np.inf, Y), "text": np.full(Y.shape, "a"),
    "complex": Y + 1j, "masked": np.ma.masked_array(Y, Y > 0), "deep": Y[:, :, None],
}  # fmt: skip


def equal(a, b) -> bool:
    """Whether two attributes hold the same numbers."""
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, np.random.Generator):
        return equal(a.bit_generator.state, b.bit_generator.state)
    if hasattr(a, "state_dict"):
        return equal(
            {k: v.numpy() for k, v in a.state_dict().items()}, {k: v.numpy() for k, v in b.state_dict().items()}
        )
    if isinstance(a, Unjudged):  # rows to judge by: no part of what was learned, and not copied
        return isinstance(b, Unjudged)
    if hasattr(a, "__dict__") and not callable(a):
        return type(a) is type(b) and equal(dict(vars(a)), dict(vars(b)))
    return a is b or a == b or (a != a and b != b)


def refuses(model, method, *rows, **words) -> None:
    """The call fails, and the model is as it was."""
    before = deepcopy(vars(model))
    with pytest.raises((ValueError, TypeError, ArithmeticError)) as caught:
        getattr(model, method)(*rows, **words)
    assert not isinstance(caught.value, np.linalg.LinAlgError)
    assert equal(before, dict(vars(model))), f"{method} changed {set(vars(model)) ^ set(before) or 'a value'}"


def bad_rows(case):
    """The filter alone knows what to do where nothing was observed."""
    filters = isinstance(case.make(), estimators.NeuralKalmanFilter)
    return {name: rows for name, rows in BAD_ROWS.items() if not (filters and name == "masked")}


def bad_calls(case):
    yield from ((name, (rows, *case.rows()[1:])) for name, rows in bad_rows(case).items())
    if case.beside is not None:
        beside = BAD_LABELS if case.beside in ("labels", "partly") else BAD_NUMBERS
        yield from ((f"beside {name}", (X, y)) for name, y in beside.items())


def test_every_estimator_is_held_to_the_laws():
    held = {type(case.make()).__name__ for case in CASES.values()}
    elsewhere = {"OptimalFeedbackController", "CriticalTemperatureRegressor"}  # they learn from plants and formulas
    assert held | elsewhere == set(estimators.__all__)


@pytest.mark.parametrize("name", CASES)
def test_a_call_that_fails_leaves_an_unfitted_estimator_unfitted(name):
    case = CASES[name]
    for method in calls(case.make(), LEARN):
        for _, rows in bad_calls(case):
            model = case.make()
            refuses(model, method, *rows, **first(model, method, LABELS))
            with pytest.raises(NotFittedError):
                check_is_fitted(model)


@pytest.mark.parametrize("name", CASES)
def test_a_call_that_fails_leaves_a_fitted_estimator_as_it_was(name):
    case = CASES[name]
    model = case.fitted()
    for method in calls(model, LEARN):
        for _, rows in bad_calls(case):
            refuses(model, method, *rows)
        if method != "fit":
            refuses(model, method, X[:, :4], *case.rows()[1:])
            if case.beside in ("view", "target"):
                refuses(model, method, X, Y[:, :2])
            if case.beside in ("labels", "partly"):
                refuses(model, method, X, np.array(["a", "b"])[LABELS % 2])
    for method in calls(model, READ):
        for rows in (*bad_rows(case).values(), X[:, :4]):
            refuses(model, method, rows)


@pytest.mark.parametrize("name", CASES)
def test_an_interrupted_fit_leaves_what_was_learned(name, monkeypatch):
    case = CASES[name]
    model = case.fitted()
    before = deepcopy(vars(model))

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(model), "_keep_params", interrupted)  # the last thing a fit does
    with pytest.raises(KeyboardInterrupt):
        model.fit(*(rows[::2] for rows in case.rows()))
    assert equal(before, dict(vars(model)))


def other(kind, name, value):
    """A different value that the parameter may have."""
    kinds = allowed(kind)[name]
    tried = [not value] if isinstance(value, bool) else [2 * value, value / 2] if isinstance(value, int | float) else []
    texts = [text for of in kinds for text in getattr(of, "texts", ())]
    tried += [1, 0.5, 2.0, *texts, None, [3, 2], [2.0], {"gamma": 0.5}, "cuda", nonnegative_similarity(2)]
    return next(v for v in tried if any(of(v) for of in kinds) and v != value)


@pytest.mark.parametrize("name", CASES)
def test_a_parameter_changed_after_the_fit_is_refused_or_does_not_matter_to_what_is_read(name):
    case = CASES[name]
    model = case.fitted()
    learned, refused = {m: np.asarray(getattr(model, m)(X)) for m in calls(model, READ)}, 0
    for param, value in model.get_params(deep=False).items():
        model.set_params(**{param: other(type(model), param, value)})
        if param in model._free:
            for method, expected in learned.items():
                if (param, method) not in (
                    ("whiten", "transform"),
                    ("basis", "transform"),
                    ("n_neighbors", "transform"),
                ):  # honoured
                    np.testing.assert_array_equal(np.asarray(getattr(model, method)(X)), expected)
        else:
            refused += 1
            for method in (*calls(model, READ), *calls(model, ("score",))):
                with pytest.raises(InputError, match=f"{param}=.*Fit again"):
                    getattr(model, method)(*(case.rows() if method == "score" else (X,)))
            for method in calls(model, ("partial_fit", "refit")):
                with pytest.raises(InputError, match=f"{param}=.*Fit again"):
                    getattr(model, method)(*case.rows())
        model.set_params(**{param: value})
    for method, expected in learned.items():
        np.testing.assert_array_equal(np.asarray(getattr(model, method)(X)), expected)
    assert refused


@pytest.mark.parametrize(
    ("name", "param", "value"),
    [("kalman-published", "eta", 0.001), ("kalman", "clip", 0.1), ("kalman-published", "decay", 1.0),
     ("kalman-published", "damp", 100.0),
     ("dual-online", "eta0", 0.001), ("conv", "eta0", 0.001), ("conv", "decay", 10.0), ("conv", "batch_size", 7)],
)  # fmt: skip
def test_a_step_that_changed_is_honoured(name, param, value):
    case = CASES[name]
    same, changed = case.fitted(), case.fitted()
    same.partial_fit(*case.rows())
    changed.set_params(**{param: value}).partial_fit(*case.rows())
    read = calls(same, READ)[0]
    assert np.abs(np.asarray(getattr(same, read)(X)) - np.asarray(getattr(changed, read)(X))).max() > 1e-6


def test_whitening_and_neighbours_are_read_as_they_are_now():
    model = CASES["psp"].fitted().set_params(whiten=True)
    np.testing.assert_allclose(model.transform(X), CASES["psp-white"].fitted().transform(X), rtol=1e-9)
    from similis import NOMAD

    new = X + 0.1
    few = NOMAD(3, random_state=0).fit(X).set_params(n_neighbors=1).transform(new)
    np.testing.assert_allclose(few, NOMAD(3, n_neighbors=1, random_state=0).fit(X).transform(new), rtol=1e-9)


def test_a_model_whose_parameters_changed_is_not_saved_as_if_fitted_with_them(tmp_path):
    from similis import load, save

    model = CASES["kalman"].fitted().set_params(delay=4)
    with pytest.raises(InputError, match="delay=4"):
        save(model, tmp_path / "model.safetensors")
    save(model.set_params(delay=1), tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="delay=4"):
        load(tmp_path / "model.safetensors").set_params(delay=4).partial_fit(X)


@pytest.mark.parametrize("name", CASES)
def test_a_copy_reads_and_learns_as_the_original(name):
    case = CASES[name]
    model = case.fitted()
    for copied in (pickle.loads(pickle.dumps(model)), deepcopy(model)):
        assert clone(copied).get_params().keys() == model.get_params().keys()
        for method in calls(model, READ):
            np.testing.assert_array_equal(np.asarray(getattr(copied, method)(X)), np.asarray(getattr(model, method)(X)))
        for method in calls(model, ("partial_fit",)):
            getattr(copied, method)(*case.rows())


@pytest.mark.parametrize("name", CASES)
def test_equal_models_are_equal_files(name, tmp_path):
    from similis import load, save

    for file in "ab":
        save(CASES[name].fitted(), tmp_path / file)
    save(load(tmp_path / "a"), tmp_path / "c")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_calls_in_which_nothing_is_said_change_little(ridge):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 5))
    Y = X @ rng.standard_normal((5, 3))
    model = ReducedRankRegression(2, ridge=ridge, random_state=0).partial_fit(X, Y)
    before = model.score(X, Y)
    for _ in range(3):
        model.partial_fit(np.zeros((200, 5)), np.zeros((200, 3)))
    assert model.score(X, Y) > 0.95 * before


@pytest.mark.parametrize("constant", [0.0, 0.1, 1.0, 5.0, -7.3])
def test_a_constant_target_spoils_no_score(constant):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 6)) @ rng.standard_normal((6, 6))
    Y = X[:, :3] @ rng.standard_normal((3, 3)) + 0.3 * rng.standard_normal((3000, 3))
    model = ReducedRankRegression(2, random_state=0).fit(X, np.column_stack([Y, np.full(3000, constant)]))
    assert model.score(X, np.column_stack([Y, np.full(3000, constant)])) > 0.7
