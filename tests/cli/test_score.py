"""``similis score``: the estimator's score, on all rows or on a fair sample of them."""

from __future__ import annotations

import numpy as np
import pytest

from similis.cli._views import Views
from similis.estimators.persist import load


def test_score_is_the_estimators(similis, model, npy, X):
    record = similis("score", model, npy, "--json").json
    assert record["score"] == pytest.approx(load(model).score(X), rel=1e-12)
    assert (record["rows_used"], record["rows"]) == (300, 300)
    assert "all rows" in similis("score", model, npy).stdout


def test_a_sample_is_told_and_repeatable(similis, model, npy):
    args = ("score", model, npy, "--rows", 100)
    record = similis(*args, "--json").json
    assert (record["rows_used"], record["rows"]) == (100, 300)
    assert record == similis(*args, "--json").json
    assert record["score"] != similis(*args, "--seed", 1, "--json").json["score"]
    assert "100 of 300 rows drawn uniformly" in similis(*args).stdout


def test_two_views_are_sampled_together(similis, tmp_path, npy, X):
    views = ("--columns", "0:3", "--y-columns", "3:6")
    similis("fit", "cca", npy, *views, "-o", tmp_path / "m")
    assert similis("score", tmp_path / "m", npy, *views, "--json").json["score"] == pytest.approx(
        load(tmp_path / "m").score(X[:, :3], X[:, 3:])
    )
    (a, b), total = Views(npy, "0:3", None, "3:6", block_rows=16).sample(40, 0)
    rows = {tuple(row) for row in X}
    assert total == 300
    assert len({tuple(row) for row in np.hstack([a, b])} & rows) == 40


def test_every_row_is_as_likely_to_be_drawn(tmp_path):
    np.save(tmp_path / "i.npy", np.arange(60.0)[:, None])
    views, count = Views(str(tmp_path / "i.npy"), block_rows=7), np.zeros(60)
    for seed in range(900):
        count[views.sample(20, seed)[0][0][:, 0].astype(int)] += 1
    # binomial(900, 1/3): mean 300, standard deviation 14
    assert abs(count - 300).max() < 5 * 14.2


def test_bad_input(similis, tmp_path, model, X):
    np.save(tmp_path / "x.npy", X[:, :5])
    assert "5 features" in similis("score", model, tmp_path / "x.npy", status=1).stderr
    assert "cannot read the model" in similis("score", tmp_path / "none", tmp_path / "x.npy", status=1).stderr
