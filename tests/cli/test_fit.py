"""``similis fit``: every kind of file gives the model that the estimator itself gives."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from similis import DualClassifier, DualRegressor, NonnegativeSimilarityMatching, OnlineCCA, SimilarityMatching
from similis.datasets import shuffled
from similis.estimators.persist import load

KEEP = ("--param", "shuffle=false")
ONCE = ("--epochs", 1)


def weights(estimator):
    return {name: array.tobytes() for name, array in estimator._pack()[0].items()}


def csv(X):
    return "\n".join(",".join(map(repr, row)) for row in X.tolist()) + "\n"


def write(path, X):
    if path.suffix == ".npy":
        np.save(path, X)
    elif path.suffix == ".npz":
        np.savez_compressed(path, X=X)
    elif path.suffix == ".csv":
        path.write_text("a,b,c,d,e,f\n" + csv(X))
    else:
        pandas = pytest.importorskip("pandas")
        pandas.DataFrame(X, columns=list("abcdef")).to_parquet(path)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".parquet"])
def test_every_format_gives_the_same_model(similis, tmp_path, X, suffix):
    data, out = tmp_path / f"data{suffix}", tmp_path / "m.safetensors"
    write(data, X)
    record = similis("fit", "psp", data, "-o", out, "-k", 3, "--block-rows", 70, *KEEP, *ONCE, "--json").json
    expected = SimilarityMatching(n_components=3, random_state=0)
    for start in range(0, 300, 70):
        expected.partial_fit(X[start : start + 70])
    assert weights(load(out)) == weights(expected)
    assert (record["rows"], record["n_features"], record["n_samples_seen"]) == (300, 6, 300)


def test_stdin_is_csv(similis, tmp_path, X):
    similis("fit", "psp", "-", "-o", tmp_path / "m", "--block-rows", 64, stdin=csv(X))
    np.save(tmp_path / "x.npy", X)
    similis("fit", "psp", tmp_path / "x.npy", "-o", tmp_path / "n", "--block-rows", 64, *ONCE)
    assert weights(load(tmp_path / "m")) == weights(load(tmp_path / "n"))
    assert "once" in similis("fit", "psp", "-", "-o", tmp_path / "o", "--epochs", 2, status=2).stderr


def test_options_reach_the_estimator(similis, tmp_path, npy, X):
    args = [*KEEP, "--param", "l1=0.05", "--param", "tau=0.25", "--seed", 3, "--epochs", 2, "--dtype", "float32"]
    similis("fit", "nsm", npy, "-o", tmp_path / "m", "-k", 4, "--columns", "1:4", *args)
    expected = NonnegativeSimilarityMatching(n_components=4, l1=0.05, tau=0.25, random_state=3)
    for _ in range(2):
        expected.partial_fit(X[:, 1:4].astype(np.float32))
    model = load(tmp_path / "m")
    assert weights(model) == weights(expected)
    assert (model.l1, model.tau, model.n_epochs) == (0.05, 0.25, 2)


@pytest.mark.parametrize("param", ["colour=1", "tau", "n_components=3"])
def test_unknown_parameters_are_refused(similis, tmp_path, npy, param):
    error = similis("fit", "psp", npy, "-o", tmp_path / "m", "--param", param, status=2).stderr
    assert "tau" in error or "use --" in error


def test_a_buffer_mixes_rows_further_than_a_block(similis, tmp_path):
    """Three clusters one after the other: each must be heard among the others."""
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2], 800)
    data = np.abs(np.eye(3)[kind] @ (4 * np.eye(3, 6)) + 0.3 * rng.standard_normal((2400, 6)))
    np.save(tmp_path / "x.npy", data)
    words = ("fit", "psp", tmp_path / "x.npy", "--block-rows", 64, *KEEP, *ONCE)
    similis(*words, "--shuffle-buffer", 600, "--epochs", 2, "-o", tmp_path / "m")
    expected = SimilarityMatching(random_state=0)
    for epoch in range(2):
        blocks = (data[start : start + 64] for start in range(0, 2400, 64))
        for block in shuffled(blocks, rows=600, random_state=np.random.default_rng([0, epoch])):
            expected.partial_fit(block)
    found = load(tmp_path / "m")
    assert weights(found) == weights(expected)
    assert found.n_samples_seen_ == 4800
    assert "buffer" in similis(*words, "--shuffle-buffer", 9, "--checkpoint-every", 5, "-o", "m", status=2).stderr


def test_two_views_by_columns_or_by_files(similis, tmp_path, X, npy):
    np.save(tmp_path / "a.npy", X[:, :4])
    np.save(tmp_path / "b.npy", X[:, 4:])
    similis("fit", "cca", npy, "--columns", "0:4", "--y-columns", "4:6", "-o", tmp_path / "m", *KEEP, *ONCE)
    similis("fit", "cca", tmp_path / "a.npy", "--y-data", tmp_path / "b.npy", "-o", tmp_path / "n", *KEEP, *ONCE)
    expected = OnlineCCA(random_state=0).partial_fit(X[:, :4], X[:, 4:])
    assert weights(load(tmp_path / "m")) == weights(load(tmp_path / "n")) == weights(expected)


def test_views_must_fit_together(similis, tmp_path, X, npy):
    np.save(tmp_path / "short.npy", X[:299])
    error = similis("fit", "cca", npy, "--y-data", tmp_path / "short.npy", "-o", tmp_path / "m", status=1).stderr
    assert "differ in length" in error
    assert "one view" in similis("fit", "psp", npy, "--y-data", npy, "-o", tmp_path / "m", status=2).stderr
    assert "two views" in similis("fit", "cca", npy, "-o", tmp_path / "m", status=2).stderr
    assert not (tmp_path / "m").exists()


def test_nothing_is_overwritten_without_force(similis, npy, model):
    before = load(model)
    assert "--force" in similis("fit", "psp", npy, "-o", model, status=1).stderr
    assert weights(load(model)) == weights(before)
    similis("fit", "psp", npy, "-o", model, "-k", 1, "--force")
    assert load(model).n_components == 1


BAD = {
    "ragged.csv": ("1,2,3\n4,5,6\n7,8\n9,8,7\n", "line 3"),
    "words.csv": ("1,2\n3,4\n5,apple\n", "line 3"),
    "empty.csv": ("", "empty"),
    "nan.csv": ("1,2\n3,4\n5,nan\n", "row 3, column 2 is nan"),
    "inf.csv": ("1,2\n-inf,4\n", "row 2, column 1 is -inf"),
    "noise.npy": ("not an array", "NPY"),
    "noise.parquet": ("not parquet", "Parquet"),
    "data.xlsx": ("?", "unknown kind of file"),
}


def test_rows_that_resemble_each_other_are_mixed(similis, tmp_path):
    """Two latents that last 20 rows: in the order of the file the step of CCA is too large for them."""
    rng = np.random.default_rng(0)
    latents = np.apply_along_axis(np.convolve, 0, rng.standard_normal((6019, 2)), np.ones(20) / np.sqrt(20), "valid")
    X, Y = (latents @ rng.standard_normal((2, d)) + 0.7 * rng.standard_normal((6000, d)) for d in (40, 6))
    np.save(tmp_path / "x.npy", np.hstack([X, Y]))
    args = ("fit", "cca", tmp_path / "x.npy", "--columns", "0:40", "--y-columns", "40:46")
    similis(*args, "-o", tmp_path / "m")
    exact = OnlineCCA(solver="exact").fit(X, Y).score(X, Y)
    assert load(tmp_path / "m").score(X, Y) > 0.97 * exact
    error = similis(*args, "-o", tmp_path / "n", *KEEP, status=1).stderr
    assert "random order" in error
    assert "at sample" in error


@pytest.mark.parametrize("name", BAD)
def test_bad_data_fail_clearly_and_leave_nothing(similis, tmp_path, name):
    content, message = BAD[name]
    (tmp_path / name).write_text(content)
    error = similis("fit", "psp", tmp_path / name, "-o", tmp_path / "m", "-k", 1, status=1).stderr
    assert error.startswith("error: ")
    assert message in error
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_truncated_parquet_file_fails_clearly(similis, tmp_path, X):
    write(tmp_path / "x.parquet", X)
    whole = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "x.parquet").write_bytes(whole[: len(whole) // 2])
    assert "truncated" in similis("fit", "psp", tmp_path / "x.parquet", "-o", tmp_path / "m", status=1).stderr


def test_divergence_names_the_rows(similis, tmp_path, X, npy):
    args = ["--param", "eta0=50", "--param", "scale=null", "--param", "decay=0"]
    error = similis("fit", "psp", npy, "-o", tmp_path / "m", *args, status=1).stderr
    assert "rows 1 to 300" in error
    assert not (tmp_path / "m").exists()


def test_missing_files_are_named(similis, tmp_path):
    assert "no such file" in similis("fit", "psp", tmp_path / "none.npy", "-o", tmp_path / "m", status=1).stderr


def test_python_m_similis_is_the_command(tmp_path, npy):
    args = [sys.executable, "-m", "similis", "fit", "psp", npy, "-o", str(tmp_path / "m")]
    first = subprocess.run(args, capture_output=True, text=True)
    assert (first.returncode, first.stderr) == (0, "")
    assert "300 rows in 10 passes" in first.stdout
    second = subprocess.run(args, capture_output=True, text=True)
    assert (second.returncode, second.stdout) == (1, "")
    assert "already exists" in second.stderr


def test_targets_are_numbers_or_labels(similis, tmp_path, X):
    table = np.column_stack([X, np.digitize(X[:, 0], [0, 2])])
    np.save(tmp_path / "t.npy", table)
    where = (tmp_path / "t.npy", "--columns", "0:6", "--y-columns", "6", "--block-rows", 70, *ONCE)
    similis("fit", "dual", *where, "-o", tmp_path / "m")
    expected = DualRegressor(random_state=0)
    for start in range(0, 300, 70):
        expected.partial_fit(X[start : start + 70], table[start : start + 70, 6])
    assert weights(load(tmp_path / "m")) == weights(expected)
    similis("fit", "dual", *where, "--labels", "--param", "loss=hinge", "-o", tmp_path / "c")
    expected = DualClassifier("hinge", random_state=0)
    for start in range(0, 300, 70):
        expected.partial_fit(X[start : start + 70], table[start : start + 70, 6], classes=[0.0, 1.0, 2.0])
    model = load(tmp_path / "c")
    assert weights(model) == weights(expected)
    # the labels of a checkpoint are known already
    similis("fit", "dual", *where, "--resume", tmp_path / "c", "-o", tmp_path / "d")
    assert load(tmp_path / "d").n_samples_seen_ == 600
    assert "one estimator" in similis("fit", "psp", where[0], "--labels", "-o", tmp_path / "e", status=2).stderr
    similis("predict", tmp_path / "c", where[0], "--columns", "0:6", "-o", tmp_path / "p.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy")[:, 0], model.predict(X))
    labels = tmp_path / "y.npy"
    np.save(labels, table[:, 6:])
    similis("fit", "dual", "-", "--y-data", labels, "--labels", "-o", tmp_path / "f", stdin=csv(X))
    assert load(tmp_path / "f").classes_.tolist() == [0.0, 1.0, 2.0]


def test_rows_that_were_left_out_or_shortened_are_counted(similis, tmp_path, X):
    dead = np.concatenate([np.zeros((40, 6)), X])
    dead[200] *= 1e4
    np.save(tmp_path / "x.npy", dead)
    args = ("fit", "psp", tmp_path / "x.npy", "-k", 2, "--param", "center=false", "-o", tmp_path / "m", *ONCE)
    record = similis(*args, "--json").json
    assert record["n_idle"] >= 39
    assert record["n_damped"] >= 1
    assert f"{record['n_idle']} of 340 left out" in similis(*args, "--force").stdout


def test_rows_that_are_shortened_are_told_where_they_are_many(similis, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 6))
    for rows, told in ((X, False), (X * np.where(rng.random((2000, 1)) < 0.2, 30.0, 1.0), True)):
        np.save(tmp_path / "x.npy", rows)
        args = (
            "fit",
            "rrr",
            tmp_path / "x.npy",
            "--columns",
            "0:4",
            "--y-columns",
            "4:6",
            "-o",
            tmp_path / "m",
            "--epochs",
            1,
        )
        assert ("of 2000 shortened, as outliers are" in similis(*args, "--force").stdout) == told
        assert similis(*args, "--force", "--json").json["n_damped"] > 0
