"""Compiled code on disk: damaged, or with nowhere to go, it is compiled anew, and one line says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import similis

#: a kernel that compiles quickly, called in a process of its own
ASK = """
import numpy as np
from similis.kernels.cityblock import _add
a, b, found = np.ones((2, 3)), np.zeros((3, 4)), np.zeros((2, 4))
_add(a, b, found)
print(found.sum(), sum(_add.stats.cache_hits.values()))
"""
DAMAGE = {
    "empty": lambda content: b"",
    "cut short": lambda content: content[:-9],
    "altered": lambda content: content[:-300] + b"?" * 250 + content[-50:],
}


def ask(**environment):
    clean = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    return subprocess.run(
        [sys.executable, "-B", "-c", ASK], env=clean | environment, capture_output=True, text=True, check=True
    )


@pytest.mark.parametrize(("kind", "damage"), [("nbi", "empty"), ("nbi", "cut short"), ("nbc", "altered")])
def test_damaged_files_are_compiled_anew(tmp_path_factory, kind, damage):
    folder = tmp_path_factory.getbasetemp() / "compiled"
    ask(NUMBA_CACHE_DIR=str(folder))
    (path,) = folder.rglob(f"cityblock._add_*.{kind}")
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    done = ask(NUMBA_CACHE_DIR=str(folder))
    assert done.stdout == "24.0 0\n"
    assert done.stderr.count("\n") == 1
    assert "damaged" in done.stderr
    done = ask(NUMBA_CACHE_DIR=str(folder))
    assert (done.stdout, done.stderr) == ("24.0 1\n", "")


def test_without_a_folder_to_write_to_nothing_is_kept(tmp_path):
    shutil.copytree(Path(similis.__file__).parent, tmp_path / "similis", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "similis" / "kernels" / "__pycache__").write_text("")  # as a folder that is read-only, even for root
    done = ask(PYTHONPATH=str(tmp_path), HOME="/dev/null", NUMBA_CACHE_DIR="/dev/null/x")
    assert done.stdout == "24.0 0\n"
    assert done.stderr.count("\n") == 1
    assert "NUMBA_CACHE_DIR" in done.stderr
