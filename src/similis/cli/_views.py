"""One or two views of the same samples, read from files in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import numpy as np
import typer

from .._errors import InputError, SimilisError
from ._output import printable

_BLOCK_VALUES = 2**22  # numbers in a block by default: 32 MiB in float64


#: names of the columns of each view; None where the file has none
Names = list[list[str] | None]


@dataclass
class Views:
    """Where samples come from: a file (or ``-``), its columns, and for two views a second file or more columns.

    ``like`` are the names that a model was fitted with: the columns are put in their order, or refused. ``names`` are
    those of the files, once :meth:`blocks` has begun. ``missing`` says that NaN may stand for what was not observed.
    """

    data: str
    columns: str | None = None
    y_data: str | None = None
    y_columns: str | None = None
    dtype: str | None = None
    block_rows: int | None = None
    header: bool | None = None
    missing: bool = False
    like: Names = field(default_factory=lambda: [None, None])
    names: Names | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.two and self.data == "-" and self.y_data in (None, "-"):
            raise typer.BadParameter("stdin can be read once: give the second view as a file", param_hint="--y-data")
        if self.two and self.y_data is None and self.columns is None:
            raise typer.BadParameter("say which columns are the first view", param_hint="--columns")

    @property
    def two(self) -> bool:
        return self.y_data is not None or self.y_columns is not None

    @property
    def sources(self) -> list[tuple[str, str | None]]:
        """File and columns of each view."""
        first = (self.data, self.columns)
        return [first, (self.y_data or self.data, self.y_columns)] if self.two else [first]

    def target(self) -> Views:
        """The second view alone."""
        source = self.y_data or self.data
        return Views(source, self.y_columns, None, None, self.dtype, self.block_rows, self.header, like=self.like[1:])

    def require(self, *, two: bool, name: str) -> None:
        """Refuse one view where two are needed, and the reverse."""
        if two and not self.two:
            raise typer.BadParameter(
                f"{name} learns from two views, or data and a target: add --y-data FILE, or --columns and --y-columns"
            )
        if self.two and not two:
            raise typer.BadParameter(f"{name} learns from one view: leave out --y-data and --y-columns")

    def n_rows(self) -> int | None:
        """Number of samples where the file format tells it at once."""
        from ..datasets.blocks import shape_hint

        return shape_hint(self.data)[0]

    def rows(self) -> int:
        """Samples in a block: as asked, or so many that a block stays near 32 MiB."""
        from ..datasets.blocks import shape_hint

        widths = [shape_hint(source)[1] or 1 for source, _ in self.sources]
        return self.block_rows or max(64, min(16384, _BLOCK_VALUES // max(widths)))

    def blocks(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Blocks of rows, one array a view; memory does not grow with the file.

        Raises
        ------
        InputError
            If the views differ in their number of rows, or a number is not finite.
        """
        from ..datasets.blocks import named_blocks

        rows, seen = self.rows(), 0
        tables = [
            named_blocks(source, rows=rows, columns=columns, like=like, dtype=self.dtype, header=self.header)
            for (source, columns), like in zip(self.sources, self.like, strict=False)
        ]
        told, self.names = self.names is not None, [table.names for table in tables]
        for views in zip_longest(*(table.blocks for table in tables), fillvalue=np.empty((0, 0))):
            if len({len(view) for view in views}) > 1:
                raise InputError(
                    f"the views differ in length: from row {seen + 1} on, " + " and ".join(str(len(v)) for v in views)
                    + f" rows follow in {' and '.join(s for s, _ in self.sources)}. Give the same samples in both"
                )  # fmt: skip
            for view, (source, _) in zip(views, self.sources, strict=True):
                _refuse_non_finite(view, source, seen, missing=self.missing)
            yield views
            seen += len(views[0])
        if not told:
            self._tell()

    def _tell(self) -> None:
        """Say on stderr what the names of columns, or the lack of them, leave to trust."""
        told = set()
        for (source, _), names, like in zip(self.sources, self.names or [], self.like, strict=False):
            text = source == "-" or Path(source).suffix.lower() in (".csv", ".tsv", ".txt")
            if text and names is None and self.header is None:
                told.add(f"{source}: no header, so the first line is a row; say --header if it names the columns")
            if like is not None and names is None:
                some = ", ".join([*like[:12], "..."] if len(like) > 12 else like)
                told.add(f"{source}: no names of columns; they are taken for {some} as they stand")
        for line in sorted(told):
            typer.echo(printable(f"note: {line}"), err=True)

    def first(self, size: int | None) -> tuple[tuple[np.ndarray, ...], int]:
        """The first ``size`` samples in their order (None: all), and how many there are."""
        kept: list[tuple[np.ndarray, ...]] = []
        total = 0
        for block in self.blocks():
            if size is None or total < size:
                kept.append(tuple(view[: None if size is None else size - total] for view in block))
            total += len(block[0])
        return tuple(np.concatenate(view) for view in zip(*kept, strict=True)), total

    def sample(self, size: int, seed: int) -> tuple[tuple[np.ndarray, ...], int]:
        """Draw ``size`` samples uniformly in one pass (reservoir sampling), and count how many went by."""
        rng, total = np.random.default_rng(seed), 0
        kept: list[np.ndarray] = []
        for block in self.blocks():
            kept = kept or [np.empty((size, view.shape[1]), view.dtype) for view in block]
            t = np.arange(total, total + len(block[0]))
            # row t stays with probability size / (t + 1), in a place drawn at random; the first rows fill the places
            places = np.where(t < size, t, rng.integers(0, t + 1))
            stay = places < size
            for k, view in zip(kept, block, strict=True):
                k[places[stay]] = view[stay]
            total += len(t)
        return tuple(k[:total] for k in kept), total


def _refuse_non_finite(view: np.ndarray, source: str, start: int, *, missing: bool) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        suspect = not np.isfinite(view.sum())  # cheap; a finite sum has finite terms
    bad = np.argwhere(np.isinf(view) if missing else ~np.isfinite(view)) if suspect else np.empty((0, 2), int)
    if len(bad):
        row, column = bad[0]
        where, value = f"{source}: row {start + row + 1}, column {column + 1}", view[row, column]
        raise InputError(f"{where} is {value}, expected a finite number. Remove or impute such rows first")


@contextmanager
def located(where: str) -> Iterator[None]:
    """Add to an error where in the data it arose."""
    try:
        yield
    except (SimilisError, ValueError) as error:
        kind = type(error) if isinstance(error, SimilisError) else InputError
        raise kind(f"{where}: {error}") from error


def rows_of(data: str, start: int, views: tuple[np.ndarray, ...]) -> str:
    """Name the rows of a block, counted from 1."""
    return f"{data}, rows {start + 1} to {start + len(views[0])}"
