"""Rows of all streams as a network learns them: normalised, without those that say nothing, perhaps in random order."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..circuit import Circuit
from ..kernels.running import IDLE
from ._guard import outweighed, sorted_rows
from ._running import Heard, Running, moving

#: how many times longer than its past explains one stream has to stand still to be off while others move
ALONE = 16.0


def hear(
    circuit: Circuit, running: Mapping[str, Running], piece: Mapping[str, Any], seen: int,
    rng: np.random.Generator | None, unitless: Collection[str],
) -> tuple[dict[str, Any], dict[str, np.ndarray], np.ndarray, dict[str, Running]]:  # fmt: skip
    """Rows as they are learned, with their squared norms, their places in the piece, and the moments after them.

    Rows are left out in which all streams stand still (sensors are off or stuck), or one that drives the network does
    for very long. Given ``rng`` they come in random order; what is usual is then known from the whole piece, and sorted
    rows are also normalised in random order, for the mean of those so far is not theirs. Streams that are ``unitless``
    must not have a feature that outweighs all others.
    """
    if rng is not None:
        running = {name: running[name].over(X) for name, X in piece.items()}
    found = {name: running[name].normalise(X, refuse=name in unitless) for name, X in piece.items()}
    for name, one in found.items():
        if one.bad >= 0:
            raise outweighed(name, one.after.spread, seen + one.bad)
    spreads = {name: one.after.spread for name, one in found.items()}
    drives = [name for name in piece if circuit.channel(name).drive]
    starts_still = False
    if any((one.times >= 1).any() for one in found.values()):
        if rng is not None:
            running = {name: running[name].updated(X) for name, X in piece.items()}
            found = {name: running[name].normalise(X) for name, X in piece.items()}
        idle = _idle(running, found, drives)
        if rng is not None:
            runs = [_first_run(X) for X in piece.values()]
            idle[1 : min(runs)] |= idle[min(runs) - 1]  # all of a constant first, or nothing
            starts_still = any(run > IDLE and not idle[run - 1] for run in runs)
        found = {name: running[name].normalise(X, idle) for name, X in piece.items()}
    where = np.flatnonzero(np.all([found[name].sizes >= 0 for name in drives], axis=0))
    if rng is not None:
        where = rng.permutation(where)
        if starts_still or any(sorted_rows(running[n].center, one.rows, one.sizes) for n, one in found.items()):
            none = np.zeros(len(where), bool)
            found = {name: running[name].normalise(X[where], none) for name, X in piece.items()}
            after = {name: replace(one.after, spread=spreads[name]) for name, one in found.items()}
            return *_taken(found, slice(None)), where, after
    after = {name: replace(one.after, spread=spreads[name]) for name, one in found.items()}
    whole = rng is None and len(where) == len(next(iter(found.values())).sizes)
    return *_taken(found, slice(None) if whole else where), where, after


def _taken(found: Mapping[str, Heard], at: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    return {name: one.rows[at] for name, one in found.items()}, {name: one.sizes[at] for name, one in found.items()}


def _idle(running: Mapping[str, Running], found: Mapping[str, Heard], drives: Collection[str]) -> np.ndarray:
    """(n_samples,) whether rows say nothing; unscaled streams are trusted."""
    idle = np.all([one.times >= 1 for one in found.values()], axis=0)
    for name in drives:
        idle |= found[name].times >= ALONE
    return idle & any(each.scale for each in running.values())


def _first_run(X: Any) -> int:
    """Rows before the first that differs from the one before it."""
    moves = np.flatnonzero(moving(X)[1:])
    return int(moves[0]) + 1 if len(moves) else X.shape[0]
