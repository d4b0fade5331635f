"""A network estimator as a model file's content, and back."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import ModelFileError
from .._schema import Packed, Stored, pack_records
from ..circuit import Circuit, State
from ..circuit.state import settling_matrix
from ..kernels.running import MOVES
from ._guard import Order
from ._moments import Moments
from ._running import Running
from ._tails import Tails

if TYPE_CHECKING:
    from ._base import NetworkEstimator

#: how far an inverse that is carried along may be from one
DRIFT = 0.1
#: the largest power: sums of squares of what is scaled by it are finite
MOST_POWER = 1e300
#: settings of a running normalisation: they follow from the estimator's parameters
_SETTINGS = ("center", "scale", "each", "eps")
#: arrays of a running normalisation, and the exponents of the number of features that they hold
_SHAPES = {"mean": 1, "last": 1, "spread": 1, "gains": 1, "fourth": 1, "offset": 1, "scatter": 2, "whitener": 2}
#: of which these are squares, or more
_SQUARES = ("spread", "fourth", "scatter")


def pack(model: NetworkEstimator) -> Packed:
    """Arrays and header of a fitted estimator."""
    state, average = model.state_, model.average_
    arrays = state.arrays | ({} if state.Minv is None else {"Minv": state.Minv})
    if average is not None:
        arrays |= {f"average.W.{name}": W for name, W in average.W.items()} | {"average.M": average.M}
    meta: dict[str, Any] = {
        "t": state.t, "averaged": 0 if average is None else average.t, "circuit": model.circuit_.to_dict(),
        "running": {},
    }  # fmt: skip
    for name, running in model.running_.items():
        own, meta["running"][name] = pack_running(running, name)
        arrays |= own
    arrays |= pack_order(model._order)
    recorded, named = pack_records("history", model.history_)
    arrays, meta = arrays | recorded, meta | named
    if hasattr(model, "moments_"):
        arrays |= {"moments.mean": model.moments_.mean, "moments.scatter": model.moments_.scatter}
        if model.moments_.tails is not None:
            arrays |= {f"moments.{name}": getattr(model.moments_.tails, name) for name in ("third", "fourth", "unit")}
        meta["moments"] = model.moments_.count
    return arrays, meta | {key: getattr(model, key, 0) for key in _counts(model)}


def _counts(model: NetworkEstimator) -> tuple[str, ...]:
    """Counts that a file holds: exact moments damp nothing."""
    return ("n_features_in_", "n_samples_seen_", *(() if hasattr(model, "moments_") else model._counted))


def unpack(model: NetworkEstimator, file: Stored) -> None:
    """Fill the fitted attributes; the circuit must be the one that the parameters make."""
    running, part = {}, file.part("running")
    for name in part.names():
        running[name] = unpack_running(file, part.part(name), model._new_running(0, name), name)
    dims = model._dims(running)
    circuit = model._circuit(dims)
    if json.loads(json.dumps(circuit.to_dict(), default=float)) != file.plain("circuit"):
        raise ModelFileError("its circuit is not the one that its parameters make")
    if set(circuit.names) != set(dims):
        raise ModelFileError(f"its streams do not fit the circuit's {circuit.names}")
    if any(dims[c.name] != dims[c.weights] for c in circuit.channels):
        raise ModelFileError("channels with the same weights differ in width")
    W = {name: file.array(f"W.{name}", "k", dims[name]) for name in circuit.owners}
    if file.sizes["k"] != circuit.size:
        raise ModelFileError(f"its weights do not fit the circuit's {circuit.size} neurons")
    state = _state(file, circuit, W, file.integer("t"))
    average, count = None, file.integer("averaged")
    if count:
        mean = {name: file.array(f"average.W.{name}", "k", dims[name]) for name in circuit.owners}
        average = State(mean, file.array("average.M", "k", "k"), None, count)
    _check_inverses(circuit, state, average or state)
    model.circuit_, model._state, model.average_ = circuit, state, average
    model.running_ = {name: running[name] for name in circuit.names if name in running}
    model.history_, model._dtype = file.records("history"), state.dtype
    rows = {name: np.zeros((0, own.width), state.dtype) for name, own in running.items()}
    model._order = unpack_order(file, model._watched(np.zeros((0, circuit.size)), rows, state).shape[1])
    if file.has("moments"):
        d = sum(own.width for own in running.values())
        mean = file.array("moments.mean", d, dtype=np.float64)
        count, scatter = file.integer("moments", 1), file.moments("moments.scatter", d)
        tails = None
        if any(own.each for own in running.values()):
            third = file.array("moments.third", d, dtype=np.float64, largest=np.inf)
            fourth, unit = (
                file.array(f"moments.{n}", d, dtype=np.float64, low=0.0, largest=np.inf) for n in ("fourth", "unit")
            )
            tails = Tails(count, mean, scatter.diagonal(), third, fourth, unit)
        model.moments_ = Moments(count, mean, scatter, tails)
    for key in _counts(model):
        setattr(model, key, file.integer(key))
    if model.n_features_in_ != model._n_features():
        raise ModelFileError(f"n_features_in_ is {model.n_features_in_}; its streams have {model._n_features()}")


def _check_inverses(circuit: Circuit, state: State, readout: State) -> None:
    """Refuse what outputs cannot settle against, and an inverse of other weights."""
    if circuit.lateral.averages and not all((part.M.diagonal() > 0).all() for part in (state, readout)):
        raise ModelFileError("M is no mean of z z': its diagonal is not above 0")
    if circuit.inverts and not np.isfinite(np.linalg.inv(settling_matrix(circuit, readout))).all():
        raise ModelFileError("M is singular")
    if (
        state.Minv is not None
        and not np.abs(state.Minv @ settling_matrix(circuit, state) - np.eye(circuit.size)).max() < DRIFT
    ):
        raise ModelFileError("Minv is not the inverse of M")


def _state(file: Stored, circuit: Circuit, W: dict[str, np.ndarray], t: int, prefix: str = "") -> State:
    """The weights of a circuit; their number of neurons is known to be its size."""
    k, lateral = circuit.size, circuit.lateral
    M, P, R = file.array(f"{prefix}M", k, k), None, None
    if units := lateral.units_for(k):
        P = file.array(f"{prefix}P", k, units)
        R = None if lateral.has_objective else file.array(f"{prefix}R", units, k)
    Minv = file.array("Minv", k, k) if not prefix and file.has("Minv") else None
    own = {name: file.array(f"{prefix}cells.{name}", *a.shape) for name, a in circuit.neuron.state(k, M.dtype).items()}
    if circuit.domain.learned and not all(_divides(own["b"], weights) for weights in W.values()):
        raise ModelFileError("cells.b is not what the weights can be divided by")
    return State(W, M, P, t, Minv, R, own)


def _divides(b: np.ndarray, W: np.ndarray) -> bool:
    """Whether b is positive and W / b, the centres of tiles, can be squared."""
    with np.errstate(over="ignore"):
        return bool((b > 0).all() and np.isfinite(np.square(np.abs(W).max(1, initial=0) / b)).all())


def unpack_layer(file: Stored, circuit: Circuit, d: int, t: int, prefix: str) -> State:
    """The weights of a circuit of one stream x of d features, whose arrays have this prefix."""
    return _state(file, circuit, {"x": file.array(f"{prefix}W.x", circuit.size, d)}, t, prefix)


def pack_order(order: Order | None) -> dict[str, np.ndarray]:
    """Arrays of what is known of the order of the rows."""
    return {} if order is None else {f"order.{name}": part for name, part in asdict(order).items()}


def unpack_order(file: Stored, watched: int) -> Order | None:
    """What is known of the order of the rows, of which so many numbers are watched."""
    if not file.has("order.mean"):
        return None
    present, mean = (file.array(f"order.{name}", watched, dtype=np.float64) for name in ("present", "mean"))
    return Order(present, mean, file.array("order.track", len(Order.fresh(1).track), dtype=np.float64))


def pack_running(running: Running, name: str) -> Packed:
    """Arrays and header of a running normalisation, but for its settings."""
    arrays, meta = {}, {}
    for key, part in asdict(running).items():
        if isinstance(part, np.ndarray):
            arrays[f"{key}.{name}"] = part
        elif part is not None and key not in _SETTINGS:
            meta[key] = part
    return arrays, meta


def unpack_running(file: Stored, part: Stored, fresh: Running, name: str) -> Running:
    """A running normalisation with the settings of a fresh one."""
    size = f"features.{name}"
    arrays: dict[str, Any] = {}
    for key in [field.name for field in fields(fresh) if file.has(f"{field.name}.{name}")]:
        low = 0.0 if key in ("spread", "gains", "fourth") else -np.inf
        shape = (size,) * _SHAPES[key]
        largest = np.inf if key in _SQUARES else None
        arrays[key] = file.array(
            f"{key}.{name}", *shape, dtype=np.float64, low=low, missing=key == "last", largest=largest
        )
    own = ("gains",) if fresh.each else ("scatter", "offset", "whitener")
    missing = {"mean", *(field for field in own if hasattr(fresh, field))} - set(arrays)
    if missing:
        raise ModelFileError(f"the arrays of {name} lack {sorted(missing)}")
    count, power = part.integer("count"), part.number("power", 0.0, high=MOST_POWER)
    track = tuple(part.numbers("track", 0, MOVES + 1, low=0.0))
    arrays |= {name: part.integer(name) for name in ("until", "frames") if hasattr(fresh, name)}
    return replace(fresh, **arrays, count=count, power=power, track=track)
