"""What commands print: one JSON object, or plain text that survives a pipe."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

import typer

from .._text import printable


def emit(record: dict[str, Any], *, as_json: bool, text: str) -> None:
    """Print ``record`` as one JSON object, or ``text``, on stdout."""
    typer.echo(json.dumps(record, allow_nan=False) if as_json else printable(text))


def refuse_inputs(output: str | os.PathLike, *inputs: str | os.PathLike | None) -> None:
    """Refuse, as wrong usage, an output that is one of the files that are read: --force is not meant for them."""
    for source in inputs:
        if (
            source is not None
            and os.path.exists(output)
            and os.path.exists(source)
            and os.path.samefile(output, source)
        ):
            raise typer.BadParameter(f"{source} is read: write to another file", param_hint="--output")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows under headings, in aligned columns."""
    cells = [[str(cell) for cell in row] for row in ([*columns], *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)
