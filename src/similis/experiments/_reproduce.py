"""Run experiments one after another and leave a report: an error in one never hides the others."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .._atomic import refuse_unwritable
from .._errors import InputError, MissingDependencyError, SimilisError
from .._optional import require
from ..datasets import fetch
from ..display import describe
from . import _environment, figures, report
from ._registry import BUDGETS, Budget, Experiment, Outcome, select
from ._result import Finding, Network, Reference, Result, Status

N_SEEDS = 5
log = logging.getLogger(__name__)


def reproduce(
    names: Iterable[str], *, budget: Budget = "smoke", out: Path | str = "report", seed: int = 0, force: bool = False,
    params: Mapping[str, Any] | None = None,
) -> list[Result]:  # fmt: skip
    """Run experiments and write ``out/index.html`` and ``out/results.json``.

    Parameters
    ----------
    names : iterable of str
        Papers (``"psp"``), experiments (``"psp/spiked"``) or ``"all"``.
    budget : {"smoke", "full"}
        Seconds on data that need no download, or the scale of the papers on their data.
    out : path
        Folder of the report; made when absent.
    seed : int
        The first of the five seeds each experiment may use.
    force : bool
        Replace a report that lies there already.
    params : dict, optional
        Parameters of the experiments, such as ``{"k": 16}``. Those that have none of that name do not run, and claims,
        which are about the defaults, are measured but not judged.

    Returns
    -------
    list of Result
        One for each experiment. One that raised has status ``"failed"`` and its message as the reason.

    Raises
    ------
    InputError
        Unknown name, budget or parameter, or a report that would be overwritten. Nothing has run then.
    MissingDependencyError
        Without jinja2. What an experiment needs beside it and is absent makes its status ``"not run"``.
    """
    if isinstance(names, str):
        names = [names]
    if budget not in BUDGETS:
        raise InputError(f"budget={budget!r}; expected 'smoke' or 'full'. Start with 'smoke': it takes seconds.")
    require("jinja2", extra="plot")  # writes the report
    names, out = list(names), Path(out)
    chosen = select(names)
    if (out / "index.html").exists() and not force:
        raise InputError(f"A report already lies in {out}. Choose another folder, or pass force=True to replace it.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {out}: {error.strerror}. Choose another.") from error
    for name in (report.PAGE, report.NUMBERS):
        refuse_unwritable(out / name, force=force)
    command = f"similis reproduce {' '.join(names)} --budget {budget} --seed {seed}"
    due = [entry for entry in chosen if budget in entry.budgets]
    params = dict(params or {})
    command += "".join(f" --param {name}={value}" for name, value in params.items())
    if params:
        known = {name: default for entry in due for name, default in entry.params.items()}
        for name, value in params.items():
            if name not in known or type(value) is not type(known[name]) or value < 1:
                can = ", ".join(f"{key}={default}" for key, default in known.items()) or "none"
                raise InputError(f"parameter {name}={value!r} of {', '.join(names)}; there are {can}, integers >= 1")
        due = [entry for entry in due if params.keys() <= entry.params.keys()]
    if not due:
        raise InputError(f"{', '.join(names)} has no experiment at budget {budget!r}. Ask for budget='full'.")
    results = [_run(entry, budget, tuple(range(seed, seed + N_SEEDS)), command, params) for entry in due]
    report.write(results, out, force=force)
    return results


def _run(entry: Experiment, budget: Budget, seeds: tuple[int, ...], command: str, params: Mapping[str, Any]) -> Result:
    log.info("%s: running at budget %s", entry.id, budget)
    outcome, reason, circuit = Outcome({}), "", None
    status: Status = "ran"
    start = time.perf_counter()
    try:
        for name in entry.needs:
            _find(name)
        outcome = entry.run(budget, seeds, **params)
        missing = {claim.id for claim in entry.due(budget)} ^ set(outcome.measured)
        if missing:
            raise InputError(
                f"Measured and claimed differ in {sorted(missing)}. Measure each claim of {entry.id} once."
            )
        circuit = _describe(outcome.circuit)
    except (_AbsentError, MissingDependencyError) as error:
        status, reason = "not run", str(error)
    except Exception as error:  # the report is the place where a failure is told
        log.exception("%s failed", entry.id)
        outcome, status, reason = Outcome({}), "failed", f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - start
    log.info("%s: %s after %.1f s", entry.id, status, seconds)
    findings = []
    for claim in entry.due(budget):
        measured = outcome.measured.get(claim.id)
        verdict = "not measured" if measured is None else claim.verdict(measured.value)
        findings.append(Finding(claim, measured, "other parameters" if measured and params else verdict))
    return Result(
        paper=entry.paper,
        experiment=entry.name,
        title=entry.title,
        summary=entry.summary,
        reference=_reference(entry.paper),
        status=status,
        reason=reason,
        claims=tuple(findings),
        figures=outcome.figures,
        tables=outcome.tables,
        circuit=circuit,
        seconds=seconds,
        budget=budget,
        seeds=tuple(sorted({seed for measured in outcome.measured.values() for seed in measured.seeds})),
        command=command,
        environment=_environment.environment(),
        versions=_environment.versions(),
    )


class _AbsentError(SimilisError):
    """Data are neither on this machine nor downloadable."""


def _find(name: str) -> None:
    try:
        fetch(name)
    except SimilisError as error:
        raise _AbsentError(f"The data set {name!r} is missing. {error}") from error


def _reference(paper: str) -> Reference:
    from ..networks import catalogue

    card = catalogue()[paper]
    return Reference(paper, card.title, card.authors, card.year, card.url)


def _describe(network: Any) -> Network | None:
    return None if network is None else Network(describe(network), figures.drawing(network))
