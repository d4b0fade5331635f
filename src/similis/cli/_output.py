"""What commands print: one JSON object, or plain text that survives a pipe."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import typer

from .._text import printable


def emit(record: dict[str, Any], *, as_json: bool, text: str) -> None:
    """Print ``record`` as one JSON object, or ``text``, on stdout."""
    typer.echo(json.dumps(record, allow_nan=False) if as_json else printable(text))


def refuse_inputs(
    output: str | os.PathLike[str], *inputs: str | os.PathLike[str] | None, hint: str = "--output"
) -> None:
    """Refuse, as wrong usage, an output that is one of the files that are read: --force is not meant for them."""
    if not os.path.exists(output):
        return
    there = os.stat(output)
    for source in inputs:
        if source is not None and (held := _stat(source)) is not None and os.path.samestat(there, held):
            raise typer.BadParameter(f"{source} is read: write to another file", param_hint=hint)


def _stat(source: str | os.PathLike[str]) -> os.stat_result | None:
    """Of a file that is read: also one that stdin comes from, or that holds an array, as ``x.npz:name``."""
    from ..datasets.npy import MEMBER

    name = os.fspath(source)
    member = MEMBER.fullmatch(name)
    try:
        return os.fstat(sys.stdin.fileno()) if name == "-" else os.stat(member["path"] if member else name)
    except (OSError, ValueError, AttributeError):
        return None
