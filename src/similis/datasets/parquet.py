"""Tables as Parquet, read in blocks through pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._errors import InputError
from .._optional import require
from .columns import Columns, resolve_columns

# Pages are read as they are needed: by default a whole row group is held, and that may be the whole file.
FRUGAL = {"buffer_size": 1 << 16, "pre_buffer": False, "page_checksum_verification": True}


def blocks(source: str, rows: int, columns: Columns, dtype: DTypeLike | None) -> Iterator[NDArray]:
    """Yield blocks of at most ``rows`` rows; only the chosen columns are read, a missing value becomes NaN."""
    arrow = require("pyarrow", extra="data")
    with _open(source) as file:
        schema = file.schema_arrow
        wanted = resolve_columns(columns, len(schema), schema.names, source)
        fields = [schema.field(i) for i in (range(len(schema)) if wanted is None else wanted)]
        _check(fields, arrow, source)
        single = all(arrow.types.is_float32(field.type) or arrow.types.is_float16(field.type) for field in fields)
        target = np.dtype(dtype) if dtype is not None else np.dtype(np.float32 if single else np.float64)
        names = [field.name for field in fields]
        for batch in file.iter_batches(batch_size=rows, columns=list(dict.fromkeys(names))):
            block = np.empty((batch.num_rows, len(names)), target)
            for j, name in enumerate(names):
                block[:, j] = batch.column(name).cast(arrow.float64()).to_numpy(zero_copy_only=False)
            yield block


def shape(source: str) -> tuple[int, int]:
    """Return (rows, columns) from the footer."""
    with _open(source) as file:
        return file.metadata.num_rows, len(file.schema_arrow)


def _check(fields: list[Any], arrow: Any, source: str) -> None:
    numeric = (arrow.types.is_integer, arrow.types.is_floating, arrow.types.is_boolean, arrow.types.is_decimal)
    for field in fields:
        if not any(test(field.type) for test in numeric):
            raise InputError(
                f"{source}: column {field.name!r} holds {field.type}, expected numbers. "
                "Fix: choose the numeric columns."
            )


@contextmanager
def _open(source: str) -> Iterator[Any]:
    arrow, parquet = require("pyarrow", extra="data"), require("pyarrow.parquet", extra="data")
    try:
        with parquet.ParquetFile(source, **FRUGAL) as file:
            yield file
    except (arrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{source}: damaged, truncated or not Parquet ({reason}). Fix: copy or write the file again."
        ) from error
