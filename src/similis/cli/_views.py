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
from .._text import brief
from ..datasets.blocks import named_blocks, shape_hint
from ..datasets.columns import Choice, Wanted, some
from ._output import printable

_BLOCK_VALUES = 2**22  # numbers in a block by default: 32 MiB in float64
#: labels that are none
_NO_LABEL = ("", "na", "n/a", "#n/a", "<na>", "nan", "null")

#: names of the columns of each view; None where the file has none
Names = list[list[str] | None]


@dataclass
class Views:
    """Where samples come from: a file (or ``-``), its columns, and for two views a second file or more columns.

    Parameters
    ----------
    like : names that a model was fitted with: the columns are put in their order, or refused
    allow_nan : whether NaN may stand for what was not observed
    missing : what becomes of rows in which a value is missing: "error", "drop", or "mean" (of ``means``, or else of the
        column in the file)
    exclude : columns of the first view to leave out
    id_column : column of the first file that names the rows; it is no part of a view
    beside : what the second view is: "view", "target" or "labels"

    Attributes
    ----------
    names : of the columns of the files, once :meth:`blocks` has begun
    ids : names of the rows of the last block, None without ``id_column``
    numeric : whether labels are numbers, None where nobody has looked yet
    """

    data: str
    columns: str | None = None
    y_data: str | None = None
    y_columns: str | None = None
    dtype: str | None = None
    block_rows: int | None = None
    header: bool | None = None
    allow_nan: bool = False
    like: Names = field(default_factory=lambda: [None, None])
    missing: str = "error"
    means: list[np.ndarray] | None = None
    exclude: str | None = None
    id_column: str | None = None
    beside: str | None = None
    numeric: bool | None = None
    names: Names | None = field(default=None, init=False)
    ids: np.ndarray | None = field(default=None, init=False)
    _left: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        if self.two and self.data == "-" and self.y_data in (None, "-"):
            raise typer.BadParameter("stdin can be read once: give the second view as a file", param_hint="--y-data")
        if self.two and self.y_data is None and self.columns is None:
            raise typer.BadParameter("say which columns are the first view", param_hint="--columns")
        if self.data == "-" and self.id_column is not None:
            raise typer.BadParameter("stdin can be read once: save it to a file", param_hint="--id-column")

    @property
    def two(self) -> bool:
        return self.y_data is not None or self.y_columns is not None

    @property
    def sources(self) -> list[tuple[str, Wanted]]:
        """File and columns of each view, and of the names of the rows."""
        out = [spec for spec in (self.exclude, _quoted(self.id_column)) if spec is not None]
        first = Choice(self.columns, self.like[0], ",".join(out) if out else None)
        nan = self.missing != "error" or self.allow_nan
        found = [(self.data, Wanted(first, self.dtype, self.header, nan))]
        if self.two:
            # a single target may be called anything
            second = Choice(self.y_columns, self.like[1])
            found.append(
                (self.y_data or self.data, Wanted(second, self.dtype, self.header, nan, self.beside == "labels"))
            )
        if self.id_column is not None:
            found.append((self.data, Wanted(Choice(_quoted(self.id_column)), None, self.header, False, True)))
        return found

    @property
    def id_name(self) -> str:
        """What heads the names of the rows."""
        names = named_blocks(*self.sources[-1], rows=1).names
        return names[0] if names else "id"

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
        return shape_hint(self.data)[0]

    def rows(self) -> int:
        """Samples in a block: as asked, or so many that a block stays near 32 MiB."""
        widths = [shape_hint(source)[1] or 1 for source, _ in self.sources]
        return self.block_rows or max(64, min(16384, _BLOCK_VALUES // max(widths)))

    def blocks(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Blocks of rows, one array a view; memory does not grow with the file.

        Raises
        ------
        InputError
            If the views differ in their number of rows, a number is not finite, or nothing is left.
        """
        if self.missing == "mean":
            self._find_means()
        told, n_views, seen, left = self.names is not None, 1 + self.two, 0, 0
        for parts in self._parts():
            views, lacking = list(parts[:n_views]), np.zeros(len(parts[0]), bool)
            for i, (source, _) in enumerate(self.sources[:n_views]):
                views[i], absent = self._admit(i, views[i], source, seen)
                lacking |= absent
            self.ids = None if self.id_column is None else parts[-1][~lacking, 0]
            seen, left = seen + len(lacking), left + int(lacking.sum())
            if not lacking.all():
                yield tuple(view[~lacking] for view in views) if lacking.any() else tuple(views)
        if seen == left:
            raise InputError(f"{self.data}: a value is missing in each row. Fix: leave out columns, by --exclude")
        if not told:
            self._tell(left, seen)

    def label_texts(self) -> list[str]:
        """The labels that the second view holds, as they are written, each once; one pass over them."""
        source, wanted = self.sources[1]
        if source == "-":
            raise typer.BadParameter("all labels must be known first, and stdin can be read once: save it to a file")
        found = set[str]()
        for block in named_blocks(source, wanted, rows=self.rows()).blocks:
            found.update(block.ravel().tolist())
        return sorted(text for text in found if text.lower() not in _NO_LABEL)

    def _parts(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Blocks of each view and of the names of the rows, as they stand in the files."""
        tables, seen = [named_blocks(source, wanted, rows=self.rows()) for source, wanted in self.sources], 0
        self.names, self._left = [table.names for table in tables[: 1 + self.two]], tables[0].left
        for parts in zip_longest(*(table.blocks for table in tables), fillvalue=np.empty((0, 0))):
            if len({len(part) for part in parts}) > 1:
                raise InputError(
                    f"the views differ in length: from row {seen + 1} on, " + " and ".join(str(len(p)) for p in parts)
                    + f" rows follow in {' and '.join(s for s, _ in self.sources)}. Give the same samples in both"
                )  # fmt: skip
            if self.id_column is not None and parts[-1].shape[1] != 1:
                raise typer.BadParameter(f"expected one column, got {parts[-1].shape[1]}", param_hint="--id-column")
            yield parts
            seen += len(parts[0])

    def _admit(self, i: int, view: np.ndarray, source: str, start: int) -> tuple[np.ndarray, np.ndarray]:
        """A view as it is learned from, and where rows are left out."""
        if i == 1 and self.beside == "labels":
            return self._labels(view, source, start)
        _refuse_non_finite(view, source, start, missing=self.missing != "error" or self.allow_nan)
        if self.missing == "error":
            return view, np.zeros(len(view), bool)
        lacks = np.isnan(view)
        if self.missing == "drop" or not lacks.any():
            return view, lacks.any(1)
        if i == 1 and self.beside == "target":
            row = start + int(lacks.any(1).argmax()) + 1
            raise InputError(f"{source}: row {row} has no target, and a mean is none. Fix: --missing drop")
        assert self.means is not None
        return np.where(lacks, self.means[i].astype(view.dtype), view), np.zeros(len(view), bool)

    def _labels(self, view: np.ndarray, source: str, start: int) -> tuple[np.ndarray, np.ndarray]:
        absent = np.asarray(np.isin(np.char.lower(view), _NO_LABEL).any(1))
        if absent.any() and self.missing != "drop":
            row = start + int(absent.argmax()) + 1
            raise InputError(f"{source}: row {row} has no label. Fix: give one, or --missing drop leaves such rows out")
        if not self.numeric:
            return view, absent
        try:
            return np.where(absent[:, None], "0", view).astype(float), absent
        except ValueError as error:
            raise InputError(f"{source}: {brief(error)}; the labels of the model are numbers") from error

    def _find_means(self) -> None:
        """The mean of what is there in each column: of the model where it has learned one, else of the file."""
        n_views = 1 + (self.two and self.beside == "view")
        if self.means is not None and len(self.means) == n_views:
            return
        if "-" in [source for source, _ in self.sources]:
            raise typer.BadParameter("means are found first, and stdin can be read once: save it to a file")
        total, n = [np.zeros(1)] * n_views, [np.zeros(1)] * n_views
        for parts in self._parts():
            for i, view in enumerate(parts[:n_views]):
                total[i] = total[i] + np.nansum(view, 0, dtype=float)
                n[i] = n[i] + (~np.isnan(view)).sum(0)
        for (source, _), count in zip(self.sources, n, strict=False):
            if not count.all():
                raise InputError(f"{source}: column {int(count.argmin()) + 1} of those chosen is empty: --exclude it")
        self.means = [a / b for a, b in zip(total, n, strict=True)]

    def _tell(self, left: int, seen: int) -> None:
        """Say on stderr what was left out, and what the lack of names leaves to trust."""
        told = set()
        if left:
            told.add(f"{self.data}: {left} of {seen} rows lack a value and are left out")
        if self._left:
            told.add(f"{self.data}: columns that the model does not know are left out: {some(self._left)}")
        for (source, _), names, like in zip(self.sources, self.names or [], self.like, strict=False):
            text = source == "-" or {".csv", ".tsv", ".txt"} & set(map(str.lower, Path(source).suffixes))
            if text and names is None and self.header is None:
                told.add(f"{source}: no header, so the first line is a row; say --header if it names the columns")
            if like is not None and names is None:
                told.add(f"{source}: no names of columns; they are taken for {some(like)} as they stand")
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
        raise InputError(
            f"{where} is {value}, expected a finite number. Remove or impute such rows first (--missing, for NaN)"
        )


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


def _quoted(name: str | None) -> str | None:
    """The name of one column, as a choice of columns says it."""
    return None if name is None else '"' + name.replace('"', '""') + '"'
