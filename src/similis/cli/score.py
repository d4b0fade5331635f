"""``similis score``: how good a saved network is on data, in constant memory."""

from __future__ import annotations

from typing import Annotated

import typer

from . import _options as opt
from ._models import (
    admit,
    allows_missing,
    beside_x,
    in_order,
    learns_formulas,
    means_of,
    names_of,
    numeric_labels,
    shaped,
)
from ._output import emit


def score(
    model: opt.Model,
    data: opt.Data,
    rows: Annotated[
        int, typer.Option(min=2, metavar="N", help="Rows to score on; more are sampled uniformly.")
    ] = 10_000,
    y_data: opt.YData = None,
    columns: opt.Columns = None,
    y_columns: opt.YColumns = None,
    exclude: opt.Exclude = None,
    id_column: opt.IdColumn = None,
    missing: opt.Missing = "error",
    header: opt.Header = None,
    dtype: opt.Dtype = None,
    seed: opt.Seed = 0,
    as_json: opt.Json = False,
) -> None:
    """Score a saved network on data.

    Prints what the estimator's `score` gives on at most --rows rows; of a time series, the first.
    """
    from ..estimators.persist import load
    from ._views import Views, located

    estimator = load(model)
    admit(estimator, model, "score")
    if learns_formulas(estimator):
        from ._formulas import read_formulas

        given = read_formulas(data, columns, y_columns, tc=True, header=header)
        value = float(estimator.score(given.formulas, given.tc))
        record = {"model": str(model), "class": type(estimator).__name__, "score": value, "rows_used": len(given.tc)}
        emit(record, as_json=as_json, text=f"{value:.6g}  (R2 of {len(given.tc)} formulas)")
        return
    views = Views(
        data, columns, y_data, y_columns, dtype, None, header, allows_missing(estimator), names_of(estimator), missing,
        means_of(estimator), exclude, id_column, beside_x(estimator), numeric_labels(estimator),
    )  # fmt: skip
    views.require(two=beside_x(estimator) is not None, name=type(estimator).__name__)
    chosen, total = views.first(rows) if in_order(estimator) else views.sample(rows, seed)
    with located(data):
        value = float(estimator.score(*shaped(estimator, chosen)))
    used = len(chosen[0])
    record = {"model": str(model), "class": type(estimator).__name__, "score": value, "rows_used": used, "rows": total}
    drawn = ", the first" if in_order(estimator) else f" drawn uniformly, seed {seed}"
    note = "all rows" if used == total else f"{used} of {total} rows{drawn}"
    emit(record, as_json=as_json, text=f"{value:.6g}  ({note})")
