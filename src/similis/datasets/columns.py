"""Which columns of a table: names, indices and ranges."""

from __future__ import annotations

from collections.abc import Sequence

from .._errors import InputError

Columns = str | Sequence[str | int] | None


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
        there = f"columns {_some(names)}" if names else f"{width} columns, 0 to {width - 1}"
        raise InputError(
            f"{where}: no column {item!r}; there are {there}. Fix: a name, an index or a range like 0:10."
        ) from None


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
