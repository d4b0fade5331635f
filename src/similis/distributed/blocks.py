"""Dask collections as blocks of rows: cut alike, checked, and summed block by block in their order."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from .._errors import InputError
from .._optional import require
from ..estimators._tails import Tails


def as_array(X: Any, name: str) -> Any:
    """A Dask array or dataframe (or a column of one) as a Dask array of known lengths.

    Raises
    ------
    InputError
        If it is something else.
    """
    da = require("dask.array", extra="distributed")
    if hasattr(X, "to_dask_array"):  # a dataframe or a column of one
        return X.to_dask_array(lengths=True)
    if not isinstance(X, da.Array):
        raise InputError(
            f"{name} is a {type(X).__name__}; expected a Dask array or dataframe. Use the estimator's own fit, or "
            "dask.array.from_array(X, chunks=...)"
        )
    return X.compute_chunk_sizes() if np.isnan(X.shape).any() else X


def head(X: Any) -> Any:
    """The first row, as the collection's own kind (with the names of its columns)."""
    return X.head(1, npartitions=-1) if hasattr(X, "to_dask_array") else X[:1].compute()


@dataclass(frozen=True)
class Blocks:
    """Streams of as many rows, in blocks: ``parts[name][i]`` is the i-th block, still to be computed."""

    parts: Mapping[str, list[Any]]
    bounds: np.ndarray
    dtype: np.dtype

    @classmethod
    def cut(cls, streams: Mapping[str, Any], dtype: np.dtype) -> Blocks:
        """The blocks of the first stream's chunks; the others are cut like them."""
        lengths = {name: X.shape[0] for name, X in streams.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"streams differ in rows: {lengths}; expected one number")
        rows = tuple(n for n in next(iter(streams.values())).chunks[0] if n)
        bounds, parts = np.cumsum([0, *rows]), {}
        for name, X in streams.items():
            blocks = X.rechunk({0: rows, 1: -1}).to_delayed()[:, 0]
            checked = require("dask", extra="distributed").delayed(_checked, pure=True)
            parts[name] = [checked(block, dtype, name, int(at)) for block, at in zip(blocks, bounds, strict=False)]
        return cls(parts, bounds, dtype)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def n_rows(self) -> int:
        return int(self.bounds[-1])

    def tails(self) -> dict[str, Tails]:
        """Moments of each stream, the one pass that reads all rows before they are learned from."""
        dask = require("dask", extra="distributed")
        lists = {name: [dask.delayed(Tails.of)(part) for part in parts] for name, parts in self.parts.items()}
        return {name: reduce(operator.add, found) for name, found in dask.compute(lists)[0].items()}

    def inside(self, start: int, stop: int) -> Iterator[tuple[int, slice]]:
        """The blocks that hold rows start .. stop-1, each with the rows of it that are meant."""
        first, last = np.searchsorted(self.bounds, [start, stop - 1], side="right") - 1
        for i in range(first, last + 1):
            at = self.bounds[i]
            yield i, slice(int(max(start - at, 0)), int(min(stop, self.bounds[i + 1]) - at))


def _checked(X: Any, dtype: np.dtype, name: str, start: int) -> np.ndarray:
    """A block as an array of numbers, all of them finite."""
    X = np.ascontiguousarray(X, dtype)
    if not np.isfinite(X).all():
        row = start + int(np.argmin(np.isfinite(X).all(1)))
        raise InputError(f"row {row} of {name} holds NaN or infinity; expected finite numbers. Drop or fill it first")
    return X
