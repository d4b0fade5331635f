"""A two-layer network that learns from targets without errors sent back."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, MultiOutputMixin, TransformerMixin

from .._errors import InputError, ModelFileError
from .._random import Seed
from .._schema import Stored
from .._values import FLAG, NONNEGATIVE, Number, OneOf
from ..circuit import Circuit, State, Step
from ..engine import stream
from ..networks import local_supervision
from ._base import Streams
from ._estimator import check_is_fitted
from ._labels import class_labels, classes_of, pack_classes, places
from ._noise import noisy, projected
from ._pair import ComparedStreams, Shortened, TwoStreams
from ._reach import DOUBT, UNSURE, exact_predictions, explained, hits, say, short
from ._targets import Classifier, Regressor
from ._unjudged import Halves

#: samples that the moments of the least-squares read-out remember, for each number that is read for a target. Outputs
#: change while the network learns: what is older speaks of units that are no more
MEMORY = 16
#: what to do where less is learned than there is
MORE = (
    "it has not settled, or the rows came in an order, such as sorted by y. Learn more passes (n_epochs) or rows, in "
    "random order, or raise eta0 (one-hot targets of n classes stand n/2)"
)


class _LocalSupervision(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Shortened, ComparedStreams):
    """What classifier and regressor share; abstract."""

    _says: ClassVar[str]
    _doubt: ClassVar[float]
    _instead: ClassVar[str] = "use a linear model of scikit-learn"
    _allowed: ClassVar = {
        "linear": (FLAG,), "mean_rate": (Number(0, 1, open_="high"),), "decoupled": (FLAG,),
        "readout": (OneOf(("own", "least-squares")),), "max_norm": (Number(0, open_="low", infinite=True),),
        "target_rate": (NONNEGATIVE,),
    }  # fmt: skip

    def __init__(
        self, n_components: int = 64, *, linear: bool = False, mean_rate: float = 1e-3, decoupled: bool = False,
        readout: str = "least-squares", ridge: float = 0.0, center: bool = True, scale: str | None = "auto",
        eta0: float = 0.25, decay: float = 1e-4, max_norm: float = 2.0, target_rate: float = 0.01, tau: float = 50.0,
        n_epochs: int | str = "auto", shuffle: bool = True, trace_every: int | None = None, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.linear = linear
        self.mean_rate = mean_rate
        self.decoupled = decoupled
        self.readout = readout
        self.ridge = ridge
        self.center = center
        self.scale = scale
        self.eta0 = eta0
        self.decay = decay
        self.max_norm = max_norm
        self.target_rate = target_rate
        self.tau = tau
        self.n_epochs = n_epochs
        self.shuffle = shuffle
        self.trace_every = trace_every
        self.random_state = random_state

    def _circuit(self, dims: dict[str, int]) -> Circuit:
        k = self.n_components
        if not isinstance(k, Integral) or k < 1:
            raise InputError(f"n_components={k!r}; expected an integer >= 1")
        return local_supervision(
            int(k), linear=bool(self.linear), mean_rate=self.mean_rate, decoupled=bool(self.decoupled),
            target_rate=self.target_rate, tau=self.tau,
            step=Step(self.eta0, self.decay, limited=self.scale is not None),
        )  # fmt: skip

    def _gain(self, dims: dict[str, int]) -> dict[str, float]:
        """Outputs of the power that is wanted, of rectified units smaller ones, for they add up; a weak teacher."""
        k = int(self.n_components)
        size, teacher = (1.0, 0.3) if self.linear else (1 / np.sqrt(k), 1 / k)
        return {"x": float(size * np.sqrt(dims["x"])), "y": teacher}

    def _presented(self, rows: Streams, t: int) -> Streams:
        return noisy(rows, self.ridge, t)

    def _learn(self, streams: Streams, epochs: int | str = 1, shuffle: bool | np.random.Generator = False) -> None:
        if self.ridge > 0 and self.scale is None:
            raise InputError(f"ridge={self.ridge} with scale=None; expected ridge=0, or scale='auto'")
        super()._learn(streams, epochs, shuffle)
        self._n_features_out = self.circuit_.size

    def _watched(self, Z: np.ndarray, rows: Streams, begun: State) -> np.ndarray:
        return projected(rows["x"])

    def _notice(self, memory: np.ndarray | None, Z: np.ndarray, t: int, rows: Streams) -> np.ndarray | None:
        """Second moments of (z, 1) with (z, 1) and with y, of which old samples fade."""
        if self.readout != "least-squares":
            return None
        T = len(Z)
        keep = 1 - np.maximum(self._fresh(), 2 / np.arange(t - T + 2, t + 2))
        weight = np.append(np.cumprod(keep[:0:-1])[::-1], 1.0)
        heard = np.concatenate([Z, np.ones((T, 1))], axis=1, dtype=float)
        joint = np.concatenate([heard, rows["y"]], axis=1)
        return keep.prod() * (0.0 if memory is None else memory) + (heard.T * weight) @ joint

    def _fresh(self) -> float:
        """Least share of a new sample in the moments."""
        return 1 / (MEMORY * (int(self.n_components) + 1))

    def refit(self, X: Any, y: Any) -> Self:
        """Read y by least squares from the outputs to these rows, with the weights as they are; X carries no noise.

        Needs ``readout="least-squares"``, whose moments come from outputs that change while the network learns.

        Parameters
        ----------
        X, y : as in ``fit``, such as the data just learned from
        """
        check_is_fitted(self)
        if self.readout != "least-squares":
            raise InputError(f"readout={self.readout!r}; expected 'least-squares' to fit a read-out again")
        streams = self._admit(X, y, reset=False)
        outputs = np.asarray(TwoStreams._outputs(self, {"x": streams["x"]}), float)  # compared when it is read
        heard = np.concatenate([outputs, np.ones((len(outputs), 1))], axis=1)
        told = self.running_["y"].apply(streams["y"].astype(float))
        as_long = min(1.0, 1 / (self._fresh() * len(heard)))  # they count as the moments of the stream do
        self._memory = as_long * (heard.T @ np.concatenate([heard, told], axis=1))
        return self

    def _watch(self, state: State) -> dict[str, float]:
        return {"filter_norm": float(np.linalg.norm(state.W["x"])), "multiplier": float(np.trace(state.M))}

    def transform(self, X: Any) -> np.ndarray:
        """Outputs z of the hidden units, (n_samples, n_components)."""
        return self._hear(X)

    def _predicted(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        outputs = self._hear(X)
        return (self._read(outputs) * self.y_scale_ + self.y_mean_).astype(outputs.dtype, copy=False)

    def _read(self, outputs: np.ndarray) -> np.ndarray:
        """(n_samples, n_y) the scaled y."""
        reading = self._reading()
        return outputs @ reading if self.readout == "own" else outputs @ reading[:-1] + reading[-1]

    def _judge(self, rows: Halves) -> bool:
        """Compare with linear regression of the rank that the hidden units reach: a line is two rectified ones."""
        k = int(self.n_components) if self.linear else int(self.n_components) // 2
        if k < 1:
            return False
        heard = (rows.held_x + rows.mean_x).astype(self.state_.dtype)
        outputs, _ = stream.run(self.circuit_, self.readout_, {"x": heard}, learn=False)
        predicted, ridge = self._read(outputs) - rows.mean_y, self.ridge / rows.x.shape[1]
        solved = exact_predictions(rows, k, ridge, lambda C: np.eye(len(C)))
        found, *reached = (self._worth(rows, each) for each in (predicted, *solved))
        exact = max(reached, key=np.mean)
        if far := short(found, exact, doubt=self._doubt):
            say(f"{type(self).__name__} {self._says.format(found.mean(), exact.mean())}: {MORE}")
        return far

    def _reading(self) -> np.ndarray:
        if self.readout == "own":
            return self._learned()
        k = len(self._memory)
        gram = self._memory[:, :k]
        small = 1e-6 * np.trace(gram) / k * np.eye(k)
        return np.linalg.solve(gram + small, self._memory[:, k:])

    def _pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, meta = super()._pack()
        return arrays | ({} if self._memory is None else {"second": self._memory}), meta

    def _unpack(self, file: Stored) -> None:
        super()._unpack(file)
        k, n_y = self.circuit_.size, self.n_features_y_
        self._memory, self._n_features_out = None, k
        if self.readout == "least-squares":
            self._memory = file.array("second", k + 1, k + 1 + n_y, dtype=np.float64)
            gram = self._memory[:, : k + 1]
            least, total = np.linalg.eigvalsh((gram + gram.T) / 2)[0], np.trace(gram)
            rounding = 1e-9 * total
            if not (gram[k, k] > 0 and least >= -rounding and np.abs(gram - gram.T).max() <= rounding):
                raise ModelFileError("second is not of second moments")


class LocalSupervisionRegressor(MultiOutputMixin, Regressor, _LocalSupervision):
    """Multi-output regression by a network with one hidden layer that learns without errors sent back.

    ``min |y - W2 z|^2, z = f(W1 x), <z z'> <= I``, learned sample by sample: ``W1 += 2 eta f' (W2'y - P P' z) x'``,
    ``W2' += 2 eta r (z y' - W2')``, ``P += (eta/tau) (z (P'z)' - P)``. The gain control, by interneurons P, makes up
    for the error: at the optimum ``P P' z`` is W2' times the best prediction of y.

    The objective of rectified units is not convex and its bound not tight: nonlinear regression depends on the start
    (y = abs(x_1): R2 from 0.24 to 0.84 over three seeds). The linear network reaches its optimum.

    Parameters
    ----------
    n_components : int, hidden units
    linear : bool, z = W1 x; otherwise a rectifier whose running mean is subtracted, z = [W1 x]_+ - m
    mean_rate : float in (0, 1), rate of m
    decoupled : bool, whether the way from the units to the interneurons has weights of its own
    readout : "least-squares" (second moments of z and y, over some 16 samples a unit) or "own" (the paper's: y is read
        as W2 z, whose weights also teach, so slowly that one pass leaves them far behind)
    ridge : float >= 0, variance of the noise on x while learning, as a fraction of x's mean variance: a ridge on W1
    center, scale, n_epochs, shuffle, trace_every, random_state : as in :class:`ReducedRankRegression`
    eta0, decay : learning rate eta_t = eta0 / (1 + decay t). For one-hot targets of n balanced classes up to about n/2
        is stable, and much faster
    max_norm : float, as in :class:`ReducedRankRegression`
    target_rate : float, r above
    tau : float, interneurons learn at rate eta/tau

    Attributes
    ----------
    n_features_y_, n_targets_ : int, number of targets
    feature_names_in_y_ : names of the columns of y, if it came with some
    x_mean_, y_mean_, x_scale_, y_scale_ : running moments
    history_ : dict of lists, every ``trace_every`` samples: n_samples, filter_norm, multiplier (Tr P P')
    n_samples_seen_, circuit_, state_ : as in :class:`SimilarityMatching`

    Warns
    -----
    ConvergenceWarning
        When the model is first read, if linear regression (of a rank that the hidden units reach) on learned rows is
        far better; or if these are fewer than 64 in fewer than 256 samples, of which little can be said.

    References
    ----------
    Golkar, Lipshutz, Bahroun, Sengupta & Chklovskii 2020, NeurIPS workshop Beyond Backpropagation (arXiv 2011.15031).
    """

    beside_x: ClassVar[str | None] = "target"
    _says: ClassVar[str] = "explains {:.2g} of y, linear regression {:.2g}"
    _doubt: ClassVar[float] = DOUBT

    def predict(self, X: Any) -> np.ndarray:
        """Targets predicted for the rows of X, (n_samples, n_targets), or (n_samples,) for y of one dimension."""
        predicted = self._predicted(X)
        return predicted[:, 0] if self._flat else predicted

    def _worth(self, rows: Halves, predicted: np.ndarray) -> np.ndarray:
        return explained(rows.held_y, predicted)

    @property
    def n_targets_(self) -> int:
        check_is_fitted(self)
        return self.n_features_y_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # after 200 samples seen once, which is what scikit-learn looks at
        return tags


class LocalSupervisionClassifier(Classifier, _LocalSupervision):
    """Classification by a network with one hidden layer that learns without errors sent back.

    :class:`LocalSupervisionRegressor` for one-hot targets minus the frequencies of the classes; the class with the
    largest predicted value is the answer. There is no ``predict_proba``: least squares gives no probabilities.

    Parameters
    ----------
    n_components, linear, mean_rate, decoupled, readout, ridge, center, scale, eta0, decay, max_norm, target_rate,
    tau, n_epochs, shuffle, trace_every, random_state : as in :class:`LocalSupervisionRegressor`

    Attributes
    ----------
    classes_ : (n_classes,) labels, sorted; -1 is a class as any other
    x_mean_, x_scale_, history_, n_samples_seen_, circuit_, state_ : as in :class:`LocalSupervisionRegressor`

    Warns
    -----
    ConvergenceWarning
        As :class:`LocalSupervisionRegressor`, by how often the label is right.

    References
    ----------
    Golkar, Lipshutz, Bahroun, Sengupta & Chklovskii 2020, NeurIPS workshop Beyond Backpropagation (arXiv 2011.15031).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from similis import LocalSupervisionClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = LocalSupervisionClassifier(32, eta0=2.0, target_rate=5e-4, tau=400, n_epochs=20, random_state=0)
    >>> bool(model.fit(X, y).score(X, y) > 0.9)
    True
    """

    beside_x: ClassVar[str | None] = "labels"
    _says: ClassVar[str] = "is right {:.2g} more often than the commonest class is, linear regression {:.2g}"
    _doubt: ClassVar[float] = UNSURE

    def partial_fit(self, X: Any, y: Any = None, classes: Any = None, *, Y: Any = None) -> Self:
        """Continue learning from one row or more, once, in their order.

        Parameters
        ----------
        X : (n_samples, n_features) array
        y : (n_samples,) labels, numbers or strings; -1 is a class as any other
        classes : all labels that will ever come, needed in the first call if it does not hold them all
        """
        reset = not hasattr(self, "n_samples_seen_")
        if classes is not None and reset:
            self.classes_ = classes_of(classes)
        elif classes is not None and not np.array_equal(classes_of(classes), self.classes_):
            raise InputError(f"classes={list(classes)}; the model knows {list(self.classes_)}. Give the same, or None")
        self._learn(self._admit(X, Y if y is None else y, reset=reset), 1, self._mixes)
        return self

    def _restart(self) -> None:
        super()._restart()
        self.__dict__.pop("classes_", None)

    def _admit(self, X: Any, Y: Any, *, reset: bool) -> dict[str, np.ndarray]:
        if Y is None:
            return super()._admit(X, Y, reset=reset)  # says what is missing
        labels = class_labels(Y)
        if not hasattr(self, "classes_"):
            self.classes_ = classes_of(labels)
        return super()._admit(X, np.eye(len(self.classes_))[places(labels, self.classes_)], reset=reset)

    def decision_function(self, X: Any) -> np.ndarray:
        """Predicted one-hot vectors, (n_samples, n_classes); for two classes their difference, (n_samples,)."""
        scores = self._predicted(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        """Labels of the rows of X, (n_samples,)."""
        best = self._predicted(X).argmax(axis=1)
        return self.classes_[best]

    def _worth(self, rows: Halves, predicted: np.ndarray) -> np.ndarray:
        labels = (rows.held_y + rows.mean_y + self.y_mean_ / self.y_scale_).argmax(1)
        return hits(labels, (predicted + rows.mean_y + self.y_mean_ / self.y_scale_).argmax(1))

    def _pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, meta = super()._pack()
        return arrays, meta | {"classes": pack_classes(self.classes_)}

    def _unpack(self, file: Stored) -> None:
        super()._unpack(file)
        self.classes_ = file.labels("classes")
        if len(self.classes_) != self.n_features_y_:
            raise ModelFileError(f"{len(self.classes_)} classes do not fit {self.n_features_y_} outputs")
