"""The average of the weights over the stream, in one frame where outputs turn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.linalg import lapack

from ..circuit import State


class Average:
    """Average of the weights over the stream, later ones weighing more (proportional to time)."""

    def __init__(self, state: State | None, turns: bool) -> None:
        self.state, self.turns = state, turns

    def __call__(self, now: State) -> dict[str, float]:
        if self.state is None:
            self.state = replace(now, P=None, Minv=None, R=None, t=1)
            return {}
        now = _turned(now, self.state) if self.turns else now
        share, before = now.dtype.type(2 / (self.state.t + 2)), self.state
        W = {name: mean + share * (now.W[name] - mean) for name, mean in before.W.items()}
        self.state = State(W, before.M + share * (now.M - before.M), None, before.t + 1, cells=before.cells)
        return {}


def _turned(now: State, target: State) -> State:
    """The same network up to a rotation of its outputs, the one that brings the weights nearest to the target's."""
    A = sum(target.W[name] @ W.T for name, W in now.W.items())
    U, _, V, failed = (lapack.dgesdd if A.dtype == np.float64 else lapack.sgesdd)(A)  # what numpy wraps costs more
    if failed:
        return now
    Q = U @ V
    return State({name: Q @ W for name, W in now.W.items()}, Q @ now.M @ Q.T, None, now.t)
