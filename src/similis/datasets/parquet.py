"""Tables as Parquet, read in blocks through pyarrow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import InputError, SimilisError
from .._optional import require
from .._text import brief
from .columns import Chosen, Wanted

# Pages are read as they are needed: by default a whole row group is held, and that may be the whole file.
FRUGAL = {"buffer_size": 1 << 16, "pre_buffer": False, "page_checksum_verification": True}


def blocks(source: str, rows: int, wanted: Wanted) -> Iterator[NDArray | Chosen]:
    """Yield the chosen columns, then blocks of at most ``rows`` rows; a missing value becomes NaN, or empty text.

    Only the chosen columns are read. An index that pandas stored beside the data is a column only where it is asked for
    by its name. Integers above 2^53 are rounded to the nearest float64.
    """
    arrow = require("pyarrow", extra="data")
    with _open(source) as file:
        schema, (data, index) = file.schema_arrow, _columns(file.schema_arrow)
        places = data + index
        chosen = wanted.choice.among(len(data), [schema.names[i] for i in places], source)
        fields = [places[i] for i in (range(len(data)) if chosen.indices is None else chosen.indices)]
        if not wanted.text:
            _check([schema.field(i) for i in fields], arrow, source)
        single = all(schema.field(i).type in (arrow.float32(), arrow.float16()) for i in fields)
        target = np.dtype(wanted.dtype or (np.float32 if single else np.float64))
        yield chosen
        names = list(dict.fromkeys(schema.names[i] for i in fields))
        for batch in file.iter_batches(batch_size=rows, columns=names):
            columns = [batch.column(_place(batch.schema.names, schema.names, i)) for i in fields]
            if wanted.text:
                yield np.array([_texts(column, arrow) for column in columns], str).T
                continue
            block = np.empty((batch.num_rows, len(fields)), target)
            for j, column in enumerate(columns):
                block[:, j] = column.cast(arrow.float64(), safe=False).to_numpy(zero_copy_only=False)
            yield block


def _texts(column: Any, arrow: Any) -> list[str]:
    """A column as it is written; what is missing is empty."""
    if arrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(arrow.string()).fill_null("").to_pylist()


def shape(source: str) -> tuple[int, int]:
    """Return (rows, columns) from the footer."""
    with _open(source) as file:
        return file.metadata.num_rows, len(_columns(file.schema_arrow)[0])


def _columns(schema: Any) -> tuple[list[int], list[int]]:
    """Places of the data, and of what pandas stored as the index of the rows."""
    stored = (schema.pandas_metadata or {}).get("index_columns", [])  # an index that only counts is no column
    index = [i for i, name in enumerate(schema.names) if name in stored or re.fullmatch(r"__index_level_\d+__", name)]
    return [i for i in range(len(schema)) if i not in index], index


def _place(read: list[str], names: list[str], i: int) -> int:
    """Where column i is among those that were read: of several with one name, each keeps its turn."""
    same = [j for j, name in enumerate(read) if name == names[i]]
    return same[names[:i].count(names[i])]


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
    parquet = require("pyarrow.parquet", extra="data")
    try:
        with parquet.ParquetFile(source, **FRUGAL) as file:
            yield file
    except SimilisError:
        raise
    except MemoryError as error:
        raise InputError(f"{source}: a block of rows takes too much memory. Fix: read fewer at a time.") from error
    except Exception as error:  # whatever damage does to the reader
        raise InputError(
            f"{source}: damaged, truncated or not Parquet ({brief(error)}). Fix: copy or write the file again."
        ) from error
