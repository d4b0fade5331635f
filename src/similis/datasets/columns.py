"""Which columns of a table: names, indices and ranges, in the order of the names that a model was fitted with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .._errors import InputError

Columns = str | Sequence[str | int] | None
#: how a column of row numbers is called that pandas or R wrote beside the data
_NUMBERING = ("", "Unnamed: 0")


class Choice(NamedTuple):
    """Columns as they are asked for, and the names that they must have, in any order."""

    columns: Columns = None
    like: Sequence[str] | None = None

    def among(self, width: int, names: Sequence[str] | None, where: str) -> tuple[list[int] | None, list[str] | None]:
        """Indices of the chosen columns in the order of ``like`` (None: all, as they stand), and their names.

        Raises
        ------
        InputError
            If a column does not exist, none is chosen, the names differ from ``like``, or all columns are meant and one
            of them numbers the rows.
        """
        chosen = resolve_columns(self.columns, width, names, where)
        if names is None:
            return chosen, None
        if chosen is None and set(_NUMBERING) & set(names[:width]):
            column = next(i for i, name in enumerate(names) if name in _NUMBERING)
            raise InputError(
                f"{where}: column {column} has no name; it may number the rows. Fix: choose the columns, such as "
                f"'{column + 1}:', or write the file without an index."
            )
        indices = list(range(width)) if chosen is None else chosen
        found = [names[i] for i in indices]
        if self.like is None or found == list(self.like):
            return chosen, found
        if len(set(found)) < len(found) or sorted(found) != sorted(self.like):
            raise InputError(_difference(found, self.like, where))
        return [indices[found.index(name)] for name in self.like], list(self.like)


def resolve_columns(columns: Columns, width: int, names: Sequence[str] | None, where: str) -> list[int] | None:
    """Turn a choice of columns into indices.

    Parameters
    ----------
    columns : str, sequence or None
        ``"0:10,12"``, ``"a,b"``, ``["a", 3]``. As in Python, a range is half open, its ends may be left out
        and an index may count from the end. None: all columns.
    width : int
        Number of columns there are.
    names : sequence of str or None
        Their names, if they have any; a name wins over an index.
    where : str
        What to call the table in an error.

    Returns
    -------
    list of int, or None for all columns

    Raises
    ------
    InputError
        If a column does not exist or none is chosen.
    """
    if columns is None:
        return None
    items = [item.strip() for item in columns.split(",")] if isinstance(columns, str) else list(columns)
    chosen = [index for item in items for index in _one(item, width, names, where)]
    if not chosen:
        raise InputError(
            f"{where}: columns={columns!r} chooses none of the {width} columns. Fix: '0:{width}' is all of them."
        )
    return chosen


def _one(item: str | int, width: int, names: Sequence[str] | None, where: str) -> Sequence[int]:
    if names is not None and item in names:
        if list(names).count(str(item)) > 1:
            raise InputError(f"{where}: two columns are called {item!r}. Fix: choose by index, 0 to {width - 1}.")
        return [list(names).index(str(item))]
    start, colon, stop = str(item).partition(":")
    try:
        if colon:
            return range(width)[slice(int(start) if start else None, int(stop) if stop else None)]
        return [range(width)[int(item)]]
    except (ValueError, IndexError):
        there = f"columns {some(names)}" if names else f"{width} columns, 0 to {width - 1}"
        raise InputError(
            f"{where}: no column {item!r}; there are {there}. Fix: a name, an index or a range like 0:10."
        ) from None


def _difference(found: Sequence[str], like: Sequence[str], where: str) -> str:
    new, gone = [name for name in found if name not in like], [name for name in like if name not in found]
    if not (new or gone):
        what = f"names occur twice and stand in another order than {some(like)}"
    else:
        what = " and ".join(
            f"{said} {some(part)}" for said, part in (("new", new), ("missing", gone)) if part
        )  # fmt: skip
        what = f"columns are {what}; the model was fitted with {some(like)}"
    fix = (
        f"choose them, as columns='{','.join(like)}' (--columns)"
        if new and not gone
        else "give the columns the same names"
    )
    return f"{where}: {what}. Fix: {fix}."


def some(names: Sequence[str]) -> str:
    """The first of the names, each no longer than a word or two, and how many more there are."""
    listed = ", ".join(name if len(name) <= 40 else f"{name[:37]}..." for name in names[:12])
    return listed + (f" and {len(names) - 12} more" if len(names) > 12 else "")
