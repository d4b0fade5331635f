"""Tables as delimited text (CSV, TSV, semicolons), read in blocks."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .._errors import InputError
from .columns import Chosen, Wanted
from .textfile import STDIN, first_line, lines_of, take

#: columns beyond which a table is none
WIDEST = 1 << 21
#: how a value that is missing is written
MISSING = frozenset(("", "-", "--", ".", "?", "na", "n/a", "#n/a", "<na>", "nan", "nil", "none", "null", "missing"))
_COMMA = re.compile(r"[+-]?([0-9]+,[0-9]*|,[0-9]+)([eE][+-]?[0-9]+)?")


def blocks(source: str, rows: int, wanted: Wanted) -> Iterator[NDArray | Chosen]:
    """Yield the chosen columns, then blocks of at most ``rows`` lines; bad lines are named by number."""
    where = "stdin" if source == STDIN else source
    with lines_of(source) as handle:
        first, number = first_line(handle, where)
        delimiter = _delimiter(first, where)
        fields = _fields(first, delimiter)
        named = _names_columns(fields) if wanted.header is None else wanted.header
        if named and first.count('"') % 2:
            raise InputError(f"{where}, line {number}: a quote is not closed: {_shorten(first)}. Fix: close it.")
        if len(fields) > 1 and not fields[-1] and (named or not (wanted.missing or wanted.text)):
            fields.pop()  # a delimiter ends each line
        chosen = wanted.choice.among(len(fields), _bare(fields) if named else None, where)
        table = _Table(where, delimiter, len(fields), chosen.indices, wanted, number if not named else 0)
        yield chosen
        lines = [] if named else [first]
        number += named  # the number of the first line of the block
        while lines := lines + take(handle, rows - len(lines), where, number):
            block = table.parse(lines, number)
            number += len(lines)
            lines = []
            if len(block):
                yield block


def shape(source: str) -> tuple[int | None, int | None]:
    """Return (None, columns): counting the rows would mean reading the file. Standard input is not touched."""
    if source == STDIN:
        return None, None
    with lines_of(source) as handle:
        first, _ = first_line(handle, source)
        return None, len(_fields(first, _delimiter(first, source)))


def find_delimiter(line: str) -> str:
    """Tab, semicolon or comma: the first of them that stands outside quotes, and comma where none does."""
    bare = re.sub(r'"[^"]*"', "", line)
    return next((mark for mark in "\t;" if mark in bare), ",")


class _Table:
    """The layout that every line must have."""

    def __init__(
        self, where: str, delimiter: str, width: int, chosen: list[int] | None, wanted: Wanted, guessed: int
    ) -> None:
        self.where, self.delimiter, self.width, self.chosen = where, delimiter, width, chosen
        self.dtype, self.missing, self.text = np.dtype(wanted.dtype or np.float64), wanted.missing, wanted.text
        self.guessed = guessed  # number of a first line that was taken for a row; 0 where it names the columns
        self.blank = " \r\n" if delimiter == "\t" else None  # a line of tabs has fields, all of them empty
        self.plain = not wanted.text  # whether NumPy's parser has understood every line so far
        self.marks: dict[str, int] = {}  # decimal marks of the chosen columns, and the first line that has each

    def parse(self, lines: list[str], number: int) -> NDArray:
        full = [line for line in lines if line.strip(self.blank)]
        if not full:
            return np.empty((0, self.width), self.dtype)
        if self.delimiter == ";" and not self.text:
            self._find_marks(lines, number)
        if self.plain and "," not in self.marks and self._regular(full):
            try:
                block = np.loadtxt(
                    full, self.dtype, delimiter=self.delimiter, comments=None, quotechar='"', usecols=self.chosen,
                    ndmin=2,
                )  # fmt: skip
                if self.chosen is not None or block.shape[1] == self.width:
                    return block
            except ValueError:
                pass
            self.plain = False
        return self._by_field(lines, number)

    def _regular(self, full: list[str]) -> bool:
        """Whether each line is a row for sure: the parser joins lines over a quote, and sees chosen columns only."""
        if any(line.count('"') % 2 for line in full):
            return False
        return self.chosen is None or all(line.count(self.delimiter) == self.width - 1 for line in full)

    def _by_field(self, lines: list[str], number: int) -> NDArray:
        """The block, field by field, or an error that names the first bad line; slow."""
        columns = range(self.width) if self.chosen is None else self.chosen
        rows = list[list[float] | list[str]]()
        for offset, line in enumerate(lines):
            if not line.strip(self.blank):
                continue
            place, fields = f"{self.where}, line {number + offset}", _fields(line, self.delimiter)
            if len(fields) == self.width + 1 and not fields[-1]:  # a delimiter ends the line
                fields.pop()
            if len(fields) != self.width:
                raise InputError(
                    f"{place}: {len(fields)} fields, expected {self.width} as in the first line: {_shorten(line)}. "
                    "Fix: complete or delete the line."
                )
            if line.count('"') % 2:
                raise InputError(f"{place}: a quote is not closed: {_shorten(line)}. Fix: close or delete it.")
            if self.text:
                rows.append([fields[column] for column in columns])
            else:
                rows.append([self._number(fields[column], column, number + offset) for column in columns])
        return np.array(rows, str if self.text else self.dtype)

    def _number(self, text: str, column: int, number: int) -> float:
        if "," in self.marks and _COMMA.fullmatch(text):
            text = text.replace(",", ".")
        if _is_number(text):
            return float(text)
        if self.missing and text.lower() in MISSING:
            return np.nan
        raise InputError(
            f"{self.where}, line {number}: {_shorten(text)} in column {column} is not a number. "
            f"Fix: {self._advice(text, number)}."
        )

    def _find_marks(self, lines: list[str], number: int) -> None:
        """Note the decimal marks of a table of semicolons: with both, a point may stand between thousands."""
        for offset, line in enumerate(lines):
            if "," in line or ("." in line and "." not in self.marks):
                fields = _fields(line, self.delimiter)
                for column in range(len(fields)) if self.chosen is None else self.chosen:
                    field = fields[column] if column < len(fields) else ""
                    mark = "," if _COMMA.fullmatch(field) else "." if "." in field and _is_number(field) else None
                    if mark:
                        self.marks.setdefault(mark, number + offset)
            if len(self.marks) > 1:
                raise InputError(
                    f"{self.where}: a decimal comma in line {self.marks[',']} and a point in line {self.marks['.']}. "
                    "Fix: write one of them, and nothing between thousands."
                )

    def _advice(self, text: str, number: int) -> str:
        if number == self.guessed:
            return "correct it, choose the numeric columns, or say header=True (--header) if this line names them"
        if _COMMA.fullmatch(text):
            return "write a decimal point, or semicolons between the columns"
        if re.fullmatch(r"[+-]?[0-9][0-9.,]*", text):
            return "write nothing between thousands"
        if text.lower() in MISSING:
            return "put a value, delete the line, or read it as missing (--missing drop, or mean)"
        return "correct it, or choose the numeric columns, such as columns='0:10'"


def _delimiter(first: str, where: str) -> str:
    """The delimiter of a table, of which the first line tells it; a line of too many fields is never taken apart."""
    delimiter = find_delimiter(first)
    if first.count(delimiter) >= WIDEST:
        raise InputError(
            f"{where}: {first.count(delimiter) + 1} columns, expected {WIDEST} at most. Fix: write such a table as NPY."
        )
    return delimiter


def _fields(line: str, delimiter: str) -> list[str]:
    try:
        return [field.strip() for field in next(csv.reader([line], delimiter=delimiter))]
    except (
        csv.Error
    ):  # a stray NUL or an endless field: split plainly, so that the line can still be quoted in the error
        return line.split(delimiter)


def _names_columns(fields: list[str]) -> bool:
    """Whether a first line is a header: it holds a word, and no number."""
    words = [field for field in fields if any(char.isalpha() for char in field) and field.lower() not in MISSING]
    return bool(words) and not any(_is_number(field) or _COMMA.fullmatch(field) for field in fields)


def _bare(fields: list[str]) -> list[str]:
    """Names of columns; NumPy writes "# " before the first."""
    return [fields[0].removeprefix("#").lstrip(), *fields[1:]]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _shorten(text: str) -> str:
    text = text.rstrip("\r\n")
    return repr(text if len(text) <= 60 else text[:57] + "...")
