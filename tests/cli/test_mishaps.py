"""What goes wrong with any network and any command: one sentence, status 1 or 2, no traceback, nothing written."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from similis import CircuitTransformer, NeuralKalmanFilter, OptimalFeedbackController, estimators, load, save
from similis.cli._app import app
from similis.control import double_integrator
from similis.networks import catalogue

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 60)
X = np.abs(RNG.standard_normal((60, 6)) + LABELS[:, None])
BESIDE = {"view": X[:, :4], "target": X[:, :2], "labels": LABELS}
NETWORKS = {name: card for name, card in catalogue().items() if card.data != "episodes"}

ROWS = [card for card in NETWORKS.values() if card.data != "formulas"]
BAD = ("folder.csv", "empty.csv", "empty.npy", "header.csv", "words.csv", "latin.csv")


def written(folder):
    (folder / "empty.csv").write_text("")
    (folder / "empty.npy").write_bytes(b"")
    (folder / "header.csv").write_text("a,b,c\n")
    (folder / "folder.csv").mkdir()
    (folder / "words.csv").write_text("a,b\nx,y\n")
    (folder / "latin.csv").write_bytes(b"1,2\n\xe9,4\n")
    np.save(folder / "one.npy", X[:1])
    np.save(folder / "x.npy", X)
    for kind, table in BESIDE.items():
        np.save(folder / f"{kind}.npy", table)
    return sorted(path.name for path in folder.iterdir())


def refused(*args):
    """The error of a command that must fail, or in some other tests may."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exception is None or isinstance(result.exception, SystemExit), (args, result.exception)
    if result.exit_code:
        said = [line for line in result.stderr.splitlines() if line.lower().startswith(("error: ", "invalid"))]
        assert result.exit_code in (1, 2)
        assert len(said) == 1 or "Invalid value" in result.stderr or "Error" in result.stderr
    return result.exit_code


@pytest.mark.parametrize("name", NETWORKS)
def test_fit_of_what_cannot_be_learned(tmp_path, name):
    card, there = NETWORKS[name], written(tmp_path)
    kind = getattr(estimators, card.estimator).beside_x
    beside = [] if kind is None or card.data == "formulas" else ["--y-data", tmp_path / f"{kind}.npy"]
    for data in ("none.npy", "none.csv", *BAD):
        assert refused("fit", name, tmp_path / data, *beside, "-o", tmp_path / "m") == 1
    assert refused("fit", name, tmp_path / "x.npy", *beside, "-o", tmp_path / "no" / "m") == 1
    for words in (("--param", "colour=1"), ("--resume", tmp_path / "x.npy"), ("--dtype", "int8")):
        assert refused("fit", name, tmp_path / "x.npy", *beside, *words, "-o", tmp_path / "m")
    if "n_components" in getattr(estimators, card.estimator)().get_params():
        refused("fit", name, tmp_path / "x.npy", *beside, "-k", 50, "-o", tmp_path / "m")
    (tmp_path / "m").unlink(missing_ok=True)
    if card.data != "formulas":
        if beside:
            beside[1] = tmp_path / "one.npy"
            np.save(tmp_path / "one.npy", X[:1, : 1 if kind == "labels" else 6])
        refused("fit", name, tmp_path / "one.npy", *beside, "-o", tmp_path / "m")
    (tmp_path / "m").unlink(missing_ok=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == there


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model of every class that rows are given to, with what it learned from beside X."""
    folder, found = tmp_path_factory.mktemp("models"), {}
    made = [getattr(estimators, kind)() for card in NETWORKS.values() if card.data != "formulas"
            for kind in (card.estimator, card.classifier) if kind]  # fmt: skip
    from similis import LocalSupervisionRegressor
    from similis.networks import principal_subspace

    made += [LocalSupervisionRegressor(), NeuralKalmanFilter(), CircuitTransformer(principal_subspace(2))]
    for estimator in made:
        kind = estimator.beside_x if hasattr(estimator, "beside_x") else None
        beside = () if kind is None else (BESIDE[kind],)
        if "n_components" in estimator.get_params():
            estimator.set_params(n_components=2)
        save(estimator.fit(X, *beside), folder / type(estimator).__name__)
        found[type(estimator).__name__] = (folder / type(estimator).__name__, beside)
    return found


CLASSES = sorted(
    {kind for card in ROWS for kind in (card.estimator, card.classifier) if kind}
    | {"LocalSupervisionRegressor", "NeuralKalmanFilter", "CircuitTransformer"}
)


@pytest.mark.parametrize("name", CLASSES)
def test_every_saved_model_answers_every_command_or_says_which(similis, tmp_path, models, name):
    path, beside = models[name]
    model = load(path)
    np.save(tmp_path / "x.npy", X)
    files = []
    if beside:
        np.save(tmp_path / "y.npy", beside[0])
        files = ["--y-data", tmp_path / "y.npy"]
    score = similis("score", path, tmp_path / "x.npy", *files, "--json").json["score"]
    assert score == pytest.approx(model.score(X, *beside), rel=1e-6, abs=1e-9)
    for command in ("transform", "predict"):
        also = files if command == "transform" and getattr(model, "beside_x", None) == "view" else []
        words = (command, path, tmp_path / "x.npy", *also, "-o", tmp_path / f"{command}.npy", "--block-rows", 25)
        if not hasattr(model, command):
            similis(*words, status=2)
            assert not (tmp_path / f"{command}.npy").exists()
            continue
        similis(*words)
        expected = model.transform(X, *beside) if also else getattr(model, command)(X)
        expected = sum(expected) if also else expected
        found = np.load(tmp_path / f"{command}.npy")
        np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=1e-6, atol=1e-7)
    assert name in similis("show", path).stdout
    for command in ("score", "transform", "predict"):
        for data in (tmp_path / "none.csv", tmp_path):
            out = [] if command == "score" else ["-o", tmp_path / "z.npy"]
            assert refused(command, path, data, *files[: 2 * (command != "predict")], *out)
    assert not (tmp_path / "z.npy").exists()


def test_a_filter_is_asked_in_the_order_of_the_rows_with_gaps(similis, tmp_path):
    Y = np.sin(0.3 * np.arange(900))[:, None] * [1, 2] + 0.1 * RNG.standard_normal((900, 2))
    Y[::7] = np.nan
    model = NeuralKalmanFilter(random_state=0).fit(Y)
    save(model, tmp_path / "m")
    np.save(tmp_path / "y.npy", Y)
    record = similis("score", tmp_path / "m", tmp_path / "y.npy", "--rows", 300, "--json").json
    assert record["score"] == pytest.approx(model.score(Y[:300]), rel=1e-9)
    similis("predict", tmp_path / "m", tmp_path / "y.npy", "-o", tmp_path / "p.npy", "--block-rows", 100)
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), model.predict(Y), rtol=1e-9)


def test_models_without_rows_say_so(similis, tmp_path):
    save(OptimalFeedbackController(n_episodes=2, random_state=0).fit(double_integrator()), tmp_path / "m")
    np.save(tmp_path / "x.npy", X)
    for command, out in (("score", []), ("predict", ["-o", tmp_path / "z.npy"])):
        assert "environment" in similis(command, tmp_path / "m", tmp_path / "x.npy", *out, status=2).stderr
