"""Files that grow block by block and appear whole: NPY, CSV, Parquet, or CSV on stdout."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import typer

from .._atomic import new_file
from .._errors import InputError
from .._optional import require
from .._text import cell

#: takes a block of rows, and their names where the file has a column of them
Write = Callable[[np.ndarray, np.ndarray | None], None]


@contextmanager
def sink(output: str, names: list[str], *, force: bool, ids: str | None = None) -> Iterator[Write]:
    """Open ``output`` for blocks of rows, with a first column called ``ids`` if any; yields ``write(block, ids)``."""
    names = names if ids is None else [ids, *names]
    if output == "-":
        yield _csv(sys.stdout, names)
        return
    suffix = Path(output).suffix.lower()
    if suffix not in (".npy", ".csv", ".parquet"):
        raise typer.BadParameter(f"{output}: the suffix must be .npy, .csv or .parquet", param_hint="--output")
    if suffix == ".npy" and ids is not None:
        raise typer.BadParameter("an array holds no names of rows: write .csv or .parquet", param_hint="--output")
    with new_file(output, force=force) as draft:
        if suffix == ".csv":
            with draft.open("w", encoding="utf-8", newline="") as file:
                yield _csv(file, names)
        else:
            with (_npy if suffix == ".npy" else _parquet)(draft, names) as write:
                yield write


def _csv(file: IO[str], names: list[str]) -> Write:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(map(cell, names))

    def write(block: np.ndarray, ids: np.ndarray | None) -> None:
        # as text, NumPy gives the fewest digits that read back to the same number, in either precision
        texts = block.astype(str).tolist()
        if ids is not None:
            texts = [[name, *row] for name, row in zip(ids.tolist(), texts, strict=True)]
        if ids is not None or block.dtype.kind == "U":
            rows.writerows(map(cell, row) for row in texts)
        else:
            file.writelines(",".join(row) + "\n" for row in texts)

    return write


@contextmanager
def _npy(draft: Path, names: list[str]) -> Iterator[Write]:
    rows, dtype = 0, np.dtype(np.float64)

    def header() -> None:
        descr = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (rows, len(names))}
        np.lib.format.write_array_header_1_0(file, descr)

    def write(block: np.ndarray, _: np.ndarray | None) -> None:
        nonlocal rows, dtype
        if rows == 0:
            dtype = block.dtype
            header()
        elif block.dtype != dtype:
            raise InputError(f"outputs turn from {dtype} to {block.dtype} at row {rows + 1}. Add --dtype {dtype}")
        file.write(np.ascontiguousarray(block).data)  # tofile would not say why it fails
        rows += len(block)

    with draft.open("wb+") as file:
        yield write
        # NumPy pads headers so that the number of rows can be rewritten in place
        file.seek(0)
        header()


@contextmanager
def _parquet(draft: Path, names: list[str]) -> Iterator[Write]:
    pyarrow = require("pyarrow", extra="data")
    parquet = require("pyarrow.parquet", extra="data")
    writer = None

    def write(block: np.ndarray, ids: np.ndarray | None) -> None:
        nonlocal writer
        columns = [*([] if ids is None else [pyarrow.array(ids.tolist())]), *map(pyarrow.array, block.T)]
        batch = pyarrow.Table.from_arrays(columns, names)
        writer = writer or parquet.ParquetWriter(draft, batch.schema)
        writer.write_table(batch)

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()
