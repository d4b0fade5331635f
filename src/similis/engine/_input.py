"""What every interpreter asks of its data before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse

from .._errors import DivergenceError, InputError
from .._masks import unmasked
from ..circuit import Channel, Circuit, Lift, State
from ..kernels.neuron import GROWTH, LEAP, NEWS

#: rows of one stream: an array, scipy.sparse or a lift; past :func:`admit` what is no array has ``X @ W.T``,
#: ``X @ X.T``, ``coef.T @ X``, slices, ``multiply`` and ``toarray``, whatever it is
Rows = Any
Data = Mapping[str, Rows] | Rows


def admit(
    circuit: Circuit, state: State, data: Data, present: Mapping[str, np.ndarray] | None, learn: bool = True
) -> tuple[dict[str, Rows], np.ndarray, int]:
    """Check shapes against the state; return {channel: (T, n_c) rows in the state's dtype}, (C, T) silence, T.

    A bare array is the first channel. A channel missing from ``data`` is silent throughout; ``present[name]`` (T,) says
    on which samples a channel speaks. A silent channel drives nothing and its weights do not change.
    """
    fits(circuit, state, learn)
    streams = dict(data) if isinstance(data, Mapping) else {circuit.names[0]: data}
    unknown = set(streams) - set(circuit.names)
    if unknown or not streams:
        raise InputError(
            f"data for channels {sorted(streams)}; circuit {circuit.name!r} hears {', '.join(circuit.names)}"
        )
    rows = {}
    for name, X in streams.items():
        X = X.tocsr() if sparse.issparse(X) else unmasked(X, name)
        lazy = sparse.issparse(X) or isinstance(X, Lift)
        X = X.astype(state.dtype, copy=False) if lazy else np.ascontiguousarray(X, state.dtype)
        channel = circuit.channel(name)
        width = state.W[channel.weights].shape[1]
        if X.ndim != 2 or X.shape[1] != width:
            raise InputError(f"channel {name!r}: data of shape {X.shape}; expected (T, {width})")
        if channel.synapse.input_gated and X.shape[0] and X.min() < 0:
            raise InputError(f"channel {name!r}, gated by its own input, has negative entries; expected x >= 0")
        rows[name] = X
    lengths = {name: X.shape[0] for name, X in rows.items()}
    if len(set(lengths.values())) != 1:
        raise InputError(f"channels differ in samples: {lengths}; expected one number")
    T = next(iter(lengths.values()))
    mute = np.array([np.full(T, name not in rows) for name in circuit.names])
    for name, spoken in (present or {}).items():
        spoken = np.asarray(spoken, bool)
        if name not in rows or spoken.shape != (T,):
            raise InputError(f"present[{name!r}] of shape {spoken.shape}; expected ({T},) for a channel in the data")
        mute[circuit.names.index(name)] = ~spoken
    return rows, mute, T


def fits(circuit: Circuit, state: State, learn: bool = True) -> None:
    """Refuse a state whose arrays are not those of the circuit: compiled loops do not look where they read.

    Raises
    ------
    InputError
        For missing arrays, another shape or precision, or numbers that are not finite.
    """
    dtype = state.M.dtype
    if dtype not in (np.float32, np.float64) or state.t < 0:
        raise InputError(f"state in {dtype} at sample {state.t}; expected float32 or float64, and a sample >= 0")
    if set(state.W) != set(circuit.owners):
        raise InputError(f"state with weights of {sorted(state.W)}; circuit {circuit.name!r} has {circuit.owners}")
    k, units = circuit.size, circuit.lateral.units_for(circuit.size)
    widths = {name: W.shape[1] if W.ndim == 2 else 0 for name, W in state.W.items()}
    shapes = {f"W.{name}": (k, width) for name, width in widths.items()} | {"M": (k, k)}
    if units and (learn or state.P is not None):  # outputs are read from M
        shapes |= {"P": (k, units)} | ({} if circuit.lateral.has_objective else {"R": (units, k)})
    shapes |= {f"cells.{name}": cell.shape for name, cell in circuit.neuron.state(k, dtype).items()}
    found = state.arrays | ({} if state.Minv is None else {"Minv": state.Minv})
    shapes |= {} if state.Minv is None else {"Minv": (k, k)}
    for name, shape in shapes.items():
        array = found.get(name)
        if array is None or array.shape != shape or array.dtype != dtype:
            given = "none" if array is None else f"{array.dtype} of shape {array.shape}"
            raise InputError(
                f"state.{name} is {given}; circuit {circuit.name!r} needs {dtype} of shape {shape}. See init"
            )
        if not np.isfinite(array.sum()) and not np.isfinite(array).all():
            raise InputError(f"state.{name} holds numbers that are not finite; begin with similis.circuit.init")


def rates(circuit: Circuit, t: int, T: int, dtype: np.dtype) -> np.ndarray:
    """eta_t for samples t .. t+T-1; refuses a step with which an average would overshoot.

    Raises
    ------
    InputError
        If eta0/tau >= 1 (Gram, interneurons) or 2 eta0 rate leak >= 1 for a channel.
    """
    step, lateral = circuit.step, circuit.lateral
    eta = step.at(np.arange(t, t + T)).astype(dtype)
    if T and lateral.leak * eta[0] >= lateral.tau:
        raise InputError(f"eta0={step.eta0} with tau={lateral.tau}: eta0/tau must be below 1; lower eta0 or raise tau")
    for c in circuit.channels:
        if T and 2 * eta[0] * c.synapse.rate * c.leak >= 1:
            raise InputError(f"eta0={step.eta0}: 2 eta0 rate leak must be below 1 for channel {c.name!r}; lower eta0")
    return eta


def reach(channel: Channel) -> float:
    """How much of |x|^2 a synapse can overshoot by: its rate, times how much of FEEDBACK it reads."""
    return channel.synapse.rate * abs(channel.synapse.post.terms.get("FEEDBACK", 0.0))


def excess(circuit: Circuit, eta: float, power: float, size: float, bend: float) -> float:
    """How many times too large a step is, at least 1, where steps are limited (see ``circuit.Step``).

    ``power`` is the sum of reach |x|^2 over the channels, ``size`` |z|^2 and ``bend`` z'Az.
    """
    times = max(1.0, eta / circuit.lateral.tau * size / GROWTH)
    return max(times, 2 * eta * power * bend / size) if size > 0 else times


def worth(eta: float, z: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Under learned row sums the shares of a limited step that keep b from leaping, and that the sample is worth."""
    whole = float(b @ z)
    told = min(1.0, max(0.0, NEWS * (whole - float(b**3 @ z)) / whole)) if whole > 0 else 1.0
    return 1 / max(1.0, 2 * eta * float(z @ z) / LEAP), told


def diverged(circuit: Circuit, sample: int, rows: Mapping[str, Rows]) -> DivergenceError:
    """The error that names the step and the scale of the data."""

    def size(X: Rows) -> float:
        squares = X * X if isinstance(X, np.ndarray) else X.multiply(X)
        return float(np.sqrt(squares.sum(1).mean()))

    scales = ", ".join(f"{name} {size(X):.3g}" for name, X in rows.items())
    return DivergenceError(
        f"circuit {circuit.name!r} diverged (NaN or inf) at sample {sample} (counted from 0): "
        f"eta0={circuit.step.eta0}, tau={circuit.lateral.tau}, RMS norm of the samples: {scales}. "
        "Lower eta0 below 1/(2 norm^2), raise tau, or scale the data",
        sample,
    )
