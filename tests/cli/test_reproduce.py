"""``similis reproduce``: claims on stdout, one report, an honest exit status."""

from __future__ import annotations

import json

import pytest

from similis.experiments import Claim, Measured, Outcome, _registry, experiment


@pytest.fixture
def registry(monkeypatch):
    """Only the experiments that a test registers."""
    monkeypatch.setattr(_registry, "_EXPERIMENTS", {})
    monkeypatch.setattr(_registry, "_MODULES", ())

    def register(value: float | Exception) -> None:
        claim = Claim(id="error", text="the error is small", goal=0.1, better="lower", known=0.05, source="Table 1")

        @experiment("psp", "tiny", "A tiny experiment", claims=[claim])
        def tiny(budget, seeds):
            """Measures one number."""
            if isinstance(value, Exception):
                raise value
            return Outcome({"error": Measured.over([value], seeds[:1])})

    return register


def test_claims_are_printed_and_the_report_written(similis, registry, tmp_path):
    registry(0.07)
    result = similis("reproduce", "psp", "--out", tmp_path / "report", "--strict")
    line = next(line for line in result.stdout.splitlines() if line.startswith("psp/tiny"))
    assert line.split() == ["psp/tiny", "error", "0.05", "(ours)", "<=", "0.1", "0.07", "pass"]
    assert (tmp_path / "report" / "index.html").exists()


def test_a_claim_that_falls_short_fails_only_a_strict_run(similis, registry, tmp_path):
    registry(0.2)
    assert "falls short" in similis("reproduce", "psp", "-o", tmp_path / "a").stdout
    assert "falls short" in similis("reproduce", "psp", "-o", tmp_path / "b", "--strict", status=1).stdout


def test_an_experiment_that_fails_is_told(similis, registry, tmp_path):
    registry(RuntimeError("no luck"))
    result = similis("reproduce", "all", "-o", tmp_path / "a", "--json", status=1)
    (record,) = json.loads(result.stdout)["results"]
    assert (record["status"], record["reason"]) == ("failed", "RuntimeError: no luck")


def test_unknown_names_and_old_reports_are_refused(similis, registry, tmp_path):
    registry(0.07)
    assert "nonsense" in similis("reproduce", "nonsense", "-o", tmp_path / "a", status=1).stderr
    similis("reproduce", "psp", "-o", tmp_path / "a")
    similis("reproduce", "psp", "-o", tmp_path / "a", status=1)
    similis("reproduce", "psp", "-o", tmp_path / "a", "--force")
