"""Options that several commands share, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA", help="CSV (also .csv.gz, .csv.zst, .tsv), Parquet, NPY or NPZ file, or - for CSV on stdin."
    ),
]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="Model file made by `similis fit`.")]
BlockRows = Annotated[
    int | None,
    typer.Option(min=1, metavar="ROWS", help="Rows read, and mixed, at a time.", show_default="about 32 MiB"),
]
Columns = Annotated[
    str | None, typer.Option(metavar="SPEC", help='Columns, as "0:10,12", "a,b" or "a:f" (with f).', show_default="all")
]
YColumns = Annotated[str | None, typer.Option(metavar="SPEC", help="Columns of the second view, or of the target.")]
YData = Annotated[str | None, typer.Option(metavar="FILE", help="File of the second view, or of the target.")]
Exclude = Annotated[str | None, typer.Option(metavar="SPEC", help="Columns to leave out.")]
IdColumn = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Column that names the rows: not learned from, kept in outputs.")
]
Missing = Annotated[
    Literal["error", "drop", "mean"],
    typer.Option(help="Rows with empty cells or NA: refuse them, leave them out, or fill in the mean of the column."),
]
Header = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="Whether the first line names the columns.", show_default="as it looks"),
]
Dtype = Annotated[Literal["float32", "float64"] | None, typer.Option(help="Precision.", show_default="as the data")]
Seed = Annotated[int, typer.Option(min=0, metavar="SEED", help="Seed of all randomness.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
