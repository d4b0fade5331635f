"""Columns are matched by their names: in another order they give the same numbers, with other names none."""

from __future__ import annotations

import csv as csv_module

import numpy as np
import pytest

from similis import estimators, load
from similis.networks import catalogue

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 240)
X = np.abs(3 * np.eye(3)[LABELS] @ RNG.random((3, 6)) + 0.3 * RNG.standard_normal((240, 6))) * [9, 4, 1, 1, 1, 0.3]
VIEW = X[:, :4] @ RNG.standard_normal((4, 4)) + 0.1 * RNG.standard_normal((240, 4))
TARGETS = X[:, :2] @ RNG.standard_normal((2, 2)) * [1, 9] + 0.1 * RNG.standard_normal((240, 2))
BESIDE = {"view": VIEW, "target": TARGETS, "labels": LABELS[:, None]}
NAMES, BESIDE_NAMES = list("abcdef"), ["p", "q", "r", "s"]
FITS = [
    (name, kind)
    for name, card in catalogue().items()
    if card.data not in ("episodes", "formulas")
    for kind in (card.estimator, card.classifier)
    if kind
]


def write(path, names, table):
    with path.open("w", newline="") as file:
        rows = csv_module.writer(file)
        rows.writerow(names)
        rows.writerows(table.tolist())
    return path


@pytest.mark.parametrize(("name", "kind"), FITS)
def test_another_order_of_columns_changes_nothing(similis, tmp_path, name, kind):
    order, estimator = [3, 0, 5, 1, 4, 2], getattr(estimators, kind)
    there = [write(tmp_path / "x.csv", NAMES, X)]
    turned = [write(tmp_path / "turned.csv", [NAMES[i] for i in order], X[:, order])]
    scored = []
    if estimator.beside_x is not None:
        Y = BESIDE[estimator.beside_x]
        names = BESIDE_NAMES[: Y.shape[1]]
        there += ["--y-data", write(tmp_path / "y.csv", names, Y)]
        scored = ["--y-data", write(tmp_path / "y-turned.csv", names[::-1], Y[:, ::-1])]
    labels = ["--labels"] if kind == catalogue()[name].classifier else []
    size = ["-k", 2] if "n_components" in estimator().get_params() else []
    similis("fit", name, *there, *labels, *size, "-o", tmp_path / "m")
    expected = similis("score", tmp_path / "m", *there, "--json").json
    assert similis("score", tmp_path / "m", *turned, *scored, "--json").json == expected
    for command, beside in (("transform", scored if estimator.beside_x == "view" else []), ("predict", [])):
        if hasattr(estimator, command):
            same = there if beside else there[:1]
            similis(command, tmp_path / "m", *same, "-o", tmp_path / f"{command}.npy")
            similis(command, tmp_path / "m", *turned, *beside, "-o", tmp_path / f"{command}2.npy")
            np.testing.assert_array_equal(*(np.load(tmp_path / f"{command}{i}.npy") for i in ("", "2")))


@pytest.fixture
def model(similis, tmp_path):
    similis("fit", "psp", write(tmp_path / "x.csv", NAMES, X), "-o", tmp_path / "m", "-k", 2)
    return tmp_path / "m"


def test_names_are_those_of_the_estimator(model):
    assert load(model).feature_names_in_.tolist() == NAMES


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a", "b", "c", "d", "e", "z"], "new z and missing f"),
        (["a", "b", "c", "d", "e"], "missing f"),
        (["a", "b", "c", "d", "e", "e"], "missing f"),
    ],
)
@pytest.mark.parametrize("command", ["score", "transform", "fit"])
def test_other_names_are_refused(similis, tmp_path, model, names, said, command):
    data = write(tmp_path / "other.csv", names, np.ones((40, len(names))))
    words = {"score": ("score", model, data), "transform": ("transform", model, data, "-o", tmp_path / "z.npy"),
             "fit": ("fit", "psp", data, "--resume", model, "-o", tmp_path / "n")}[command]  # fmt: skip
    assert said in similis(*words, status=1).stderr
    assert not (tmp_path / "z.npy").exists()


def test_of_a_wider_table_the_model_takes_its_columns_and_that_is_said(similis, tmp_path, model):
    wide = write(tmp_path / "wide.csv", ["", "z", *NAMES[::-1]], np.column_stack([LABELS, LABELS, X[:, ::-1]]))
    expected = similis("score", model, tmp_path / "x.csv", "--json").json["score"]
    done = similis("score", model, wide, "--json")
    assert done.json["score"] == pytest.approx(expected, rel=1e-12)
    assert "left out: , z" in done.stderr
    assert similis("score", model, wide, "--exclude", "0:2", "--json").stderr == ""
    twice = write(tmp_path / "twice.csv", [*NAMES, "z", "a"], np.column_stack([X, LABELS, LABELS]))
    assert "new z" in similis("score", model, twice, status=1).stderr


def test_of_more_columns_those_that_are_chosen_count(similis, tmp_path, model):
    wide = write(tmp_path / "wide.csv", ["z", *NAMES[::-1]], np.column_stack([LABELS, X[:, ::-1]]))
    expected = similis("score", model, tmp_path / "x.csv", "--json").json["score"]
    for columns in ("a,b,c,d,e,f", "1:", "f,b,c,d,e,a"):
        found = similis("score", model, wide, "--columns", columns, "--json").json["score"]
        assert found == pytest.approx(expected, rel=1e-12)


def test_a_table_without_names_is_taken_as_it_stands_and_that_is_said(similis, tmp_path, model):
    np.save(tmp_path / "x.npy", X)
    done = similis("transform", model, tmp_path / "x.npy", "-o", tmp_path / "z.npy")
    assert "a, b, c, d, e, f" in done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "z.npy"), load(model).transform(X))


def test_parquet_has_names_too(similis, tmp_path, model):
    pandas = pytest.importorskip("pandas", reason="the data extra is not installed")
    frame = pandas.DataFrame(X, columns=NAMES)
    frame[NAMES[::-1]].to_parquet(tmp_path / "x.parquet")
    expected = similis("score", model, tmp_path / "x.csv", "--json").json["score"]
    assert similis("score", model, tmp_path / "x.parquet", "--json").json["score"] == pytest.approx(expected)


def test_stdin_has_names_too(similis, tmp_path, model):
    text = ",".join(NAMES[::-1]) + "\n" + "\n".join(",".join(map(repr, row)) for row in X[:, ::-1].tolist())
    expected = similis("score", model, tmp_path / "x.csv", "--json").json["score"]
    assert similis("score", model, "-", "--json", stdin=text).json["score"] == pytest.approx(expected)


def test_a_header_of_numbers_is_said_and_can_be_asked_for(similis, tmp_path):
    data = write(tmp_path / "n.csv", range(6), X)
    done = similis("fit", "psp", data, "-o", tmp_path / "m", "--json")
    assert done.json["rows"] == 241
    assert "--header" in done.stderr
    done = similis("fit", "psp", data, "-o", tmp_path / "n", "--header", "--json")
    assert (done.json["rows"], done.stderr) == (240, "")
    assert load(tmp_path / "n").feature_names_in_.tolist() == list("012345")
    done = similis("fit", "psp", data, "-o", tmp_path / "o", "--no-header", "--json")
    assert (done.json["rows"], done.stderr) == (241, "")


def test_a_checkpoint_keeps_the_names(similis, tmp_path, monkeypatch):
    from similis import SimilarityMatching

    data, original, calls = write(tmp_path / "x.csv", NAMES, X), SimilarityMatching.partial_fit, iter(range(2))

    class Killed(BaseException):
        pass

    def partial_fit(self, X):
        if next(calls, None) is None:
            raise Killed
        return original(self, X)

    with monkeypatch.context() as patch:
        patch.setattr(SimilarityMatching, "partial_fit", partial_fit)
        with pytest.raises(Killed):
            similis("fit", "psp", data, "-o", tmp_path / "m", "--block-rows", 64, "--checkpoint-every", 64)
    turned = write(tmp_path / "turned.csv", NAMES[::-1], X[:, ::-1])
    similis("fit", "psp", turned, "-o", tmp_path / "m", "--resume", tmp_path / "m.checkpoint")
    similis("fit", "psp", data, "-o", tmp_path / "whole", "--block-rows", 64)
    np.testing.assert_array_equal(load(tmp_path / "m").transform(X), load(tmp_path / "whole").transform(X))
