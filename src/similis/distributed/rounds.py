"""One round of learning: workers settle rows of their blocks against the same weights and return sums."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np

from .._optional import require
from ..circuit import Circuit, State
from ..engine import batch
from ..estimators._running import Running
from .blocks import Blocks

Sums = dict[str, np.ndarray]


class Rounds:
    """Sums over any rows of the blocks; a block stays in the workers' memory while rounds that follow need it."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.held: dict[int, dict[str, Any]] = {}

    def sums(self, estimator: Any, start: int, stop: int) -> Sums:
        """Sums over rows start .. stop-1 with the estimator's weights, added in the order of the blocks."""
        dask = require("dask", extra="distributed")
        pieces = list(self.blocks.inside(start, stop))
        self.held = {i: self.held.get(i) or self._hold(i) for i, _ in pieces}
        known = (estimator.circuit_, estimator.state_, estimator.running_)
        weights = dask.delayed(known, pure=False, traverse=False)
        work = dask.delayed(_sums, pure=False)
        return reduce(_added, dask.compute(*(work(weights, self.held[i], at) for i, at in pieces)))

    def _hold(self, i: int) -> dict[str, Any]:
        dask = require("dask", extra="distributed")
        return dask.persist({name: parts[i] for name, parts in self.blocks.parts.items()})[0]


def _sums(known: tuple[Circuit, State, dict[str, Running]], block: Mapping[str, np.ndarray], at: slice) -> Sums:
    circuit, state, running = known
    return batch.statistics(circuit, state, {name: running[name].apply(X[at]) for name, X in block.items()})


def _added(left: Sums, right: Sums) -> Sums:
    return {name: total + right[name] for name, total in left.items()}
