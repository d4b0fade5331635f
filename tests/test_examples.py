"""Every example runs, from any folder, and leaves the figure it names."""

from __future__ import annotations

import runpy
from pathlib import Path

import matplotlib
import pytest
from matplotlib import pyplot

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example(path, tmp_path, monkeypatch, capsys):
    assert len(path.read_text().splitlines()) <= 100
    monkeypatch.delenv("SIMILIS_DATA", raising=False)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    try:
        with matplotlib.rc_context():
            runpy.run_path(str(path), run_name="__main__")
    finally:
        pyplot.close("all")
    figures = list(tmp_path.glob("*.png"))
    assert figures, f"{path.name} saved no figure; it printed {capsys.readouterr().out[-500:]!r}"
    assert all(figure.stat().st_size > 5_000 for figure in figures)
