"""``similis list``, ``show``, ``data`` and ``doctor``."""

from __future__ import annotations

import json

import numpy as np
import pytest

from similis import CircuitTransformer, save
from similis.circuit import Circuit
from similis.cli import doctor as doctor_module
from similis.display import System
from similis.estimators.persist import CLASSES
from similis.networks import catalogue


def test_every_network_has_an_estimator_that_can_be_saved():
    assert {card.estimator for card in catalogue().values()} <= set(CLASSES)
    assert {card.classifier for card in catalogue().values()} - {None} <= set(CLASSES)


def test_list(similis):
    networks = similis("list", "--json").json["networks"]
    assert {n["name"]: n["estimator"] for n in networks} == {k: card.estimator for k, card in catalogue().items()}
    text = similis("list").output
    assert all(str(n["year"]) in text and n["paper"] in text for n in networks)


@pytest.mark.parametrize("name", catalogue())
def test_show_prints_paper_equations_and_signals(similis, name):
    card, text = catalogue()[name], similis("show", name).output
    assert card.title in text
    network = card.build()
    bare = isinstance(network, Circuit) and not network.lateral.learns and network.lateral.acting == 0
    words = ("objective", "dynamics", "synapses", "units" if bare else "lateral", "reads")
    if isinstance(network, System):
        words = [equation.word for equation in network.equations]
        assert words[0] == "objective"
        assert ("reads" in text) == bool(network.reads)
    assert all(word in text for word in words)
    record = similis("show", name, "-k", 7, "--json").json
    assert "7 neurons" in record["equations"] or not isinstance(card.build(), Circuit)
    assert similis("show", name, "--latex").stdout.startswith("\\begin{aligned}")
    assert all(row["locality"] for row in record["signals"])


def test_show_reads_a_model_file(similis, model):
    text = similis("show", model).output
    assert "SimilarityMatching" in text
    assert "2 neurons" in text


@pytest.mark.parametrize(("suffix", "magic"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_show_draws(similis, tmp_path, suffix, magic):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"circuit.{suffix}"
    similis("show", "cca", "--figure", path)
    assert path.read_bytes().startswith(magic)
    similis("show", "cca", "--figure", path, status=1)
    similis("show", "cca", "--figure", tmp_path / "circuit.doc", status=2)
    assert list(tmp_path.iterdir()) == [path]


def test_data_lists_and_fetches(similis, monkeypatch, tmp_path):
    monkeypatch.setenv("SIMILIS_DATA", str(tmp_path))
    monkeypatch.setenv("SIMILIS_CACHE", str(tmp_path))
    sets = {d["name"]: d for d in similis("data", "--json").json["datasets"]}
    assert (sets["digits"]["here"], sets["orl-faces"]["here"]) == (True, False)
    assert "mnist" in similis("data").output
    assert similis("data", "fetch", "digits", "--json").json["files"] == []
    assert "SIMILIS_DATA" in similis("data", "fetch", "orl-faces", status=1).stderr
    assert "there are" in similis("data", "fetch", "nonsense", status=1).stderr


def test_doctor_finds_this_installation_sound(similis, monkeypatch):
    monkeypatch.delenv("SIMILIS_DATA", raising=False)
    checks = {c["name"]: c for c in similis("doctor", "--json").json["checks"]}
    assert checks["numpy"]["status"] == checks["a tiny fit"]["status"] == "ok"
    assert "broken" not in similis("doctor").output


def test_doctor_reports_what_is_broken(similis, monkeypatch, tmp_path):
    monkeypatch.setenv("SIMILIS_DATA", str(tmp_path / "absent"))
    monkeypatch.setattr(doctor_module, "_REQUIRED", ("numpy", "no-such-package"))
    result = similis("doctor", "--json", status=1)
    broken = [c["name"] for c in json.loads(result.stdout)["checks"] if c["status"] == "broken"]
    assert broken == ["no-such-package", "SIMILIS_DATA"]


def test_a_file_says_nothing_to_the_terminal(similis, tmp_path):
    circuit = Circuit("\x1b[31mred\x1b]0;mine\x07", 2)
    save(CircuitTransformer(circuit, random_state=0).fit(np.random.default_rng(0).normal(size=(50, 4))), tmp_path / "m")
    said = similis("show", tmp_path / "m").stdout
    assert not {"\x1b", "\x07"} & set(said)
    assert r"\x1b[31mred" in said
