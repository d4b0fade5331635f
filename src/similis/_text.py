"""Text that others wrote: shortened, and shown without what commands a terminal or a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

#: with these a spreadsheet begins a formula
_FORMULA = ("=", "+", "-", "@")


def brief(error: BaseException) -> str:
    """The first line of an error of others, at most some 160 characters of it."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]


def printable(text: str) -> str:
    """Text that says nothing to a terminal: control characters, which a file may hold, are written out."""
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def cell(text: str) -> str:
    """Text for a cell of CSV, in which a spreadsheet finds no formula, and a terminal nothing but text.

    What begins as a formula, and is no number, gets an apostrophe before it, as OWASP advises.
    """
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) and not _is_number(text) else text


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows under headings, in aligned columns."""
    cells = [[str(cell) for cell in row] for row in ([*columns], *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
