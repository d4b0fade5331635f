"""``similis data``: the data sets the experiments use, where they are, and fetching them."""

from __future__ import annotations

from typing import Annotated

import typer

from .._text import table
from . import _options as opt
from ._output import emit

app = typer.Typer(help="List the data sets, or fetch one.", rich_markup_mode=None, invoke_without_command=True)


@app.callback()
def list_data(ctx: typer.Context, as_json: opt.Json = False) -> None:
    """List the data sets, or fetch one."""
    if ctx.invoked_subcommand is not None:
        return
    from ..datasets import catalog

    columns = ("name", "here", "shape", "description", "licence", "source")
    rows = [
        (d.name, "yes" if d.available else "no", d.shape, d.description, d.licence, d.source) for d in catalog()
    ]  # fmt: skip
    record = {"datasets": [dict(zip(columns, row, strict=True)) | {"here": row[1] == "yes"} for row in rows]}
    emit(record, as_json=as_json, text=table(columns, rows))


@app.command("fetch")
def fetch_data(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name from `similis data`.")], as_json: opt.Json = False
) -> None:
    """Find or download a data set, check it, and print where its files are."""
    from ..datasets import fetch

    files = [str(path) for path in fetch(name)]
    inside = f"{name} is inside an installed package; nothing to fetch"
    emit({"name": name, "files": files}, as_json=as_json, text="\n".join(files) or inside)
