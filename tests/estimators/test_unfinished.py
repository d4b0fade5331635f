"""Fits that were killed go on, and end bit for bit where the unbroken ones end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from similis import NOMAD, CriticalTemperatureRegressor
from similis._errors import InputError, ModelFileError
from similis.estimators import _unfinished
from similis.superconductor import known

X = make_blobs(60, centers=4, cluster_std=2.0, random_state=0)[0]
TC = known()


class Killed(BaseException):
    """What nothing catches."""


@pytest.fixture
def always(monkeypatch):
    """Every state is kept, and the n-th writing is the last that the process lives to see."""
    monkeypatch.setattr(_unfinished, "EVERY", 0.0)

    def last(n: int) -> None:
        real, count = _unfinished.Unfinished.put, [0]

        def put(self, *args, **words):
            real(self, *args, **words)
            count[0] += 1
            if count[0] == n:
                raise Killed

        monkeypatch.setattr(_unfinished.Unfinished, "put", put)

    return last


def same(a, b) -> None:
    (one, meta), (other, its) = a._pack(), b._pack()
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    for timed in (meta, its):
        timed.get("history_", {}).pop("seconds", None)
    assert str(meta) == str(its)


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize(
    "params",
    [
        {"solver": "convex", "tol": 1e-5},
        {"solver": "conditional-gradient", "tol": 1e-3},
        {"solver": "low-rank"},
        {"solver": "convex", "layers": [3, 2], "tol": 1e-5},
        {"solver": "convex", "kernel": "rbf", "tol": 1e-5},
    ],
    ids=str,
)
def test_a_killed_fit_ends_where_the_unbroken_one_ends(params, n, always, tmp_path, monkeypatch):
    def model():
        return NOMAD(6, random_state=3, **params)

    whole, file = model().fit(X), tmp_path / "fit.checkpoint"
    with monkeypatch.context():
        always(n)
        with pytest.raises(Killed):
            model().fit(X, checkpoint=file)
    monkeypatch.undo()
    assert file.exists()
    with pytest.raises(InputError, match="resume=True"):
        model().fit(X, checkpoint=file)
    with pytest.raises(InputError, match="not of this fit"):
        model().fit(X + 1, checkpoint=file, resume=True)
    with pytest.raises(InputError, match="not of this fit"):
        model().set_params(n_clusters=5).fit(X, checkpoint=file, resume=True)
    same(model().fit(X, checkpoint=file, resume=True), whole)
    assert not file.exists()


def test_a_broken_checkpoint_is_named(always, tmp_path):
    file = tmp_path / "fit.checkpoint"
    always(1)
    with pytest.raises(Killed):
        NOMAD(6, random_state=0, tol=1e-6).fit(X, checkpoint=file)
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ModelFileError):
        NOMAD(6, random_state=0, tol=1e-6).fit(X, checkpoint=file, resume=True)


def test_without_a_name_there_is_nothing_to_resume():
    with pytest.raises(InputError, match="no checkpoint"):
        NOMAD(3).fit(X, resume=True)


def members():
    return CriticalTemperatureRegressor({"kernel": 1, "recall": 1, "attention": 1}, epochs=2, random_state=None)


@pytest.mark.parametrize("n", [2, 5])
def test_members_that_are_learned_are_learned_once(n, always, tmp_path, monkeypatch):
    file = tmp_path / "tc.checkpoint"
    always(n)
    with pytest.raises(Killed):
        members().fit(TC.formulas, TC.tc, checkpoint=file)
    first = file.read_bytes()
    monkeypatch.undo()
    resumed = members().fit(TC.formulas, TC.tc, checkpoint=file, resume=True)
    assert not file.exists()
    file.write_bytes(first)  # the seed is in the file
    again = members().set_params(n_jobs=2).fit(TC.formulas, TC.tc, checkpoint=file, resume=True)
    same(resumed, again)


def test_learned_members_are_those_of_the_unbroken_fit(always, tmp_path, monkeypatch):
    whole = members().set_params(random_state=1).fit(TC.formulas, TC.tc)
    always(4)
    with pytest.raises(Killed):
        members().set_params(random_state=1).fit(TC.formulas, TC.tc, checkpoint=tmp_path / "x")
    monkeypatch.undo()
    same(members().set_params(random_state=1).fit(TC.formulas, TC.tc, checkpoint=tmp_path / "x", resume=True), whole)


def test_processes_end_with_the_one_that_began_them(tmp_path):
    code = """
        from similis import CriticalTemperatureRegressor
        from similis.superconductor import known
        data = known()
        CriticalTemperatureRegressor(epochs=400, n_jobs=2).fit(data.formulas, data.tc)
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], env=os.environ | {"MARK": str(tmp_path)})
    try:
        deadline = time.monotonic() + 120
        while len(marked(tmp_path)) < 3 and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(3.0)  # until the processes have work
        assert len(marked(tmp_path)) >= 3
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    deadline = time.monotonic() + 120
    while marked(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not marked(tmp_path)


def marked(mark) -> list[int]:
    """Processes whose environment holds the mark."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/environ", "rb") as file:
                    found += [int(entry)] if f"MARK={mark}".encode() in file.read() else []
            except OSError:
                pass
    return found


@pytest.mark.parametrize("history", [[[1, 2]], 3, [["a", 1, 1, 1]]])
@pytest.mark.parametrize("solver", ["convex", "conditional-gradient", "low-rank"])
def test_a_forged_checkpoint_is_refused(solver, history, always, tmp_path, monkeypatch):
    from similis._modelfile import read, to_bytes

    file, model = tmp_path / "fit.checkpoint", NOMAD(6, random_state=0, solver=solver, tol=1e-5)
    with monkeypatch.context():
        always(1)
        with pytest.raises(Killed):
            model.fit(X, checkpoint=file)
    monkeypatch.undo()
    header, arrays = read(file)
    (part,) = header["meta"]
    header["meta"][part]["history"] = history
    kept = {key: header[key] for key in ("class", "version", "params", "progress")}
    file.write_bytes(to_bytes(kept | {"meta": header["meta"]}, arrays))
    with pytest.raises(ModelFileError, match="history"):
        model.fit(X, checkpoint=file, resume=True)
    file.write_bytes(to_bytes(kept | {"meta": [1]}, arrays))
    with pytest.raises(ModelFileError, match="no unfinished fit"):
        model.fit(X, checkpoint=file, resume=True)
