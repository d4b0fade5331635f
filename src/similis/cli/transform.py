"""``similis transform``: outputs of a saved network, written as the rows stream by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import _options as opt
from ._models import admit, beside_x, means_of, names_of
from ._output import emit, refuse_inputs

if TYPE_CHECKING:
    import numpy as np


def transform(
    model: opt.Model,
    data: opt.Data,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT", help=".npy, .csv or .parquet file, or - for CSV.")
    ],
    view: Annotated[
        Literal["sum", "x", "y", "both"], typer.Option(help="cca: the output z, one view's projection, or x and y.")
    ] = "sum",
    y_data: opt.YData = None,
    columns: opt.Columns = None,
    y_columns: opt.YColumns = None,
    exclude: opt.Exclude = None,
    id_column: opt.IdColumn = None,
    missing: opt.Missing = "error",
    header: opt.Header = None,
    dtype: opt.Dtype = None,
    block_rows: opt.BlockRows = None,
    force: opt.Force = False,
    as_json: opt.Json = False,
) -> None:
    """Compute the outputs of a saved network."""
    from ..estimators.persist import load
    from ._progress import progress
    from ._sink import sink
    from ._views import Views, located, rows_of

    if output == "-" and as_json:
        raise typer.BadParameter("stdout carries the CSV; write to a file to use --json", param_hint="--output")
    refuse_inputs(output, model, data, y_data)
    estimator = load(model)
    admit(estimator, model, "transform")
    two = beside_x(estimator) == "view"
    views = Views(
        data, columns, y_data, y_columns, dtype, block_rows, header, like=names_of(estimator), missing=missing,
        means=means_of(estimator), exclude=exclude, id_column=id_column, beside=beside_x(estimator),
    )  # fmt: skip
    views.require(two=two, name=type(estimator).__name__)
    if view != "sum" and not two:
        raise typer.BadParameter(f"{type(estimator).__name__} has one view", param_hint="--view")
    names, rows = [str(name) for name in estimator.get_feature_names_out()], 0
    if view == "both":
        names = [f"{side}_{name}" for side in "xy" for name in names]
    head = None if id_column is None else views.id_name
    with sink(output, names, force=force, ids=head) as write, progress("transform", views.n_rows()) as advance:
        for block in views.blocks():
            with located(rows_of(data, rows, block)):
                Z = estimator.transform(*block)
            write(_join(view, *Z) if two else Z, views.ids)
            rows += len(block[0])
            advance(len(block[0]))
    if output != "-":
        record = {"output": output, "rows": rows, "columns": len(names)}
        emit(record, as_json=as_json, text=f"{output}: {rows} rows, {len(names)} columns")


def _join(view: str, Zx: np.ndarray, Zy: np.ndarray) -> np.ndarray:
    import numpy as np

    if view == "both":
        return np.hstack([Zx, Zy])
    return {"x": Zx, "y": Zy}.get(view, Zx + Zy)
