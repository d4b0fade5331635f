"""The reference pages follow the code: public names, and the default steps."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from similis.circuit import Circuit
from similis.networks import catalogue

DOCS = Path(__file__).parents[1] / "docs"


def sections() -> dict[str, set[str]]:
    """Names listed in docs/api/index.md under each module."""
    text = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (\S+)$", text, flags=re.MULTILINE)[1:]
    rows = {
        module: re.findall(r"^\| (`.*?) \|", body, re.MULTILINE)
        for module, body in zip(parts[::2], parts[1::2], strict=True)
    }
    return {module: {name for row in names for name in re.findall(r"`(\w+)`", row)} for module, names in rows.items()}


ROOMS = (
    "",
    ".circuit",
    ".control",
    ".datasets",
    ".derive",
    ".distributed",
    ".engine",
    ".experiments",
    ".memory",
    ".metrics",
    ".networks",
    ".nn",
    ".nomad",
    ".superconductor",
)


@pytest.mark.parametrize("room", ROOMS)
def test_the_api_page_lists_the_public_names(room):
    module = importlib.import_module(f"similis{room}")
    assert sections()[f"similis{room}"] == set(module.__all__)


def test_the_default_steps_in_the_decision_are_those_of_the_code():
    from similis import estimators

    text = (DOCS / "decisions" / "0003-running-scale.md").read_text(encoding="utf-8")
    said = {
        row[0]: tuple(map(float, row[1:]))
        for row in re.findall(r"^\| ([\w-]+) \| ([\d.e-]+) \| ([\d.e-]+) \| ([\d.e-]+) \|$", text, re.MULTILINE)
    }
    circuits = {name: card for name, card in catalogue().items() if isinstance(card.build(), Circuit)}
    params = {name: getattr(estimators, card.estimator)().get_params() for name, card in circuits.items()}
    assert said.keys() == {name for name in circuits if {"eta0", "decay", "tau"} <= params[name].keys()}
    for name in said:
        card, circuit = circuits[name], circuits[name].build()
        assert said[name] == (circuit.step.eta0, circuit.step.decay, circuit.lateral.tau), name
        own = dict(zip(("eta0", "decay", "tau"), said[name], strict=True))
        asked = {key: own[key] if params[name][key] is None else params[name][key] for key in own}  # None: network's
        assert asked == own, f"{card.estimator} and its network differ"
