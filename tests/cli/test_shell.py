"""The shell around the commands: completion, colours, and what to install where something is absent."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from similis import _card, _optional
from similis.cli import doctor
from similis.networks import catalogue

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ABSENT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {gone!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


def without(gone, code):
    """Run code in a process in which some packages are absent."""
    code = ABSENT.format(gone=gone) + code
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)


def complete(script, *words):
    """What bash offers for the last word."""
    line = f"source {shlex.quote(str(script))}; COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; "
    done = subprocess.run(["bash", "-c", line + "_similis; printf '%s\\n' \"${COMPREPLY[@]}\""], capture_output=True,
                          text=True, check=True, cwd=script.parent)  # fmt: skip
    return set(done.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_networks_options_and_files(similis, tmp_path):
    script = tmp_path / "similis.sh"
    script.write_text(similis("completion", "bash").stdout)
    assert complete(script, "similis", "pre") == {"predict"}
    assert complete(script, "similis", "fit", "n") == {"nsm", "nomad"}
    assert complete(script, "similis", "transform", "--id") == {"--id-column"}
    assert complete(script, "similis", "fit", "psp", "sim") == {"similis.sh"}
    assert complete(script, "similis", "data", "fe") == {"fetch"}
    every = set(re.findall(r"--[a-z-]+", similis("fit", "--help").stdout.split("Options:")[1])) - {"--force"}
    assert every <= complete(script, "similis", "fit", "-")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells(similis, shell, tmp_path):
    text = similis("completion", shell).stdout
    assert all(word in text for word in ("id-column", "nsm", "predict"))
    if shutil.which(shell):
        (tmp_path / "script").write_text(text)
        subprocess.run([shell, "-n", tmp_path / "script"], check=True)


def test_the_list_is_the_catalogue():
    cards = catalogue()
    found = _card.written()
    assert sorted(card["name"] for card in found) == sorted(cards)
    for card in found:
        assert all(getattr(cards[card["name"]], key) == value for key, value in card.items())


def test_no_color(similis, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    similis("--no-color", "list")
    assert os.environ["NO_COLOR"]
    rich = pytest.importorskip("rich.console")
    assert rich.Console(force_terminal=True).no_color


def test_doctor_knows_every_requirement_and_extra(similis):
    def names(lines):
        return {name for line in lines for name in re.findall("[a-z0-9-]+", line.split(">")[0])}

    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    assert set(doctor._EXTRAS) == set(re.findall(r"[a-z]+", everything)) - {"similis"}
    assert all(set(modules) == names(extras[extra]) for extra, modules in doctor._EXTRAS.items())
    assert set(doctor._REQUIRED) == names(PROJECT["dependencies"])
    checks = {check["name"]: check for check in similis("doctor", "--json").json["checks"]}
    for extra, modules in doctor._EXTRAS.items():
        for module in modules:
            assert f"({extra})" in checks[module]["detail"]


def test_a_hint_names_an_installation_that_works(tmp_path, monkeypatch):
    where = f"pip install -e '{ROOT}[torch]'"
    assert _optional.pip_line("torch") == where
    done = without(["torch"], "import similis.nn")
    assert where in done.stderr
    installed = tmp_path / "lib" / "site-packages" / "similis" / "_optional.py"
    monkeypatch.setattr(_optional, "__file__", str(installed))
    assert _optional.pip_line("torch") == "pip install 'similis[torch]'"


def test_doctor_says_how_an_absent_package_is_installed():
    run = "from similis.cli._app import app\napp(['doctor'], standalone_mode=False)"
    lines = {line.split()[0]: line for line in without(["clarabel", "pandas"], run).stdout.splitlines()}
    assert f"absent (sdp); pip install -e '{ROOT}[sdp]'" in lines["clarabel"]
    assert "[data]" in lines["pandas"]


@pytest.mark.parametrize("gone", ["torch", "gymnasium", "pandas,pooch,pyarrow"])
def test_every_experiment_is_known_without_what_it_needs(gone):
    done = without(gone.split(","), "from similis.experiments import experiments\nprint(len(experiments()))")
    from similis.experiments import experiments

    assert done.stdout.strip() == str(len(experiments())), done.stderr


def test_what_cannot_run_here_reads_not_run(tmp_path):
    run = "import logging; logging.basicConfig(level=20)\nfrom similis.experiments import reproduce\n"
    run += f"print(reproduce(['in-context'], out={str(tmp_path / 'r')!r})[0].status)"
    done = without(["torch"], run)
    assert done.stdout.strip() == "not run", done.stderr
    done = without(["jinja2"], run)
    assert "[plot]" in done.stderr
    assert "running" not in done.stderr
