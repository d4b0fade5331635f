"""Files of formulas: one a line, or a column of a CSV with a column of Tc beside it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, NamedTuple

import typer

from .._errors import InputError
from ..datasets.delimited import find_delimiter
from ..datasets.textfile import lines_of
from ._output import printable

#: what a header calls the column of formulas, and that of Tc in kelvin, when all but letters and digits is left out
_FORMULA = ("(chemical|reduced)?formulae?", "(chemical)?composition", "names?|materials?|compounds?")
_TC = ("(tc|(critical|transition)temp(erature)?)(in)?(k|kelvin)?",)

#: characters of a line; the longest formulas have some hundred
_LONGEST = 1 << 16


class Formulas(NamedTuple):
    """Formulas, their line numbers in the file, and their Tc where it was asked for."""

    formulas: list[str]
    lines: list[int]
    tc: list[float]


def read_formulas(
    data: str, columns: str | None, y_columns: str | None, *, tc: bool, header: bool | None = None
) -> Formulas:
    """Read delimited text (comma, semicolon or tab); empty lines are passed over.

    The first line is a header where it names a column that is asked for or usual ("formula", "name"; "Tc (K)"); then
    every column that is needed must be asked for or usual. Without a header, formulas are the first column and Tc the
    second, of as many columns as are needed. ``columns`` and ``y_columns`` are names, or numbers from 0.

    Raises
    ------
    InputError
        If the file is absent or empty, it is not clear which column is meant, a row is wider than the first, a quote is
        not closed, or a Tc is no number; with the line.
    """
    found = Formulas([], [], [])
    layout: _Layout | None = None
    with _open(data) as file:
        for number, line in enumerate(iter(partial(file.readline, 1 << 20), ""), 1):
            if not line.strip("\ufeff \t\r\n"):
                continue
            where = f"{data}, line {number}"
            first = layout is None
            layout = layout or _Layout(line.lstrip("\ufeff"), columns, y_columns, tc, header, where)
            if first and layout.header:
                continue
            row = layout.row(line.lstrip("\ufeff"), where)
            found.formulas.append(row[layout.formula].strip())
            found.lines.append(number)
            if tc:
                found.tc.append(_number(row[layout.tc], where))
    if not found.formulas:
        raise InputError(f"{data}: no formulas in it. Fix: write one a line, or a CSV with a column 'formula'.")
    return found


def complain(data: str, lines: list[int], refused: list[tuple[int, InputError]]) -> None:
    """One message a formula that could not be read, with its line, on stderr."""
    for row, error in refused:
        typer.echo(printable(f"{data}, line {lines[row]}: {error}"), err=True)


class _Layout:
    """What the first line tells: the delimiter, whether it is a header, and where formulas and Tc stand."""

    def __init__(
        self, first: str, columns: str | None, y_columns: str | None, tc: bool, header: bool | None, where: str
    ) -> None:
        self.delimiter = find_delimiter(first)
        self.cells = self._split(first, where)
        names = [cell.strip().lower() for cell in self.cells]
        asked = {name.strip().lower() for name in (columns, y_columns) if name is not None}
        usual = [re.sub(r"[\W_]", "", name) for name in names]
        if header is None:
            header = bool(asked & set(names)) or any(_places(usual, of) for of in (_FORMULA, _TC))
        self.header, needed = header, 1 + tc

        def place(asked: str | None, usually: tuple[str, ...], default: int, option: str, what: str) -> int:
            if asked is not None and header and names.count(asked.strip().lower()) == 1:
                return names.index(asked.strip().lower())
            if asked is not None and asked.isdecimal() and int(asked) < len(names):
                return int(asked)
            if asked is not None:
                raise InputError(f"{where}: no column {asked!r}, or several; there are {', '.join(self.cells)}")
            found = _places(usual, usually)
            if header and len(found) == 1:
                return found[0]
            if len(names) < needed:
                raise InputError(f"{where}: one column, expected formulas and Tc. Fix: add a column 'tc' in kelvin.")
            if not header and len(names) == needed:
                return default
            which = f"the columns {', '.join(self.cells)}" if header else f"{len(names)} columns without a header"
            raise InputError(
                f"{where}: it is not clear which of {which} holds {what}. Fix: say it by name, or number from 0, with "
                f"{option}; amounts in formulas have a decimal point, not a comma."
            )

        self.formula = place(columns, _FORMULA, 0, "--columns", "the formulas")
        self.tc = place(y_columns, _TC, 1, "--y-columns", "Tc in kelvin") if tc else self.formula
        if tc and self.tc == self.formula:
            raise InputError(f"{where}: formulas and Tc in one column. Fix: say which, by --columns and --y-columns.")

    def row(self, line: str, where: str) -> list[str]:
        """The cells of a line, which may end early but not have more than the first."""
        cells = self._split(line, where)
        if any(cell.strip() for cell in cells[len(self.cells) :]) or max(self.formula, self.tc) >= len(cells):
            raise InputError(
                f"{where}: {len(cells)} columns, the first line has {len(self.cells)}. Fix: write decimal points, not "
                "commas, and quote a cell that holds the delimiter."
            )
        return cells

    def _split(self, line: str, where: str) -> list[str]:
        if len(line) > _LONGEST:
            raise InputError(f"{where}: a line of {len(line)} characters. Fix: write one formula a line.")
        try:
            return next(csv.reader([line.rstrip("\r\n")], delimiter=self.delimiter, strict=True))
        except csv.Error as error:
            raise InputError(
                f"{where}: a quote is not closed on its line ({error}). Fix: close or delete it."
            ) from error


def _places(names: list[str], patterns: tuple[str, ...]) -> list[int]:
    """Where the names are that the first pattern matches which matches any."""
    each = ([i for i, name in enumerate(names) if re.fullmatch(pattern, name)] for pattern in patterns)
    return next((found for found in each if found), [])


def _number(text: str, where: str) -> float:
    try:
        if "_" not in text:
            return float(text)
    except ValueError:
        pass
    raise InputError(
        f"{where}: Tc is {text!r}, expected a number in kelvin. Fix: correct it, with a decimal point; "
        "or say --header if this line names the columns."
    )


@contextmanager
def _open(data: str) -> Iterator[IO[str]]:
    try:
        with lines_of(data) as file:
            yield file
    except UnicodeDecodeError as error:
        raise InputError(f"{data} is no text file ({error.reason}). Fix: give a CSV, or one formula a line.") from error
