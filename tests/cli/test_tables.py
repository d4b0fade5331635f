"""Tables as they are: text labels, missing values, names of rows; what is read is never written over."""

from __future__ import annotations

import csv
import os
import sys

import numpy as np
import pytest

from similis import DualClassifier, SimilarityMatching, load

RNG = np.random.default_rng(0)
KINDS = np.array(["setosa", "versicolor, wild", "1"])
CLASSES = RNG.integers(0, 3, 240)
X = 4 * np.eye(3)[CLASSES] @ RNG.random((3, 4)) + 0.3 * RNG.standard_normal((240, 4))
DAYS = np.arange("2024-01-01", "2024-08-28", dtype="M8[D]").astype(str)


def write(path, rows, names=("day", "a", "b", "c", "d", "kind")):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return path


def read(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def table(tmp_path):
    rows = [[day, *row, KINDS[i]] for day, row, i in zip(DAYS, X.tolist(), CLASSES, strict=True)]
    return write(tmp_path / "x.csv", rows)


SPLIT = ("--columns", "a:d", "--y-columns", "kind")


def test_labels_of_text_are_learned_scored_and_predicted(similis, tmp_path, table):
    similis("fit", "dual", table, *SPLIT, "--labels", "-o", tmp_path / "m", "--param", "shuffle=false")
    expected = DualClassifier(random_state=0, shuffle=False).partial_fit(X, KINDS[CLASSES], np.unique(KINDS))
    model = load(tmp_path / "m")
    assert model.classes_.tolist() == sorted(KINDS)
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))
    found = similis("score", tmp_path / "m", table, *SPLIT, "--json").json["score"]
    assert found == pytest.approx(expected.score(X, KINDS[CLASSES]))
    similis("predict", tmp_path / "m", table, "--id-column", "day", "-o", tmp_path / "p.csv")
    assert read(tmp_path / "p.csv") == [["day", "prediction"], *map(list, zip(DAYS, expected.predict(X), strict=True))]


@pytest.mark.parametrize("kind", ["npy", "parquet", "dictionary"])
def test_labels_of_text_in_arrays(similis, tmp_path, table, kind):
    labels = KINDS[CLASSES]
    if kind == "npy":
        np.save(tmp_path / "y.npy", labels)
        path = tmp_path / "y.npy"
    else:
        arrow = pytest.importorskip("pyarrow", reason="the data extra is not installed")
        column, path = arrow.array(labels.tolist()), tmp_path / "y.parquet"
        column = column.dictionary_encode() if kind == "dictionary" else column
        pytest.importorskip("pyarrow.parquet").write_table(arrow.table({"kind": column}), path)
    similis("fit", "dual", table, "--columns", "a:d", "--y-data", path, "--labels", "-o", tmp_path / "m")
    similis("fit", "dual", table, *SPLIT, "--labels", "-o", tmp_path / "n")
    np.testing.assert_array_equal(load(tmp_path / "m").coef_, load(tmp_path / "n").coef_)


def test_numbers_stay_numbers_and_are_told_from_text(similis, tmp_path, table):
    data = write(tmp_path / "y.csv", [[i] for i in CLASSES], ["kind"])
    similis("fit", "dual", table, "--columns", "a:d", "--y-data", data, "--labels", "-o", tmp_path / "m")
    assert load(tmp_path / "m").classes_.tolist() == [0, 1, 2]
    assert "labels of the model are numbers" in similis("score", tmp_path / "m", table, *SPLIT, status=1).stderr


def test_a_missing_label_is_no_class(similis, tmp_path):
    rows = [[day, *row, "NA" if i == 0 else KINDS[i]] for day, row, i in zip(DAYS, X.tolist(), CLASSES, strict=True)]
    data = write(tmp_path / "x.csv", rows)
    words = ("fit", "dual", data, *SPLIT, "--labels", "-o", tmp_path / "m")
    first = int((CLASSES == 0).argmax()) + 1
    assert f"row {first} has no label" in similis(*words, status=1).stderr
    done = similis(*words, "--missing", "drop", "--json")
    assert load(tmp_path / "m").classes_.tolist() == sorted(KINDS[1:])
    assert done.json["rows"] == (CLASSES != 0).sum()
    assert f"{(CLASSES == 0).sum()} of 240 rows" in done.stderr


@pytest.fixture
def holes(tmp_path):
    """A table with holes, and X with NaN there."""
    lacks = np.random.default_rng(1).random(X.shape) < 0.05
    texts = np.where(lacks, np.resize(["", "NA", "null", "?"], X.shape), X.astype(str))
    rows = [[day, *row, "k"] for day, row in zip(DAYS, texts.tolist(), strict=True)]
    return write(tmp_path / "holes.csv", rows), np.where(lacks, np.nan, X)


def test_rows_that_lack_a_value_are_left_out(similis, tmp_path, holes):
    data, Y = holes
    whole = ~np.isnan(Y).any(1)
    kept = write(tmp_path / "kept.csv", [[d, *r, "k"] for d, r in zip(DAYS[whole], Y[whole].tolist(), strict=True)])
    words = ("--exclude", "kind", "--id-column", "day", "--param", "shuffle=false", "--block-rows", 240)
    assert "missing drop" in similis("fit", "psp", data, *words, "-o", tmp_path / "o", status=1).stderr
    done = similis("fit", "psp", data, *words, "--missing", "drop", "-o", tmp_path / "m", "--json")
    similis("fit", "psp", kept, *words, "-o", tmp_path / "n")
    assert done.json["rows"] == whole.sum()
    np.testing.assert_array_equal(load(tmp_path / "m").components_, load(tmp_path / "n").components_)
    words = ("--id-column", "day", "--block-rows", 7)
    similis("transform", tmp_path / "m", data, *words, "--missing", "drop", "-o", tmp_path / "z.csv")
    similis("transform", tmp_path / "m", kept, *words, "-o", tmp_path / "w.csv")
    assert [row[0] for row in read(tmp_path / "z.csv")] == ["day", *DAYS[whole]]
    found, expected = ([[float(v) for v in row[1:]] for row in read(tmp_path / f)[1:]] for f in ("z.csv", "w.csv"))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("kind", ["csv", "npy", "parquet"])
def test_means_are_filled_in(similis, tmp_path, holes, kind):
    data, Y = holes
    filled = np.where(np.isnan(Y), np.nanmean(Y, 0), Y)
    words = ["--param", "shuffle=false", "--epochs", 1]
    if kind == "csv":
        words += ["--exclude", "kind", "--id-column", "day"]
    elif kind == "npy":
        np.save(data := tmp_path / "x.npy", Y)
    else:
        pandas = pytest.importorskip("pandas", reason="the data extra is not installed")
        pandas.DataFrame(Y, columns=list("abcd")).to_parquet(data := tmp_path / "x.parquet")
    similis("fit", "psp", data, *words, "--missing", "mean", "-o", tmp_path / "m")
    model = load(tmp_path / "m")
    expected = SimilarityMatching(random_state=0, shuffle=False).partial_fit(filled)
    np.testing.assert_allclose(model.components_, expected.components_, rtol=1e-10)
    # later the model's own mean stands in, so that a row's output depends on no other row
    row = tmp_path / "row.csv"
    row.write_text("a,b,c,d\n1,NA,2,3\n")
    similis("transform", model_path := tmp_path / "m", row, "--missing", "mean", "-o", tmp_path / "z.npy")
    np.testing.assert_allclose(np.load(tmp_path / "z.npy"), load(model_path).transform([[1, model.mean_[1], 2, 3]]))


def test_a_column_that_is_empty_has_no_mean_and_a_target_needs_none(similis, tmp_path):
    data = write(tmp_path / "x.csv", [[i, "", "" if i == 3 else i % 5] for i in range(40)], list("abt"))
    error = similis("fit", "psp", data, "--missing", "mean", "-o", tmp_path / "m", status=1).stderr
    assert "column 2 of those chosen is empty" in error
    error = similis("fit", "psp", data, "--missing", "drop", "-o", tmp_path / "m", status=1).stderr
    assert "missing in each row" in error
    words = ("fit", "dual", data, "--columns", "a", "--y-columns", "t", "-o", tmp_path / "m")
    assert "row 4 has no target" in similis(*words, "--missing", "mean", status=1).stderr
    assert similis(*words, "--missing", "drop", "--json").json["rows"] == 39


def test_names_of_rows_go_into_parquet_and_not_into_arrays(similis, tmp_path, table):
    arrow = pytest.importorskip("pyarrow.parquet", reason="the data extra is not installed")
    similis("fit", "psp", table, "--columns", "a:d", "-o", tmp_path / "m")
    similis("transform", tmp_path / "m", table, "--id-column", "day", "-o", tmp_path / "z.parquet")
    found = arrow.read_table(tmp_path / "z.parquet")
    assert (found.column_names[0], found["day"].to_pylist()) == ("day", DAYS.tolist())
    words = ("transform", tmp_path / "m", table)
    assert ".csv or .parquet" in similis(*words, "--id-column", 0, "-o", tmp_path / "z.npy", status=2).stderr
    fit = ("fit", "psp", table, "--columns", "c:d", "-o", tmp_path / "n")
    assert "one column" in similis(*fit, "--id-column", "a:b", status=2).stderr
    assert "once" in similis(*words[:2], "-", "--id-column", "day", "-o", "-", status=2).stderr


def test_what_is_read_is_not_written_over(similis, tmp_path, table, monkeypatch):
    np.savez(tmp_path / "x.npz", X=X)
    held = (tmp_path / "x.npz").read_bytes()
    for words in (("fit", "psp", f"{tmp_path}/x.npz:X"), ("fit", "psp", tmp_path / "x.npz")):
        assert "is read" in similis(*words, "-o", tmp_path / "x.npz", "--force", status=2).stderr
    assert (tmp_path / "x.npz").read_bytes() == held
    similis("fit", "psp", table, "--columns", "a:d", "-o", tmp_path / "m")
    os.link(table, tmp_path / "linked.csv")
    for command in ("transform", "predict"):
        words = (command, tmp_path / "m", table, "-o", tmp_path / "linked.csv", "--force")
        assert "is read" in similis(*words, status=2).stderr
    similis("fit", "psp", table, "--columns", "a:d", "-o", tmp_path / "m.png", "--force")
    assert "is read" in similis("show", tmp_path / "m.png", "--figure", tmp_path / "m.png", "--force", status=2).stderr
    with table.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        from similis.cli._output import _stat

        assert os.path.samestat(_stat("-"), os.stat(table))
