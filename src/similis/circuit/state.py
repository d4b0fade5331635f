"""All that changes while a circuit learns, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .._errors import InputError
from .._random import Seed, generator
from .spec import Circuit


@dataclass(frozen=True)
class State:
    """Weights of a circuit after ``t`` samples.

    Attributes
    ----------
    W : dict of (k, n_c) arrays, feedforward weights by channel
    M : (k, k) array, lateral weights
    P : (k, l) array or None, pyramidal-interneuron weights (then M = P P' + shift I)
    t : int, samples seen
    Minv : (k, k) array or None, inverse of M carried along by the stream engine where settling is linear
    """

    W: dict[str, np.ndarray]
    M: np.ndarray
    P: np.ndarray | None = None
    t: int = 0
    Minv: np.ndarray | None = None

    @property
    def dtype(self) -> np.dtype:
        return self.M.dtype

    def copy(self) -> State:
        """A deep copy: no array is shared."""
        return replace(
            self,
            W={name: W.copy() for name, W in self.W.items()},
            M=self.M.copy(),
            P=None if self.P is None else self.P.copy(),
            Minv=None if self.Minv is None else self.Minv.copy(),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State) or self.t != other.t or self.W.keys() != other.W.keys():
            return False
        same = all(np.array_equal(self.W[name], other.W[name]) for name in self.W)
        P = self.P is other.P or (self.P is not None and other.P is not None and np.array_equal(self.P, other.P))
        return same and P and np.array_equal(self.M, other.M)

    __hash__ = None  # type: ignore[assignment]


def init(
    circuit: Circuit,
    dims: dict[str, int],
    random_state: Seed = 0,
    dtype: np.dtype | type = np.float64,
    gain: dict[str, float] | None = None,
) -> State:
    """Draw a first state: W_c ~ N(0, gain_c^2/n_c), M = I (interneurons: P = I, so M = (1 + shift) I).

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
    rng, k = generator(random_state), circuit.size
    W = {}
    for name in circuit.names:
        size = gain.get(name, 1.0) / np.sqrt(max(1, dims[name]))  # no class is known yet: a channel of width 0
        W[name] = (size * rng.standard_normal((k, dims[name]))).astype(dtype)
    M, P = np.eye(k, dtype=dtype), None
    if circuit.lateral.kind == "interneurons":
        P = np.eye(k, circuit.lateral.units or k, dtype=dtype)
        M = P @ P.T + dtype_of(circuit.lateral.shift, dtype) * np.eye(k, dtype=dtype)
    return State(W, M, P)


def dtype_of(value: float, dtype: np.dtype | type) -> np.floating:
    """A scalar in the state's precision, so that float32 stays float32."""
    return np.dtype(dtype).type(value)
