"""Outputs appear whole or not at all, replace nothing that they may not, and command no terminal or spreadsheet."""

from __future__ import annotations

import csv
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from similis import CriticalTemperatureRegressor, InContextDenoiser, LocalSupervisionClassifier, _atomic, load, save
from similis._errors import InputError
from similis._text import cell
from similis.superconductor import known

SIMILIS = (sys.executable, "-m", "similis")


@pytest.fixture
def commands(tmp_path, npy, model, X):
    """A command a kind of output, without its ``-o`` and file, and the suffix of that."""
    save(InContextDenoiser(0.5, random_state=0).fit(X), tmp_path / "d")
    labels = tmp_path / "labels.npy"
    np.save(labels, X[:, 0] > 0)
    return {
        "fit": (("fit", "psp", npy, "-k", 2, "-o"), ".safetensors"),
        "transform": (("transform", model, npy, "-o"), ".npy"),
        "transform csv": (("transform", model, npy, "-o"), ".csv"),
        "transform parquet": (("transform", model, npy, "-o"), ".parquet"),
        "show": (("show", "psp", "--figure"), ".svg"),
        "save": (("fit", "nsm", npy, "-k", 2, "-o"), ""),
    }


KINDS = ("fit", "transform", "transform csv", "transform parquet", "show", "save")


def drafts(folder):
    return [path for path in folder.iterdir() if path.name.startswith(".similis-")]


@pytest.mark.parametrize("kind", KINDS)
def test_what_appears_meanwhile_is_kept_and_so_is_the_result(similis, tmp_path, commands, kind, monkeypatch):
    words, suffix = commands[kind]
    folder = tmp_path / "out"
    folder.mkdir()
    target, sync = folder / f"result{suffix}", os.fsync

    def appears(descriptor):
        target.write_text("another's")
        sync(descriptor)

    monkeypatch.setattr(_atomic.os, "fsync", appears)
    said = similis(*words, target, status=1).stderr
    assert target.read_text() == "another's"
    kept = [path for path in folder.iterdir() if path != target]
    assert len(kept) == 1
    assert str(kept[0]) in said
    assert len(said.splitlines()) == 1
    monkeypatch.setattr(_atomic.os, "fsync", sync)
    similis(*words, folder / f"again{suffix}")
    same = (folder / f"again{suffix}").read_bytes() == kept[0].read_bytes()
    assert same or kind == "show"  # a picture holds the time it was drawn
    monkeypatch.setattr(_atomic.os, "fsync", appears)
    similis(*words, target, "--force")
    assert target.read_bytes() != b"another's"
    assert not drafts(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_links_devices_and_pipes_are_never_replaced(similis, tmp_path, commands, kind):
    words, suffix = commands[kind]
    (tmp_path / "real").write_text("another's")
    (tmp_path / f"link{suffix}").symlink_to(tmp_path / "real")
    (tmp_path / f"broken{suffix}").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / f"pipe{suffix}")
    found = [("link", "link"), ("broken", "link"), ("pipe", "pipe")]
    if hasattr(os, "mknod") and os.geteuid() == 0:
        try:
            os.mknod(tmp_path / f"device{suffix}", 0o666 | 0o020000, os.makedev(1, 3))
            found.append(("device", "device"))
        except OSError:  # not where devices may not be made
            pass
    for name, what in found:
        for force in ((), ("--force",)):
            before = os.lstat(tmp_path / f"{name}{suffix}")[:2]
            assert f"it is a {what}" in similis(*words, tmp_path / f"{name}{suffix}", *force, status=1).stderr
            assert os.lstat(tmp_path / f"{name}{suffix}")[:2] == before
    assert (tmp_path / "real").read_text() == "another's"
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_any_length_are_written_or_refused(similis, tmp_path, commands, kind):
    words, suffix = commands[kind]
    for length in (240, 255):
        path = tmp_path / ("n" * (length - len(suffix)) + suffix)
        similis(*words, path)
        assert path.stat().st_size > 0
    said = similis(*words, tmp_path / ("n" * 256 + suffix), status=1).stderr
    assert "too long" in said
    assert len(said.splitlines()) == 1


def test_a_fit_is_kept_elsewhere_when_its_place_is_gone(similis, tmp_path, npy, monkeypatch):
    from similis.cli import fit

    away, here = tmp_path / "away", tmp_path / "here"
    away.mkdir(), here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(fit, "keep_names", lambda *_: shutil.rmtree(away))
    said = similis("fit", "psp", npy, "-k", 2, "-o", away / "m.safetensors", status=1).stderr
    kept = list(here.iterdir())
    assert len(kept) == 1
    assert str(kept[0]) in said
    assert len(said.splitlines()) == 1
    assert load(kept[0]).n_samples_seen_ == 3000  # ten passes


def test_a_place_that_cannot_be_written_is_refused_before_the_data_are_read(similis, tmp_path):
    for place in (tmp_path / "no" / "m", tmp_path, "/dev/null", "/proc/m"):
        said = similis("fit", "psp", tmp_path / "none.npy", "-o", place, status=1).stderr
        assert "none.npy" not in said
        assert len(said.splitlines()) == 1


def test_a_checkpoint_that_cannot_be_written_ends_no_fit(similis, tmp_path, npy, monkeypatch):
    from similis.estimators import persist

    def full(path, **how):
        if "checkpoint" in path.name:
            raise InputError(f"cannot write {path}: No space left on device")
        return _atomic.new_file(path, **how)

    monkeypatch.setattr(persist, "new_file", full)
    words = ("--block-rows", 100, "--checkpoint-every", 100, "--epochs", 1)
    said = similis("fit", "psp", npy, "-k", 2, "-o", tmp_path / "m.safetensors", *words).stderr
    assert said.count("note: no checkpoint after") == 3
    assert load(tmp_path / "m.safetensors").n_samples_seen_ == 300


def run(*words, **how):
    return subprocess.run([*SIMILIS, *map(str, words)], capture_output=True, text=True, timeout=300, **how)


def test_a_full_disk_is_one_line_of_error_and_leaves_nothing(tmp_path, npy, model):
    (tmp_path / "out").mkdir()
    for words, name in ((("fit", "nsm", npy, "-k", 60), "m"), (("transform", model, npy), "z.npy"),
                        (("transform", model, npy), "z.csv"), (("transform", model, npy), "z.parquet"),
                        (("show", "psp"), "f.png")):  # fmt: skip
        option = "--figure" if words[0] == "show" else "-o"

        def small():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

        where = {"cwd": tmp_path, "env": os.environ | {"TMPDIR": str(tmp_path)}}
        done = run(*words, option, tmp_path / "out" / name, preexec_fn=small, **where)
        assert done.returncode == 1, (words, done.stderr)
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "cannot write" in done.stderr
        assert not list((tmp_path / "out").iterdir())


def test_streams_that_are_full_or_closed_are_told_in_one_line(tmp_path, model, npy):
    shell = f"{sys.executable} -m similis"
    for words in (f"transform {model} {npy} -o -", "show psp", "list --json"):
        for to, status in ((">/dev/full", 1), (">&-", 1), ("2>&-", 0), (">&- 2>&-", 1)):
            done = subprocess.run(f"{shell} {words} {to}", shell=True, capture_output=True, text=True, timeout=300)
            assert done.returncode == status, (words, to, done.stderr)
            assert len(done.stderr.splitlines()) == (status if "2>" not in to else 0), done.stderr
        done = subprocess.run(f"{shell} {words} | head -1", shell=True, capture_output=True, text=True, timeout=300)
        assert done.stdout
        assert not done.stderr


def test_drafts_of_killed_runs_are_removed_by_the_next_and_those_of_live_ones_are_not(tmp_path):
    code = (
        "import sys, time\nfrom similis._atomic import new_file\n"
        "with new_file(sys.argv[1], force=False) as draft:\n    draft.write_text('half')\n    time.sleep(100)"
    )
    held = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / name)]) for name in "ab"]
    try:
        end = time.monotonic() + 300
        while len([d for d in drafts(tmp_path) if d.stat().st_size]) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        assert len(drafts(tmp_path)) == 2
        held[0].send_signal(signal.SIGKILL)
        held[0].wait()
        (tmp_path / ".similis-mine.txt").write_text("no draft")
        (tmp_path / "other.tmp").write_text("no draft")
        with _atomic.new_file(tmp_path / "c", force=False) as draft:
            draft.write_text("whole")
            assert len([d for d in drafts(tmp_path) if d.suffix == ".tmp"]) == 2  # the live one, and this
        assert len([d for d in drafts(tmp_path) if d.suffix == ".tmp"]) == 1
        assert sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".tmp") == [".similis-mine.txt", "c"]
        assert (tmp_path / "other.tmp").exists()
    finally:
        for process in held:
            process.kill()
            process.wait()


def test_two_writers_of_one_file_do_not_hurt_each_other(tmp_path):
    target = tmp_path / "x"
    first = _atomic.new_file(target, force=False)
    first.__enter__().write_text("first")
    with _atomic.new_file(target, force=False) as second:
        second.write_text("second")
    with pytest.raises(InputError, match="has appeared meanwhile"):
        first.__exit__(None, None, None)
    assert target.read_text() == "second"
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == ["first", "second"]


def test_a_file_system_without_links(tmp_path, monkeypatch):
    def without(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(_atomic.os, "link", without)
    test_two_writers_of_one_file_do_not_hurt_each_other(tmp_path)


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", " =1", "\r=1", "=1\x1b[31m", "-"]
)
def test_no_cell_is_a_formula(text):
    assert cell(text).startswith(("'", "\\"))
    assert cell(text).isprintable()


@pytest.mark.parametrize("text", ["MgB2", "-1.5", "+2e-3", "a,b", 'a"b', "", "YBa2Cu3O7-x", "1e5", "-inf"])
def test_other_cells_are_as_they_were(text):
    assert cell(text) == text


def test_names_and_formulas_of_users_in_csv(similis, tmp_path, X):
    pandas = pytest.importorskip("pandas", reason="the data extra is not installed")
    names = ["=cmd|' /C calc'!A0", "a,b", "\x1b[31mred", '"q"', "@x", "-1"]
    table = pandas.DataFrame(X, columns=names)
    save(InContextDenoiser(0.5, random_state=0).fit(table), tmp_path / "m")
    np.save(tmp_path / "x.npy", X)
    text = similis("transform", tmp_path / "m", tmp_path / "x.npy", "-o", "-").stdout
    assert "\x1b" not in text
    assert next(csv.reader(text.splitlines())) == ["'=cmd|' /C calc'!A0", "a,b", r"\x1b[31mred", '"q"', "'@x", "-1"]
    formulas, tc = known()[:2]
    save(
        CriticalTemperatureRegressor({"kernel": 1}, epochs=1).fit(formulas[:60], tc[:60]),
        tmp_path / "tc",
    )
    (tmp_path / "f.csv").write_text("formula\nMgB2\n=cmd|calc\n\x1b[31mNb3Sn\n@Nb\n")
    done = similis("predict", tmp_path / "tc", tmp_path / "f.csv", "-o", "-")
    assert "\x1b" not in done.stdout + done.stderr
    assert [row[0] for row in csv.reader(done.stdout.splitlines())][1:] == [
        "MgB2",
        "'=cmd|calc",
        r"\x1b[31mNb3Sn",
        "'@Nb",
    ]


@pytest.mark.parametrize("dtype", [str, object])
def test_labels_that_are_text(similis, tmp_path, X, npy, dtype):
    labels = np.where(X[:, 0] > 0, "=cmd|calc", "a,b\x1b[31m").astype(dtype)
    model = LocalSupervisionClassifier(4, random_state=0).fit(X, labels)
    save(model, tmp_path / "m")
    words = ("predict", tmp_path / "m", npy, "--block-rows", 70, "-o")
    similis(*words, tmp_path / "y.npy")
    assert np.load(tmp_path / "y.npy")[:, 0].tolist() == model.predict(X).tolist()
    text = similis(*words, "-").stdout
    assert "\x1b" not in text
    expected = {"=cmd|calc": "'=cmd|calc", "a,b\x1b[31m": r"a,b\x1b[31m"}
    assert [row[0] for row in csv.reader(text.splitlines())][1:] == [expected[label] for label in model.predict(X)]
    pytest.importorskip("pyarrow", reason="the data extra is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    similis(*words, tmp_path / "y.parquet")
    assert parquet.read_table(tmp_path / "y.parquet")["prediction"].to_pylist() == model.predict(X).tolist()


def test_usage_errors_command_no_terminal(similis, tmp_path, model, npy):
    for words in (("transform", model, npy, "-o", "a\x1b[31mb"), ("show", "a\x1b[31mb"), ("a\x1b[31mb",),
                  ("score", model, npy, "--rows", "a\x1b[31mb"), ("show", "psp", "--figure", "a\x1b[31mb"),
                  ("fit", "psp", npy, "-o", "m", "--param", "a\x1b[31mb=1"),
                  ("fit", "a\x1b[31mb", npy, "-o", "m")):  # fmt: skip
        assert "\x1b" not in similis(*words, status=2).output


def test_an_input_is_never_written_over(similis, npy, tmp_path):
    table, model = Path(npy), tmp_path / "m"
    before = table.read_bytes()
    assert "is read" in similis("fit", "psp", npy, "-k", 2, "-o", npy, "--force", status=2).stderr
    similis("fit", "psp", npy, "-k", 2, "-o", model)
    link = tmp_path / "same.npy"
    link.hardlink_to(table)
    assert "is read" in similis("transform", model, npy, "-o", link, "--force", status=2).stderr
    assert "is read" in similis("transform", model, npy, "-o", model, "--force", status=2).stderr
    assert table.read_bytes() == before
