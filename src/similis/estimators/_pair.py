"""Two streams of the same samples: X, and a second view or a target."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_consistent_length

from .._errors import InputError, ModelFileError
from .._schema import Packed, Stored
from .._values import NOTHING, Kinds, OneOf
from ..circuit import Circuit, State
from ..kernels.running import ROUNDING
from ._admit import admit_stream, validate_data
from ._base import AVERAGE_EVERY, NetworkEstimator, Streams
from ._compared import ComparedNetwork
from ._estimator import check_is_fitted
from ._guard import outweighed
from ._running import Running

FLOATS = [np.float64, np.float32]
#: a ridge drowns features that vary by less than this share of it, if one alone varies more
DROWNS = 0.1
#: samples after which nothing is left of the first weights
REMEMBERED = 1 << 20


class TwoStreams(NetworkEstimator):
    """Streams X and y, called "x" and "y" in the circuit; abstract. Dataframes keep the names of their columns."""

    _unitless: ClassVar[tuple[str, ...]] = ("x",)
    _allowed: ClassVar[dict[str, Kinds]] = {"scale": (OneOf(("auto", "norm")), NOTHING)}

    def _new_running(self, d: int, name: str = "x") -> Running:
        """With ``scale="auto"`` features whose units do not matter are brought to a like size."""
        each = self.scale == "auto" and name in self._unitless
        return Running(bool(self.center), self.scale is not None, np.zeros(d), each=each)

    def fit(self, X: Any, y: Any = None, *, Y: Any = None) -> Self:
        """Learn from pairs of rows, from the beginning, ``n_epochs`` times.

        Parameters
        ----------
        X, y : (n_samples, n_x) and (n_samples, n_y) arrays
        Y : y by its other name
        """
        self._restart()
        self._learn(self._admit(X, Y if y is None else y, reset=True), self.n_epochs, self.shuffle)
        self._settled()
        return self

    def partial_fit(self, X: Any, y: Any = None, *, Y: Any = None) -> Self:
        """Continue learning from one pair or more, once, in their order."""
        y = Y if y is None else y
        self._learn(self._admit(X, y, reset=not hasattr(self, "n_samples_seen_")), 1, self._mixes)
        return self

    def _admit(self, X: Any, Y: Any, *, reset: bool) -> dict[str, np.ndarray]:
        if Y is None:
            raise InputError(
                f"{type(self).__name__} requires y to be passed, but the target y is None; expected an array of as "
                "many rows as X"
            )
        X = validate_data(self, X, reset=reset, dtype=FLOATS)
        Y = admit_stream(self, "y", Y, reset=reset, dtype=FLOATS, ensure_2d=False)
        flat, Y = Y.ndim == 1, Y[:, None] if Y.ndim == 1 else Y
        check_consistent_length(X, Y)
        if reset:
            self.n_features_y_, self._flat = Y.shape[1], flat
        elif Y.shape[1] != self.n_features_y_:
            raise InputError(
                f"y has {Y.shape[1]} columns, but {type(self).__name__} was fitted with {self.n_features_y_}"
            )
        return {"x": X, "y": Y}

    def _hear(self, X: Any) -> np.ndarray:
        """Outputs of the network that hears x alone."""
        check_is_fitted(self)
        return self._outputs({"x": validate_data(self, X, reset=False, dtype=FLOATS)})

    def _predicted(self, X: Any) -> np.ndarray:
        """(n_samples, n_y) y as it is read from the outputs."""
        outputs = self._hear(X)
        return (outputs @ (self.y_scale_ * self._reading()) + self.y_mean_).astype(outputs.dtype, copy=False)

    def _reading(self) -> np.ndarray:
        """(k, n_y) the scaled y is predicted as z' times this."""
        raise TypeError(f"{type(self).__name__} predicts nothing")

    @property
    def x_mean_(self) -> np.ndarray:
        return self.running_["x"].mean

    @property
    def y_mean_(self) -> np.ndarray:
        return self.running_["y"].mean

    @property
    def x_scale_(self) -> Any:
        return self.running_["x"].rms

    @property
    def y_scale_(self) -> Any:
        return self.running_["y"].rms

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def _pack(self) -> Packed:
        arrays, meta = super()._pack()
        return arrays, meta | {"flat": self._flat}

    def _unpack(self, file: Stored) -> None:
        super()._unpack(file)
        self.n_features_y_, self._flat = len(self.y_mean_), file.flag("flat")
        if self._flat and self.n_features_y_ != 1:
            raise ModelFileError(f"y of one dimension has {self.n_features_y_} columns")


class Shortened(TwoStreams):
    """Two streams whose long rows are shortened; abstract: it has a ``max_norm``."""

    #: the first weights of y, which are random and of no target's size
    _start: np.ndarray | None = None

    def _new_network(self, running: dict[str, Running], dtype: np.dtype) -> tuple[Circuit, State]:
        circuit, state = super()._new_network(running, dtype)
        self._start = state.W["y"].copy()
        return circuit, state

    def _restart(self) -> None:
        super()._restart()
        self._start = None

    def _learned(self) -> np.ndarray:
        """(k, n_y) weights of y; of the first ones, in which small columns would drown, no more than is theirs."""
        W, spread = self.readout_.W["y"], self.running_["y"].spread
        if self._start is None or spread is None or not spread.any():
            return W
        beyond = 1 - np.minimum(np.sqrt(spread / spread.mean()), 1)
        return W - (self._derive("left", self._left) * beyond).astype(W.dtype) * self._start

    def _left(self) -> float:
        """The share of the first weights of y that has not decayed, in the average where weights are averaged."""
        t, step, y = self.state_.t, self.circuit_.step, self.circuit_.channel("y")
        kept = np.cumsum(np.log1p(-2 * step.at(np.arange(min(t, REMEMBERED))) * y.synapse.rate * (1 - y.metric)))
        if self.average_ is None:
            return float(np.exp(kept[-1])) if 0 < t <= REMEMBERED else float(t == 0)
        parts, count = np.exp(kept[AVERAGE_EVERY - 1 :: AVERAGE_EVERY]), self.average_.t
        return float(np.arange(1, len(parts) + 1) @ parts / (count * (count + 1) / 2))

    def _pack(self) -> Packed:
        arrays, meta = super()._pack()
        return (arrays if self._start is None else arrays | {"start": self._start}), meta

    def _unpack(self, file: Stored) -> None:
        super()._unpack(file)
        self._start = file.array("start", "k", len(self.y_mean_)) if file.has("start") else None

    def _comparable(self) -> tuple[str, ...]:
        return (*self._unitless, "y")  # of the targets one alone would be learned, and spoil the others

    def _shortening(self, circuit: Circuit, rows: Streams, sizes: dict[str, np.ndarray], t: int) -> np.ndarray:
        return np.ones(len(rows["x"])) if self.scale is None else within(rows, self.max_norm)


class ComparedStreams(ComparedNetwork, TwoStreams):
    """Two streams whose network is compared with an exact solution; abstract."""


class SolvedStreams(ComparedStreams):
    """Two streams whose network has a closed form: ``solver="exact"``, with a ridge; abstract."""

    _instead: ClassVar[str] = "use solver='exact'"

    def _learn(self, streams: Streams, epochs: int | str = 1, shuffle: bool | np.random.Generator = False) -> None:
        if self.scale is None and self.ridge > 0:
            raise InputError("ridge is a fraction of the mean variance, which needs scale='auto'; set ridge=0 or scale")
        if self.solver == "online":
            return super()._learn(streams, epochs, shuffle)
        self._merge(streams)
        if self.ridge > 0:
            start, variances = 0, self.moments_.variances(self.center)
            for name, X in streams.items():
                spread, start = variances[start : start + X.shape[1]], start + X.shape[1]
                rest = spread.sum() - spread.max()
                if (
                    self.scale == "norm"
                    and name in self._unitless
                    and ROUNDING**2 * spread.max() < rest < DROWNS * self.ridge * spread.sum()
                ):
                    why = f"the ridge is {self.ridge:g} of the mean variance, in which they drown"
                    raise outweighed(name, spread, self.n_samples_seen_ - 1, why)
        return None

    def _covariances(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Exact Cxx, Cyy, Cxy of the scaled streams."""
        n_x, C = len(self.x_mean_), self.moments_.covariance(self.center)
        parts = (self.running_[name].rms * np.ones(len(self.running_[name].mean)) for name in ("x", "y"))
        scales = np.concatenate([*parts])
        C = C / scales[:, None] / scales  # infinite where a column is constant
        return C[:n_x, :n_x], C[n_x:, n_x:], C[:n_x, n_x:]


def within(rows: Streams, limit: float) -> np.ndarray:
    """Factors that make samples of which one row is longer than ``limit`` shorter, all rows alike, until none is."""
    longest = limit * np.ones(len(next(iter(rows.values()))))
    for X in rows.values():
        longest = np.maximum(longest, np.sqrt(np.einsum("ti,ti->t", X, X)))
    return limit / longest
