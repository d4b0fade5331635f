"""``similis predict``: predictions of a saved model, written as the rows stream by."""

from __future__ import annotations

import csv
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from . import _options as opt
from ._models import admit, allows_missing, in_order, learns_formulas, means_of, names_of
from ._output import emit, refuse_inputs

if TYPE_CHECKING:
    from ..estimators import CriticalTemperatureRegressor


def predict(
    model: opt.Model,
    data: opt.Data,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT", help=".npy, .csv or .parquet file, or - for CSV.")
    ],
    columns: opt.Columns = None,
    exclude: opt.Exclude = None,
    id_column: opt.IdColumn = None,
    missing: opt.Missing = "error",
    header: opt.Header = None,
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
    refuse_inputs(output, model, data)
    estimator = load(model)
    admit(estimator, model, "predict")
    if learns_formulas(estimator):
        record = _formulas(estimator, data, output, columns, header, force=force)
        if output != "-":
            emit(record, as_json=as_json, text="{output}: {rows} formulas, {refused} refused".format(**record))
        return
    views = Views(
        data, columns, None, None, dtype, block_rows, header, allows_missing(estimator), names_of(estimator), missing,
        means_of(estimator), exclude, id_column,
    )  # fmt: skip
    rows, width = 0, int(estimator.n_features_in_ if in_order(estimator) else getattr(estimator, "n_targets_", 1))
    blocks = iter([views.first(None)[0]]) if in_order(estimator) else views.blocks()
    names = ["prediction"] if width == 1 else [f"prediction{i}" for i in range(width)]
    head = None if id_column is None else views.id_name
    with sink(output, names, force=force, ids=head) as write, progress("predict", views.n_rows()) as advance:
        for (block,) in blocks:
            with located(rows_of(data, rows, (block,))):
                found = estimator.predict(block).reshape(len(block), width)
            if found.dtype == object:
                found = found.astype(estimator.classes_.astype(str).dtype)
            write(found, views.ids)
            rows += len(block)
            advance(len(block))
    if output != "-":
        emit({"output": output, "rows": rows}, as_json=as_json, text=f"{output}: {rows} rows")


def _formulas(
    estimator: CriticalTemperatureRegressor,
    data: str,
    output: str,
    columns: str | None,
    header: bool | None,
    *,
    force: bool,
) -> dict[str, object]:
    """Everything that is known of each formula, as CSV; those that cannot be read get a message and an empty row."""
    from .._atomic import new_file
    from .._text import cell
    from ..superconductor import read
    from ._formulas import complain, read_formulas

    given = read_formulas(data, columns, None, tc=False, header=header)
    _, refused = read(given.formulas)
    complain(data, given.lines, refused)
    bad = {row for row, _ in refused}
    good = [formula for row, formula in enumerate(given.formulas) if row not in bad]
    rows = iter(_judged(estimator, good) if good else ())
    with new_file(output, force=force) if output != "-" else nullcontext() as draft, _text(draft) as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("formula", "tc", "low", "high", "p_superconducting", "p_above", "novelty", "novel"))
        out.writerows(
            (cell(formula), *([""] * 7 if row in bad else next(rows))) for row, formula in enumerate(given.formulas)
        )
    return {"output": output, "rows": len(good), "refused": len(refused)}


def _text(path: Path | None) -> AbstractContextManager[IO[str]]:
    return nullcontext(sys.stdout) if path is None else path.open("w", encoding="utf-8", newline="")


def _judged(estimator: CriticalTemperatureRegressor, formulas: list[str]) -> list[list[str]]:
    return [
        [f"{tc:.2f}", f"{low:.2f}", f"{high:.2f}", f"{superconducting:.3f}", f"{above:.3f}", f"{novelty:.2f}",
         "yes" if novelty > 1 else "no"]
        for tc, low, high, superconducting, above, novelty in zip(*estimator.judge(formulas), strict=True)
    ]  # fmt: skip
