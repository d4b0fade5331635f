"""Rows of a stream in random order, as far as a buffer reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .._errors import InputError
from .._random import Seed, generator


def shuffled(blocks: Iterable[Any], *, rows: int = 10_000, random_state: Seed = 0) -> Iterator[Any]:
    """Mix the rows of a stream of blocks: for networks, which learn best from samples that do not resemble the last.

    A buffer holds ``rows`` rows; each block is mixed with it, and as many rows as came leave it. Its reach should be
    several times the stretch over which rows resemble each other.

    Parameters
    ----------
    blocks : iterable of arrays (n, d), or of tuples of arrays with as many rows, which stay together
    rows : int >= 1, rows held back
    random_state : seed or generator

    Yields
    ------
    arrays or tuples like those that came; all rows, each once
    """
    if rows < 1:
        raise InputError(f"rows={rows}; expected an integer >= 1")
    rng, held, alone = generator(random_state), None, False
    for block in blocks:
        alone = not isinstance(block, tuple)
        views = tuple(np.asarray(view) for view in ((block,) if alone else block))
        held = views if held is None else tuple(np.concatenate(pair) for pair in zip(held, views, strict=True))
        if len({len(view) for view in held}) != 1:
            raise InputError(f"arrays of {[len(view) for view in views]} rows in one block; expected one number")
        order = rng.permutation(len(held[0]))
        leaving, staying = order[rows:], order[:rows]
        if len(leaving):
            mixed = tuple(view[leaving] for view in held)
            held = tuple(view[staying] for view in held)
            yield mixed[0] if alone else mixed
    if held is not None and len(held[0]):
        order = rng.permutation(len(held[0]))
        mixed = tuple(view[order] for view in held)
        yield mixed[0] if alone else mixed
