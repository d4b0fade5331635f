"""A network that compares a row with the one before it: passes, blocks and scores keep the order of the file."""

from __future__ import annotations

import numpy as np
import pytest

from similis import SlowFeatureAnalysis, load
from similis.datasets import slow_signals

X = slow_signals(900, 6, 2, random_state=0)[0]


@pytest.fixture
def data(tmp_path):
    np.save(tmp_path / "x.npy", X)
    return tmp_path / "x.npy"


@pytest.mark.parametrize("solver", ["online", "exact"])
def test_passes_in_blocks_are_those_of_fit(similis, tmp_path, data, solver):
    words = ("--epochs", 3, "--block-rows", 128, "-k", 2, "--param", f"solver={solver}", "--param", "shuffle=false")
    similis("fit", "slow", data, *words, "-o", tmp_path / "m")
    whole = SlowFeatureAnalysis(2, solver=solver, n_epochs=3, shuffle=False, random_state=0).fit(X)
    if solver == "exact":  # which sees the rows once
        whole.new_stream().partial_fit(X).new_stream().partial_fit(X)
    model = load(tmp_path / "m")
    assert model._lagged.moments.count == whole._lagged.moments.count == 3 * 899
    np.testing.assert_allclose(model.transform(X), whole.transform(X), atol=1e-7)


def test_a_second_pass_that_is_resumed_begins_anew(similis, tmp_path, data, monkeypatch):
    original, calls = SlowFeatureAnalysis.partial_fit, iter(range(3))

    class Killed(BaseException):
        pass

    def partial_fit(self, X):
        if next(calls, None) is None:
            raise Killed
        return original(self, X)

    words = ("--epochs", 2, "--block-rows", 300)
    with monkeypatch.context() as patch:
        patch.setattr(SlowFeatureAnalysis, "partial_fit", partial_fit)
        with pytest.raises(Killed):
            similis("fit", "slow", data, "-o", tmp_path / "m", *words, "--checkpoint-every", 300)
    similis("fit", "slow", data, "-o", tmp_path / "m", "--resume", tmp_path / "m.checkpoint")
    similis("fit", "slow", data, "-o", tmp_path / "whole", *words)
    np.testing.assert_array_equal(load(tmp_path / "m").transform(X), load(tmp_path / "whole").transform(X))


def test_a_score_is_that_of_the_first_rows(similis, tmp_path, data):
    similis("fit", "slow", data, "-k", 2, "-o", tmp_path / "m")
    said = similis("score", tmp_path / "m", data, "--rows", 400, "--json").json
    assert said["score"] == pytest.approx(load(tmp_path / "m").score(X[:400]))
