"""Any table, in blocks of rows, in constant memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._errors import InputError
from .._text import brief
from . import delimited, npy, parquet, textfile
from .columns import Choice, Chosen, Columns, Wanted

_READERS: dict[str, ModuleType] = {
    ".csv": delimited,
    ".tsv": delimited,
    ".txt": delimited,
    ".npy": npy,
    ".npz": npy,
    ".parquet": parquet,
    ".pq": parquet,
}


class NamedBlocks(NamedTuple):
    """Blocks of rows, the names of their columns where the file has them, and those of the columns left out."""

    names: list[str] | None
    left: list[str]
    blocks: Iterator[NDArray]


def read_blocks(
    source: str | os.PathLike[str], *, rows: int = 4096, columns: Columns = None, dtype: DTypeLike | None = None,
    header: bool | None = None, exclude: Columns = None, missing: bool = False,
) -> Iterator[NDArray]:  # fmt: skip
    """Read a table of numbers block by block.

    Every block has ``rows`` rows but the last, whatever the file's own layout, so the same file always gives the same
    blocks. Memory does not grow with the number of rows: about two blocks, plus for Parquet the open pages, some
    2 MB a column.

    Parameters
    ----------
    source : str or path
        CSV, TSV or TXT (comma, semicolon or tab; with semicolons decimal commas too; also compressed, such as
        ``x.csv.gz`` and ``x.csv.zst``), NPY (either order), NPZ (``file.npz:name`` if it holds several
        arrays), Parquet (without an index that pandas stored), or ``"-"``: CSV from standard input.
    rows : int, default 4096
        Rows a block.
    columns : str, sequence or None
        Columns to keep, in this order: ``"0:10,12"``, ``"a,b"``, ``"a:f"`` (with f), ``["a", 3]``. None: all.
    dtype : dtype, optional
        Of the blocks: a type of floats. None: float32 files stay float32, small integers of NPY become float32 (which
        holds them exactly), everything else float64.
    header : bool, optional
        Whether the first line of text names the columns. None: if it holds a word and no number; names that are
        numbers (``0,1,2``) need True.
    exclude : str, sequence or None
        Columns to leave out, as ``columns`` says them.
    missing : bool, default False
        Whether an empty field of text, NA and the like are read as NaN. In Parquet a missing value always is.

    Yields
    ------
    array (rows, n_columns)
        Fresh, writable, C-ordered.

    Raises
    ------
    InputError
        If the file is absent, empty, damaged, ragged or not numeric; for text the message holds the line number.
    MissingDependencyError
        For Parquet, or text compressed as .zst, without pyarrow.
    """
    if isinstance(rows, bool) or not isinstance(rows, int | np.integer) or rows < 1:
        raise InputError(f"rows: expected a positive integer, got {rows!r}. Fix: 4096 is a good block.")
    name, reader = _reader(source)
    wanted = Wanted(Choice(columns, None, exclude), _floats(dtype), header, missing)
    return _regular(_unnamed(reader.blocks(name, int(rows), wanted)), int(rows), name)


def named_blocks(source: str | os.PathLike[str], wanted: Wanted, *, rows: int) -> NamedBlocks:
    """As :func:`read_blocks`, with the names.

    Raises
    ------
    InputError
        As :func:`read_blocks`, at once where the beginning of the file tells; and if names differ from those wanted.
    """
    name, reader = _reader(source)
    found = reader.blocks(name, rows, wanted._replace(dtype=_floats(wanted.dtype)))
    chosen: Chosen = next(found)
    return NamedBlocks(chosen.names, chosen.left, _regular(found, rows, name))


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
    if name == textfile.STDIN:
        return name, delimited
    member = npy.MEMBER.fullmatch(name)
    path = Path(member["path"] if member else name)
    packed = path.suffix.lower() in textfile.PACKED
    suffix = Path(path.stem if packed else path).suffix.lower()
    if _READERS.get(suffix) not in ((delimited,) if packed else _READERS.values()):
        raise InputError(
            f"{name}: unknown kind of file {path.suffix!r}. Fix: use one of {', '.join(_READERS)}, or '-'; text may be "
            f"compressed, as .csv{' or .csv'.join(textfile.PACKED)}."
        )
    try:
        there = path.is_file()
    except OSError as error:  # a name that is too long
        raise InputError(f"{name[:80]!r}: no name of a file ({brief(error)}). Fix: check the path.") from error
    if not there:
        raise InputError(f"{name}: no such file. Fix: check the path; the working folder is {Path.cwd()}.")
    return name, _READERS[suffix]


def _floats(dtype: DTypeLike | None) -> np.dtype | None:
    """The type of the blocks: any other than floats would cut numbers off."""
    try:
        found = None if dtype is None else np.dtype(dtype)
    except TypeError:
        found = np.dtype(object)
    if found is not None and found.kind != "f":
        raise InputError(f"dtype={dtype!r}; expected a type of floats. Fix: float32 or float64.")
    return found


def _unnamed(found: Iterator[NDArray]) -> Iterator[NDArray]:
    """Without the names, which come first."""
    next(found)
    yield from found


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
