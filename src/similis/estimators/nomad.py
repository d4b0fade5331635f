"""Clusters and manifolds by a semidefinite program, with a proof of how good the solution is."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from copy import copy
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClusterMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS, pairwise_kernels

from .._errors import InputError, ModelFileError
from .._kept import Kept, restore
from .._random import Seed, generator
from .._schema import Stored
from .._values import FLAG, FUNCTION, NAMED, NONNEGATIVE, NOTHING, POSITIVE, Number, OneOf, Several, Whole, check
from ..metrics import squared_distances
from ..nomad import SOLVERS, Feasible, Similarity, Solution, check_memory, components, embedding, rounded, solve
from ..nomad.certificate import relative_gap
from ..nomad.embed import shared
from ..nomad.near import Given, first_of_rows, first_of_similar, nearest_rows, nearest_similar, weights
from ..nomad.problem import check_clusters, power_of_two
from ._admit import validate_data
from ._estimator import Estimator, check_is_fitted
from ._unfinished import kept

#: kernels by name
KERNELS = (*sorted(PAIRWISE_KERNEL_FUNCTIONS), "precomputed")
#: samples of the certificate where it is on a subsample
SAMPLE = 1000
ARRAYS = ("labels_", "embedding_", "_factor", "_spill", "_scale", "_X", "_kernel_diagonal")
STOPPED = ("gap", "iterations", "time", "interrupt", "objective")
NUMBERS = ("objective_", "bound_", "gap_", "_share", "n_iter_", "stopped_", "certificate_", "history_")


class NOMAD(TransformerMixin, ClusterMixin, Estimator):
    """Clusters of any shape, and coordinates on manifolds, from the semidefinite relaxation of K-means.

    ``max <D, Q>`` over symmetric ``Q >= 0``, Q positive semidefinite, ``Q 1 = 1``, ``tr Q = K``, where D are the
    centred similarities. Separated clusters give blocks, manifolds bands along them: each sample is tied to about n / K
    neighbours, and samples of different manifolds are not. ``gap_`` proves how far the solution can be from the best.

    Parameters
    ----------
    n_clusters : float >= 1, K; for manifolds several times their number
    solver : "convex" (global, certified; memory n^2), "low-rank" (a heuristic; memory n K), "conditional-gradient" (the
        paper's, with corrected weights; slower) or "auto", convex up to 5,000 samples
    layers : sequence of further K, or None; each takes the Q of the one before as its similarity, which merges
        manifolds into clusters. Needs n x n numbers
    assign_labels : "kmeans" on leading eigenvectors of Q, n_clusters of them rounded up; or "components", the connected
        components of Q, for manifolds
    n_labels : number of labels for "kmeans"; None is the last K, rounded up
    n_components : coordinates in ``embedding_``
    kernel : "linear", "precomputed", or a name or function of sklearn.metrics.pairwise.pairwise_kernels
    kernel_params : dict of parameters of the kernel, or None
    rank : columns of the low-rank factor; None is 8 K
    tol : certified relative gap at which the convex solver stops
    max_iter : None is the solver's own
    n_neighbors : training samples that place an unseen one
    certify : whether the low-rank solver is followed by a certificate on a random subsample of 1,000 (all, up to that)
    time_limit : seconds after which the best point so far is returned, with its gap
    return_interrupted : whether Ctrl-C ends the fit with the best point so far instead of an error
    memory_limit : bytes that may be used; None is what the machine has free
    random_state : int, Generator or None

    Attributes
    ----------
    labels_ : (n_samples,) int
    embedding_ : (n_samples, n_components), leading eigenvectors of Q times root eigenvalue, the constant one left out
    Q_ : (n_samples, n_samples), exactly feasible to rounding; made when asked for
    factor_ : (n_samples, r) F with Q close to FF'; F >= 0 from the low-rank solver
    objective_, bound_ : float, ``<D, Q>`` and a number that no feasible matrix exceeds
    gap_ : ``(bound_ - objective_) / objective_``, certified; nan where only a subsample is (see ``certificate_``)
    certificate_ : dict: "kind" ("full", "subsample" or "none"), "n_samples" and "gap"; on a subsample, the certified
        gap of the same solver on those samples alone, which says nothing of the others
    history_ : dict of lists: seconds (a saved model has none), iterations, objective and bound while solving; estimates
        before the last
    n_iter_ : int
    stopped_ : "gap" if the gap is within ``tol``, else "iterations", "time" or "interrupt"; "objective" where that of
        the low-rank solver no longer grows

    References
    ----------
    Tepper, Sengupta & Chklovskii 2018, JMLR 19(82).

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from similis import NOMAD
    >>> X, y = make_blobs(60, centers=3, cluster_std=0.3, random_state=0)
    >>> model = NOMAD(3, random_state=0).fit(X)
    >>> bool(model.gap_ < 1e-3), len(set(zip(y.tolist(), model.labels_.tolist())))
    (True, 3)
    """

    certificate_: dict[str, Any]
    beside_x: ClassVar[str | None] = None
    _free = Estimator._free | {
        "tol", "max_iter", "n_neighbors", "certify", "time_limit", "return_interrupted", "memory_limit"
    }  # fmt: skip

    _allowed: ClassVar = {
        "n_clusters": (Number(1),), "solver": (OneOf(SOLVERS),), "layers": (Several(Number(1)), NOTHING),
        "assign_labels": (OneOf(("kmeans", "components")),), "n_labels": (Whole(1), NOTHING),
        "kernel": (OneOf(KERNELS), FUNCTION), "kernel_params": (NAMED, NOTHING), "rank": (Whole(1), NOTHING),
        "tol": (POSITIVE,), "max_iter": (Whole(1), NOTHING), "n_neighbors": (Whole(1),), "certify": (FLAG,),
        "time_limit": (POSITIVE, NOTHING), "return_interrupted": (FLAG,), "memory_limit": (POSITIVE, NOTHING),
    }  # fmt: skip

    def __init__(
        self, n_clusters: float = 8, *, solver: str = "auto", layers: Sequence[float] | None = None,
        assign_labels: str = "kmeans", n_labels: int | None = None, n_components: int = 2, kernel: Any = "linear",
        kernel_params: dict[str, Any] | None = None, rank: int | None = None, tol: float = 1e-3,
        max_iter: int | None = None, n_neighbors: int = 5, certify: bool = True, time_limit: float | None = None,
        return_interrupted: bool = False, memory_limit: float | None = None, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_clusters = n_clusters
        self.solver = solver
        self.layers = layers
        self.assign_labels = assign_labels
        self.n_labels = n_labels
        self.n_components = n_components
        self.kernel = kernel
        self.kernel_params = kernel_params
        self.rank = rank
        self.tol = tol
        self.max_iter = max_iter
        self.n_neighbors = n_neighbors
        self.certify = certify
        self.time_limit = time_limit
        self.return_interrupted = return_interrupted
        self.memory_limit = memory_limit
        self.random_state = random_state

    def fit(
        self, X: Any, y: Any = None, *, checkpoint: str | PathLike | None = None, resume: bool = False
    ) -> Self:  # fmt: skip
        """Solve for all samples.

        Parameters
        ----------
        X : (n_samples, n_features) array, or (n_samples, n_samples) similarities if kernel is "precomputed"
        checkpoint : file that keeps the state of the solver, once a minute, until the fit is done
        resume : go on from ``checkpoint`` if it is there; ends bit for bit where the unbroken fit ends

        Raises
        ------
        ModelFileError
            For a checkpoint that is damaged.
        InputError
            Before any work: for a checkpoint that is there without ``resume`` or is of another fit, for a K outside
            1..n_samples, a similarity that is not symmetric or has negative
            eigenvalues, or a problem that does not fit in memory.
        """
        fresh = copy(self)  # so that a call that is refused changes nothing
        X = validate_data(fresh, X, dtype=[np.float64, np.float32], copy=True)
        keep = kept(checkpoint, self, [X], resume=resume)
        fresh._fit(X, keep)
        self.__dict__ = fresh.__dict__
        keep.close()
        return self

    def _fit(self, X: np.ndarray, keep: Kept) -> None:
        self._check(len(X))
        if self.kernel != "linear" or self.layers:
            check_memory(24.0 * len(X) ** 2, f"a similarity matrix of {len(X)} samples", self.memory_limit)
        rng = generator(self.random_state)
        self._X, self._fitted_kernel = X, [self.kernel, dict(self.kernel_params or {})]
        D, first = self._similarity(X)
        words: dict[str, Any] = {
            "tol": self.tol, "max_iter": self.max_iter, "time_limit": self.time_limit, "rank": self.rank,
            "catch": bool(self.return_interrupted), "memory_limit": self.memory_limit, "rng": rng,
        }  # fmt: skip
        layers = (self.n_clusters, *(self.layers or ()))
        for i, K in enumerate(layers):
            if (held := keep.found(f"layer{i}")) is not None:
                solution = Solution.restored(held)
                restore(rng, held.plain("rng"))
            else:
                solution = solve(D, K, self.solver, keep=keep.within(f"layer{i}"), **words)
            if i + 1 < len(layers) or keep.due():
                keep.put(f"layer{i}", *solution.pack(time.perf_counter(), rng=rng.bit_generator.state))
            if i + 1 < len(layers):
                D = Similarity.given(solution.point.dense())
        self._keep(solution)
        self._certify(D, solution, keep, words)
        self.embedding_ = shared(embedding(solution.point, self.n_components), first).astype(X.dtype)
        if self.assign_labels == "components":
            self.labels_ = components(solution.point, first)
        else:
            self.labels_ = rounded(solution.point, self._n_labels(len(X)), rng, first)

    def fit_predict(self, X: Any, y: Any = None) -> np.ndarray:
        """(n_samples,) labels."""
        return self.fit(X).labels_

    def predict(self, X: Any) -> np.ndarray:
        """(n_samples,) the label that weighs most among the nearest training samples; their own for training samples.

        With kernel="precomputed", X are similarities to the training samples, (n_samples, n_training).
        """
        neighbours, weights = self._neighbours(X)
        votes = np.zeros((len(weights), int(self.labels_.max()) + 1))
        np.add.at(votes, (np.arange(len(votes))[:, None], self.labels_[neighbours]), weights)
        return votes.argmax(1)

    def transform(self, X: Any) -> np.ndarray:
        """(n_samples, n_components) mean of the nearest training samples' coordinates, the nearer the heavier."""
        neighbours, weights = self._neighbours(X)
        return np.einsum("ij,ijk->ik", weights, self.embedding_[neighbours]).astype(self.embedding_.dtype)

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """(n_samples, n_components) ``embedding_``."""
        return self.fit(X).embedding_

    def score(self, X: Any, y: Any = None) -> float:
        """Share of the samples' scatter that lies between the clusters predicted for them; 1 is best.

        With kernel="precomputed" it is that of their projections on the span of the training samples.
        """
        labels, X = self.predict(X), self._admit(X)
        X = Given(self._X).coordinates(X)[0] if self.kernel == "precomputed" else X.astype(np.float64)
        X = (X - X[0]) / power_of_two(X - X[0])
        total = float(((X - X.mean(0)) ** 2).sum())
        within = sum(float(((own - own.mean(0)) ** 2).sum()) for own in (X[labels == a] for a in np.unique(labels)))
        return 1 - within / total if total else 1.0

    @property
    def Q_(self) -> np.ndarray:
        """(n_samples, n_samples) the solution, made anew at each call."""
        check_is_fitted(self)
        check_memory(8.0 * len(self._factor) ** 2, "Q_", self.memory_limit)
        return self._point().dense()

    @property
    def factor_(self) -> np.ndarray:
        """(n_samples, r) F, Q close to FF'."""
        check_is_fitted(self)
        return self._scale[:, None] * self._factor

    # what fit is made of --------------------------------------------------------------------------------------------

    def _check(self, n: int) -> None:
        check_clusters(self.n_clusters, n)
        for K in self.layers or ():
            check_clusters(K, n, "a layer")

    def _similarity(self, X: np.ndarray) -> tuple[Similarity, np.ndarray]:
        """The similarity, and the index of the first sample that is the same as each one."""
        if self.kernel == "linear":
            self._kernel_diagonal = np.zeros(0)
            return Similarity.linear(X), first_of_rows(X)
        S = X if self.kernel == "precomputed" else self._kernel(X, X)
        self._kernel_diagonal = np.diagonal(S).astype(np.float64)
        return Similarity.given(S), first_of_similar(S)

    def _kernel(self, X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        X, Y = X.astype(np.float64, copy=False), Y.astype(np.float64, copy=False)
        params = self.kernel_params or {}
        if self.kernel == "rbf" and params.keys() <= {"gamma"}:
            gamma = check("kernel_params['gamma']", params.get("gamma"), (NONNEGATIVE, NOTHING))
            return np.exp(-(1 / X.shape[1] if gamma is None else gamma) * squared_distances(X, Y))
        try:
            return pairwise_kernels(X, Y, metric=self.kernel, **params)
        except TypeError as error:
            raise InputError(f"kernel_params={params!r} do not suit kernel={self.kernel!r}: {error}") from error

    def _kernel_of_itself(self, X: np.ndarray) -> np.ndarray:
        """(n_samples,) similarity of each row to itself."""
        step = 1 if callable(self.kernel) else 64
        parts = (X[i : i + step] for i in range(0, len(X), step))
        return np.concatenate([np.diagonal(self._kernel(part, part)) for part in parts])

    def _n_labels(self, n: int) -> int:
        return min(
            n, int(np.ceil((self.n_clusters, *(self.layers or ()))[-1])) if self.n_labels is None else self.n_labels
        )

    def _keep(self, solution: Solution) -> None:
        point = solution.point
        self._factor, self._spill, self._scale, self._share = point.factor, point.spill, point.scale, point.share
        self.objective_, self.bound_, self.gap_ = solution.objective, solution.bound, solution.gap
        self.n_iter_, self.stopped_ = solution.n_iter, solution.stopped
        if self.stopped_ == "iterations":
            warnings.warn(
                f"stopped after {self.n_iter_} iterations short of tol={self.tol}; look at gap_ and "
                "certificate_, and raise max_iter or tol, or use another solver",
                ConvergenceWarning,
                stacklevel=4,
            )
        names = ("seconds", "iterations", "objective", "bound")
        self.history_ = {name: [float(row[i]) for row in solution.history] for i, name in enumerate(names)}

    def _point(self) -> Feasible:
        return Feasible(self._factor, self._spill, self._scale, self._share)

    def _certify(self, D: Similarity, solution: Solution, keep: Kept, words: dict[str, Any]) -> None:
        """The bound of the convex solver: of everything it solved, or for the low-rank solver of a subsample."""
        if np.isfinite(solution.bound):
            self.certificate_ = {"kind": "full", "n_samples": D.n, "gap": self.gap_}
            return
        self.gap_, self.certificate_ = float("nan"), {"kind": "none", "n_samples": 0, "gap": float("nan")}
        if not self.certify or solution.stopped in ("time", "interrupt"):
            return
        rng = words["rng"]
        chosen = np.arange(D.n) if D.n <= SAMPLE else np.sort(rng.choice(D.n, SAMPLE, replace=False))
        few = D if D.n <= SAMPLE else D.sample(chosen)
        K = min((self.n_clusters, *(self.layers or ()))[-1], few.n)
        proof = solve(few, K, "convex", keep=keep.within("proof"), **words | {"max_iter": None})
        if D.n <= SAMPLE:
            self.bound_ = proof.bound
            self.gap_ = relative_gap(self.objective_, self.bound_, D.n)
            self.certificate_ = {"kind": "full", "n_samples": D.n, "gap": self.gap_}
        else:
            own = solve(few, K, "low-rank", keep=keep.within("own"), **words)
            gap = relative_gap(own.objective, proof.bound, few.n)
            self.certificate_ = {"kind": "subsample", "n_samples": few.n, "gap": gap}

    def _admit(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        (kernel, params), now = self._fitted_kernel, self.kernel_params or {}
        same = now.keys() == params.keys() and all(np.array_equal(now[key], params[key]) for key in now)
        if self.kernel != kernel or not same:
            raise InputError(
                f"kernel={self.kernel!r}, kernel_params={self.kernel_params} were set after the fit with {kernel!r}, "
                f"{params}; fit again"
            )
        return validate_data(self, X, reset=False, dtype=[np.float64, np.float32])

    def _neighbours(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the nearest training samples and weights of sum 1, one over the squared distance."""
        X = self._admit(X)
        k = min(int(self.n_neighbors), len(self._X))
        if self.kernel == "linear":
            index, squared = nearest_rows(X, self._X, k)
        elif self.kernel == "precomputed":
            index, squared = Given(self._X).nearest(X, k)
        else:
            own, S = self._kernel_of_itself(X), self._kernel(X, self._X)
            index, squared = nearest_similar(S, own, self._kernel_diagonal, k)
        return index, weights(squared)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.kernel == "precomputed"
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.embedding_.shape[1]

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """``nomad0``, ``nomad1``, ..."""
        check_is_fitted(self)
        return np.asarray([f"nomad{i}" for i in range(self._n_features_out)], object)

    @property
    def n_samples_seen_(self) -> int:
        return len(self._X)

    # persistence ----------------------------------------------------------------------------------------------------

    def _pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        check_is_fitted(self)
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in ARRAYS}
        meta = {name: getattr(self, name) for name in (*NUMBERS, "_fitted_kernel")} | {
            "n_features_in_": self.n_features_in_,
            "history_": {name: values for name, values in self.history_.items() if name != "seconds"},
        }  # equal models are equal files, however long they took
        return arrays, meta

    def _unpack(self, file: Stored) -> None:
        self._X = file.array("_X", "n", "d", largest=np.inf)
        self._check(n := len(self._X))
        self.labels_ = file.array("labels_", n, dtype=(np.int32, np.int64), low=0)
        if self.labels_.max() >= n:
            raise ModelFileError(f"labels_ has numbers above {n - 1}, for {n} samples")
        self.embedding_ = file.array("embedding_", n, "components")
        self._factor = file.array("_factor", n, "r", dtype=np.float64)
        self._spill, self._scale = (file.array(name, n, dtype=np.float64) for name in ("_spill", "_scale"))
        given = n * (self.kernel != "linear")
        self._kernel_diagonal = file.array("_kernel_diagonal", given, dtype=np.float64, largest=np.inf)
        self.objective_, self._share = file.number("objective_"), file.number("_share")
        self._point().refuse_unsound()
        self.bound_, self.gap_ = (file.number(name, finite=False) for name in ("bound_", "gap_"))
        self.n_iter_, self.stopped_ = file.integer("n_iter_"), file.text("stopped_", *STOPPED)
        proof, self.history_ = file.part("certificate_"), file.series("history_", finite=False)
        self.certificate_ = {
            "kind": proof.text("kind", "full", "subsample", "none"), "n_samples": proof.integer("n_samples", 0, n),
            "gap": proof.number("gap", finite=False),
        }  # fmt: skip
        self.n_features_in_, self._fitted_kernel = file.integer("n_features_in_", 1), file.plain("_fitted_kernel")
        if self.n_features_in_ != self._X.shape[1] or self._fitted_kernel != [self.kernel, self.kernel_params or {}]:
            raise ModelFileError("it was fitted with another kernel, or columns, than its parameters say")
