"""``similis transform``: what the estimator's ``transform`` gives, in any format, whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from similis.estimators.persist import load


@pytest.fixture
def Z(model, X):
    return load(model).transform(X)


@pytest.mark.parametrize("rows", [7, 300, 10_000])
def test_npy(similis, tmp_path, model, npy, Z, rows):
    out = tmp_path / "z.npy"
    assert similis("transform", model, npy, "-o", out, "--block-rows", rows, "--json").json["rows"] == 300
    written = np.load(out)
    assert written.dtype == Z.dtype
    np.testing.assert_allclose(written, Z, rtol=1e-12, atol=1e-12)


def test_csv_reads_back_to_the_same_numbers(similis, tmp_path, model, npy, Z):
    similis("transform", model, npy, "-o", tmp_path / "z.csv")
    header, *lines = (tmp_path / "z.csv").read_text().splitlines()
    assert header.split(",") == list(load(model).get_feature_names_out())
    np.testing.assert_array_equal(np.loadtxt(lines, delimiter=","), Z)


def test_stdout_carries_csv_alone(similis, model, npy, Z):
    text = similis("transform", model, npy, "-o", "-").stdout
    np.testing.assert_array_equal(np.loadtxt(io.StringIO(text), delimiter=",", skiprows=1), Z)
    similis("transform", model, npy, "-o", "-", "--json", status=2)


def test_parquet(similis, tmp_path, model, npy, Z):
    pandas = pytest.importorskip("pandas")
    similis("transform", model, npy, "-o", tmp_path / "z.parquet", "--block-rows", 70)
    frame = pandas.read_parquet(tmp_path / "z.parquet")
    assert list(frame.columns) == list(load(model).get_feature_names_out())
    np.testing.assert_allclose(frame.to_numpy(), Z, rtol=1e-12, atol=1e-12)


def test_float32_stays_float32(similis, tmp_path, X):
    np.save(tmp_path / "x.npy", X.astype(np.float32))
    similis("fit", "psp", tmp_path / "x.npy", "-o", tmp_path / "m")
    similis("transform", tmp_path / "m", tmp_path / "x.npy", "-o", tmp_path / "z.npy")
    assert np.load(tmp_path / "z.npy").dtype == np.float32


def test_cca_views(similis, tmp_path, X, npy):
    views = ("--columns", "0:4", "--y-columns", "4:6")
    similis("fit", "cca", npy, *views, "-o", tmp_path / "m")
    Z = {}
    for view in ("sum", "x", "y", "both"):
        similis("transform", tmp_path / "m", npy, *views, "--view", view, "-o", tmp_path / f"z-{view}.npy")
        Z[view] = np.load(tmp_path / f"z-{view}.npy")
    Zx, Zy = load(tmp_path / "m").transform(X[:, :4], X[:, 4:])
    np.testing.assert_allclose(Z["x"], Zx)
    np.testing.assert_allclose(Z["y"], Zy)
    np.testing.assert_allclose(Z["sum"], Zx + Zy)
    np.testing.assert_allclose(Z["both"], np.hstack([Zx, Zy]))


def test_failures_leave_nothing(similis, tmp_path, model, X, npy):
    files = sorted(tmp_path.iterdir())
    X[250, 3] = np.nan
    np.save(tmp_path / "x.npy", X)
    for out in ("z.npy", "z.csv", "z.parquet"):
        error = similis("transform", model, npy, "-o", tmp_path / out, "--block-rows", 50, status=1).stderr
        assert "row 251, column 4 is nan" in error
    np.save(tmp_path / "x.npy", X[:, 4:])
    assert "2 features" in similis("transform", model, npy, "-o", tmp_path / "z.npy", status=1).stderr
    assert sorted(tmp_path.iterdir()) == files


def test_usage(similis, tmp_path, model, npy):
    similis("transform", model, npy, "-o", tmp_path / "z.xlsx", status=2)
    similis("transform", model, npy, "-o", tmp_path / "z.npy", "--view", "x", status=2)
    (tmp_path / "z.npy").write_text("precious")
    similis("transform", model, npy, "-o", tmp_path / "z.npy", status=1)
    assert (tmp_path / "z.npy").read_text() == "precious"
    similis("transform", model, npy, "-o", tmp_path / "z.npy", "--force")
    assert len(np.load(tmp_path / "z.npy")) == 300


def test_damaged_models_are_refused(similis, tmp_path, model, npy):
    (tmp_path / "m").write_bytes(Path(model).read_bytes()[:-3])
    assert "cut short" in similis("transform", tmp_path / "m", npy, "-o", tmp_path / "z.npy", status=1).stderr
