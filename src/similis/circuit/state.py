"""All that changes while a circuit learns, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from .._errors import InputError
from .._random import Seed, generator
from .spec import Circuit


@dataclass(frozen=True, eq=False)
class State:
    """Weights of a circuit after ``t`` samples.

    Attributes
    ----------
    W : dict of (k, n_c) arrays, feedforward weights by channel
    M : (k, k) array, lateral weights
    P : (k, l) array or None, pyramidal-interneuron weights (then M = P P' + shift I)
    t : int, samples seen
    Minv : (k, k) array or None, inverse of M carried along by the stream engine where settling is linear
    R : (l, k) array or None, weights from neurons to decoupled interneurons (then M = P R + shift I)
    cells : dict of arrays, what single neurons carry, as the circuit needs it: ``b`` (k,) synapses of the inhibitory or
        threshold unit, ``a`` (k,) thresholds, ``mean`` (k,) running mean that is subtracted, ``shift`` (1,) the
        self-inhibition where it learns
    """

    W: dict[str, np.ndarray]
    M: np.ndarray
    P: np.ndarray | None = None
    t: int = 0
    Minv: np.ndarray | None = None
    R: np.ndarray | None = None
    cells: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def dtype(self) -> np.dtype:
        return self.M.dtype

    @property
    def laterals(self) -> dict[str, np.ndarray]:
        """M, and P and R where there are interneurons."""
        named = {"M": self.M, "P": self.P, "R": self.R}
        return {name: array for name, array in named.items() if array is not None}

    def copy(self) -> State:
        """A deep copy: no array is shared."""
        return replace(
            self,
            W={name: W.copy() for name, W in self.W.items()},
            M=self.M.copy(),
            P=None if self.P is None else self.P.copy(),
            Minv=None if self.Minv is None else self.Minv.copy(),
            R=None if self.R is None else self.R.copy(),
            cells={name: array.copy() for name, array in self.cells.items()},
        )

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Every array that the engines change, by name; M^{-1} is not among them, it follows from M."""
        named = {f"W.{name}": W for name, W in self.W.items()} | {"M": self.M}
        named |= {name: array for name, array in (("P", self.P), ("R", self.R)) if array is not None}
        return named | {f"cells.{name}": array for name, array in self.cells.items()}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], t: int = 0) -> State:
        """The state whose :attr:`arrays` these are."""
        within = {
            part: {n.split(".", 1)[1]: a for n, a in arrays.items() if n.startswith(part)} for part in ("W.", "cells.")
        }
        return cls(within["W."], arrays["M"], arrays.get("P"), t, R=arrays.get("R"), cells=within["cells."])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State) or self.t != other.t:
            return False
        mine, theirs = self.arrays, other.arrays
        return mine.keys() == theirs.keys() and all(np.array_equal(mine[name], theirs[name]) for name in mine)


def init(
    circuit: Circuit,
    dims: dict[str, int],
    random_state: Seed = 0,
    dtype: np.dtype | type = np.float64,
    gain: dict[str, float] | None = None,
) -> State:
    """Draw a first state: W_c ~ N(0, gain_c^2/n_c), M = I (interneurons: P = start I).

    Parameters
    ----------
    circuit : Circuit
    dims : input dimension n_c of each channel
    random_state : seed or generator
    dtype : float32 or float64
    gain : size of the first weights of each channel, 1 where not given
    """
    gain = gain or {}
    if set(dims) != set(circuit.names):
        raise InputError(f"dims for channels {sorted(dims)}; circuit {circuit.name!r} has {sorted(circuit.names)}")
    rng, k, dtype = generator(random_state), circuit.size, np.dtype(dtype)
    W = {}
    for name in circuit.owners:
        size = gain.get(name, 1.0) / np.sqrt(max(1, dims[name]))  # no class is known yet: a channel of width 0
        W[name] = (size * rng.standard_normal((k, dims[name]))).astype(dtype)
    for c in circuit.channels:
        if dims[c.name] != dims[c.weights]:
            raise InputError(
                f"channel {c.name!r} of {dims[c.name]} numbers uses the weights of {c.weights!r}, "
                f"of {dims[c.weights]}; expected as many"
            )
    first = circuit.lateral.start(k, circuit.neuron.inhibition.shift, dtype)
    return State(W, first["M"], first.get("P"), R=first.get("R"), cells=circuit.neuron.state(k, dtype))


def dtype_of(value: float, dtype: np.dtype | type) -> np.floating:
    """A scalar in the state's precision, so that float32 stays float32."""
    return np.dtype(dtype).type(value)


def settling_matrix(circuit: Circuit, state: State) -> np.ndarray:
    """A = gain M + shift I, what outputs settle against and FEEDBACK carries; with interneurons M holds the shift."""
    lateral, inhibition = circuit.lateral, circuit.neuron.inhibition
    if lateral.has_interneurons:
        return state.M
    shift = state.cells["shift"][0] if inhibition.learns else dtype_of(inhibition.shift, state.dtype)
    return dtype_of(lateral.acting, state.dtype) * state.M + shift * np.eye(circuit.size, dtype=state.dtype)
