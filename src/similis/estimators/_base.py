"""What every network estimator does: admit data, keep running moments, run the circuit, remember, save."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, ClassVar

import numpy as np

from .._errors import DivergenceError, InputError
from .._random import generator
from .._schema import Packed, Stored
from ..circuit import Circuit, State, init
from ..circuit.state import settling_matrix
from ..engine import Trace, batch, stream
from ._average import Average
from ._estimator import Estimator, beyond, check_is_fitted, numbers
from ._guard import IDLE, STUCK, Idle, Order, lost, shortening, too_correlated, warn_of_far
from ._hearing import hear
from ._moments import Moments
from ._netfile import pack, unpack
from ._params import passes
from ._running import Running, multiplied

#: samples between the weights that enter the average
AVERAGE_EVERY = 128
#: numbers in one piece of a long fit, so that memory does not grow with the data
PIECE = 1 << 21
#: and where rows are mixed within a piece
MIXED = 1 << 23

Streams = Mapping[str, Any]


class NetworkEstimator(Estimator):
    """Base of the estimators; abstract: a subclass declares ``_circuit(dims)``, ``fit`` and ``transform``."""

    #: what is learned from beside X: "view", "target" (numbers) or "labels" (classes); the command line asks
    beside_x: ClassVar[str | None] = None
    #: counts that learning keeps beside that of all samples
    _counted: ClassVar[tuple[str, ...]] = ("n_damped_", "n_idle_")

    #: share of the rows left out that is worth a word, and which these are
    _leaves_out: ClassVar[tuple[float, str]] = IDLE, STUCK
    #: streams whose units the solution does not depend on
    _unitless: ClassVar[tuple[str, ...]] = ()
    #: whether ``partial_fit`` learns the rows of a call in random order; the command line's blocks are
    _mixes: bool = False
    #: eight times the samples over which rows may resemble each other at the default step; 0: however long
    _block: ClassVar[int] = 64
    #: whether outputs are free up to a rotation that drifts while learning: weights are then averaged in one frame
    _turns: ClassVar[bool] = False

    circuit_: Circuit
    moments_: Moments
    _state: State | None
    _memory: Any = None
    _order: Order | None = None
    _left_out: Idle = Idle()
    _dtype: np.dtype
    #: what follows from what was learned, once it was asked for; emptied by learning
    _derived: dict[str, Any] | None = None
    average_: State | None
    running_: dict[str, Running]
    history_: dict[str, list[float]]
    n_samples_seen_: int
    n_damped_: int
    n_idle_: int

    def _circuit(self, dims: dict[str, int]) -> Circuit:
        raise TypeError(f"{type(self).__name__} declares no circuit")

    def _dims(self, running: dict[str, Running]) -> dict[str, int]:
        """Widths of the channels, of streams that are normalised so."""
        return {name: own.width for name, own in running.items()}

    def _gain(self, dims: dict[str, int]) -> dict[str, float] | None:
        """Size of the first weights."""
        return None

    def _presented(self, rows: Streams, t: int) -> Streams:
        """What the network hears of the scaled rows, the first of which is sample t."""
        return rows

    def _shortening(self, circuit: Circuit, rows: Streams, sizes: dict[str, np.ndarray], t: int) -> np.ndarray:
        """Factors at most 1 that make rows of these squared norms safe to learn."""
        if getattr(self, "scale", "auto") is None:
            return np.ones(len(next(iter(sizes.values()))))
        return shortening(circuit, sizes, t)

    def _comparable(self) -> tuple[str, ...]:
        """Streams of which no feature may outweigh all others: the step that suits it suits no other."""
        return self._unitless

    def _restart(self) -> None:
        learned = ("circuit_", "_state", "average_", "running_", "history_", "n_samples_seen_", "moments_", "_dtype")
        for name in (*learned, "_memory", "_order", "_left_out", "_derived", "_unjudged", "n_damped_", "n_idle_"):
            self.__dict__.pop(name, None)

    def _learn(self, streams: Streams, epochs: int | str = 1, shuffle: bool | np.random.Generator = False) -> None:
        """Continue from the present state; nothing is changed if learning fails.

        Rows are normalised in their order; with ``shuffle`` those of a piece are then learned in random order.
        """
        if hasattr(self, "n_samples_seen_"):
            circuit, state, running, average = self.circuit_, self.state_, dict(self.running_), self.average_
            history = {key: list(values) for key, values in self.history_.items()}
        else:
            running, history, average = {n: self._new_running(X.shape[1], n) for n, X in streams.items()}, {}, None
            circuit, state = self._new_network(running, np.result_type(*(X.dtype for X in streams.values())))
            uncentred = {n: X for n, X in streams.items() if running[n].scale and not running[n].center}
            warn_of_far(type(self).__name__, uncentred)
        mean, memory, order = Average(average, self._turns), self._memory, self._order
        epochs = passes(epochs, _length(streams))
        seen, damped, idle = (getattr(self, name, 0) for name in ("n_samples_seen_", "n_damped_", "n_idle_"))
        traces, length = self._traces(circuit, mean), self._stretch()
        rng = shuffle if isinstance(shuffle, np.random.Generator) else generator(self.random_state) if shuffle else None
        size = MIXED if shuffle else PIECE
        if shuffle and _length(streams) <= _height(streams, size) and not seen:
            length = 0  # all rows there are, in random order
        for _ in range(epochs):
            for piece in _pieces(streams, size=size):
                rows, factors, where = self._heard(circuit, running, piece, state.t, seen, rng)
                at, begun = state.t, state
                try:
                    Z, state = stream.run(circuit, state, rows, trace=traces)
                except DivergenceError as error:
                    place = where[min(max((error.sample or at) - at, 0), len(where) - 1)] if len(where) else 0
                    raise error.at(seen + int(place)) from error
                except np.linalg.LinAlgError as error:
                    raise lost(type(self).__name__, seen) from error
                if length:
                    whole = np.maximum(factors, np.finfo(np.float64).tiny)[:, None]  # it is whole rows whose mean is 0
                    seen_as = self._watched(Z, rows, begun) / whole
                    order, bad = (order or Order.fresh(seen_as.shape[1])).follow(seen_as, length)
                    if bad >= 0:
                        raise too_correlated(type(self).__name__, seen + int(where[bad]), length, order.far)
                memory = self._notice(memory, Z, state.t, rows)
                damped, idle = damped + int((factors < 1).sum()), idle + _length(piece) - len(where)
                seen += _length(piece)
        moments = all(each.finite for each in running.values())
        if not (moments and all(np.isfinite(array).all() for array in state.arrays.values())):
            raise lost(type(self).__name__, seen)
        new, before = seen - getattr(self, "n_samples_seen_", 0), getattr(self, "n_idle_", 0)
        left_out = self._left_out.after(type(self).__name__, idle - before, new, *self._leaves_out)
        self._remember(traces, history)
        self.circuit_, self._state, self.running_, self.history_ = circuit, state, running, history
        self.n_samples_seen_, self.n_damped_, self.n_idle_ = seen, damped, idle
        self.average_, self._memory, self._order = mean.state, memory, order
        self._left_out, self._derived = left_out, {}

    def _heard(
        self, circuit: Circuit, running: dict[str, Running], piece: Streams, t: int, seen: int,
        rng: np.random.Generator | None,
    ) -> tuple[Streams, np.ndarray, np.ndarray]:  # fmt: skip
        """Rows as the network learns them, factors by which they were shortened, and their places in the piece.

        ``running`` follows the piece.
        """
        rows, sizes, where, after = hear(circuit, running, piece, seen, rng, self._comparable())
        running.update(after)
        presented = self._presented(rows, t)
        factors = self._shortening(circuit, presented, sizes, t)
        if (factors < 1).any():
            presented = {name: multiplied(X, factors) for name, X in presented.items()}
        return presented, factors, where

    def _watched(self, Z: np.ndarray, rows: Streams, begun: State) -> np.ndarray:
        """(n_samples, any) numbers by which the order of the rows is judged; ``begun`` are the weights before them."""
        return Z

    def _stretch(self) -> int:
        """Samples in the blocks by which the order of the rows is judged; smaller steps stand a longer resemblance."""
        usual = _usual_step(type(self).__init__)
        return max(2, round(self._block * usual / self.eta0)) if self._block and usual else self._block

    def _new_network(self, running: dict[str, Running], dtype: np.dtype) -> tuple[Circuit, State]:
        """The circuit for streams that are normalised so, and its first weights."""
        dims = self._dims(running)
        circuit = self._circuit(dims)
        return circuit, init(circuit, dims, generator(self.random_state), dtype, self._gain(dims))

    def _advance(self, found: Mapping[str, np.ndarray], eta: float) -> None:
        """One step from sums over a batch (``engine.batch.statistics``), wherever its rows were."""
        circuit, state, mean = self.circuit_, self.state_, Average(self.average_, self._turns)
        traces, t, history = self._traces(circuit, mean), state.t, self.history_
        state = batch.apply(circuit, state, found, eta)
        for trace in traces:
            if trace.due(t) <= state.t - t:
                trace.record(state)
        self._remember(traces, history)
        self._state, self.average_ = state, mean.state
        self.n_samples_seen_ += int(found["count"])
        self._memory, self._derived = self._notice_sums(self._memory, found), {}

    def _traces(self, circuit: Circuit, mean: Average) -> list[Trace]:
        """What looks at the weights while they learn: the history, and the average."""
        traces = [] if self.trace_every is None else [Trace(self.trace_every, self._watch)]
        if getattr(self, "average", False) and circuit.step.decay > 0:
            traces.append(Trace(AVERAGE_EVERY, mean))
        return traces

    def _remember(self, traces: list[Trace], history: dict[str, list[float]]) -> None:
        """Add what the first trace has recorded to the history."""
        for trace in traces[: self.trace_every is not None]:
            for sample, record in zip(trace.samples, trace.records, strict=True):
                for key, value in {"n_samples": sample, **record}.items():
                    history.setdefault(key, []).append(value)

    def _watch(self, state: State) -> dict[str, float]:
        """Size of the filters M^{-1} W (for an orthonormal basis the root of k) and power of the outputs, Tr M."""
        filters = np.linalg.solve(state.M, np.concatenate(list(state.W.values()), axis=1))
        return {"filter_norm": float(np.linalg.norm(filters)), "output_power": float(np.trace(state.M))}

    def _notice(self, memory: Any, Z: np.ndarray, t: int, rows: Streams) -> Any:
        """What is remembered of the outputs Z to these rows, the last of which was the t-th; here nothing, None."""
        return memory

    def _notice_sums(self, memory: Any, found: Mapping[str, np.ndarray]) -> Any:
        """The same, where only sums over a batch are known."""
        return memory

    def _derive(self, name: str, found: Callable[[], Any]) -> Any:
        """What follows from what was learned: found once, until more is learned."""
        if self._derived is None:
            return found()
        if name not in self._derived:
            self._derived[name] = found()
        return self._derived[name]

    @property
    def readout_(self) -> State:
        """The weights that outputs and components are read from: the average over the stream where one is kept."""
        return self.state_ if self.average_ is None else self.average_

    def _new_running(self, d: int, name: str = "x") -> Running:
        return Running(bool(self.center), self.scale == "auto", np.zeros(d))

    # exact second moments -------------------------------------------------------------------------------------------

    def _merge(self, streams: Streams) -> None:
        """Add rows to the exact moments, piece by piece; the state follows from them when it is asked for."""
        dims = {name: X.shape[1] for name, X in streams.items()}
        circuit = self._circuit(dims)
        each = any(self._new_running(d, name).each for name, d in dims.items())
        moments = getattr(self, "moments_", None) or Moments.empty(sum(dims.values()), tails=each)
        for piece in _pieces(streams):
            rows = [X if isinstance(X, np.ndarray) else X.toarray() for X in piece.values()]
            with np.errstate(over="ignore", invalid="ignore"):
                moments = moments.merge(rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1))
        if not np.isfinite(moments.scatter).all():
            raise InputError("squares of X leave the range of floats; remove the rows with absurd values, or rescale X")
        dtype = np.result_type(*(X.dtype for X in streams.values()))
        tails, running, start = moments.tails or moments.spread(), {}, 0
        for name, d in dims.items():
            running[name] = self._new_running(d, name).told(tails.part(start, start + d))
            start += d
        self.circuit_, self.running_, self.history_, self.average_ = circuit, running, {}, None
        self.moments_, self.n_samples_seen_, self._state, self._dtype = moments, moments.count, None, dtype
        self._derived = {}

    def _settle_exactly(self) -> State:
        raise TypeError(f"{type(self).__name__} has no exact solver")

    @property
    def state_(self) -> State:
        """The network's weights now."""
        return self._settled()

    def _settled(self) -> State:
        """Solve for the exact state if the moments have changed since it was last known."""
        if self._state is None:
            with numbers(self, "the exact solution"), np.errstate(over="ignore", invalid="ignore"):
                state = self._settle_exactly()
            parts = (*state.W.values(), state.M) + (() if state.P is None else (state.P,))
            if not all(np.isfinite(part).all() for part in parts):
                raise beyond(self, "the exact solution", DivergenceError)
            self._state = state
        return self._state

    def _outputs(self, streams: Streams) -> np.ndarray:
        """Outputs z of the network as it is; an absent stream is silent."""
        parts = []
        for piece in _pieces(streams):
            rows = {name: self.running_[name].apply(X) for name, X in piece.items()}
            parts.append(stream.run(self.circuit_, self.readout_, rows, learn=False)[0])
        return np.concatenate(parts)

    def _filters(self, name: str) -> np.ndarray:
        """A^{-1} W of a channel, (k, d): the linear response to the channel alone, in the data's units.

        Where the circuit does not settle, or only a ball holds outputs back, W itself.
        """
        return self._scaled_filters(name) / self.running_[name].rms

    def _scaled_filters(self, name: str) -> np.ndarray:
        """The same for scaled rows."""
        W = self.readout_.W[self.circuit_.channel(name).weights]
        try:
            return np.linalg.solve(settling_matrix(self.circuit_, self.readout_), W) if self.circuit_.inverts else W
        except np.linalg.LinAlgError as error:
            raise lost(type(self).__name__, self.n_samples_seen_) from error

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_samples_seen_")

    # persistence ----------------------------------------------------------------------------------------------------

    def _pack(self) -> Packed:
        check_is_fitted(self)
        return pack(self)

    def _n_features(self) -> int:
        """Columns of X, once the streams are known."""
        return len(self.running_["x"].mean)

    def _unpack(self, file: Stored) -> None:
        """Fill the fitted attributes.

        Raises
        ------
        ModelFileError
            Where the file does not hold them.
        """
        unpack(self, file)
        self._derived = {}


@cache
def _usual_step(begin: Callable) -> float | None:
    """The step an estimator that begins so has by default."""
    parameters = inspect.signature(begin).parameters
    return parameters["eta0"].default if "eta0" in parameters else None


def _length(streams: Streams) -> int:
    return next(iter(streams.values())).shape[0]


def _height(streams: Streams, size: int) -> int:
    """Rows of a piece of some ``size`` numbers."""
    return max(64, size // sum(X.shape[1] for X in streams.values()) // 64 * 64)


def _pieces(streams: Streams, order: np.ndarray | None = None, size: int = PIECE) -> Iterator[dict[str, Any]]:
    """Rows of all streams together, some ``size`` numbers at a time."""
    rows, T = _height(streams, size), _length(streams)
    for start in range(0, T, rows):
        at = slice(start, start + rows) if order is None else order[start : start + rows]
        yield {name: X[at] for name, X in streams.items()}
