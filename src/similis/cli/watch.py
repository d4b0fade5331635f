"""``similis watch``: whether a stream still lies in the subspace it used to lie in, block by block."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from . import _options as opt
from ._models import names_of
from ._output import emit, refuse_inputs


def watch(
    data: opt.Data,
    reference: Annotated[
        int, typer.Option(min=1, metavar="ROWS", help="First rows of DATA, in which nothing changes.")
    ],
    model: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="Model whose subspace is watched, instead of the reference's.")
    ] = None,
    n_components: Annotated[
        int, typer.Option("--n-components", "-k", min=1, metavar="K", help="Dimension of the subspace.")
    ] = 2,
    rows: Annotated[int, typer.Option("--rows", min=2, metavar="N", help="Rows that are judged together.")] = 100,
    false_alarm: Annotated[
        float, typer.Option(metavar="P", help="Probability of a false alarm within --horizon blocks.")
    ] = 0.01,
    horizon: Annotated[int, typer.Option(min=1, metavar="BLOCKS", help="See --false-alarm.")] = 1000,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="OUT", help="Every block, as .csv, .npy, .parquet, or -.")
    ] = None,
    columns: opt.Columns = None,
    exclude: opt.Exclude = None,
    missing: opt.Missing = "error",
    header: opt.Header = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 at an alarm.")] = False,
    seed: opt.Seed = 0,
    force: opt.Force = False,
    as_json: opt.Json = False,
) -> None:
    """Watch a stream for a change.

    Of each block of rows: its reconstruction error, the angle between its principal subspace and that of the reference,
    and a score, cumulated, that raises the alarm beyond 1. Rows are counted from the first of DATA.
    """
    import numpy as np

    from .._errors import InputError
    from ..estimators.persist import load
    from ..metrics import DriftDetector
    from ._sink import sink
    from ._views import Views, located

    if output == "-" and as_json:
        raise typer.BadParameter("stdout carries the CSV; write to a file to use --json", param_hint="--output")
    if output is not None:
        refuse_inputs(output, data, model)
    estimator = None if model is None else load(model)
    if estimator is not None and not (hasattr(estimator, "components_") and hasattr(estimator, "mean_")):
        raise typer.BadParameter(f"{model} holds a {type(estimator).__name__}, which has no subspace and mean")
    views = Views(data, columns, None, None, None, rows, header, missing=missing, exclude=exclude)
    if estimator is not None:
        views.like = names_of(estimator)
    detector = DriftDetector(
        n_components, block_rows=rows, false_alarm=false_alarm, horizon=horizon, model=estimator, random_state=seed
    )
    names, held, fitted, told = ["start", "stop", "error", "angle", "score", "alarm"], list[np.ndarray](), False, 0
    with sink(output, names, force=force) if output is not None else nullcontext() as write:
        for (block,) in views.blocks():
            if not fitted:
                held.append(block)
                if sum(map(len, held)) < reference:
                    continue
                table = np.concatenate(held)
                with located(f"{data}, rows 1 to {reference}"):
                    detector.fit(table[:reference])
                block, fitted = table[reference:], True
            if len(block):
                detector.update(block)
            if write is not None and detector.history_[told:]:
                found = np.array(detector.history_[told:], float)
                found[:, :2] += reference
                write(found, None)
                told = len(detector.history_)
    if not fitted:
        raise InputError(f"{data}: {sum(map(len, held))} rows, fewer than the reference. Fix: a smaller --reference")
    record = {
        "blocks": len(detector.history_), "alarm": detector.alarm_,
        "alarm_row": None if detector.alarm_row_ is None else detector.alarm_row_ + reference,
        "change_row": None if detector.change_row_ is None else detector.change_row_ + reference,
        "score": max((block.score for block in detector.history_), default=0.0),
    }  # fmt: skip
    said = "no alarm"
    if detector.alarm_:
        said = "alarm at row {alarm_row}, the change came about row {change_row}"
    text = f"{{blocks}} blocks of {rows} rows: {said}; largest score {{score:.3g}}".format(**record)
    if output == "-":
        typer.echo(text, err=True)
    else:
        emit(record, as_json=as_json, text=text)
    if strict and detector.alarm_:
        raise typer.Exit(1)
