"""``similis reproduce``: run the papers' experiments, print claim by claim, leave one HTML report."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .._text import table
from . import _options as opt
from ._output import emit

if TYPE_CHECKING:
    from ..experiments import Result


def reproduce(
    names: Annotated[list[str], typer.Argument(metavar="PAPER...", help="psp, nsm, cca, one experiment, or all.")],
    budget: Annotated[Literal["smoke", "full"], typer.Option(help="Seconds, or the scale of the papers.")] = "smoke",
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the report.")] = Path("report"),
    seed: opt.Seed = 0,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter of the experiments, as k=16.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if a claim falls short.")] = False,
    force: opt.Force = False,
    as_json: opt.Json = False,
) -> None:
    """Reproduce papers and write a report.

    Each claim with its known number, goal, what was measured and the verdict; figures are saved beside the report. With
    --param, claims, which are about the defaults, are measured but not judged.
    """
    from .. import experiments

    logging.basicConfig(level=logging.INFO, format="%(message)s")  # goes to stderr
    params = {}
    for text in param or []:
        name, equals, value = text.partition("=")
        if not equals or not value.isdecimal():
            raise typer.BadParameter(f"{text!r}; expected name=integer, e.g. k=16", param_hint="--param")
        params[name] = int(value)
    results = experiments.reproduce(names, budget=budget, out=out, seed=seed, force=force, params=params)
    record = {"report": str(out / "index.html"), "results": [result.to_dict() for result in results]}
    emit(record, as_json=as_json, text=f"{_claims(results)}\n\nreport: {out / 'index.html'}")
    short = any(finding.verdict == "falls short" for result in results for finding in result.claims)
    if any(result.status == "failed" for result in results) or (strict and short):
        raise typer.Exit(1)


def _claims(results: list[Result]) -> str:
    rows: list[tuple[str, ...]] = []
    for result in results:
        if result.status != "ran":
            rows.append((result.id, result.reason, "", "", "", result.status))
            continue
        for finding in result.claims:
            claim, measured = finding.claim, finding.measured
            known = "" if claim.known is None else f"{claim.known:.4g} ({claim.provenance})"
            goal = f"{'<=' if claim.better == 'lower' else '>='} {claim.goal:.4g}"
            value = "" if measured is None else f"{measured.value:.4g}"
            rows.append((result.id, claim.id, known, goal, value, finding.verdict))
    return table(("experiment", "claim", "known", "goal", "measured", "verdict"), rows)
