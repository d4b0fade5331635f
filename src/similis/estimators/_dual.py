"""What both dual estimators do: admit data, climb the dual or learn sample by sample, certify, remember."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS, pairwise_kernels

from .._errors import InputError, ModelFileError
from .._random import generator
from .._schema import FLOATS, Packed, Stored
from .._values import FLAG, FUNCTION, NONNEGATIVE, NOTHING, POSITIVE, Number, OneOf, Whole
from ..kernels import dual as kernel
from ..networks import Representer, duality
from ..networks.losses import LOSSES
from ..networks.regularizers import REGULARIZERS, Entropy
from ._admit import check_columns, validate_data
from ._ascent import RIDGE, Problem, features, packed
from ._base import _pieces
from ._estimator import Estimator, check_is_fitted
from ._guard import warn_of_far
from ._params import passes
from ._running import Running
from ._scales import Regard, check_range, diverged, largest, too_large

#: kernels by name
KERNELS = (*sorted(PAIRWISE_KERNEL_FUNCTIONS), "precomputed")
#: rows that meet the support pairs at a time
BLOCK = 64
#: the step by default
USUAL = 0.5
#: what is known of all samples at once, until learning goes on
CERTIFICATE = ("dual_coef_", "dual_gap_", "gap_", "n_iter_", "support_", "errors_")
FITTED = (
    "support_vectors_", "_weights", "_hebbian", "_average", "_power", "_input", "_target", "n_samples_seen_",
    "n_damped_", "_regard", *CERTIFICATE,
)  # fmt: skip


class DualEstimator(Estimator):
    """Base of the estimators; abstract: a subclass makes rows Y (K, T) of its targets, and predictions of outputs."""

    _allowed: ClassVar = {
        "loss": (OneOf(tuple(LOSSES)),), "regularizer": (OneOf(tuple(REGULARIZERS)),), "alpha": (POSITIVE,),
        "epsilon": (NONNEGATIVE,), "total_weight": (POSITIVE,), "p": (Number(1, 2, open_="low"),),
        "kernel": (OneOf(KERNELS), FUNCTION), "gamma": (NONNEGATIVE, NOTHING), "degree": (Whole(0),),
        "coef0": (Number(),), "solver": (OneOf(("dual", "ascent", "online")),), "fit_intercept": (FLAG,),
        "tol": (NONNEGATIVE,), "max_iter": (Whole(1),),
    }  # fmt: skip
    beside_x: ClassVar[str | None]
    #: whether the mean of the targets is taken out with that of the inputs
    _centres_targets: ClassVar[bool]

    _free = Estimator._free | {"eta0", "tol", "max_iter"}
    _weights: np.ndarray
    _hebbian: np.ndarray
    _average: np.ndarray
    _power: np.ndarray
    _input: Running
    _target: Running
    _regard: Regard
    n_samples_seen_: int
    n_damped_: int

    @property
    def representer_(self) -> Representer:
        """The loss and the regulariser, with their rules as equations: print it."""
        return duality(
            self.loss, self.regularizer, epsilon=getattr(self, "epsilon", 0.0), total=self.total_weight, p=self.p
        )

    def _checked(self) -> Representer:
        network = self.representer_
        if network.loss.labels and self.beside_x != "labels":
            raise InputError(f"loss={self.loss!r} is for class labels; use DualClassifier, or loss='squared'")
        if network.loss.name == "epsilon-insensitive" and self.beside_x == "labels":
            raise InputError(f"loss={self.loss!r} is for numbers; use DualRegressor, or loss='hinge'")
        if self.kernel != "linear" and self.regularizer != "l2":
            raise InputError(f"kernel={self.kernel!r} with regularizer={self.regularizer!r}; kernels need 'l2'")
        return network

    # data -----------------------------------------------------------------------------------------------------------

    def _admit(self, X: Any, y: Any = "no_validation", *, reset: bool) -> Any:
        words: dict[str, Any] = {"multi_output": True, "y_numeric": True} if self.beside_x == "target" else {}
        words = {} if isinstance(y, str) else words
        if words:
            check_columns(self, "y", y, reset=reset)
        taken = "csr" if self._takes_sparse else False
        return validate_data(self, X, y, reset=reset, dtype=[np.float64, np.float32], accept_sparse=taken, **words)

    @property
    def _centres(self) -> bool:
        """Whether means are taken out, which the intercept puts back."""
        return bool(self.center and self.fit_intercept)

    @property
    def _shifts(self) -> bool:
        return self._centres and self._centres_targets

    @property
    def _takes_sparse(self) -> bool:
        return self.kernel == "linear" and self.regularizer != "output-variance"

    def _forget(self, names: tuple[str, ...]) -> None:
        for name in names:
            if hasattr(self, name):
                delattr(self, name)

    def _fit(self, X: Any, Y: np.ndarray) -> Self:
        self._checked()
        if self.solver == "online":
            self._learn(X, Y, self.n_epochs, bool(self.shuffle))
        else:
            self._climb(X, Y)
        return self

    # learning -------------------------------------------------------------------------------------------------------

    def _climb(self, X: Any, Y: np.ndarray) -> None:
        """All samples at once, one dual variable each, until the duality gap is at most ``tol``."""
        network, T = self._checked(), X.shape[0]
        const, linear = float(bool(self.fit_intercept)), self.kernel == "linear"
        centred = self._centres and linear and not sparse.issparse(X)
        mean = X.mean(0, dtype=np.float64) if centred else np.zeros(X.shape[1])
        shift = Y.mean(1) if self._shifts else np.zeros(len(Y))
        rows = (X - mean).astype(X.dtype, copy=False) if centred else X
        rows = rows if linear else features(self._similarities(X, None))
        targets = np.ascontiguousarray(Y - shift[:, None])
        problem = Problem(network, rows, targets, float(self.alpha), const, self.solver == "dual")
        power = problem.curvatures.mean()
        rng = generator(self.random_state) if self.shuffle else None
        with np.errstate(over="ignore", invalid="ignore"):
            found = problem.solve(float(self.tol), int(self.max_iter), rng) if np.isfinite(power) else None
            gaps = problem.gaps(found) if found else np.full(len(Y), np.nan)
        if found is None or not np.isfinite(gaps).all():
            raise too_large(X, Y)
        A, W, H = found.A, found.W, found.H
        self.n_iter_, self.dual_coef_, self.dual_gap_ = found.n_iter, A, gaps
        self.gap_ = float((self.dual_gap_ / problem.scale).max())
        if self.gap_ > self.tol:
            warnings.warn(
                f"the duality gap is {self.gap_:.2g} of the loss at w = 0 after {self.n_iter_} passes, above "
                f"tol={self.tol:g}. Raise max_iter or alpha, or scale the features",
                ConvergenceWarning,
                stacklevel=3,
            )
        self.support_ = np.flatnonzero(np.abs(A).max(0) > 0.0)
        if not linear:
            W = H = np.column_stack([A[:, self.support_] / (self.alpha * T), W[:, -1]])
            if self.kernel != "precomputed":
                self.support_vectors_ = X[self.support_]
        self._weights, self._hebbian, self._average = W, H, W.copy()
        self._power = _with_mass(np.array([power]), T)
        self._input, self._target = Running(centred, False, mean, T), Running(self._shifts, False, shift, T)
        self.n_samples_seen_, self.n_damped_ = T, 0

    def _learn(self, X: Any, Y: np.ndarray, epochs: int | str = 1, shuffle: bool = False) -> None:
        """The memoryless rule, sample by sample; nothing is changed if learning fails."""
        network = self._checked()
        check_range(X, Y)
        if self.kernel != "linear":
            return self._learn_pairs(network, X, Y, 1 if epochs == "auto" else int(epochs), shuffle)
        epochs = passes(epochs, X.shape[0])
        K, n = len(Y), X.shape[1] + 1
        const, thin = float(bool(self.fit_intercept)), sparse.issparse(X)
        if hasattr(self, "n_samples_seen_"):
            H, mean, power = self._hebbian.copy(), self._average.copy(), self._power.copy()
            W, x, y, count = self._weights.copy(), self._input, self._target, self.n_samples_seen_
        else:
            H, W, mean, power, count = *(np.zeros((K, n)) for _ in range(3)), np.zeros(2), 0
            x = Running(self._centres and not thin, False, np.zeros(n - 1))
            y = Running(self._shifts, False, np.zeros(K))
        if thin and x.center:
            raise InputError("sparse rows after dense ones: their mean is taken out. Give dense rows throughout")
        x, y = replace(x, mean=x.mean.copy()), replace(y, mean=y.mean.copy())
        mean[:, -1] += y.mean - mean[:, :-1] @ x.mean
        codes = network.loss.code, float(getattr(network.loss, "epsilon", 0.0)), network.regularizer.code
        shape = network.regularizer.exponent, network.regularizer.mass
        linked, said, damped = network.regularizer.linked, np.empty((K, X.shape[0])), 0
        rng, regard = generator(self.random_state) if shuffle else None, self._regarded(X, shuffle)
        for _ in range(epochs):
            order = None if rng is None else rng.permutation(X.shape[0])
            seen = 0
            for piece in _pieces({"x": X, "y": Y.T}, order):
                rows, targets = piece["x"], np.ascontiguousarray(piece["y"].T)
                count, fresh, finite = kernel.learn(
                    *packed(rows), const, targets, *codes, *shape, float(self.alpha), RIDGE, float(self.eta0),
                    float(self.decay), count, power, x.center, x.mean, y.center, y.mean, H, W, mean,
                    said[:, seen : seen + rows.shape[0]],
                )  # fmt: skip
                seen, damped = seen + rows.shape[0], damped + fresh
                if not (finite and _bounded(W, mean, power)):
                    raise diverged(count, self.eta0, power[0], rows, targets)
        self._regard = regard.compared(X, count, self.eta0)
        if count == epochs * X.shape[0] and not x.center:
            warn_of_far(type(self).__name__, {"x": X})
        mean[:, -1] += mean[:, :-1] @ x.mean - y.mean
        self._forget(CERTIFICATE)  # what was certified are other weights
        self._weights, self._hebbian, self._average, self._power = W, H if linked else W, mean, power
        self._input, self._target = replace(x, count=count), replace(y, count=count)
        self.n_samples_seen_, self.n_damped_ = count, getattr(self, "n_damped_", 0) + damped
        self.n_iter_, self.errors_ = epochs, said if order is None else _returned(said, order)
        return None

    def _regarded(self, X: Any, shuffle: bool) -> Regard:
        """What is known of the order of the rows, refused where they resemble each other for too long."""
        regard, seen = getattr(self, "_regard", Regard.fresh()), getattr(self, "n_samples_seen_", 0)
        return (
            regard
            if shuffle
            else regard.ordered(type(self).__name__, X, seen, float(self.eta0), USUAL, labels=is_classifier(self))
        )

    def _learn_pairs(self, network: Representer, X: np.ndarray, Y: np.ndarray, epochs: int, shuffle: bool) -> None:
        """The memoryless rule with a kernel: support pairs are kept, ``z = sum_s c_s k(x_s, x)``."""
        if self.kernel == "precomputed":
            raise InputError(
                "kernel='precomputed' with the memoryless rule, which compares new samples with those it has kept; use "
                "fit with solver='dual', or a kernel by name, such as 'rbf'"
            )
        const = float(bool(self.fit_intercept))
        if hasattr(self, "n_samples_seen_"):
            W, kept, power = self._weights, self.support_vectors_, self._power.copy()
            count, x, y = self.n_samples_seen_, self._input, self._target
        else:
            W, kept, power, count = np.zeros((len(Y), 1)), X[:0], np.zeros(2), 0
            x = Running(False, False, np.zeros(X.shape[1]))
            y = Running(self._shifts, False, np.zeros(len(Y)))
        y = replace(y, mean=y.mean.copy())
        words = network.loss.code, float(getattr(network.loss, "epsilon", 0.0))
        errors, damped = np.empty((len(Y), len(X))), 0
        rates = float(self.alpha), float(self.eta0), float(self.decay)
        rng, regard = generator(self.random_state) if shuffle else None, self._regarded(X, shuffle)
        for _ in range(epochs):
            order = np.arange(len(X)) if rng is None else rng.permutation(len(X))
            for start in range(0, len(X), BLOCK):
                rows = X[order[start : start + BLOCK]]
                targets = np.ascontiguousarray(Y[:, order[start : start + BLOCK]])
                Z = np.repeat(const * W[:, -1:], len(rows), axis=1)
                Z += W[:, :-1] @ self._similarities(kept, rows) if len(kept) else 0.0
                G = self._similarities(rows, rows).astype(np.float64) + const
                C, said = np.zeros((len(Y), len(rows))), np.empty((len(Y), len(rows)))
                shrunk, fresh, finite = kernel.learn_pairs(
                    Z, G, targets, *words, *rates, count, power, y.center, y.mean, C, said
                )
                bias = shrunk * W[:, -1:] + const * C.sum(1, keepdims=True)
                new = np.abs(C).max(0) > 0.0
                W, kept = np.hstack([shrunk * W[:, :-1], C[:, new], bias]), np.concatenate([kept, rows[new]])
                errors[:, order[start : start + BLOCK]] = said
                count, damped = count + len(rows), damped + fresh
                if not (finite and _bounded(W, power)):
                    raise diverged(count, self.eta0, power[0], rows, targets)
        self._regard = regard.compared(X, count, self.eta0, alike=True)
        self._forget(CERTIFICATE)
        self._weights, self._hebbian, self._average, self._power = W, W, W, power
        self._input, self._target = replace(x, count=count), replace(y, count=count)
        self.n_samples_seen_, self.n_damped_ = count, getattr(self, "n_damped_", 0) + damped
        self.support_vectors_, self.n_iter_, self.errors_ = kept, epochs, errors

    # what was learned -----------------------------------------------------------------------------------------------

    @property
    def _readout(self) -> np.ndarray:
        """(K, n) weights behind the outputs, the constant input's last: the average over the stream where one is
        kept."""
        averaged = self.average and self.decay > 0 and self.kernel == "linear" and not hasattr(self, "gap_")
        return self._average if averaged and self.n_samples_seen_ >= kernel.EVERY else self._weights

    @property
    def _offset(self) -> np.ndarray:
        """(K,) what is added to the outputs."""
        W = self._readout
        shift = 0.0 if self.kernel != "linear" else W[:, :-1] @ self._input.mean
        return W[:, -1] * float(bool(self.fit_intercept)) - shift + self._target.mean

    def _outputs(self, X: Any, precise: bool = False) -> np.ndarray:
        """(T, K) outputs z, in the data's precision, or in double precision, where products do not overflow."""
        check_is_fitted(self)
        return self._answers(self._admit(X, reset=False), precise)

    def _answers(self, X: Any, precise: bool = False) -> np.ndarray:
        rows = X if self.kernel == "linear" else self._similarities(X, getattr(self, "support_vectors_", None))
        kind = np.float64 if precise else X.dtype
        readout = self._readout[:, :-1].astype(np.float64) if precise else self._readout[:, :-1]
        return (rows @ readout.T + self._offset).astype(kind, copy=False)

    def _similarities(self, X: np.ndarray, Y: np.ndarray | None) -> np.ndarray:
        """k(X, Y), by default with the rows of X themselves."""
        if self.kernel == "precomputed":
            return X[:, self.support_] if hasattr(self, "support_") else X
        words = {"gamma": self.gamma, "degree": self.degree, "coef0": self.coef0}
        with np.errstate(over="ignore", invalid="ignore"):
            K = pairwise_kernels(X, Y, metric=self.kernel, filter_params=True, **words)
        if not np.isfinite(K).all():
            raise InputError(
                f"similarities of X are not finite: the largest number is {largest(X):.3g}. Remove such samples, scale "
                "the features, or choose another kernel"
            )
        return K

    def _linear(self) -> np.ndarray:
        check_is_fitted(self)
        if self.kernel != "linear":
            raise AttributeError(f"coef_ is for kernel='linear', not {self.kernel!r}: see dual_coef_")
        return self._readout[:, :-1]

    @property
    def excitatory_(self) -> np.ndarray:
        """(n_outputs, n_features) weights of the excitatory synapses under the entropy, all > 0."""
        return self._signed()[0]

    @property
    def inhibitory_(self) -> np.ndarray:
        """(n_outputs, n_features) weights of the inhibitory synapses under the entropy, all > 0."""
        return self._signed()[1]

    def _signed(self) -> tuple[np.ndarray, np.ndarray]:
        check_is_fitted(self)
        if self.regularizer != "entropy":
            raise AttributeError(f"excitatory_ and inhibitory_ are for regularizer='entropy', not {self.regularizer!r}")
        up, down = Entropy(self.total_weight).parts(self._hebbian)
        return up[:, :-1], down[:, :-1]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_samples_seen_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._takes_sparse
        tags.input_tags.pairwise = self.kernel == "precomputed"
        return tags

    # persistence ----------------------------------------------------------------------------------------------------

    def _pack(self) -> Packed:
        check_is_fitted(self)
        names = (
            "_weights", "_hebbian", "_average", "_power", "dual_coef_", "dual_gap_", "support_", "support_vectors_",
        )  # fmt: skip
        arrays = {name.strip("_"): getattr(self, name) for name in names if hasattr(self, name)}
        arrays |= {"mean": self._input.mean, "target": self._target.mean}
        if not self.representer_.regularizer.linked:
            del arrays["hebbian"]  # the weights themselves
        meta: dict[str, Any] = {"centred": self._input.center, "heard": self._input.count, "told": self._target.count}
        counts = ("n_features_in_", "n_samples_seen_", "n_damped_", "n_iter_")
        meta |= {key: getattr(self, key) for key in counts}
        return arrays, meta | ({"gap_": self.gap_} if hasattr(self, "gap_") else {})

    def _unpack(self, file: Stored) -> None:
        self._checked()
        linear, certified, T = self.kernel == "linear", file.has("gap_"), file.integer("n_samples_seen_")
        mean = file.array("mean", "d", dtype=np.float64)
        d, inputs = file.sizes["d"], "d" if linear else "support"
        if certified:
            self.dual_coef_ = file.array("dual_coef", "K", T, dtype=np.float64)
            self.dual_gap_ = file.array("dual_gap", "K", dtype=np.float64, largest=np.inf)
            self.support_, self.gap_ = file.array("support", "support", dtype=np.int64, low=0), file.number("gap_")
            if not (self.support_.max(initial=-1) < T and (np.diff(self.support_) > 0).all()):
                raise ModelFileError(f"support names other samples than {T} in their order")
        if not linear and self.kernel != "precomputed":
            self.support_vectors_ = file.array("support_vectors", "support", d, dtype=FLOATS)
        elif not linear and not (certified and d == T):
            raise ModelFileError(f"precomputed similarities to {T} samples have {d} columns")
        n = file.sizes[inputs] + 1
        linked = self.representer_.regularizer.linked
        self._weights, self._average = (file.array(name, "K", n, dtype=np.float64) for name in ("weights", "average"))
        self._hebbian = file.array("hebbian", "K", n, dtype=np.float64) if linked else self._weights
        self._power = file.array("power", 2, dtype=np.float64, low=0, largest=np.inf)
        centred, heard, told = file.flag("centred"), file.integer("heard"), file.integer("told")
        if centred and not (linear and self._centres):
            raise ModelFileError("centred is true, where no mean is taken out")
        target = file.array("target", "K", dtype=np.float64)
        self._input = Running(centred, False, mean, heard)
        self._target = Running(self._shifts, False, target, told)
        self.n_samples_seen_, self.n_features_in_ = T, file.integer("n_features_in_", d, d)
        self.n_damped_, self.n_iter_ = file.integer("n_damped_"), file.integer("n_iter_")


def _with_mass(power: np.ndarray, count: int) -> np.ndarray:
    """The mean curvature of so many rows, and what the average of their weights weighs, if that is not yet known."""
    snapshots = count // kernel.EVERY
    return np.append(power, power[:1] * (snapshots * (snapshots + 1) / 2))[:2]


def _bounded(*parts: np.ndarray) -> bool:
    return all(np.isfinite(part).all() for part in parts)


def _returned(said: np.ndarray, order: np.ndarray) -> np.ndarray:
    """What was said in a random order, in the order of the samples."""
    back = np.empty_like(said)
    back[:, order] = said
    return back
