"""A killed fit, resumed, ends bit for bit where the unbroken one ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest

from similis import OnlineCCA, SimilarityMatching
from similis.estimators.persist import load, load_with_progress, save

GRID = ("--block-rows", 64, "--epochs", 3)


def weights(path):
    arrays, meta = load(path)._pack()
    return {name: array.tobytes() for name, array in arrays.items()}, meta


class _Killed(BaseException):
    """Stands for a process that dies between two blocks."""


@contextmanager
def killed_after(monkeypatch, kind, calls):
    """Let ``kind.partial_fit`` die after ``calls`` blocks."""
    original, count = kind.partial_fit, iter(range(calls))

    def partial_fit(self, *views):
        if next(count, None) is None:
            raise _Killed
        return original(self, *views)

    with monkeypatch.context() as patch:
        patch.setattr(kind, "partial_fit", partial_fit)
        with pytest.raises(_Killed):
            yield


@pytest.mark.parametrize("calls", [1, 4, 7, 14])
@pytest.mark.parametrize("network", ["psp", "cca"])
def test_resuming_ends_where_the_unbroken_fit_ends(similis, tmp_path, npy, monkeypatch, network, calls):
    views = ("--columns", "0:3", "--y-columns", "3:6") if network == "cca" else ()
    out, checkpoint = tmp_path / "m.safetensors", tmp_path / "m.checkpoint.safetensors"
    similis("fit", network, npy, "-o", tmp_path / "whole", *views, *GRID)
    with killed_after(monkeypatch, {"psp": SimilarityMatching, "cca": OnlineCCA}[network], calls):
        similis("fit", network, npy, "-o", out, *views, *GRID, "--checkpoint-every", 1)
    assert not out.exists()
    assert load_with_progress(checkpoint)[1]["rows"] > 0
    similis("fit", network, npy, "-o", out, "--resume", checkpoint)
    assert weights(out) == weights(tmp_path / "whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.safetensors", "whole", "x.npy"]


@pytest.fixture
def checkpoint(similis, tmp_path, npy, monkeypatch):
    with killed_after(monkeypatch, SimilarityMatching, 3):
        similis("fit", "psp", npy, "-o", tmp_path / "m", *GRID, "--checkpoint-every", 100)
    return tmp_path / "m.checkpoint"


def test_checkpoints_come_every_so_many_rows(checkpoint):
    assert load_with_progress(checkpoint)[1]["rows"] == 128


def test_a_checkpoint_is_not_lost_to_a_new_fit(similis, tmp_path, npy, checkpoint):
    before = checkpoint.read_bytes()
    assert (
        "already exists" in similis("fit", "psp", npy, "-o", tmp_path / "m", "--checkpoint-every", 9, status=1).stderr
    )
    assert checkpoint.read_bytes() == before


def test_other_data_are_refused(similis, tmp_path, X, checkpoint):
    X[100, 0] += 1.0
    for name, data in (("other.npy", X), ("short.npy", X[:90])):
        np.save(tmp_path / name, data)
        error = similis("fit", "psp", tmp_path / name, "-o", tmp_path / "m", "--resume", checkpoint, status=1).stderr
        assert "not those the checkpoint learned from" in error
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    "option", [("--epochs", 2), ("--block-rows", 63), ("-k", 2), ("--seed", 0), ("--param", "tau=1")]
)
def test_other_options_are_refused(similis, tmp_path, npy, checkpoint, option):
    similis("fit", "psp", npy, "-o", tmp_path / "m", "--resume", checkpoint, *option, status=2)


def test_another_network_is_refused(similis, tmp_path, npy, checkpoint):
    error = similis("fit", "nsm", npy, "-o", tmp_path / "m", "--resume", checkpoint, status=2).stderr
    assert "holds a SimilarityMatching" in error


def test_a_finished_model_learns_more_data(similis, tmp_path, X, npy, model):
    np.save(tmp_path / "more.npy", X[::-1])
    record = similis("fit", "psp", tmp_path / "more.npy", "-o", tmp_path / "n", "--resume", model, "--json").json
    expected = SimilarityMatching(n_components=2, random_state=0)
    expected._mixes = True  # as the command line's blocks are
    expected.partial_fit(X).partial_fit(X[::-1])
    assert weights(tmp_path / "n")[0] == {name: a.tobytes() for name, a in expected._pack()[0].items()}
    assert (record["rows"], record["n_samples_seen"]) == (300, 600)


@pytest.fixture(scope="module")
def long_fit(similis, tmp_path_factory):
    """The arguments of a fit of some seconds, and the model it ends with."""
    folder = tmp_path_factory.mktemp("long")
    np.save(folder / "x.npy", np.random.default_rng(0).standard_normal((20_000, 50)).astype(np.float32))
    args = ["fit", "psp", str(folder / "x.npy"), "-k", "4", "--block-rows", "50", "--epochs", "5"]
    args += ["--checkpoint-every", "2000"]
    similis(*args, "-o", folder / "whole")
    return args, folder / "whole"


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_process_resumes_bit_for_bit(similis, tmp_path, long_fit, stop):
    args, whole = long_fit
    out, checkpoint = tmp_path / "m.safetensors", tmp_path / "m.checkpoint.safetensors"
    process = subprocess.Popen(
        [sys.executable, "-m", "similis", *args, "-o", str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job ignores it
    )  # fmt: skip
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(stop)
    process.communicate(timeout=300)
    assert process.returncode not in (0, 1, 2)
    if stop != signal.SIGKILL:  # only that one gives no chance to tidy up
        assert sorted(p.name for p in tmp_path.iterdir()) == ["m.checkpoint.safetensors"]
    similis(*args[:3], "-o", out, "--resume", checkpoint)
    assert weights(out) == weights(whole)


@pytest.mark.parametrize(
    "lie", [{"rows": -1}, {"rows": 1.5}, {"crc": []}, {"every": 0}, {"epochs": "2"}, {"dtype": 7}, {"more": 1}]
)
def test_a_forged_checkpoint_is_refused(similis, tmp_path, npy, checkpoint, lie):
    model, progress = load_with_progress(checkpoint)
    save(model, tmp_path / "forged", progress=progress | lie)
    said = similis("fit", "psp", npy, "-o", tmp_path / "m", "--resume", tmp_path / "forged", status=1).stderr
    assert "no usable checkpoint" in said


def _heard():
    """Signals as a terminal has them: what runs in the background ignores some."""
    for name in ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGINT"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


@contextmanager
def learning(*args):
    """A fit in a process of its own, from a pipe that does not end, once it has learned something."""
    command = [sys.executable, "-m", "similis", "fit", *map(str, args)]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    child = subprocess.Popen(command, **pipes, text=True, preexec_fn=_heard)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGQUIT", "SIGINT"])
def test_a_fit_that_is_told_to_stop_leaves_a_checkpoint_and_says_where(tmp_path, name, similis):
    X = np.random.default_rng(0).standard_normal((5000, 6))
    lines = [",".join(map(repr, row)) for row in X.tolist()]
    out, checkpoint = tmp_path / "m.safetensors", tmp_path / "m.checkpoint.safetensors"
    whole = tmp_path / "all.csv"
    whole.write_text("\n".join(lines) + "\n")
    often = ("--checkpoint-every", 2500)
    with learning("psp", "-", "-o", out, "--block-rows", 500, "--no-header", "-k", 2, *often) as child:
        child.stdin.write("\n".join(lines[:3200]) + "\n")
        child.stdin.flush()  # and then the pipe is silent
        while not checkpoint.exists():
            assert child.poll() is None
            time.sleep(0.1)
        child.send_signal(getattr(signal, name))
        _, said = child.communicate(timeout=300)
    assert child.returncode == 128 + getattr(signal, name)
    assert not out.exists()
    rows = load_with_progress(checkpoint)[1]["rows"]
    assert rows >= 2500
    assert f"stopped after {rows} rows; go on with --resume {checkpoint}" in said
    assert "Traceback" not in said
    options = ("--block-rows", 500, "--no-header")
    similis("fit", "psp", whole, "-o", out, "--resume", checkpoint, "--no-header")
    similis("fit", "psp", whole, "-o", tmp_path / "unbroken", "-k", 2, *options)
    assert weights(out) == weights(tmp_path / "unbroken")


def test_a_fit_that_keeps_no_checkpoint_leaves_one_when_it_is_told_to_stop(similis, tmp_path, npy, monkeypatch):
    out, checkpoint = tmp_path / "m.safetensors", tmp_path / "m.checkpoint.safetensors"
    similis("fit", "psp", npy, "-o", tmp_path / "whole", *GRID)
    learn, count = SimilarityMatching.partial_fit, iter(range(7))

    def interrupted(self, *views):
        if next(count, None) is None:
            raise KeyboardInterrupt
        return learn(self, *views)

    with monkeypatch.context() as patch:
        patch.setattr(SimilarityMatching, "partial_fit", interrupted)
        said = similis("fit", "psp", npy, "-o", out, *GRID, status=128 + signal.SIGINT).stderr
    rows = load_with_progress(checkpoint)[1]["rows"]
    assert f"stopped after {rows} rows" in said
    similis("fit", "psp", npy, "-o", out, "--resume", checkpoint)
    assert weights(out) == weights(tmp_path / "whole")
    assert not checkpoint.exists()
    checkpoint.write_text("mine")
    count = iter(range(2))
    with monkeypatch.context() as patch:
        patch.setattr(SimilarityMatching, "partial_fit", interrupted)
        said = similis("fit", "psp", npy, "-o", out, "--force", *GRID, status=128 + signal.SIGINT).stderr
    assert "no checkpoint" in said
    assert checkpoint.read_text() == "mine"


def test_a_table_fit_goes_on_by_the_same_command(tmp_path, similis, monkeypatch):
    from similis.estimators import _unfinished

    rng = np.random.default_rng(0)
    X = np.concatenate([rng.standard_normal((30, 2)) + 2 * a for a in range(3)])
    np.save(tmp_path / "x.npy", X)
    command = (
        "fit",
        "nomad",
        tmp_path / "x.npy",
        "-o",
        tmp_path / "m",
        "--param",
        "n_clusters=6",
        "--param",
        "tol=1e-5",
    )
    similis(*command)
    whole = load(tmp_path / "m").labels_
    (tmp_path / "m").unlink()
    put = _unfinished.Unfinished.put

    def killed(self, *args, **words):
        put(self, *args, **words)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_unfinished, "EVERY", 0.0)
        patch.setattr(_unfinished.Unfinished, "put", killed)
        done = similis(*command, status=128 + signal.SIGINT)
    checkpoint = tmp_path / "m.checkpoint"
    assert f"go on with the same command and --resume {checkpoint}" in done.stderr
    assert "already exists" in similis(*command, status=1).stderr
    similis(*command, "--resume", checkpoint)
    np.testing.assert_array_equal(load(tmp_path / "m").labels_, whole)
    assert not checkpoint.exists()
