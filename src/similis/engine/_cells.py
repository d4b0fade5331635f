"""What single neurons carry, as one array for the kernels and back."""

from __future__ import annotations

import numpy as np

from ..circuit import Circuit, State
from ..circuit.table import Table

#: rows of the array, and of the first entries of the last row the shift (see ``kernels.neuron``)
ROWS = {"b": 0, "a": 1, "mean": 2, "shift": 3}


def pack(circuit: Circuit, table: Table, state: State) -> np.ndarray:
    """(4, max(k, 2)) array: b (1 where a total has no weights of its own), a, mean, and (shift, lambda)."""
    cells = np.zeros((len(ROWS), max(circuit.size, 2)), state.dtype)
    if table.constrained:
        cells[ROWS["b"]] = 1
    if not circuit.lateral.has_interneurons:  # whose M holds the shift already
        cells[ROWS["shift"], 0] = table.shift
    for name, array in state.cells.items():
        cells[ROWS[name], : len(array)] = array
    return cells


def unpack(state: State, cells: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays of ``state.cells`` as they are now."""
    return {name: cells[ROWS[name], : len(array)].copy() for name, array in state.cells.items()}
