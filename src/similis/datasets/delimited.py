"""Tables as delimited text (CSV, TSV, semicolons), read in blocks."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import TextIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._errors import InputError
from .._text import brief
from .columns import Choice

STDIN = "-"
#: characters of a line, and columns, beyond which a table is none: so that a file without newlines fills no memory
LONGEST, WIDEST = 1 << 26, 1 << 21
#: how a value that is missing is written
_MISSING = frozenset(("", "-", "--", ".", "?", "na", "n/a", "#n/a", "<na>", "nan", "nil", "none", "null", "missing"))


def blocks(
    source: str, rows: int, choice: Choice, dtype: DTypeLike | None, header: bool | None
) -> Iterator[NDArray | list[str] | None]:
    """Yield the names of the chosen columns, then blocks of at most ``rows`` lines; bad lines are named by number."""
    where = "stdin" if source == STDIN else source
    with lines_of(source) as handle:
        first, number = _first_line(handle, where)
        delimiter = _delimiter(first, where)
        fields = _fields(first, delimiter)
        named = _names_columns(fields) if header is None else header
        if named and first.count('"') % 2:
            raise InputError(f"{where}, line {number}: a quote is not closed: {_shorten(first)}. Fix: close it.")
        table = _Table(where, delimiter, len(fields), np.dtype(dtype or np.float64), number if not named else 0)
        wanted, chosen = choice.among(len(fields), _bare(fields) if named else None, where)
        yield chosen
        lines = [] if named else [first]
        number += named  # the number of the first line of the block
        while lines := lines + _take(handle, rows - len(lines), where, number):
            block = table.parse(lines, number, wanted)
            number += len(lines)
            lines = []
            if len(block):
                yield block


def shape(source: str) -> tuple[int | None, int | None]:
    """Return (None, columns): counting the rows would mean reading the file. Standard input is not touched."""
    if source == STDIN:
        return None, None
    with lines_of(source) as handle:
        first, _ = _first_line(handle, source)
        return None, len(_fields(first, _delimiter(first, source)))


def find_delimiter(line: str) -> str:
    """Tab, semicolon or comma: the first of them that stands outside quotes, and comma where none does."""
    bare = re.sub(r'"[^"]*"', "", line)
    return next((mark for mark in "\t;" if mark in bare), ",")


class _Table:
    """The layout that every line must have."""

    def __init__(self, where: str, delimiter: str, width: int, dtype: np.dtype, guessed: int) -> None:
        self.where, self.delimiter, self.width, self.dtype = where, delimiter, width, dtype
        self.guessed = guessed  # number of a first line that was taken for a row; 0 where it names the columns
        self.blank = " \r\n" if delimiter == "\t" else None  # a line of tabs has fields, all of them empty

    def parse(self, lines: list[str], number: int, wanted: list[int] | None) -> NDArray:
        full = [line for line in lines if line.strip(self.blank)]
        if not full:
            return np.empty((0, self.width), self.dtype)
        # The parser would join lines over an open quote, and looks only at the chosen columns.
        if any(line.count('"') % 2 for line in full):
            self._find_fault(lines, number, wanted)
        if wanted is not None and any(line.count(self.delimiter) != self.width - 1 for line in full):
            self._find_fault(lines, number, wanted)
        try:
            block = np.loadtxt(
                full, self.dtype, delimiter=self.delimiter, comments=None, quotechar='"', usecols=wanted, ndmin=2
            )
        except ValueError as error:
            self._find_fault(lines, number, wanted)
            raise InputError(f"{self.where}, lines {number} to {number + len(lines) - 1}: {error}") from error
        if wanted is None and block.shape[1] != self.width:
            self._find_fault(lines, number, wanted)
        return block

    def _find_fault(self, lines: list[str], number: int, wanted: list[int] | None) -> None:
        """Raise for the first bad line; slow, so only called when a block is known or suspected to hold one."""
        for offset, line in enumerate(lines):
            if not line.strip(self.blank):
                continue
            place, fields = f"{self.where}, line {number + offset}", _fields(line, self.delimiter)
            if len(fields) != self.width:
                raise InputError(
                    f"{place}: {len(fields)} fields, expected {self.width} as in the first line: {_shorten(line)}. "
                    "Fix: complete or delete the line."
                )
            if line.count('"') % 2:
                raise InputError(f"{place}: a quote is not closed: {_shorten(line)}. Fix: close or delete it.")
            for column in range(self.width) if wanted is None else wanted:
                if not _is_number(fields[column]):
                    raise InputError(
                        f"{place}: {_shorten(fields[column])} in column {column} is not a number. "
                        f"Fix: {self._advice(fields[column], number + offset)}."
                    )

    def _advice(self, text: str, number: int) -> str:
        if number == self.guessed:
            return "correct it, choose the numeric columns, or say header=True (--header) if this line names them"
        if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", text):
            return "write a decimal point, not a comma"
        if text.lower() in _MISSING:
            return "put a value, or delete the line; a delimiter at the end of lines is one too many"
        return "correct it, or choose the numeric columns, such as columns='0:10'"


@contextmanager
def lines_of(source: str) -> Iterator[TextIO]:
    """A file, or standard input, as text in UTF-8, whatever the terminal's encoding is.

    Raises
    ------
    InputError
        If the file cannot be opened, or standard input is closed.
    """
    if source == STDIN:
        if sys.stdin is None:
            raise InputError("standard input is closed. Fix: give a file, or a pipe that feeds it.")
        held = getattr(sys.stdin, "buffer", None)
        handle = sys.stdin if held is None else io.TextIOWrapper(held, encoding="utf-8-sig")
        try:
            yield handle
        finally:
            if held is not None:
                handle.detach()  # type: ignore[union-attr]
        return
    try:
        file = open(source, encoding="utf-8-sig")  # noqa: SIM115
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}. Fix: check the path.") from error
    with file:
        yield file


def _take(handle: TextIO, rows: int, where: str, number: int) -> list[str]:
    """The next lines, ``rows`` of them, or fewer if they are long: memory is bounded by characters as well."""
    taken, size = list[str](), 0
    try:
        while len(taken) < rows and size < LONGEST and (line := handle.readline(LONGEST)):
            taken.append(line)
            size += len(line)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{where}, after line {number}: not text in UTF-8 ({error.reason}). Fix: save it as UTF-8."
        ) from error
    except OSError as error:
        raise InputError(f"{where}, after line {number}: {brief(error)}. Fix: check what it is read from.") from error
    if taken and len(taken[-1]) >= LONGEST:
        at = number + len(taken) - 1
        raise InputError(f"{where}, line {at}: over {LONGEST} characters. Fix: end lines by a newline.")
    return taken


def _delimiter(first: str, where: str) -> str:
    """The delimiter of a table, of which the first line tells it; a line of too many fields is never taken apart."""
    delimiter = find_delimiter(first)
    if first.count(delimiter) >= WIDEST:
        raise InputError(
            f"{where}: {first.count(delimiter) + 1} columns, expected {WIDEST} at most. Fix: write such a table as NPY."
        )
    return delimiter


def _first_line(handle: TextIO, where: str) -> tuple[str, int]:
    for number in count(1):
        line = "".join(_take(handle, 1, where, number))
        if line.strip("\ufeff \r\n"):  # tabs alone are a line of empty fields
            return line.lstrip("\ufeff"), number
        if not line:
            break
    raise InputError(f"{where}: empty, expected a table of numbers. Fix: check the file or the pipe that feeds it.")


def _fields(line: str, delimiter: str) -> list[str]:
    try:
        return [field.strip() for field in next(csv.reader([line], delimiter=delimiter))]
    except (
        csv.Error
    ):  # a stray NUL or an endless field: split plainly, so that the line can still be quoted in the error
        return line.split(delimiter)


def _names_columns(fields: list[str]) -> bool:
    """Whether a first line is a header: it holds a word, and no number."""
    words = [field for field in fields if any(char.isalpha() for char in field) and field.lower() not in _MISSING]
    return bool(words) and not any(_is_number(field) for field in fields)


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
