"""Any table, in blocks of rows, in constant memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._errors import InputError
from . import delimited, npy, parquet
from .columns import Columns

_READERS: dict[str, ModuleType] = {
    ".csv": delimited,
    ".tsv": delimited,
    ".txt": delimited,
    ".npy": npy,
    ".npz": npy,
    ".parquet": parquet,
    ".pq": parquet,
}


def read_blocks(
    source: str | os.PathLike[str], *, rows: int = 4096, columns: Columns = None, dtype: DTypeLike | None = None
) -> Iterator[NDArray]:
    """Read a table of numbers block by block.

    Every block has ``rows`` rows but the last, whatever the file's own layout, so the same file always gives the same
    blocks. Memory does not grow with the number of rows: about two blocks, plus for Parquet the open pages, some
    2 MB a column.

    Parameters
    ----------
    source : str or path
        CSV, TSV or TXT (comma, semicolon or tab; a first line without any number is a header), NPY (either order), NPZ
        (``file.npz:name`` if it holds several arrays), Parquet, or ``"-"``: CSV from standard input.
    rows : int, default 4096
        Rows a block.
    columns : str, sequence or None
        Columns to keep, in this order: ``"0:10,12"``, ``"a,b"``, ``["a", 3]``. None: all.
    dtype : dtype, optional
        Of the blocks. None: float32 files stay float32, small integers of NPY become float32 (which holds them
        exactly), everything else float64.

    Yields
    ------
    array (rows, n_columns)
        Fresh, writable, C-ordered.

    Raises
    ------
    InputError
        If the file is absent, empty, damaged, ragged or not numeric; for text the message holds the line number.
    MissingDependencyError
        For Parquet without pyarrow.
    """
    if isinstance(rows, bool) or not isinstance(rows, int | np.integer) or rows < 1:
        raise InputError(f"rows: expected a positive integer, got {rows!r}. Fix: 4096 is a good block.")
    name, reader = _reader(source)
    return _regular(reader.blocks(name, int(rows), columns, dtype), int(rows), name)


def shape_hint(source: str | os.PathLike[str]) -> tuple[int | None, int | None]:
    """Return (rows, columns) as far as they can be known without reading the data: for a progress bar.

    Text gives (None, columns), standard input (None, None).

    Raises
    ------
    InputError
        If the file is absent or damaged.
    """
    name, reader = _reader(source)
    return reader.shape(name)


def _reader(source: str | os.PathLike[str]) -> tuple[str, ModuleType]:
    name = os.fspath(source)
    if name == delimited.STDIN:
        return name, delimited
    member = npy.MEMBER.fullmatch(name)
    path = Path(member["path"] if member else name)
    if path.suffix.lower() not in _READERS:
        raise InputError(
            f"{name}: unknown kind of file {path.suffix!r}. Fix: use one of {', '.join(_READERS)}, or '-'."
        )
    if not path.is_file():
        raise InputError(f"{name}: no such file. Fix: check the path; the working folder is {Path.cwd()}.")
    return name, _READERS[path.suffix.lower()]


def _regular(blocks: Iterable[NDArray], rows: int, name: str) -> Iterator[NDArray]:
    """Cut and join so that every block but the last has ``rows`` rows."""
    held: list[NDArray] = []
    count, seen = 0, False
    for block in blocks:
        seen = seen or block.size > 0
        while count + len(block) >= rows:
            held.append(block[: rows - count])
            block = block[rows - count :]
            yield held[0] if len(held) == 1 else np.concatenate(held)
            held, count = [], 0
        if len(block):
            held.append(block)
            count += len(block)
    if not seen:
        raise InputError(
            f"{name}: no numbers in it, expected at least one row and one column. Fix: check what wrote it."
        )
    if held:
        yield held[0] if len(held) == 1 else np.concatenate(held)
