"""A filter that learns a stream's dynamics while it predicts it, with gaps where nothing was observed."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_array

from .._errors import DivergenceError, InputError
from .._masks import unmasked
from .._random import Seed, generator
from .._schema import MOST, Stored
from .._values import NONNEGATIVE, NOTHING, Number, OneOf, Whole
from ..control import bio_ofc
from ..control.forecasters import Forecaster, LeastSquares, Published, State, sound
from ..display import System
from ._admit import check_columns, validate_data
from ._estimator import Estimator, check_is_fitted

RULES = ("least-squares", "published")

#: parts of a filter's state that are squares, sizes or counts
SIZES = ("D", "unit", "n_seen", "spread", "fast", "slow", "power", "n_rows")
#: those of which some are squares; and how often something was seen
SQUARES = ("D", "spread", "fast", "slow", "power", "moments", "drive")
COUNTS = ("n_seen", "known", "n_rows")


class NeuralKalmanFilter(Estimator):
    """Predict a stream from what was seen of it, some steps late, learning how it moves.

    ::

        yh(t+1) = sum over l of A_l yh(t-l) + B_l u(t-l) + L_l e(t-l), and a constant,    e = y - yh
        d(A, B, L) = e (P phi)' / (keep + phi'P phi),    dP ~ -(P phi)(P phi)' / (keep + phi'P phi)

    phi holds what was observed, done and mistaken in the last moments: recursive extended least squares, in which a
    synapse reads its error, a decorrelated activity and one number told to all. ``rule="published"`` is the filter of
    Bio-OFC: it can only learn systems whose A K C has no eigenvalue with a negative real part (K the Kalman gain).

    Rows are moments, in their order. NaN is an observation that is missing: its error is 0.

    Parameters
    ----------
    rule : "least-squares" or "published"
    n_latent : int, numbers in the state; least squares takes whole moments, so it is rounded up to a multiple of the
        observations. By default four moments of up to 4 observations, two of more than 8; as many numbers as there
        are observations in the published rule
    delay : int >= 1, y(t) is predicted from the rows up to t - delay
    clip : float, errors are at most so many RMS of the recent ones (published: RMS norms of the observations); 0 for no
        limit
    average : float, row t counts in the synapses with a weight that grows as t^average; 0 for all alike (published: for
        the synapses as they are)
    center : bool, whether the stream has a mean: a constant is learned (published: the running mean is taken out)
    eta, decay : float, of the published rule: the step at row t is eta / (1 + decay t)
    damp : float, of the published rule: steps are divided by 1 + damp eta times the squared presynaptic activity
    scale : "auto" or None, of the published rule: whether the running RMS is taken out
    random_state : int, Generator, RandomState or None, of the first synapses of the published rule

    Attributes
    ----------
    A_, B_, C_, L_ : xh(t+1) = A xh + B u + L e, y = C xh, about the mean (published: in units of the running RMS)
    mean_, scale_ : (n,) mean of about the last 100 observations, and 1 (published: running mean and RMS of all)
    predictions_ : (n_samples, n) of the last call of ``fit`` or ``partial_fit``, made before the row was learned from
    feature_names_in_actions_ : names of the columns of the actions, if they came with some
    n_samples_seen_ : int

    References
    ----------
    Friedrich et al. 2021 (NeurIPS 34; arXiv 2111.06920). Ljung & Soderstrom 1983, Theory and Practice of Recursive
    Identification. Bierman 1977, Factorization Methods for Discrete Sequential Estimation.

    Examples
    --------
    >>> import numpy as np
    >>> from similis import NeuralKalmanFilter
    >>> t = np.arange(5000)
    >>> X = np.column_stack([np.sin(0.3 * t), np.cos(0.3 * t)]) + 0.1 * np.random.default_rng(0).normal(size=(5000, 2))
    >>> X[::4] = np.nan  # a quarter was not observed
    >>> bool(NeuralKalmanFilter().fit(X).score(X) > 0.9)
    True
    """

    _free = Estimator._free | {"eta", "decay", "clip", "damp"}
    circuit_: System
    predictions_: np.ndarray
    n_samples_seen_: int
    n_features_in_: int
    _state: State

    _allowed: ClassVar = {
        "rule": (OneOf(RULES),), "n_latent": (Whole(1), NOTHING),
        "delay": (Whole(1, why="what is seen now cannot be predicted now"),), "eta": (NONNEGATIVE,),
        "clip": (Number(0, infinite=True),), "damp": (NONNEGATIVE,), "average": (NONNEGATIVE,),
    }  # fmt: skip

    def __init__(
        self, *, rule: str = "least-squares", n_latent: int | None = None, delay: int = 1, eta: float = 0.02,
        decay: float = 1e-3, clip: float = 10.0, damp: float = 5.0, average: float = 1.0, center: bool = True,
        scale: str | None = "auto", random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.rule = rule
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
        X : (n_samples, n) observations in their order; NaN, or a masked entry, where there is none
        y : ignored
        actions : (n_samples, p) array, what was done after each observation, before the next
        """
        return self._learn(X, actions, True)

    def partial_fit(self, X: Any, y: Any = None, *, actions: Any = None) -> Self:
        """Go on where the last call ended: pieces of a stream give what the whole stream gives."""
        return self._learn(X, actions, not self.__sklearn_is_fitted__())

    def _learn(self, X: Any, actions: Any, first: bool) -> Self:
        X = self._admit(X, first)
        U = self._acted(actions, len(X), None if first else self._n_actions, reset=first)
        rule = self._forecaster(X.shape[1])
        if first:
            state, count = rule.reset(X.shape[1], U.shape[1], generator(self.random_state)), 0
        else:
            state, count = {name: array.copy() for name, array in self._state.items()}, self.n_samples_seen_
        with np.errstate(over="ignore", invalid="ignore"):
            self.predictions_ = rule.learn(state, X, U)
        if not sound(state):
            raise DivergenceError(
                f"the filter diverged (NaN or inf) before row {count + len(X)}: rule={self.rule!r}, eta={self.eta}, "
                f"clip={self.clip}, damp={self.damp}. Use rule='least-squares' and clip=10, or lower eta"
            )
        self._state, self.n_samples_seen_, self.circuit_ = state, count + len(X), bio_ofc()
        return self

    def _forecaster(self, n: int) -> Forecaster:
        """The rule with these parameters for so many observations."""
        delay, centre, m = int(self.delay), bool(self.center), None if self.n_latent is None else int(self.n_latent)
        clip, average, eta, decay, damp = map(float, (self.clip, self.average, self.eta, self.decay, self.damp))
        if self.rule == "published":
            scaled = self.scale == "auto"
            return Published(delay, n if m is None else m, centre, scaled, clip, damp, eta, decay, average)
        order = max(2, min(4, 16 // n)) if m is None else -(-m // n)
        return LeastSquares(delay, order, centre, clip, average)

    def _admit(self, X: Any, reset: bool) -> np.ndarray:
        return validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", order="C")

    def _acted(self, actions: Any, T: int, p: int | None, *, reset: bool = False) -> np.ndarray:
        actions = unmasked(actions, "actions")
        check_columns(self, "actions", actions, reset=reset)
        if actions is None:
            return np.zeros((T, p or 0))
        U = check_array(
            actions, dtype=np.float64, ensure_2d=False, ensure_all_finite="allow-nan", ensure_min_samples=0,
            ensure_min_features=0, order="C", input_name="actions",
        )  # fmt: skip
        U = U[:, None] if U.ndim == 1 else U
        if U.ndim != 2 or len(U) != T or (p is not None and U.shape[1] != p) or not np.isfinite(U).all():
            raise InputError(
                f"actions have shape {U.shape}; expected finite numbers of shape ({T}, {'p' if p is None else p}), a "
                f"row for each observation"
            )
        return U

    @property
    def _n_actions(self) -> int:
        return self._state["actions"].shape[1]

    def predict(self, X: Any, *, actions: Any = None) -> np.ndarray:
        """(n_samples, n) each row predicted from the rows before it, learning nothing.

        The stream begins anew: what the model heard last is not before it.

        Raises
        ------
        DivergenceError
            If a row predicted is not finite.
        """
        check_is_fitted(self)
        X = self._admit(X, False)
        U = self._acted(actions, len(X), self._n_actions)
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                found = self._forecaster(X.shape[1]).predict(self._state, X, U)
        except np.linalg.LinAlgError as error:
            raise DivergenceError("the filter diverged (NaN or inf): fit again, with clip=10") from error
        if not np.isfinite(found).all():
            raise DivergenceError("the filter's predictions diverged (NaN or inf): fit again, with clip=10")
        return found

    def score(self, X: Any, y: Any = None, *, actions: Any = None) -> float:
        """Share of the variance of the observations that is predicted: 1 - mean |x - predict|^2 / mean |x - mean|^2.

        Observations that never varied while the filter learned (``rule="published"``: never came) cannot be predicted:
        they are left out, with a warning if they vary here. The first rows are predicted from next to nothing.
        """
        predicted, X = self.predict(X, actions=actions), self._admit(X, False)
        unknown = self._forecaster(X.shape[1]).unknown(self._state)
        vary = np.array([len(np.unique(column[~np.isnan(column)])) > 1 for column in X.T])
        if (unknown & vary).any():
            warnings.warn(
                f"observations {np.flatnonzero(unknown & vary)[:5].tolist()} never varied while the filter learned, as "
                "those of a sensor that was off, and are left out of the score. Learn from rows in which they vary",
                UserWarning, stacklevel=2,
            )  # fmt: skip
        here = ~(np.isnan(X).all(0) | unknown)
        X, predicted = X[:, here], predicted[:, here]
        if not X.size:
            return 0.0
        unit = np.nanmax(np.abs(X)) or 1.0
        X, predicted = X / unit, predicted / unit
        left, all_of_it = np.nansum((X - predicted) ** 2), np.nansum((X - np.nanmean(X, axis=0)) ** 2)
        return float(1 - left / all_of_it) if all_of_it > 0 else 0.0

    @property
    def A_(self) -> np.ndarray:
        return self._synapse("A")

    @property
    def B_(self) -> np.ndarray:
        return self._synapse("B")

    @property
    def C_(self) -> np.ndarray:
        return self._synapse("C")

    @property
    def L_(self) -> np.ndarray:
        return self._synapse("L")

    @property
    def mean_(self) -> np.ndarray:
        return self._fitted("mean_").mean(self._state)[0]

    @property
    def scale_(self) -> float:
        return self._fitted("scale_").mean(self._state)[1]

    def _synapse(self, name: str) -> np.ndarray:
        return self._fitted(f"{name}_").synapses(self._state)[name]

    def _fitted(self, name: str) -> Forecaster:
        if not self.__sklearn_is_fitted__():
            raise AttributeError(f"{type(self).__name__} has no {name} before fit")
        return self._forecaster(self.n_features_in_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_state")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        return dict(self._state), {"n_samples_seen_": self.n_samples_seen_, "n_features_in_": self.n_features_in_}

    def _unpack(self, file: Stored) -> None:
        n = file.integer("n_features_in_", 1)
        shapes = self._forecaster(n).shapes(n, (*file.shape("actions"), 0, 0)[1])
        self._state = {}
        for name, shape in shapes.items():
            low, unseen = 0.0 if name in SIZES else -np.inf, name == "observations"
            most = float(MOST) if name in COUNTS else np.inf if name in SQUARES else None
            found = file.array(name, *shape, dtype=np.float64, low=low, missing=unseen, largest=most)
            self._state[name] = np.require(found, requirements="C")
        self.n_features_in_, self.n_samples_seen_, self.circuit_ = n, file.integer("n_samples_seen_"), bio_ofc()
