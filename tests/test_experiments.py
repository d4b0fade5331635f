"""The registry and the runner: verdicts, failures that stay visible, and every experiment at the smoke budget."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from similis._errors import InputError
from similis.datasets import dataset
from similis.experiments import (
    Claim,
    Measured,
    Outcome,
    _registry,
    experiment,
    experiments,
    pages,
    reproduce,
)
from similis.networks import catalogue

PAPERS = list(dict.fromkeys(entry.paper for entry in experiments().values()))


def claim(**changes) -> Claim:
    return Claim(**{"id": "error", "text": "Error", "goal": 0.5, "better": "lower"} | changes)


@pytest.fixture
def empty_registry(monkeypatch):
    monkeypatch.setattr(_registry, "_MODULES", ())
    monkeypatch.setattr(_registry, "_EXPERIMENTS", {})


@pytest.fixture
def three(empty_registry, monkeypatch, tmp_path):
    """One experiment that runs, one that raises, one whose data are absent."""
    monkeypatch.setenv("SIMILIS_DATA", str(tmp_path / "nothing"))
    monkeypatch.setenv("SIMILIS_CACHE", str(tmp_path / "nothing"))

    @experiment("psp", "works", "Works", claims=[claim(), claim(id="full", budgets=("full",))])
    def works(budget, seeds):
        """Halves and reports."""
        return Outcome({"error": Measured.over([0.2 + 0.01 * seed for seed in seeds], seeds)})

    @experiment("psp", "breaks", "Breaks", claims=[claim()])
    def breaks(budget, seeds):
        """Raises."""
        raise FloatingPointError("weights diverged (NaN or inf)")

    @experiment("nsm", "absent", "Absent", claims=[claim()], needs=("mfeat",))
    def absent(budget, seeds):
        """Never called: its data are absent."""
        raise AssertionError


@pytest.mark.parametrize(
    ("better", "value", "verdict"),
    [
        ("lower", 0.5, "pass"),
        ("lower", 0.5001, "falls short"),
        ("higher", 0.5, "pass"),
        ("higher", 0.4999, "falls short"),
        ("lower", math.nan, "falls short"),
        ("lower", -math.inf, "falls short"),
    ],
)
def test_a_claim_is_judged_at_its_goal(better, value, verdict):
    assert claim(better=better).verdict(value) == verdict


@pytest.mark.parametrize("changes", [{"better": "equal"}, {"provenance": "hearsay"}, {"known": 0.1}])
def test_a_claim_states_side_provenance_and_source(changes):
    with pytest.raises(InputError):
        claim(**changes)


@pytest.mark.parametrize(
    ("statistic", "better", "expected"),
    [("median", "lower", 2.0), ("mean", "lower", 4.0), ("worst", "lower", 9.0), ("worst", "higher", 1.0)],
)
def test_measured_reduces_over_seeds(statistic, better, expected):
    measured = Measured.over([1.0, 9.0, 2.0], (4, 5, 6), statistic, better=better)
    assert (measured.value, measured.spread, measured.seeds) == (expected, (1.0, 9.0), (4, 5, 6))


def test_an_error_in_one_experiment_hides_no_other(three, tmp_path):
    results = reproduce(["all"], out=tmp_path / "report", seed=3)
    assert [(r.id, r.status) for r in results] == [
        ("psp/works", "ran"),
        ("psp/breaks", "failed"),
        ("nsm/absent", "not run"),
    ]
    assert "mfeat/Mfeat.mat: not found" in results[2].reason
    assert results[1].reason == "FloatingPointError: weights diverged (NaN or inf)"
    assert [finding.verdict for r in results for finding in r.claims] == ["pass", "not measured", "not measured"]
    assert results[0].claims[0].measured.value == pytest.approx(0.25)
    assert results[0].seeds == (3, 4, 5, 6, 7)
    stored = json.loads((tmp_path / "report" / "results.json").read_text())
    assert [r["status"] for r in stored["results"]] == ["ran", "failed", "not run"]
    assert sorted(p.name for p in (tmp_path / "report").iterdir()) == ["index.html", "results.json"]


def test_an_experiment_must_measure_what_it_claims(empty_registry, tmp_path):
    @experiment("psp", "silent", "Silent", claims=[claim()])
    def silent(budget, seeds):
        """Measures another thing."""
        return Outcome({"other": Measured.over([0.1], (0,))})

    (result,) = reproduce(["psp/silent"], out=tmp_path)
    assert result.status == "failed"
    assert "['error', 'other']" in result.reason


def test_nothing_runs_before_the_request_is_sound(three, tmp_path):
    (tmp_path / "index.html").write_text("an older report")
    with pytest.raises(InputError, match="force=True"):
        reproduce(["psp"], out=tmp_path)
    assert (tmp_path / "index.html").read_text() == "an older report"
    reproduce(["psp"], out=tmp_path, force=True)
    assert "an older report" not in (tmp_path / "index.html").read_text()
    with pytest.raises(InputError, match=r"'spp'.*nsm, psp"):
        reproduce(["spp"], out=tmp_path / "new")
    with pytest.raises(InputError, match="'smoke' or 'full'"):
        reproduce(["psp"], out=tmp_path / "new", budget="huge")
    assert not (tmp_path / "new").exists()


def test_a_paper_has_its_key_as_a_second_name():
    assert _registry.select(["friedrich2021"]) == _registry.select(["ofc"])
    assert _registry.select(["sridharan2026"]) == _registry.select(["flexible"])


def test_numbers_that_are_not_finite_become_null(empty_registry, tmp_path):
    @experiment("psp", "diverges", "Diverges", claims=[claim()])
    def diverges(budget, seeds):
        """Not finite."""
        return Outcome({"error": Measured.over([np.nan, 1.0], (0, 1), "mean")})

    (result,) = reproduce(["psp"], out=tmp_path)
    assert result.claims[0].verdict == "falls short"
    assert json.loads((tmp_path / "results.json").read_text())["results"][0]["claims"][0]["measured"]["value"] is None


def test_pages_follow_the_stored_results(three, tmp_path):
    reproduce(["psp"], out=tmp_path / "report")
    page = tmp_path / "docs" / "papers" / "psp.md"
    page.parent.mkdir(parents=True)
    page.write_text(f"# Before\n{pages.BEGIN}\nstale\n{pages.END}\nAfter\n")
    docs = [str(tmp_path / "docs"), "--results", str(tmp_path / "report" / "results.json")]
    assert pages.main([*docs, "--check"]) == 1
    assert "stale" in page.read_text()
    assert pages.main(docs) == 0
    assert "| Error | – | – | ≤ 0.5 | 0.220 (median of 5; 0.200 to 0.240) | pass |" in page.read_text()  # noqa: RUF001
    assert "**failed**" in page.read_text()
    assert page.read_text().startswith("# Before\n")
    assert page.read_text().endswith("\nAfter\n")
    assert pages.main([*docs, "--check"]) == 0
    page.write_text("no markers")
    with pytest.raises(InputError, match="needs one line"):
        pages.main(docs)


def test_the_committed_pages_follow_the_committed_results():
    docs = Path(__file__).parents[1] / "docs"
    assert {path.stem for path in (docs / "results").glob("*.json")} == set(PAPERS)
    assert pages.main([str(docs), "--check"]) == 0


def test_every_number_quoted_says_whose_it_is():
    quoted = [c for entry in experiments().values() for c in entry.claims if c.known is not None]
    assert len(quoted) >= 5
    assert all(c.source for c in quoted)


#: papers whose smoke runs take more than about twenty seconds
SLOW = ("denoise", "ofc", "nomad")


@pytest.mark.parametrize("paper", [pytest.param(p, marks=pytest.mark.slow) if p in SLOW else p for p in PAPERS])
def test_every_paper_is_reproduced_at_the_smoke_budget(paper, tmp_path):
    results = reproduce([paper], out=tmp_path)
    assert [(result.id, result.reason) for result in results if result.status != "ran"] == []
    short = [(r.id, f.claim.id, f.measured.value) for r in results for f in r.claims if f.verdict != "pass"]
    assert short == []
    assert all(result.figures and result.circuit for result in results)


def test_every_network_is_reproduced():
    assert set(catalogue()) == set(PAPERS)


@pytest.mark.data
@pytest.mark.skipif(not dataset("mfeat").available, reason="UCI mfeat is not below SIMILIS_DATA")
def test_two_real_views_correlate_as_in_exact_cca(tmp_path):
    (result,) = reproduce(["cca/mfeat"], budget="full", out=tmp_path)
    assert result.status == "ran", result.reason
    assert [finding.verdict for finding in result.claims] == ["pass"]


def test_many_claims_and_every_table_are_folded_and_failures_are_not():
    stored = json.loads((Path(__file__).parents[1] / "docs" / "results" / "flexible.json").read_text("utf-8"))[
        "results"
    ]
    text = pages.table(stored)
    open_, _, _ = text.partition("<details>")
    short = [one["claim"]["text"] for result in stored for one in result["claims"] if one["verdict"] != "pass"]
    claims = sum(len(result["claims"]) for result in stored)
    assert text.startswith(f"**{claims - len(short)} of {claims} claims pass.**")
    assert short
    assert open_.count("**falls short**") == len(short)
    assert all(claim.replace("|", "\\|") in open_ for claim in short)
    assert text.count("<details>") == text.count("</details>") == 1 + sum(len(result["tables"]) for result in stored)
    assert not re.search(r"<summary>[^<]*`", text)
