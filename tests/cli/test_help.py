"""The command line answers at once, loads nothing heavy, and is strict about usage."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from similis import __version__

COMMANDS = (
    "list", "show", "derive", "fit", "transform", "predict", "score", "screen", "watch", "reproduce", "data", "doctor",
    "completion",
)  # fmt: skip


def test_help_lists_every_command(similis):
    text = similis("--help").output
    assert all(f"\n  {command} " in text for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(similis, command):
    assert "Usage:" in similis(command, "--help").output


@pytest.mark.parametrize("words", [["--help"], ["list"], ["completion", "bash"]])
def test_help_is_quick(words):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "similis", *words], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent < 1.0  # processor seconds, whatever else the machine does; about 0.1, 0.3 for list


@pytest.mark.parametrize("words", [["--help"], ["list"], ["completion", "bash"]])
def test_help_imports_nothing_heavy(words):
    heavy = ("numpy", "scipy", "sklearn", "numba", "torch", "matplotlib", "pandas", "pyarrow", "rich")
    code = f"import sys\nfrom similis.cli._app import app\napp({words}, standalone_mode=False)\n"
    code += f"print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "args",
    [
        ["unknown"],
        ["fit"],
        ["fit", "psp", "x.npy"],
        ["fit", "nonsense", "x.npy", "-o", "m"],
        ["fit", "psp", "x.npy", "-o", "m", "-k", "0"],
        ["fit", "psp", "x.npy", "-o", "m", "--dtype", "float16"],
        ["reproduce", "all", "--budget", "huge"],
        ["show", "nonsense"],
    ],
)
def test_wrong_usage_exits_with_2(similis, args, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "Error" in similis(*args, status=2).stderr
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_that_of_the_package(similis):
    assert similis("--version").output == f"similis {__version__}\n"


@pytest.mark.parametrize(
    ("given", "said"), [("foo=1", "unknown parameter 'foo' of psp; known are"), ("foo", "expected name=value")]
)
def test_a_parameter_that_is_none_is_told_which_there_are(similis, given, said, tmp_path):
    (tmp_path / "x.csv").write_text("1,2\n2,1\n3,5\n")
    done = similis("fit", "psp", tmp_path / "x.csv", "-o", tmp_path / "m.safetensors", "--param", given, status=2)
    assert said in " ".join(done.output.split())
