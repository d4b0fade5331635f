"""``similis predict``: predictions of a saved model, written as the rows stream by."""

from __future__ import annotations

from typing import Annotated

import typer

from . import _options as opt
from ._output import emit


def predict(
    model: opt.Model,
    data: opt.Data,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT", help=".npy, .csv or .parquet file, or - for CSV.")
    ],
    columns: opt.Columns = None,
    dtype: opt.Dtype = None,
    block_rows: opt.BlockRows = None,
    force: opt.Force = False,
    as_json: opt.Json = False,
) -> None:
    """Predict targets, labels or clusters with a saved model."""
    from ..estimators.persist import load
    from ._progress import progress
    from ._sink import sink
    from ._views import Views, located, rows_of

    if output == "-" and as_json:
        raise typer.BadParameter("stdout carries the CSV; write to a file to use --json", param_hint="--output")
    estimator = load(model)
    if not hasattr(estimator, "predict"):
        raise typer.BadParameter(f"{model} holds a {type(estimator).__name__}, which has outputs: use `transform`")
    views, rows = Views(data, columns, dtype=dtype, block_rows=block_rows), 0
    width = int(getattr(estimator, "n_targets_", 1))
    names = ["prediction"] if width == 1 else [f"prediction{i}" for i in range(width)]
    with sink(output, names, force=force) as write, progress("predict", views.n_rows()) as advance:
        for (block,) in views.blocks():
            with located(rows_of(data, rows, (block,))):
                write(estimator.predict(block).reshape(len(block), width))
            rows += len(block)
            advance(len(block))
    if output != "-":
        emit({"output": output, "rows": rows}, as_json=as_json, text=f"{output}: {rows} rows")
