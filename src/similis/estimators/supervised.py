"""Similarity matching to inputs and labels together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse

from .. import metrics
from .._errors import ModelFileError
from .._random import Seed
from .._schema import Stored
from .._values import POSITIVE
from ..circuit import Circuit, Step
from ..networks import supervised_similarity
from ._estimator import check_is_fitted
from ._labels import admit_labels, merged, one_hot, pack_classes
from ._running import Running
from ._stream import Scaled


class SupervisedSimilarityMatching(Scaled):
    """Features that keep the similarities of inputs and of class labels, by a network with local rules.

    ``min_{Z >= 0} |X'X + alpha L' C_ll^-1 L - Z'Z|^2``, L one-hot: a shared class of frequency p adds ``alpha / p`` to
    the similarity of two samples. Learned sample by sample: ``z = argmin_{z >= 0} z'Mz - 2 z'(W x + sqrt(alpha) V l)``,
    ``W += 2 eta (z x' - W)``, ``V += 2 eta (sqrt(alpha) z - V l) l'``, ``M += (eta/tau) (z z' - M)``.

    The label speaks while the network learns and is silent in ``transform``, so that layers stack in a
    :class:`sklearn.pipeline.Pipeline`: ``fit_transform`` gives the outputs without the label, and the next layer
    learns from what it will see at test.

    Parameters
    ----------
    n_components : int, number of neurons; may exceed n_features
    alpha : float > 0, weight of the labels. Inputs, scaled, have mean squared norm 1, and labels add alpha in one
        direction a class; large alpha draws the learning outputs away from what is left when the label is silent
    center : bool, remove the running mean (default False: similarities of nonnegative data are nonnegative)
    scale : "auto" divides by the running RMS norm, so that steps and alpha are in units of it; None trusts the data
    eta0, decay : learning rate eta_t = eta0 / (1 + decay t)
    tau, n_epochs, shuffle, trace_every, random_state : as in :class:`SimilarityMatching`

    Attributes
    ----------
    classes_ : (n_classes,), sorted; classes that first appear in a later ``partial_fit`` join
    components_ : (n_components, n_features), W_i / M_ii the feature of neuron i
    class_means_ : (n_classes, n_components), mean output while the label of the class speaks, read from V
    mean_, scale_, history_, n_samples_seen_, circuit_, state_ : as in :class:`SimilarityMatching`

    References
    ----------
    Bahroun, Sridharan, Acharya, Chklovskii & Sengupta 2023 (arXiv 2308.02427).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from similis import SupervisedSimilarityMatching
    >>> X, y = load_digits(return_X_y=True)
    >>> SupervisedSimilarityMatching(16, random_state=0).fit(X, y).transform(X).shape
    (1797, 16)
    """

    beside_x: ClassVar[str | None] = "labels"
    _block: ClassVar[int] = 512
    classes_: np.ndarray

    _allowed: ClassVar = {"alpha": (POSITIVE,)}

    def __init__(
        self, n_components: int = 10, *, alpha: float = 0.1, center: bool = False, scale: str | None = "auto",
        eta0: float = 0.05, decay: float = 0.01, tau: float = 0.5, n_epochs: int | str = "auto", shuffle: bool = True,
        trace_every: int | None = None, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.alpha = alpha
        self.center = center
        self.scale = scale
        self.eta0 = eta0
        self.decay = decay
        self.tau = tau
        self.n_epochs = n_epochs
        self.shuffle = shuffle
        self.trace_every = trace_every
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from the rows of X and their labels, from the beginning, ``n_epochs`` times.

        Parameters
        ----------
        X : (n_samples, n_features) array, or sparse matrix with ``center=False``
        y : (n_samples,) class labels; -1 for a sample without one, beside text in an array of dtype object
        """
        self._restart()
        return self._learn_labelled(X, y, None, self.n_epochs, self.shuffle)

    def partial_fit(self, X: Any, y: Any = None, classes: Sequence | None = None) -> Self:
        """Continue learning from one row or more, once, in their order. Classes need not be announced."""
        return self._learn_labelled(X, y, classes, 1, self._mixes)

    def _learn_labelled(self, X: Any, y: Any, announced: Sequence | None, epochs: int | str, shuffle: bool) -> Self:
        X = self._admit(X, reset=not hasattr(self, "n_samples_seen_"))
        y = admit_labels(y, X, type(self).__name__)
        self._grow(merged(getattr(self, "classes_", None), y, announced))
        # a row of zeros is a silent label: it drives nothing, and V, which has no leak, stays as it is
        self._learn({"x": X, "label": one_hot(y, self.classes_, X.dtype)}, epochs, shuffle)
        self._n_features_out = self.circuit_.size
        return self

    def _grow(self, classes: np.ndarray) -> None:
        """Give new classes a column of V. It is zero, as it would be had the class been known from the beginning."""
        if hasattr(self, "n_samples_seen_") and len(classes) > len(self.classes_):
            state, V = self.state_, np.zeros((self.circuit_.size, len(classes)), self.state_.dtype)
            if len(self.classes_):
                V[:, np.searchsorted(classes, self.classes_)] = state.W["label"]
            self._state = replace(state, W=state.W | {"label": V})
            self.running_ = self.running_ | {"label": self._new_running(len(classes), "label")}
        self.classes_ = classes

    def _new_running(self, d: int, name: str = "x") -> Running:
        return Running(False, False, np.zeros(d)) if name == "label" else super()._new_running(d, name)

    def _gain(self, dims: dict[str, int]) -> dict[str, float]:
        return {"label": 0.0}

    def _restart(self) -> None:
        super()._restart()
        self.__dict__.pop("classes_", None)

    def _circuit(self, dims: dict[str, int]) -> Circuit:
        step = Step(self.eta0, self.decay)
        return supervised_similarity(int(self.n_components), alpha=self.alpha, tau=self.tau, step=step)

    def transform(self, X: Any) -> np.ndarray:
        """Outputs z >= 0 with the label silent: (n_samples, n_components), in the data's units."""
        check_is_fitted(self)
        Z = self._outputs({"x": self._admit(X, reset=False)})
        return Z * Z.dtype.type(self.scale_)

    @property
    def components_(self) -> np.ndarray:
        """(n_components, n_features) W_i / M_ii."""
        check_is_fitted(self)
        return self.state_.W["x"] / np.diag(self.state_.M)[:, None]

    @property
    def class_means_(self) -> np.ndarray:
        """(n_classes, n_components) V' / sqrt(alpha), in the data's units."""
        check_is_fitted(self)
        return self.state_.W["label"].T * (self.scale_ / math.sqrt(self.alpha))

    def score(self, X: Any, y: Any = None) -> float:
        """How much of the similarities of inputs and labels is kept, 1 - |D - Z'Z|^2 / |D|^2; 1 is perfect.

        D = X'X + alpha L' C_ll^-1 L for X about ``mean_``; Z are the outputs with the label speaking. Classes that the
        network does not know are silent.
        """
        check_is_fitted(self)
        X, y = self._admit(X, reset=False), admit_labels(y, X, type(self).__name__)
        L = one_hot(y, self.classes_, X.dtype)
        Z = self._outputs({"x": X, "label": L}).astype(float)
        X = self.running_["x"].apply(X.astype(float))
        whitened = L * np.sqrt(self.alpha / np.maximum(L.mean(0, dtype=float), 1 / len(L)))
        if sparse.issparse(X):
            return 1.0 - float(metrics.similarity_error(Z, sparse.hstack([X, sparse.csr_array(whitened)])))
        return 1.0 - float(metrics.similarity_error(Z, np.concatenate([X, whitened], axis=1)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def _pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, meta = super()._pack()
        return arrays, meta | {"classes": pack_classes(self.classes_)}

    def _unpack(self, file: Stored) -> None:
        super()._unpack(file)
        self.classes_ = file.labels("classes")
        if self.classes_.shape != self.running_["label"].mean.shape:
            raise ModelFileError(f"{self.classes_.size} classes do not fit the label synapses")
