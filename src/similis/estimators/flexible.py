"""Clusters, tiles or sparse parts of a stream, wherever its origin lies."""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClusterMixin
from sklearn.cluster import AgglomerativeClustering
from sklearn.exceptions import ConvergenceWarning

from .._errors import InputError, ModelFileError
from .._random import Seed, generator
from .._schema import FLOATS, Stored
from .._values import NONNEGATIVE, NOTHING, POSITIVE, Number, Whole
from ..circuit import Circuit, State, Step
from ..engine import stream
from ..kernels.running import OUTLIER
from ..networks import row_sum_similarity, row_sum_start
from ._admit import validate_data
from ._base import MIXED, PIECE, _pieces
from ._estimator import check_is_fitted
from ._hearing import hear
from ._noise import projected
from ._params import passes
from ._running import moving
from ._stream import Scaled

#: samples a neuron that are looked at before the network begins
WAIT = 10
#: neurons whose outputs correlate more than this on average are one cluster, unless their number is given
TOGETHER = 0.5


class FlexibleSimilarityMatching(ClusterMixin, Scaled):
    """Clusters, overlapping tiles or sparse parts of a stream, by similarity matching with constant row sums.

    ::

        max_{Z >= 0}  Tr(X X' Q)/T^2 - (gamma/2) |Q|^2/T^2,   Q = Z Z',   rows of Q sum to T,   Tr(Q)/T = trace
        z = argmin_{z >= 0, b.z = 1} gamma z'Mz + mu |z|^2 - 2 z'(W x - a)
        W += 2 eta (z x' - W),  b += 2 eta (z - b),  a += 2 eta (lambda z - a),  M += (eta/tau) (z z' - M)

    One inhibitory unit, lambda, holds ``b.z = 1`` at every sample, so that ``b_i z_i`` are shares that sum to 1.
    Outputs do not depend on where the origin of X lies. Neurons whose tiles overlap belong to one cluster, which can
    have any shape; give 3 to 4 neurons a cluster, for with one each a cluster can be missed.

    The network begins when ``10 n_components`` samples were seen, each unlike the one before, with tiles centred on the
    most distant of them; it then learns these samples too. Until then outputs come from a network begun with the
    samples at hand. Where nearly all samples are alike, as of a sensor that is mostly off, these teach less
    (``limited`` steps, :class:`similis.circuit.Step`): tiles of rare samples are kept.

    Parameters
    ----------
    n_components : int, number of neurons; may exceed n_features
    trace : float or None, mean of ``|z|^2`` that mu is steered to, 1 to n_components: the effective number of clusters;
        near the true number for clusters, at half of n_components for tiles. None leaves mu as it is
    gamma : float >= 0, decorrelation of the outputs, in units of the variance of the scaled data; 0.1 to 1 for parts
    mu : float > 0, softness of the tiles' borders, in the same units; with ``trace`` its first value
    n_clusters : int or None, into how many clusters the neurons are grouped, by how much they fire together; None
        joins those that do so more often than not (average correlation above 1/2)
    stiffness : float > 0 or None, of the row sums: a leaky unit, lambda = stiffness (b.z - 1), in the same units as
        mu; then the origin matters a little. None: exact
    center : bool, remove the running mean (of no effect but on rounding, once the mean is known)
    scale, tau, n_epochs, shuffle, trace_every, random_state : as in :class:`SimilarityMatching`
    eta0, decay, floor : learning rate eta_t = max(floor, eta0 / (1 + decay t))

    Attributes
    ----------
    components_ : (n_components, n_features), centres of the tiles ``W_i / b_i`` in the data's units
    clusters_ : (n_components,) int, the cluster each neuron belongs to
    coactivity_ : (n_components, n_components), running mean of ``z z'``; its trace is the trace reached
    labels_ : (n_samples,) int, clusters of the rows of ``fit``
    history_ : dict of lists, every ``trace_every`` samples: n_samples, mu, smallest_b
    mean_, scale_, n_samples_seen_, circuit_, state_ : as in :class:`SimilarityMatching`

    References
    ----------
    Sridharan, Bahroun & Sengupta 2026, arXiv 2606.01546; the rules are derived in ``docs/papers/flexible.md``.

    Examples
    --------
    >>> from similis import FlexibleSimilarityMatching
    >>> from similis.datasets import gaussian_blobs
    >>> X, labels = gaussian_blobs(2000, n_features=10, n_clusters=5, separation=12, random_state=0)
    >>> model = FlexibleSimilarityMatching(20, n_epochs=3, shuffle=True, random_state=0).fit(X + 50)
    >>> len(set(model.labels_)), len(set(zip(model.labels_, labels)))
    (5, 5)
    """

    _coactivity: np.ndarray
    _held: np.ndarray | None  # samples seen before the network begins

    _allowed: ClassVar = {
        "trace": (Number(1), NOTHING), "gamma": (NONNEGATIVE,), "mu": (POSITIVE,), "n_clusters": (Whole(1), NOTHING),
        "stiffness": (Number(0, open_="low", infinite=True), NOTHING),
    }  # fmt: skip

    def __init__(
        self, n_components: int = 16, *, trace: float | None = None, gamma: float = 0.0, mu: float = 0.05,
        n_clusters: int | None = None, stiffness: float | None = None, center: bool = True, scale: str | None = "auto",
        eta0: float = 0.05, decay: float = 0.002, floor: float = 0.001, tau: float = 0.5, n_epochs: int | str = "auto",
        shuffle: bool = True, trace_every: int | None = None, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.trace = trace
        self.gamma = gamma
        self.mu = mu
        self.n_clusters = n_clusters
        self.stiffness = stiffness
        self.center = center
        self.scale = scale
        self.eta0 = eta0
        self.decay = decay
        self.floor = floor
        self.tau = tau
        self.n_epochs = n_epochs
        self.shuffle = shuffle
        self.trace_every = trace_every
        self.random_state = random_state

    def fit(self, X: Any, y: None = None) -> Self:
        """Learn from the rows of X, from the beginning, ``n_epochs`` times, and label them.

        Parameters
        ----------
        X : (n_samples, n_features) array
        y : ignored
        """
        super().fit(X)
        self.labels_ = self.predict(X)
        return self

    def _circuit(self, dims: dict[str, int]) -> Circuit:
        stiffness = math.inf if self.stiffness is None else self.stiffness
        return row_sum_similarity(
            int(self.n_components), trace=self.trace, gamma=float(self.gamma), mu=self.mu, stiffness=stiffness,
            tau=self.tau, step=Step(self.eta0, self.decay, self.floor, limited=True),
        )  # fmt: skip

    def _admit(self, X: Any, *, reset: bool) -> Any:
        return validate_data(self, X, reset=reset, dtype=[np.float64, np.float32])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags

    # learning -------------------------------------------------------------------------------------------------------

    def _restart(self) -> None:
        super()._restart()
        for name in ("labels_", "_held"):
            self.__dict__.pop(name, None)

    def _learn(self, streams: Any, epochs: int | str = 1, shuffle: bool | np.random.Generator = False) -> None:
        rng = generator(self.random_state) if shuffle else None
        for _ in range(passes(epochs, streams["x"].shape[0])):
            for piece in _pieces(streams, size=MIXED if shuffle else PIECE):
                X = self._hold(piece["x"], rng)
                if len(X):
                    super()._learn({"x": X}, 1, rng or False)
        if shuffle and self._held is not None:
            warnings.warn(
                f"{len(self._held)} different rows are too few for {self.circuit_.size} neurons, which begin from "
                f"{WAIT} a neuron: none was learned after these. Take fewer n_components, or more n_epochs",
                ConvergenceWarning,
                stacklevel=4,
            )
        self.__dict__.pop("labels_", None)

    def _hold(self, X: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        """Hold rows back until there are enough of them to begin with; return those that are left to learn.

        Rows that say nothing, or the same as the one before, are not held. Where rows are mixed, those to begin with
        are drawn from the first piece, all of which is then learned.
        """
        if not hasattr(self, "n_samples_seen_"):
            self.circuit_, self.running_ = self._circuit({"x": X.shape[1]}), {"x": self._new_running(X.shape[1])}
            self.history_, self.average_, self._held = {}, None, X[:0]
            self.n_samples_seen_ = self.n_damped_ = self.n_idle_ = 0
        if self._held is None:
            return X
        before, lacking = self.running_["x"], WAIT * self.circuit_.size - len(self._held)
        rows, sizes, _, after, _ = before.normalise(X)
        fresh = moving(np.concatenate([self._held[-1:], X]))[len(self._held[-1:]) :]
        found, left, mixed = np.flatnonzero((sizes >= 0) & fresh), len(X), False
        if len(found) >= lacking and rng is None:
            left = int(found[lacking - 1]) + 1
            after = before.normalise(X[:left]).after
        elif len(found) >= lacking and rng is not None:
            rows, _, told, _ = hear(self.circuit_, {"x": before}, {"x": X}, 0, rng, ())
            first = np.argsort(~moving(X[told]), kind="stable")  # rows that repeat are for want of others
            rows, found = {"x": rows["x"][first]}, told[first]
            mixed = True
        self.running_ = {"x": before if mixed else after}
        self._held, self._state = np.concatenate([self._held, X[found[:lacking]]]), None
        if mixed:  # as they came one after the other; those held before are of the same stream
            old = before.apply(self._held[: WAIT * self.circuit_.size - lacking])
            self._state, self._held = self._begun(np.concatenate([old, rows["x"][:lacking]])), None
        elif len(found) >= lacking:
            self._state, self._held = self._settle_exactly(), None
        if mixed:
            return X
        self.n_samples_seen_ += left
        self.n_idle_ += left - min(len(found), lacking)
        return X[left:]

    def _settle_exactly(self) -> State:
        """The network begun with the samples held back, and taught them."""
        return self._begun(self.running_["x"].apply(self._held))

    def _begun(self, rows: np.ndarray) -> State:
        """The network begun with these scaled rows, but for outliers, and taught them."""
        if self.scale is not None:
            rows = rows[np.einsum("ti,ti->t", rows, rows) <= OUTLIER]
        if not len(rows):
            raise InputError("the rows held back to begin with are all outliers beside their moments. Fit again")
        Z, state = stream.run(self.circuit_, row_sum_start(self.circuit_, rows), rows)
        self._memory = self._notice(None, Z, state.t, {})
        return state

    def _watch(self, state: State) -> dict[str, float]:
        """Softness of the borders, and the mean output of the most silent neuron."""
        mu = state.cells.get("shift", np.array([self.mu]))[0]
        return {"mu": float(mu), "smallest_b": float(state.cells["b"].min())}

    def _watched(self, Z: np.ndarray, rows: Any, begun: State) -> np.ndarray:
        return projected(rows["x"])

    def _notice(self, memory: np.ndarray | None, Z: np.ndarray, t: int, rows: Any) -> np.ndarray:
        """Follow the mean of z z' at the rate of the laterals, from 0."""
        if not len(Z):
            return np.zeros((Z.shape[1],) * 2) if memory is None else memory
        step = self.circuit_.step
        eta = np.maximum(step.floor, step.eta0 / (1 + step.decay * np.arange(t - len(Z), t)))
        keep = np.cumprod(1 - eta[::-1] / self.tau)[::-1]  # what is kept of a sample's past at the end
        weight = np.append(keep[1:], 1.0) * eta / self.tau
        Z = Z.astype(float)
        return keep[0] * (0.0 if memory is None else memory) + (Z.T * weight) @ Z

    # what was learned -----------------------------------------------------------------------------------------------

    def transform(self, X: Any) -> np.ndarray:
        """Outputs z >= 0 of the network: (n_samples, n_components), without units; the shares ``b_i z_i`` sum to 1."""
        check_is_fitted(self)
        return self._outputs({"x": self._admit(X, reset=False)})

    def predict(self, X: Any) -> np.ndarray:
        """Cluster with the largest share of each row: (n_samples,) int from 0 on."""
        Z = np.asarray(self.transform(X))
        shares = Z * self.state_.cells["b"]
        return (shares @ np.eye(self.clusters_.max() + 1)[self.clusters_]).argmax(1)

    @property
    def coactivity_(self) -> np.ndarray:
        """(n_components, n_components) running mean of z z' over the samples learned."""
        check_is_fitted(self)
        self._settled()
        return self._memory

    @property
    def clusters_(self) -> np.ndarray:
        """(n_components,) the cluster of each neuron: average linkage on how their outputs correlate."""
        size = np.sqrt(np.diag(self.coactivity_))
        apart = 1 - self.coactivity_ / np.maximum(np.outer(size, size), np.finfo(float).tiny)
        k = len(apart)
        if k == 1 or self.n_clusters == 1:
            return np.zeros(k, int)
        n = None if self.n_clusters is None else min(int(self.n_clusters), k)
        linkage = AgglomerativeClustering(
            n, metric="precomputed", linkage="average", distance_threshold=TOGETHER if n is None else None
        )
        found = linkage.fit_predict(np.maximum(apart, 0))
        _, first = np.unique(found, return_index=True)
        return np.argsort(np.argsort(first))[found]  # numbered by their first neuron

    @property
    def components_(self) -> np.ndarray:
        """(n_components, n_features) centres of the tiles, W_i / b_i, in the data's units."""
        check_is_fitted(self)
        return self.state_.W["x"] / self.state_.cells["b"][:, None] * self.scale_ + self.mean_

    def score(self, X: Any, y: None = None) -> float:
        """Share of the variance of X between clusters, in [0, 1]: Tr(X X' Q) / (T Tr(X X')) for X about its mean.

        Q is made of the shares ``b_i z_i`` and their means over these rows, so that its rows sum to T whatever their
        frequencies: it is Z Z' where these are as learned.
        """
        shares = np.asarray(self.transform(X), float) * self.state_.cells["b"]
        shares /= np.maximum(shares.sum(1, keepdims=True), np.finfo(float).tiny)
        shares /= np.sqrt(np.maximum(shares.sum(0), np.finfo(float).tiny))
        X = np.asarray(self._admit(X, reset=False), float)
        X = X - X.mean(0)
        total = float((X * X).sum())
        return float(((X.T @ shares) ** 2).sum() / total) if total > 0 else 1.0

    # persistence ----------------------------------------------------------------------------------------------------

    def _pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, meta = super()._pack()
        arrays["coactivity"] = self.coactivity_
        arrays |= {"held": self._held} if self._held is not None else {}
        arrays |= {"labels": self.labels_} if hasattr(self, "labels_") else {}
        return arrays, meta

    def _unpack(self, file: Stored) -> None:
        super()._unpack(file)
        k, d = self.circuit_.size, len(self.mean_)
        self._memory = file.moments("coactivity", k, low=0)
        self._held = file.array("held", "held", d, dtype=FLOATS) if file.has("held") else None
        if self._held is not None and len(self._held) >= WAIT * k:
            raise ModelFileError(f"{len(self._held)} rows are held back, more than {k} neurons wait for")
        if file.has("labels"):
            self.labels_ = file.array("labels", "rows", dtype=np.int64, low=0)
