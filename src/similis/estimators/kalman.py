"""A filter that learns a stream's dynamics while it foretells it, with gaps where nothing was observed."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np

from .._errors import DivergenceError, InputError, ModelFileError
from .._masks import unmasked
from .._random import Seed, generator
from ..circuit import System
from ..control import Agents, bio_ofc
from ..kernels import control as kernel
from ._admit import check_columns, validate_data
from ._estimator import Estimator, check_is_fitted

SYNAPSES = ("A", "B", "C", "L")
#: rows between the synapses that enter the average
AVERAGE_EVERY = 128


class NeuralKalmanFilter(Estimator):
    """Foretell a stream from what was seen of it, some steps late, learning how it moves: the filter of Bio-OFC.

    ::

        e = y(t+1-delay) - C xh(t+1-delay),   xh(t+1) = A xh + B u + L e
        dA ~ (L e) xh(t-delay)',  dB ~ (L e) u(t-delay)',  dL ~ (L e) e(t-delay)',  dC ~ e xh(t+1-delay)'

    Rows are moments, in their order. NaN is an observation that is missing: its error is 0.

    Parameters
    ----------
    n_latent : int, neurons; as many as there are observations by default
    delay : int >= 1, y(t) is foretold from the rows up to t - delay
    eta, decay : float, the step at row t is eta / (1 + decay t)
    clip : float, errors are at most so many RMS norms of the observations; 0 for no limit
    damp : float, steps are divided by 1 + damp eta times the squared presynaptic activity
    average : float, synapses are averaged over rows, row t with a weight that grows as t^average; 0 for none
    center, scale : whether the running mean, and "auto" or None, whether the running RMS are taken out first
    random_state : int, Generator, RandomState or None, of the first synapses

    Attributes
    ----------
    A_, B_, C_, L_ : synapses, averaged over the stream, in units of the running RMS
    mean_, scale_ : (n,) and float, what was taken out of the observations
    predictions_ : (n_samples, n) of the last call of ``fit`` or ``partial_fit``, made before the row was learned from
    feature_names_in_actions_ : names of the columns of the actions, if they came with some
    n_samples_seen_ : int

    References
    ----------
    Friedrich et al. 2021 (NeurIPS 34; arXiv 2111.06920).

    Examples
    --------
    >>> import numpy as np
    >>> from similis import NeuralKalmanFilter
    >>> t = np.arange(5000)
    >>> X = np.column_stack([np.sin(0.3 * t), np.cos(0.3 * t)]) + 0.1 * np.random.default_rng(0).normal(size=(5000, 2))
    >>> X[::4] = np.nan  # a quarter was not observed
    >>> bool(NeuralKalmanFilter(random_state=0).fit(X).score(X) > 0.9)
    True
    """

    _free = Estimator._free | {"eta", "decay", "clip", "damp"}
    circuit_: System
    predictions_: np.ndarray
    mean_: np.ndarray
    scale_: float
    n_samples_seen_: int
    n_features_in_: int
    _weights: dict[str, np.ndarray]
    _mean: dict[str, np.ndarray]
    _past: dict[str, np.ndarray]
    _moments: np.ndarray
    _power: np.ndarray

    def __init__(
        self, *, n_latent: int | None = None, delay: int = 1, eta: float = 0.02, decay: float = 1e-3,
        clip: float = 10.0, damp: float = 5.0, average: float = 3.0, center: bool = True, scale: str | None = "auto",
        random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_latent = n_latent
        self.delay = delay
        self.eta = eta
        self.decay = decay
        self.clip = clip
        self.damp = damp
        self.average = average
        self.center = center
        self.scale = scale
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, actions: Any = None) -> Self:
        """Learn from a stream from the beginning.

        Parameters
        ----------
        X : (n_samples, n) observations in their order; NaN where there is none
        y : ignored
        actions : (n_samples, p) array, what was done after each observation, before the next
        """
        return self._learn(self._admit(X, True), actions, True)

    def partial_fit(self, X: Any, y: Any = None, *, actions: Any = None) -> Self:
        """Go on where the last call ended: pieces of a stream give what the whole stream gives."""
        first = not hasattr(self, "n_samples_seen_")
        return self._learn(self._admit(X, first), actions, first)

    def _admit(self, X: Any, reset: bool) -> np.ndarray:
        if not isinstance(self.delay, Integral) or self.delay < 1:
            raise InputError(f"delay={self.delay!r}; expected an integer >= 1: what is seen now cannot be foretold now")
        if self.scale not in ("auto", None):
            raise InputError(f"scale={self.scale!r}; expected 'auto' or None")
        X = validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", order="C")
        return X

    def _acted(self, actions: Any, T: int, p: int | None, *, reset: bool = False) -> np.ndarray:
        if actions is None:
            return np.zeros((T, p or 0))
        actions = unmasked(actions, "actions")
        check_columns(self, "actions", actions, reset=reset)
        U = np.asarray(actions, np.float64, order="C")
        U = U[:, None] if U.ndim == 1 else U
        if U.ndim != 2 or len(U) != T or (p is not None and U.shape[1] != p) or not np.isfinite(U).all():
            raise InputError(
                f"actions have shape {U.shape}; expected finite numbers of shape ({T}, {'p' if p is None else p}), a "
                f"row for each observation"
            )
        return U

    def _learn(self, X: np.ndarray, actions: Any, first: bool) -> Self:
        """Nothing is changed if learning fails."""
        T, n = X.shape
        if first:
            U = self._acted(actions, T, None, reset=True)
            m = n if self.n_latent is None else self.n_latent
            if not isinstance(m, Integral) or m < 1:
                raise InputError(f"n_latent={m!r}; expected an integer >= 1")
            start = Agents.new(n, U.shape[1], int(m), [generator(self.random_state)])
            weights = {name: getattr(start, name)[0] for name in SYNAPSES}
            mean, past = dict(weights), _rest(int(self.delay), n, U.shape[1], int(m))
            moments, power, count = np.zeros(2 * n + 1), np.zeros(2), 0
        else:
            U = self._acted(actions, T, self._weights["B"].shape[1])
            weights, mean, past = self._weights, self._mean, self._past
            moments, power, count = self._moments, self._power.copy(), self.n_samples_seen_
        weights, mean = ({name: array.copy() for name, array in parts.items()} for parts in (weights, mean))
        centre, unit, moments = self._moving(X, moments)
        rows, out = (X - centre[1:]) / unit[1:, None], np.empty((T, n))
        eta = self.eta / (1 + self.decay * np.arange(count, count + T))
        stop = 0
        while stop < T:
            at = slice(stop, min(T, stop + AVERAGE_EVERY - (count + stop) % AVERAGE_EVERY))
            past = self._filter(weights, past, rows[at], U[at], eta[at], power, out[at])
            stop = at.stop
            if self.average and (count + stop) % AVERAGE_EVERY == 0:
                share = (self.average + 1) / ((count + stop) // AVERAGE_EVERY + self.average)
                for name in SYNAPSES:
                    mean[name] += share * (weights[name] - mean[name])
        if not all(np.isfinite(array).all() for array in (*weights.values(), past["xh"])):
            raise DivergenceError(
                f"the filter left the finite numbers before row {count + T}: eta={self.eta}, clip={self.clip}, "
                f"damp={self.damp}. Lower eta, or set clip=10 and damp=1"
            )
        self._weights, self._mean, self._past, self._moments, self._power = weights, mean, past, moments, power
        self.n_samples_seen_, self.circuit_ = count + T, bio_ofc()
        self.predictions_ = out * unit[:-1, None] + centre[:-1]
        self.mean_, self.scale_ = centre[-1], float(unit[-1])
        return self

    def _moving(self, X: np.ndarray, moments: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(T + 1, n) means and (T + 1,) RMS before the first row and after each; sums to go on from."""
        n, there = X.shape[1], ~np.isnan(X)
        known = np.where(there, X, 0.0)
        counts = np.cumsum(np.vstack([moments[:n], there]), axis=0)
        sums = np.cumsum(np.vstack([moments[n:-1], known]), axis=0)
        centre = sums / np.maximum(counts, 1) if self.center else np.zeros_like(sums)
        squares = np.where(there, (known - centre[:-1]) * (known - centre[1:]), 0.0).sum(1)
        power = np.cumsum(np.append(moments[-1], squares))
        unit = np.sqrt(power / np.maximum(counts.sum(1), 1)) if self.scale == "auto" else np.ones(len(power))
        return centre, np.where(unit > 0, unit, 1.0), np.concatenate([counts[-1], sums[-1], power[-1:]])

    def _filter(
        self, weights: dict[str, np.ndarray], past: dict[str, np.ndarray], rows: np.ndarray, U: np.ndarray,
        eta: np.ndarray, power: np.ndarray, out: np.ndarray,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """Run over scaled rows; fills ``out`` and returns what the next rows need to know of these."""
        T, d = len(rows), int(self.delay)
        Y, actions = np.vstack([past["observations"], rows]), np.vstack([past["actions"], U])
        errors = np.vstack([past["errors"], np.zeros_like(rows)])
        xh = np.vstack([past["xh"], np.zeros((T, past["xh"].shape[1]))])
        kernel.stream(
            Y, actions, xh, errors, d, *(weights[name] for name in SYNAPSES), eta, float(self.damp), float(self.clip),
            power, 0.0, np.ones(4), out,
        )  # fmt: skip
        return {"xh": xh[T:], "errors": errors[T:], "actions": actions[T:], "observations": Y[T:]}

    def predict(self, X: Any, *, actions: Any = None) -> np.ndarray:
        """(n_samples, n) each row foretold from the rows before it, by the averaged synapses, learning nothing.

        The stream begins anew: what the model heard last is not before it.
        """
        check_is_fitted(self)
        X = self._admit(X, False)
        readout = self._mean if self.average and self.n_samples_seen_ >= AVERAGE_EVERY else self._weights
        weights = {name: array.copy() for name, array in readout.items()}  # what was mapped from a file is read-only
        U, out = self._acted(actions, len(X), weights["B"].shape[1]), np.empty(X.shape)
        past = _rest(int(self.delay), X.shape[1], U.shape[1], len(weights["A"]))
        self._filter(weights, past, (X - self.mean_) / self.scale_, U, np.zeros(len(X)), self._power.copy(), out)
        return out * self.scale_ + self.mean_

    def score(self, X: Any, y: Any = None, *, actions: Any = None) -> float:
        """Share of the variance of the observations that is foretold: 1 - mean |x - predict|^2 / mean |x - mean|^2."""
        X, foretold = np.asarray(unmasked(X, "X", missing=True), np.float64), self.predict(X, actions=actions)
        left, all_of_it = np.nansum((X - foretold) ** 2), np.nansum((X - np.nanmean(X, axis=0)) ** 2)
        return float(1 - left / all_of_it) if all_of_it > 0 else 0.0

    @property
    def A_(self) -> np.ndarray:
        return self._mean["A"]

    @property
    def B_(self) -> np.ndarray:
        return self._mean["B"]

    @property
    def C_(self) -> np.ndarray:
        return self._mean["C"]

    @property
    def L_(self) -> np.ndarray:
        return self._mean["L"]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_samples_seen_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays = {"moments": self._moments, "power": self._power, "mean_": self.mean_}
        arrays |= {f"now.{name}": array for name, array in self._weights.items()}
        arrays |= {f"mean.{name}": array for name, array in self._mean.items()}
        arrays |= {f"past.{name}": np.ascontiguousarray(array) for name, array in self._past.items()}
        meta: dict[str, Any]
        meta = {"n_samples_seen_": self.n_samples_seen_, "n_features_in_": self.n_features_in_, "scale_": self.scale_}
        return arrays, meta

    def _unpack(self, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> None:
        """Fill the fitted attributes; ModelFileError where shapes do not fit each other."""
        try:
            weights, mean = ({n: np.array(arrays[f"{part}.{n}"]) for n in SYNAPSES} for part in ("now", "mean"))
            m, n, p = len(weights["A"]), len(weights["C"]), weights["B"].shape[1]
            rest = _rest(int(self.delay), n, p, m)
            past = {name: np.array(arrays[f"past.{name}"]) for name in rest}
            fits = all(past[name].shape == array.shape for name, array in rest.items())
            fits &= all(mean[name].shape == weights[name].shape for name in SYNAPSES)
            fits &= arrays["moments"].shape == (2 * n + 1,) and arrays["power"].shape == (2,)
            fits &= arrays["mean_"].shape == (n,) and weights["A"].shape == (m, m) and weights["L"].shape == (m, n)
            numbers = int(meta["n_samples_seen_"]), int(meta["n_features_in_"]), float(meta["scale_"])
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ModelFileError(f"the model file does not describe a {type(self).__name__}: {error}") from error
        if not fits:
            raise ModelFileError("the arrays of the model file do not fit each other; save the model again")
        self._weights, self._mean, self._past = weights, mean, past
        self._moments, self._power, self.mean_ = (np.array(arrays[name]) for name in ("moments", "power", "mean_"))
        (self.n_samples_seen_, self.n_features_in_, self.scale_), self.circuit_ = numbers, bio_ofc()


def _rest(delay: int, n: int, p: int, m: int) -> dict[str, np.ndarray]:
    """What is known before a stream begins: nothing."""
    silent = {"xh": np.zeros((delay + 1, m)), "errors": np.zeros((delay, n)), "actions": np.zeros((delay, p))}
    return silent | {"observations": np.full((delay, n), np.nan)}
