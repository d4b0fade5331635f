"""Every example runs, from any folder, and leaves the figure it names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example(path, tmp_path):
    assert len(path.read_text().splitlines()) <= 100
    environment = {k: v for k, v in os.environ.items() if k != "SIMILIS_DATA"} | {"MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    figures = list(tmp_path.glob("*.png"))
    assert figures, f"{path.name} saved no figure; it printed {done.stdout[-500:]!r}"
    assert all(figure.stat().st_size > 5_000 for figure in figures)
