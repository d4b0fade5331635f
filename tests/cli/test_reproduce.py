"""``similis reproduce``: claims on stdout, one report, an honest exit status."""

from __future__ import annotations

import json

import pytest

from similis.experiments import Claim, Figure, Measured, Outcome, _registry, experiment


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


def test_parameters_reach_the_experiment_and_claims_are_not_judged(similis, registry, tmp_path):
    claim = Claim(id="k", text="k is small", goal=2, better="lower")

    @experiment("psp", "sized", "A sized experiment", claims=[claim])
    def sized(budget, seeds, *, k=2):
        """Measures what it was given."""
        return Outcome({"k": Measured.over([k], seeds[:1])})

    registry(0.07)
    ran = similis("reproduce", "psp", "-o", tmp_path / "a", "--json").json["results"]
    assert [r["claims"][0]["verdict"] for r in ran] == ["pass", "pass"]
    (found,) = similis("reproduce", "psp", "-o", tmp_path / "b", "--param", "k=16", "--json").json["results"]
    (finding,) = found["claims"]
    assert (found["experiment"], finding["measured"]["value"], finding["verdict"]) == ("sized", 16, "other parameters")
    assert "--param k=16" in found["command"]
    assert "other parameters" in (tmp_path / "b" / "index.html").read_text()
    assert "there are k=2" in similis("reproduce", "psp", "-o", tmp_path / "c", "--param", "q=1", status=1).stderr
    assert "k=16" in similis("reproduce", "psp", "-o", tmp_path / "c", "--param", "k=x", status=2).stderr


def test_figures_are_files(similis, registry, tmp_path):
    svg, png = b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", b"\x89PNG"

    @experiment("psp", "drawn", "A drawn experiment", claims=[])
    def drawn(budget, seeds):
        """Draws."""
        return Outcome({}, (Figure("a", "a", svg), Figure("b", "b", png, "png")))

    similis("reproduce", "psp", "-o", tmp_path / "a")
    names = {path.name: path.read_bytes() for path in (tmp_path / "a" / "figures").iterdir()}
    assert names == {"psp-drawn-1.svg": svg, "psp-drawn-2.png": png}
    similis("reproduce", "psp", "-o", tmp_path / "a", "--force")


def test_psp_takes_its_number_of_components():
    from similis.experiments.psp import digits, spiked

    for run, default in ((spiked, 4), (digits, 8)):
        assert run.__kwdefaults__ == {"k": default}
    network = spiked("smoke", (0,), k=2).circuit
    assert network.size == 2


def test_unknown_names_and_old_reports_are_refused(similis, registry, tmp_path):
    registry(0.07)
    assert "nonsense" in similis("reproduce", "nonsense", "-o", tmp_path / "a", status=1).stderr
    similis("reproduce", "psp", "-o", tmp_path / "a")
    similis("reproduce", "psp", "-o", tmp_path / "a", status=1)
    similis("reproduce", "psp", "-o", tmp_path / "a", "--force")
