"""Text files, compressed or not, read line by line in bounded memory."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, TextIO

from .._errors import InputError
from .._optional import require
from .._text import brief

STDIN = "-"
#: suffixes of compressed text
PACKED = (".gz", ".zst")
#: characters of a line beyond which a table is none: so that a file without newlines fills no memory
LONGEST = 1 << 26


@contextmanager
def lines_of(source: str) -> Iterator[TextIO]:
    """A file, compressed where it is called .gz or .zst, or standard input, as text in UTF-8.

    Raises
    ------
    InputError
        If the file cannot be opened or is damaged, or standard input is closed.
    MissingDependencyError
        For .zst without pyarrow.
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
        file = _open(source)
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror or brief(error)}. Fix: check the path.") from error
    with file:
        yield file


def _open(source: str) -> TextIO:
    if source.lower().endswith(".gz"):
        return gzip.open(source, "rt", encoding="utf-8-sig")
    if source.lower().endswith(".zst"):
        arrow: Any = require("pyarrow", extra="data")
        return io.TextIOWrapper(arrow.CompressedInputStream(arrow.OSFile(source), "zstd"), encoding="utf-8-sig")
    return open(source, encoding="utf-8-sig")


def take(handle: TextIO, rows: int, where: str, number: int) -> list[str]:
    """The next lines, ``rows`` of them, or fewer if they are long: memory is bounded by characters as well.

    Raises
    ------
    InputError
        If what follows line ``number`` is no text, a line is too long, or the file is damaged.
    """
    taken, size = list[str](), 0
    try:
        while len(taken) < rows and size < LONGEST and (line := handle.readline(LONGEST)):
            taken.append(line)
            size += len(line)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{where}, after line {number}: not text in UTF-8 ({error.reason}). Fix: save it as UTF-8."
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{where}, after line {number}: {brief(error)}. Fix: check what it is read from.") from error
    if taken and len(taken[-1]) >= LONGEST:
        at = number + len(taken) - 1
        raise InputError(f"{where}, line {at}: over {LONGEST} characters. Fix: end lines by a newline.")
    return taken


def first_line(handle: TextIO, where: str) -> tuple[str, int]:
    """The first line that is not empty, and its number.

    Raises
    ------
    InputError
        If there is none, and as :func:`take`.
    """
    for number in count(1):
        line = "".join(take(handle, 1, where, number))
        if line.strip("\ufeff \r\n"):  # tabs alone are a line of empty fields
            return line.lstrip("\ufeff"), number
        if not line:
            break
    raise InputError(f"{where}: empty, expected a table of numbers. Fix: check the file or the pipe that feeds it.")
