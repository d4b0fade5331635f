"""Which columns of a table: names, indices and ranges, in the order of the names that a model was fitted with."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

from numpy.typing import DTypeLike

from .._errors import InputError

Columns = str | Sequence[str | int] | None
#: how a column of row numbers is called that pandas or R wrote beside the data
_NUMBERING = ("", "Unnamed: 0")


class Chosen(NamedTuple):
    """Indices of the chosen columns (None: all, as they stand), their names if any, and the names of those left out."""

    indices: list[int] | None
    names: list[str] | None
    left: list[str]


class Choice(NamedTuple):
    """Columns as they are asked for, those to leave out, and the names that they must have, in any order."""

    columns: Columns = None
    like: Sequence[str] | None = None
    exclude: Columns = None

    def among(self, width: int, names: Sequence[str] | None, where: str) -> Chosen:
        """The chosen columns, in the order of ``like``; where none are asked for, of a wider table those of ``like``.

        Raises
        ------
        InputError
            If a column does not exist, none is chosen, the names differ from ``like``, or all columns are meant and one
            of them numbers the rows.
        """
        chosen = resolve_columns(self.columns, width, names, where)
        if self.exclude is not None:
            out = set(resolve_columns(self.exclude, width, names, where) or ())
            chosen = [index for index in (range(width) if chosen is None else chosen) if index not in out]
            if not chosen:
                raise InputError(f"{where}: exclude={self.exclude!r} leaves no column. Fix: leave out fewer.")
        if names is None:
            return Chosen(chosen, None, [])
        indices = list(range(width)) if chosen is None else chosen
        found = [names[i] for i in indices]
        place = dict(zip(found, indices, strict=True))
        if self.columns is None and self.like is not None and set(self.like) < set(found):
            wanted = set(self.like)
            if sum(name in wanted for name in found) == len(self.like):  # each of them once
                left = [name for name in found if name not in wanted]
                return Chosen([place[name] for name in self.like], list(self.like), left)
        if chosen is None and set(_NUMBERING) & set(names[:width]):
            column = next(i for i, name in enumerate(names) if name in _NUMBERING)
            raise InputError(
                f"{where}: column {column} has no name; it may number the rows. Fix: choose the columns, such as "
                f"'{column + 1}:', or write the file without an index."
            )
        if self.like is None or found == list(self.like):
            return Chosen(chosen, found, [])
        if len(set(found)) < len(found) or sorted(found) != sorted(self.like):
            raise InputError(_difference(found, self.like, where))
        return Chosen([place[name] for name in self.like], list(self.like), [])


class Wanted(NamedTuple):
    """What is read of a table: columns, as which type, and what may stand for a number.

    ``header`` says whether the first line of text names the columns (None: as it looks). With ``missing`` an empty
    field, NA and the like are read as NaN; with ``text`` fields are read as they are written.
    """

    choice: Choice = Choice()
    dtype: DTypeLike | None = None
    header: bool | None = None
    missing: bool = False
    text: bool = False


def resolve_columns(columns: Columns, width: int, names: Sequence[str] | None, where: str) -> list[int] | None:
    """Turn a choice of columns into indices.

    Parameters
    ----------
    columns : str, sequence or None
        ``"0:10,12"``, ``"a,b"``, ``"a:f"``, ``["a", 3]``. As in Python, a range of indices is half open, its ends may
        be left out and an index may count from the end; as in pandas, a range of names holds its last. In text, a name
        with a comma stands in double quotes. None: all columns.
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
    items = _items(columns) if isinstance(columns, str) else list(columns)
    chosen = [index for item in items for index in _one(item, width, names, where)]
    if not chosen:
        raise InputError(
            f"{where}: columns={columns!r} chooses none of the {width} columns. Fix: '0:{width}' is all of them."
        )
    return chosen


def _items(columns: str) -> list[str]:
    """What stands between the commas; a name that holds one is quoted."""
    return [item.strip() for item in next(csv.reader([columns], skipinitialspace=True), [""])]


def _one(item: str | int, width: int, names: Sequence[str] | None, where: str) -> Sequence[int]:
    if names is not None and item in names:
        return [_place(str(item), width, names, where)]
    try:
        return _by_index(str(item), width)
    except (ValueError, IndexError):
        if (found := _by_ends(str(item), width, names or (), where)) is not None:
            return found
        there = f"columns {some(names)}" if names else f"{width} columns, 0 to {width - 1}"
        raise InputError(
            f"{where}: no column {item!r}; there are {there}. Fix: a name, an index or a range like 0:10."
        ) from None


def _place(name: str, width: int, names: Sequence[str], where: str) -> int:
    if list(names).count(name) > 1:
        raise InputError(f"{where}: two columns are called {name!r}. Fix: choose by index, 0 to {width - 1}.")
    return list(names).index(name)


def _by_index(item: str, width: int) -> Sequence[int]:
    start, colon, stop = item.partition(":")
    if colon:
        return range(width)[slice(int(start) if start else None, int(stop) if stop else None)]
    return [range(width)[int(item)]]


def _by_ends(item: str, width: int, names: Sequence[str], where: str) -> Sequence[int] | None:
    """A range of names, with its last; a name may hold colons itself. None if there is no such range."""
    for colon in (match.start() for match in re.finditer(":", item)):
        ends = item[:colon].strip(), item[colon + 1 :].strip()
        if any(ends) and all(end in names or not end for end in ends):
            first = _place(ends[0], width, names, where) if ends[0] else 0
            last = _place(ends[1], width, names, where) if ends[1] else width - 1
            if first > last:
                raise InputError(f"{where}: {ends[1]!r} stands before {ends[0]!r}. Fix: turn the range round.")
            return range(first, last + 1)
    return None


def _difference(found: Sequence[str], like: Sequence[str], where: str) -> str:
    known, there = set(like), set(found)
    new, gone = [name for name in found if name not in known], [name for name in like if name not in there]
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
