"""How far two runs of one circuit are from each other."""

from __future__ import annotations

import numpy as np

from similis.circuit import State

Run = tuple[np.ndarray, State]


def gap(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference, relative to the largest number expected."""
    assert found.shape == expected.shape
    if not found.size:
        return 0.0
    size = float(np.abs(expected).max())
    difference = float(np.abs(found - expected).max())
    return difference / size if size > 0 else difference


def run_gap(found: Run, expected: Run) -> float:
    """The same for outputs and all weights of two runs; the largest."""
    (Z, state), (Z0, state0) = found, expected
    assert state.t == state0.t
    assert state.arrays.keys() == state0.arrays.keys()
    gaps = [gap(Z, Z0), *(gap(state.arrays[name], array) for name, array in state0.arrays.items())]
    return max(gaps)  # NaN is not lost: it fails every comparison that follows, being first or last
