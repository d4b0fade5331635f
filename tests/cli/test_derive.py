"""``similis derive``, and the objective in ``similis show``."""

from __future__ import annotations

import pytest

from similis.circuit import Circuit
from similis.derive import objective_of, read
from similis.networks import catalogue

BUILT = {name: card.network(4) for name, card in catalogue().items()}
PROBLEMS = {name: p for name, c in BUILT.items() if isinstance(c, Circuit) and (p := objective_of(c)) is not None}


def test_derive(similis, tmp_path):
    pytest.importorskip("matplotlib")
    line = "match(similarity(x, metric=1) + similarity(y, metric=1)), nonnegative"
    files = [tmp_path / name for name in ("circuit.svg", "steps.tex", "steps.html")]
    asked = ("derive", line, "-k", 16, "--figure", files[0], "--latex", files[1], "--html", files[2])
    text = similis(*asked).stdout
    assert text.startswith("min_{Z >= 0} 1/2 |X' Cxx^-1 X + Y' Cyy^-1 Y - Z'Z|^2\n\n1. The objective")
    assert files[0].read_bytes().startswith(b"<?xml")
    assert files[1].read_text(encoding="utf-8").startswith(r"\begin{enumerate}")
    assert files[2].read_text(encoding="utf-8").startswith("<!doctype html>")
    similis(*asked, status=1)  # they are there
    similis(*asked, "--force")
    similis("derive", line, "--latex", files[1], "--html", files[1], "--force", status=2)
    record = similis("derive", line, "-k", 16, "--json").json
    assert Circuit.from_dict(record["circuit"]) == read(line).circuit(16)
    assert read(record["problem"]) == read(line)


def test_derive_says_why_not(similis):
    error = similis("derive", "align(similarity(x))", status=1).stderr
    assert error.startswith("error: align(similarity(x)): unbounded")
    assert similis("derive", "__import__('os')", status=1).stderr.startswith(
        "error: __import__('os'): not in the language"
    )


@pytest.mark.parametrize("name", PROBLEMS)
def test_show_prints_the_objective_and_its_steps(similis, name):
    text, record = similis("show", name).stdout, similis("show", name, "--json").json
    assert f"objective  {record['objective']}" in text
    assert "1. The objective" in text
    assert record["derivation"] in text


def test_show_prints_the_objective_of_a_model_file(similis, model):
    assert "min_Z 1/2 |X'X - Z'Z|^2" in similis("show", model).stdout


def test_show_of_what_has_no_objective_in_similarities(similis):
    assert "1. The objective" not in similis("show", "manifold").stdout
