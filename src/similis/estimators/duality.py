"""Regression and classification through the dual: error neurons, Hebbian sums, a certificate."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import log_expit, log_softmax
from sklearn.utils.metaestimators import available_if

from .._errors import InputError, ModelFileError
from .._random import Seed
from .._schema import Packed, Stored
from ._compared import Compared
from ._dual import FITTED, DualEstimator
from ._estimator import check_is_fitted
from ._labels import class_labels, classes_of, pack_classes, places
from ._reach import exact_predictions, explained, say, short
from ._targets import Classifier, Regressor
from ._unjudged import Halves

#: what to do where less is learned than there is
MORE = (
    "it has not settled, or the rows came in an order, such as sorted by y. Learn them in random order (fit does with "
    "shuffle=True; similis.datasets.shuffled mixes blocks), or more of them (n_epochs), scale the features"
)


class DualRegressor(Regressor, Compared, DualEstimator):
    """Linear or kernel regression through its dual: one error neuron a sample, weights a link of their Hebbian sum.

    ``min_w < l(w.x; y) > + alpha R(w) = max_a -< l*(-a; y) > - alpha R*(h)``, ``h = < a x > / alpha``,
    ``w = grad R*(h)``. ``fit`` climbs the dual, one variable a_t a sample, until primal and dual agree to ``tol``;
    ``partial_fit`` is the memoryless rule of the same network, ``a = -dl/dz``, ``h += eta (a x - alpha h)``.

    Parameters
    ----------
    loss : "squared" or "epsilon-insensitive"
    regularizer : "l2" (additive plasticity), "entropy" (multiplicative: weights never change their sign, which suits
        sparse targets), "p-norm" (between the two) or "output-variance" (``w' C w / 2``, a three-factor rule)
    alpha : float > 0, weight of the regulariser against the *mean* loss. In terms of scikit-learn's: ``Ridge(alpha *
        n_samples)``, ``LinearSVR(C=1 / (alpha * n_samples))``
    epsilon : float, half the width of the insensitive zone, in units of the target
    total_weight : float, U, the sum of the sizes of all weights under the entropy: a bound on ``|coef_|_1``
    p : float, 1 < p <= 2, of the p-norm
    kernel : "linear", or with "l2" a name that :func:`sklearn.metrics.pairwise.pairwise_kernels` knows, or
        "precomputed": ``fit`` takes K(train, train), positive semidefinite, and ``predict`` K(test, train)
    gamma, degree, coef0 : parameters of that kernel
    solver : "dual" (all samples, to a certified gap: in closed form for the squared loss with a quadratic regulariser,
        else by coordinate ascent), "ascent" (coordinate ascent always: one dual variable a sample, passes over the
        stream) or "online" (``fit`` is ``n_epochs`` passes of ``partial_fit``)
    fit_intercept : bool, whether there is a constant input 1, whose weight is regularised like the others
    center : bool, with an intercept, whether the means of the inputs and of the target are taken out first (running
        means in the memoryless rule). Sparse rows are not centred
    tol, max_iter : the duality gap to reach, as a share of the mean loss at w = 0, in at most so many passes
    eta0, decay : of the memoryless rule, eta_t = eta0 / (1 + decay t), in units of 1 / (alpha + curvature of the loss *
        mean curvature of recent rows), for "l2" of |x|^2, so that they need not know the units of the data. No step is
        longer than one that takes the sample's own error to 0, whatever the scale of the rows before
    average : bool, read outputs from the average of the weights over the stream (later weights weigh more)
    n_epochs : int or "auto", passes of ``fit`` with ``solver="online"``; "auto" as in :class:`SimilarityMatching`, with
        a kernel one, as every pass keeps its pairs
    shuffle : bool, whether ``fit`` visits the samples in random order, anew each pass
    random_state : int, Generator, RandomState or None

    Attributes
    ----------
    coef_ : (n_features,) or (n_targets, n_features) weights
    intercept_ : float or (n_targets,)
    dual_coef_ : (n_targets, n_samples) the error neurons' answers; with a kernel, outputs are
        ``sum_t dual_coef_[t] k(x_t, x) / (alpha n_samples)``. After ``fit`` with ``solver="dual"`` only, as are
    gap_, dual_gap_ : the largest duality gap as a share of the mean loss at w = 0, and (n_targets,) the gaps
        themselves: no weights have an objective lower than these by more
    errors_ : (n_targets, n_samples) after the memoryless rule: what the error neurons said to each sample of the last
        call when it came, before it was learned from
    support_, support_vectors_ : samples with a dual variable that is not 0, and with a kernel their rows
    n_iter_, n_samples_seen_ : int
    n_damped_ : int, samples of the memoryless rule whose step was shorter than eta_t, to be safe for them
    feature_names_in_y_ : names of the columns of y, if it came with some
    excitatory_, inhibitory_ : (n_targets, n_features) positive weights under the entropy, whose difference is ``coef_``
    representer_ : the rules as equations

    Warns
    -----
    ConvergenceWarning
        When the gap is above ``tol`` after ``max_iter`` passes. After the memoryless rule, squared loss and "l2", when
        the model is first read, if ridge regression on learned rows is far better: rows sorted by y, a level that
        moved, uneven columns; or if these are fewer than 64 in fewer than 256 samples.

    References
    ----------
    Bahroun, Chklovskii & Sengupta 2023 (arXiv 2309.16687); Shalev-Shwartz & Zhang 2013, JMLR 14 (coordinate ascent);
    Kivinen & Warmuth 1997, Information and Computation 132 (multiplicative updates).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from similis import DualRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = DualRegressor(alpha=1e-4).fit(X, y)
    >>> bool(model.gap_ < 1e-12)
    True
    """

    beside_x: ClassVar[str | None] = "target"
    _centres_targets: ClassVar[bool] = True
    _instead: ClassVar[str] = "use solver='dual'"

    def __init__(
        self, loss: str = "squared", *, regularizer: str = "l2", alpha: float = 1e-3, epsilon: float = 0.1,
        total_weight: float = 10.0, p: float = 1.5, kernel: str = "linear", gamma: float | None = None,
        degree: int = 3, coef0: float = 1.0, solver: str = "dual", fit_intercept: bool = True, center: bool = True,
        tol: float = 1e-4, max_iter: int = 1000, eta0: float = 0.5, decay: float = 1e-4, average: bool = True,
        n_epochs: int | str = "auto", shuffle: bool = True, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.loss = loss
        self.regularizer = regularizer
        self.alpha = alpha
        self.epsilon = epsilon
        self.total_weight = total_weight
        self.p = p
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.solver = solver
        self.fit_intercept = fit_intercept
        self.center = center
        self.tol = tol
        self.max_iter = max_iter
        self.eta0 = eta0
        self.decay = decay
        self.average = average
        self.n_epochs = n_epochs
        self.shuffle = shuffle
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from samples and their targets, from the beginning.

        Parameters
        ----------
        X : (n_samples, n_features) array or sparse matrix
        y : (n_samples,) or (n_samples, n_targets) array
        """
        X, y = self._admit(X, y, reset=True)
        self._forget(FITTED)
        self._single, self._unjudged = y.ndim == 1, None
        return self._fit(X, np.asarray(y, np.float64).reshape(len(y), -1).T)

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Go on learning from one sample or more, once, in their order, by the memoryless rule."""
        first = not hasattr(self, "n_samples_seen_")
        X, y = self._admit(X, y, reset=first)
        Y = np.asarray(y, np.float64).reshape(len(y), -1).T
        if first:
            self._single = y.ndim == 1
        elif len(Y) != self.n_targets_:
            raise InputError(f"y has {len(Y)} columns, but DualRegressor was fitted with {self.n_targets_}")
        self._learn(X, Y)
        return self

    def _learn(self, X: Any, Y: np.ndarray, epochs: int | str = 1, shuffle: bool = False) -> None:
        fresh = not hasattr(self, "n_samples_seen_")
        super()._learn(X, Y, epochs, shuffle)
        if self.loss == "squared" and self.regularizer == "l2" and isinstance(X, np.ndarray):
            self._hold(X, Y.T, fresh=fresh, whole=shuffle)

    def _as_heard(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
        x, y = x.astype(float) - self._input.mean, y.astype(float) - self._target.mean
        return x, y, float((x * x).sum() / len(x)), float((y * y).sum() / len(y))

    def _judge(self, rows: Halves) -> bool:
        """Compare with ridge regression of the same alpha, with a kernel too."""
        said = self._answers(rows.held_x + rows.mean_x + self._input.mean) - self._target.mean - rows.mean_y
        solved = exact_predictions(rows, rows.y.shape[1], float(self.alpha), None)
        found, *reached = (explained(rows.held_y, each) for each in (said, *solved))
        exact = max(reached, key=np.mean)
        if far := short(found, exact):
            say(
                f"DualRegressor explains {found.mean():.2g} of y, ridge regression {exact.mean():.2g}: {MORE}, or "
                "solver='dual'"
            )
        return far

    def predict(self, X: Any) -> np.ndarray:
        """(n_samples,) or (n_samples, n_targets) outputs."""
        Z = self._outputs(X)
        return Z[:, 0] if self._single else Z

    @property
    def n_targets_(self) -> int:
        return len(self._weights)

    def _outputs(self, X: Any, precise: bool = False) -> np.ndarray:
        self._compare()
        return super()._outputs(X, precise)

    def _linear(self) -> np.ndarray:
        self._compare()
        return super()._linear()

    @property
    def coef_(self) -> np.ndarray:
        W = self._linear()
        return W[0] if self._single else W

    @property
    def intercept_(self) -> float | np.ndarray:
        check_is_fitted(self)
        return float(self._offset[0]) if self._single else self._offset

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags

    def _pack(self) -> Packed:
        arrays, meta = super()._pack()
        return arrays, meta | {"single": self._single}

    def _unpack(self, file: Stored) -> None:
        super()._unpack(file)
        self._single = file.flag("single")
        if self._single and self.n_targets_ != 1:
            raise ModelFileError(f"y of one dimension has {self.n_targets_} columns")


def _probable(estimator: DualClassifier) -> bool:
    if estimator.loss != "logistic":
        raise AttributeError(f"probabilities are for loss='logistic', not {estimator.loss!r}")
    return True


class DualClassifier(Classifier, DualEstimator):
    """Linear or kernel classification through its dual, one class against the rest.

    As :class:`DualRegressor`, with targets -1 and +1; of several classes each has its own output.

    Parameters
    ----------
    loss : "logistic", "hinge" or "squared"
    alpha : float > 0, weight of the regulariser against the *mean* loss: ``LogisticRegression(C=1 / (alpha *
        n_samples))``, ``LinearSVC(loss="hinge", C=1 / (alpha * n_samples))``
    regularizer, total_weight, p, kernel, gamma, degree, coef0, solver, fit_intercept, center, tol, max_iter, eta0,
        decay, average, n_epochs, shuffle, random_state : as in :class:`DualRegressor`

    Attributes
    ----------
    classes_ : (n_classes,)
    coef_, intercept_ : (n_outputs, n_features) and (n_outputs,); one output for two classes
    dual_coef_, gap_, dual_gap_, support_, support_vectors_, n_iter_, n_samples_seen_, n_damped_, excitatory_,
        inhibitory_, representer_ : as in :class:`DualRegressor`. For the logistic loss a dual variable is the error
        y - p, for the hinge it is not 0 for support vectors only

    References
    ----------
    As :class:`DualRegressor`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from similis import DualClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = DualClassifier(random_state=0).fit(X[:1200] / 16, y[:1200])
    >>> bool(model.score(X[1200:] / 16, y[1200:]) > 0.9)
    True
    """

    beside_x: ClassVar[str | None] = "labels"
    _centres_targets: ClassVar[bool] = False

    def __init__(
        self, loss: str = "logistic", *, regularizer: str = "l2", alpha: float = 1e-3, total_weight: float = 10.0,
        p: float = 1.5, kernel: str = "linear", gamma: float | None = None, degree: int = 3, coef0: float = 1.0,
        solver: str = "dual", fit_intercept: bool = True, center: bool = True, tol: float = 1e-4,
        max_iter: int = 1000, eta0: float = 0.5, decay: float = 1e-4, average: bool = True,
        n_epochs: int | str = "auto", shuffle: bool = True, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.loss = loss
        self.regularizer = regularizer
        self.alpha = alpha
        self.total_weight = total_weight
        self.p = p
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.solver = solver
        self.fit_intercept = fit_intercept
        self.center = center
        self.tol = tol
        self.max_iter = max_iter
        self.eta0 = eta0
        self.decay = decay
        self.average = average
        self.n_epochs = n_epochs
        self.shuffle = shuffle
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from samples and their labels, from the beginning.

        Parameters
        ----------
        X : (n_samples, n_features) array or sparse matrix
        y : (n_samples,) labels, numbers or strings, of at least two classes; -1 is a class as any other
        """
        X, y = self._admit(X, class_labels(y), reset=True)
        self._forget(FITTED)
        self._name(classes_of(y))
        return self._fit(X, self._signs(y))

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Go on learning from one sample or more, once, in their order, by the memoryless rule.

        Parameters
        ----------
        classes : all labels that will ever come; needed in the first call
        """
        first = not hasattr(self, "n_samples_seen_")
        X, y = self._admit(X, class_labels(y), reset=first)
        if first:
            if classes is None:
                raise InputError("classes is None in the first call of partial_fit; give all labels that will come")
            self._name(classes_of(classes))
        elif classes is not None and not np.array_equal(classes_of(classes), self.classes_):
            raise InputError(f"classes={classes!r}; the model was fitted with {self.classes_.tolist()}")
        self._learn(X, self._signs(y))
        return self

    def _name(self, classes: np.ndarray) -> None:
        if len(classes) < 2:
            raise InputError(f"y has one class, {classes.tolist()}; a classifier needs at least two classes")
        self.classes_ = classes

    def _signs(self, y: np.ndarray) -> np.ndarray:
        """(K, T) +1 for samples of the output's class, -1 for others; one row, of the second class, for two."""
        K = len(self.classes_)
        own = np.arange(K)[1:] if K == 2 else np.arange(K)
        return np.where(places(y, self.classes_)[None] == own[:, None], 1.0, -1.0)

    def decision_function(self, X: Any) -> np.ndarray:
        """(n_samples,) output for two classes, above 0 for the second; (n_samples, n_classes) outputs for more."""
        Z = self._outputs(X)
        return Z[:, 0] if len(self.classes_) == 2 else Z

    def predict(self, X: Any) -> np.ndarray:
        """(n_samples,) labels."""
        Z = self.decision_function(X)
        return self.classes_[(Z > 0).astype(int) if Z.ndim == 1 else Z.argmax(1)]

    @available_if(_probable)
    def predict_proba(self, X: Any) -> np.ndarray:
        """(n_samples, n_classes) probabilities: the logistic of each output, normalised over the classes."""
        return np.exp(self.predict_log_proba(X))

    @available_if(_probable)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithm of ``predict_proba``, exact where a probability underflows."""
        Z = self._outputs(X, precise=True)
        if len(self.classes_) == 2:
            return np.stack([log_expit(-Z[:, 0]), log_expit(Z[:, 0])], axis=1).astype(self._readout.dtype)
        return log_softmax(log_expit(Z), axis=1).astype(self._readout.dtype)

    @property
    def coef_(self) -> np.ndarray:
        return self._linear()

    @property
    def intercept_(self) -> np.ndarray:
        check_is_fitted(self)
        return self._offset

    def _pack(self) -> Packed:
        arrays, meta = super()._pack()
        return arrays, meta | {"classes": pack_classes(self.classes_)}

    def _unpack(self, file: Stored) -> None:
        super()._unpack(file)
        self.classes_ = file.labels("classes")
        K = len(self.classes_)
        if K < 2 or len(self._weights) != (1 if K == 2 else K):
            raise ModelFileError(f"{K} classes do not fit {len(self._weights)} outputs")
