"""Law: a parameter is what its signature says, in its range; all else is refused, in one wording everywhere."""

from __future__ import annotations

import json
from copy import deepcopy
from inspect import signature

import numpy as np
import pytest
import torch
from tests.forge import FORMULAS, PLANT
from tests.laws.estimators import CASES, READ, X, calls, first
from tests.laws.test_state import equal
from tests.mutations import joined, parts
from typer.testing import CliRunner

from similis import (
    NOMAD,
    ConvSimilarityMatchingTransformer,
    CriticalTemperatureRegressor,
    OptimalFeedbackController,
    load,
    save,
)
from similis._errors import InputError, ModelFileError
from similis.cli._app import app
from similis.networks import catalogue

#: an estimator of each class, and what it learns from
MODELS = {type(case.make()): (case.make, case.rows()) for case in reversed(CASES.values())}
MODELS |= {CriticalTemperatureRegressor: (CriticalTemperatureRegressor, FORMULAS)}
MODELS |= {OptimalFeedbackController: (OptimalFeedbackController, (PLANT,))}
#: what no parameter may be, but the ones named
NEVER = (
    np.nan,
    -np.inf,
    1 + 0j,
    b"1",
    object(),
    10**400,
    -(10**400),
    np.array([1.0, 2.0]),
    [None],
    "0,05",
    "\x1b[1m",
    "",
)
#: parameters below 0, and infinite ones, that mean something
NEGATIVE = {"bias", "coef0", "n_jobs"}
INFINITE = {"half_life", "clip", "stiffness", "max_norm"}
#: ends of ranges, beside what a sign tells
BEYOND = {
    "p": (1, 2.1), "sharpness": (0, 1.1), "emphasis": (0.9,), "coverage": (0, 1), "momentum": (1,), "memory": (1.1,),
    "trace": (0.9, 1.1), "mean_rate": (1,), "iterations": (10_001,), "metric": (1.1, "rmse"), "n_jobs": (0,),
    "eta0": (0,), "tau": (0,), "mu": (0,), "eps": (0,), "noise_variance": (0,), "beta": (0,), "stiffness": (0,),
    "kernel_size": (0, [1, 2, 3], [1, 0]), "stride": (0,), "padding": ([1],), "image_shape": ([6], [0, 6], 6),
    "members": ({"kernel": -1}, {"kernel": 1.0}, [1]), "layers": (3, [0.5], ["a"]), "kernel_params": ([1],),
    "random_state": (-1, 0.5, True), "circuit": (1, "psp"), "device": ("gpu", "cpu:x"),
    **dict.fromkeys(("n_components", "n_epochs", "n_clusters", "batch_size", "pool_size", "max_iter", "delay"), (0,)),
}  # fmt: skip
#: classes whose range of a name is another
WIDER = {
    "ConvSimilarityMatchingTransformer": {"n_epochs"}, "OptimalFeedbackController": {"trace"},
    "FlexibleSimilarityMatching": {"trace"}, "NeuralKalmanFilter": {"trace"},
}  # fmt: skip


def bad(kind: type, name: str) -> list:
    """Values that a parameter may not have, as far as its signature and its name tell."""
    said, found = set(str(signature(kind).parameters[name].annotation).split(" | ")), list(NEVER)
    if not said & {"None", "Seed"}:
        found.append(None)
    if "bool" not in said:
        found += [True, False, np.True_]
    if not said & {"int", "float", "Seed"}:
        found += [0, 1, 2.5]
    if "float" not in said:
        found += [2.5, 1e300]
    if not said & {"str", "Engine", "Any"}:
        found += ["auto", "1", "true"]
    if said & {"str", "Engine"} and name != "device":
        found += ["zzz"]
    if said & {"int", "float"} and name not in NEGATIVE:
        found += [-1, -0.5]
    if name not in INFINITE:
        found += [np.inf]
    if name == "layers":
        found = [value for value in found if not isinstance(value, np.ndarray)]
    if name not in WIDER.get(kind.__name__, ()):
        found += BEYOND.get(name, ())
    return found


PARAMS = [(kind, name) for kind in MODELS for name in signature(kind).parameters]


@pytest.mark.parametrize(("kind", "name"), PARAMS, ids=lambda part: getattr(part, "__name__", part))
def test_a_bad_value_is_refused_before_anything_is_looked_at(kind, name):
    make, _ = MODELS[kind]
    for value in bad(kind, name):
        model = make().set_params(**{name: value})
        with pytest.raises(InputError, match=f"^{name}=.*; expected "):
            model.fit(None, None)
        assert vars(model).keys() == vars(make()).keys()


@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind is not CriticalTemperatureRegressor])
def test_a_fitted_model_refuses_it_and_stays_as_it_was(kind):
    make, rows = MODELS[kind]
    model = make()
    if "n_episodes" in model.get_params():
        model.set_params(n_episodes=2)
    model.fit(*rows)
    for name, value in model.get_params(deep=False).items():
        for wrong in bad(kind, name):
            model.set_params(**{name: wrong})
            before = {key: deepcopy(part) for key, part in vars(model).items() if key != name}
            for method in (*calls(model, READ), *calls(model, ("score", "partial_fit", "refit"))):
                given = rows if method in ("score", "partial_fit", "refit") else rows[:1]
                with pytest.raises(InputError, match=f"^{name}=.*; expected "):
                    getattr(model, method)(*given, **first(model, method, None))
            assert not [key for key, part in vars(model).items() if key != name and not equal(before[key], part)]
        model.set_params(**{name: value})


@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind is not CriticalTemperatureRegressor])
def test_what_may_be_is_as_the_signature_says(kind):
    """The defaults, and numbers of NumPy in their place."""
    make, rows = MODELS[kind]
    model = make()
    for name, value in model.get_params(deep=False).items():
        if isinstance(value, bool | int | float):
            model.set_params(**{name: np.asarray(value)[()]})
    if "n_episodes" in model.get_params():
        model.set_params(n_episodes=2)
    model.fit(*rows)


def test_files_and_the_command_line_say_the_same(tmp_path):
    from similis import SimilarityMatching

    X = np.random.default_rng(0).standard_normal((60, 4))
    np.save(tmp_path / "x.npy", X)
    save(SimilarityMatching(2, random_state=0).fit(X), tmp_path / "m")
    for name, value, text in (
        ("eta0", "0,05", "0,05"), ("center", "False,", "False,"), ("n_components", True, None), ("tau", 0, "0"),
        ("solver", "exakt", "exakt"), ("n_epochs", 0.5, None), ("scale", 1, "1"),
    ):  # fmt: skip
        with pytest.raises(InputError) as caught:
            SimilarityMatching().set_params(**{name: value}).fit(X)
        header, arrays = parts(tmp_path / "m")
        header["params"][name] = value
        (tmp_path / "forged").write_bytes(joined(header, arrays))
        with pytest.raises(ModelFileError) as forged:
            load(tmp_path / "forged")
        assert str(caught.value) in str(forged.value)
        if text is not None:
            words = ["fit", "psp", str(tmp_path / "x.npy"), "-o", str(tmp_path / "out"), "--param", f"{name}={text}"]
            said = CliRunner().invoke(app, words)
            assert said.exit_code == 2
            assert str(caught.value) in " ".join(said.stderr.split())


@pytest.mark.parametrize(
    ("text", "value"),
    [("center=False", False), ("center=false", False), ("scale=None", None), ("scale=null", None),
     ("scale=auto", "auto"),
     ('scale="auto"', "auto"), ("eta0=1e-2", 0.01), ("tau=1", 1), ("trace_every=5", 5)],
)  # fmt: skip
def test_the_command_line_reads_a_value_as_the_parameter_takes_it(tmp_path, text, value):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((60, 4)))
    words = ["fit", "psp", str(tmp_path / "x.npy"), "-o", str(tmp_path / "m"), "--param", text]
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 0, said.output
    assert load(tmp_path / "m").get_params()[text.partition("=")[0]] == value


#: parameters of each network that a command line may give, with texts that no one of them takes
TEXTS = ("0,05", "nan", "NaN", "-Infinity", "1e999x", "[null]", "{}", '{"a":', "\x1b[31mred", "yes please", "[" * 5000)
NETWORKS = [name for name, card in catalogue().items() if card.data != "episodes"]


@pytest.mark.parametrize("network", NETWORKS)
def test_no_text_of_a_parameter_ends_in_a_traceback(network, tmp_path):
    import similis.estimators as estimators

    kind = getattr(estimators, catalogue()[network].estimator)
    np.save(tmp_path / "x.npy", np.ones((4, 4)))
    for name in signature(kind).parameters:
        for text in TEXTS:
            if (name, text) in {("members", "{}"), ("kernel_params", "{}")}:
                continue
            words = ["fit", network, str(tmp_path / "x.npy"), "-o", str(tmp_path / "m"), "--param", f"{name}={text}"]
            said = CliRunner().invoke(app, words)
            assert said.exit_code == 2, (name, text, said.output, said.exception)
            assert "\x1b" not in said.output
            assert json.dumps(name)[1:-1] in said.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="the device is there")
@pytest.mark.parametrize("kind", [ConvSimilarityMatchingTransformer, CriticalTemperatureRegressor])
def test_a_device_that_is_not_there_is_refused(kind):
    make, rows = MODELS[kind]
    model = make().set_params(device="cuda")
    before = dict(vars(model))
    with pytest.raises(InputError, match="device='cuda' cannot be used"):
        model.fit(*rows)
    assert before == dict(vars(model))


@pytest.mark.parametrize(
    ("kernel", "params"),
    [("rbf", {"gamma": "a"}), ("rbf", {"gamma": -1}), ("rbf", {"gamma": np.nan}), ("rbf", {"colour": 1}),
     ("polynomial", {"degree": "a"}), ("laplacian", {"gamma": "a"})],
)  # fmt: skip
def test_parameters_of_a_kernel_are_its_own(kernel, params):
    with pytest.raises(ValueError, match=r"kernel_params|parameter of"):
        NOMAD(3, kernel=kernel, kernel_params=params).fit(X)
