"""Files of formulas: one a line, or a column of a CSV with a column of Tc beside it."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import typer

from .._errors import InputError

#: names of columns that are looked for where none is asked for
_FORMULA, _TC = ("formula", "name", "composition"), ("tc", "critical_temp")


class Formulas(NamedTuple):
    """Formulas, their line numbers in the file, and their Tc where it was asked for."""

    formulas: list[str]
    lines: list[int]
    tc: list[float]


def read_formulas(data: str, columns: str | None, y_columns: str | None, *, tc: bool) -> Formulas:
    """Read a CSV or text file; empty lines are passed over.

    The first line is a header where it names a column that is asked for or usual ("formula", "name"; "tc"); otherwise
    formulas are the first column, Tc the second. ``columns`` and ``y_columns`` are names, or numbers from 0.

    Raises
    ------
    InputError
        If the file is absent or empty, a column is missing, or a Tc is no number; with the line.
    """
    found = Formulas([], [], [])
    with _open(data) as file:
        rows = csv.reader(file)
        places: tuple[int, int] | None = None
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if places is None:
                places, header = _places(row, columns, y_columns, tc, data)
                if header:
                    continue
            if max(places) >= len(row):
                raise InputError(
                    f"{data}, line {rows.line_num}: {len(row)} columns, expected {max(places) + 1} or more"
                )
            found.formulas.append(row[places[0]].strip())
            found.lines.append(rows.line_num)
            if tc:
                found.tc.append(_number(row[places[1]], f"{data}, line {rows.line_num}"))
    if not found.formulas:
        raise InputError(f"{data}: no formulas in it. Fix: write one a line, or a CSV with a column 'formula'.")
    return found


def complain(data: str, lines: list[int], refused: list[tuple[int, InputError]]) -> None:
    """One message a formula that could not be read, with its line, on stderr."""
    for row, error in refused:
        typer.echo(f"{data}, line {lines[row]}: {error}", err=True)


def _places(
    first: list[str], columns: str | None, y_columns: str | None, tc: bool, data: str
) -> tuple[tuple[int, int], bool]:
    names = [cell.strip().lower() for cell in first]
    header = any(
        name in names for name in (*_FORMULA, *_TC, (columns or "").lower(), (y_columns or "").lower()) if name
    )

    def place(asked: str | None, usual: tuple[str, ...], default: int) -> int:
        if asked is not None:
            if asked.lower() in names:
                return names.index(asked.lower())
            if asked.isdigit() and int(asked) < len(names):
                return int(asked)
            raise InputError(f"{data}: no column {asked!r}; there are {', '.join(first)}")
        return next((names.index(name) for name in usual if name in names), default)

    formula = place(columns, _FORMULA, 0)
    target = place(y_columns, _TC, 1) if tc else formula
    if tc and target >= len(names):
        raise InputError(f"{data}: one column, expected formulas and Tc. Fix: add a column 'tc' in kelvin.")
    return (formula, target), header


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{where}: Tc is {text!r}, expected a number in kelvin") from None


@contextmanager
def _open(data: str) -> Iterator[IO[str]]:
    if data == "-":
        yield sys.stdin
        return
    try:
        with Path(data).open(encoding="utf-8-sig", newline="") as file:
            yield file
    except OSError as error:
        raise InputError(f"cannot read {data}: {error.strerror}. Fix: check the path.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{data} is no text file ({error.reason}). Fix: give a CSV, or one formula a line.") from error
