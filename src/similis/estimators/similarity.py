"""Similarity matching of one stream: principal subspace, whitening, nonnegative features."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from .. import metrics
from .._errors import InputError
from .._random import Seed
from .._schema import Stored
from .._values import FLAG, NONNEGATIVE, Number, OneOf, Whole
from ..circuit import Circuit, State, Step
from ..networks import nonnegative_similarity, principal_subspace
from ._base import _pieces
from ._compared import ComparedNetwork
from ._estimator import check_is_fitted
from ._moments import principal
from ._principal import ALIVE, axes, enough
from ._reach import MORE, UNSURE, directions, say, short, within_subspace
from ._scales import largest
from ._stream import Scaled
from ._unjudged import Halves

#: below this share of the largest eigenvalue M may hold but what is left of its beginning
FORGOTTEN = 1e-5


class SimilarityMatching(ComparedNetwork, Scaled):
    """Principal subspace of a stream by similarity matching, a network with local learning rules.

    ``min_Y |X'X - Y'Y|^2``, learned sample by sample: ``z = M^{-1} W x``, ``W += 2 eta (z x' - W)``,
    ``M += (eta/tau) (z z' - M)``. At convergence ``M^{-1} W`` has orthonormal rows that span the principal subspace.

    For moderate n_features (up to a few thousand) and a stationary stream, ``solver="exact"`` (second moments, then one
    eigendecomposition) is the better choice: no error, and about as fast. The network is for large n_features, for
    streams that drift and for hardware or brains with local rules.

    Parameters
    ----------
    n_components : int, at most n_features; or a number between 0 and 1: so many that they hold more than this share of
        the variance, as in PCA (``fit`` then finds all second moments first, in memory n_features^2; ``partial_fit``
        needs an int)
    basis : "network" or "principal", of the outputs and components. The network's outputs are any rotation of the
        principal components: it learns the subspace. "principal" turns them along the principal axes, ordered by
        variance and with the largest entry of each component positive, as those of PCA; learning is the same, so
        ``set_params(basis=...)`` changes a fitted estimator, and back
    whiten : bool, whether outputs are read through M^{-1/2} and so have unit covariance. (The whitening network, which
        learns this in its laterals, is ``similis.networks.principal_subspace(whiten=True)``; on wide spectra it can
        lose a direction, so it is no safe default.)
    solver : "online" (the network) or "exact" (streaming second moments; memory n_features^2)
    center : bool, remove the running mean
    scale : "auto" divides by the running RMS norm, so that steps are safe whatever the units; None trusts the data
    eta0, decay : learning rate eta_t = eta0 / (1 + decay t)
    tau : float, laterals learn at rate eta/tau; at most 1/2 is safe
    average : bool, read outputs and components from the average of the weights over the stream (later weights weigh
        more), which removes most of the noise of the steps; only while eta falls: with ``decay=0`` the network follows
        a drifting stream and the present weights are read
    n_epochs : int or "auto", passes of ``fit`` over its data; "auto" takes as many as make 3,000 samples, 100 at most:
        one for a table of 3,000 rows or more
    shuffle : bool, whether ``fit`` learns the rows in random order, anew each epoch (mixed within pieces of 64 MiB):
        rows that resemble the last, as in sorted data or slow streams, teach little one after the other
    trace_every : int or None, samples between records in ``history_``
    random_state : int, Generator, RandomState or None

    Attributes
    ----------
    components_ : (n_components, n_features), M^{-1} W, a basis of the subspace; ``transform`` is
        ``(X - mean_) @ components_.T``
    explained_variance_ : (n_components,), eigenvalues of M in squared data units, descending: the variances along the
        principal axes, in either basis
    explained_variance_ratio_ : (n_components,), the same over the variance of all features
    n_components_ : int
    mean_, scale_ : running moments
    history_ : dict of lists, every ``trace_every`` samples: n_samples, filter_norm, output_power
    n_samples_seen_, n_idle_, n_damped_ : int, samples; of them those left out, because a sensor was off or stuck, and
        those shortened, because the step was too large for them
    circuit_, state_ : the :class:`similis.circuit.Circuit` and its weights

    References
    ----------
    Pehlevan, Hu & Chklovskii 2015, Neural Computation 27; Minden, Pehlevan & Chklovskii 2018 for the step schedules.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from similis import SimilarityMatching
    >>> X = load_digits().data
    >>> model = SimilarityMatching(n_components=8, random_state=0).fit(X)
    >>> model.transform(X).shape
    (1797, 8)
    >>> model.set_params(basis="principal").components_.shape  # ordered by variance
    (8, 64)
    >>> model.inverse_transform(model.transform(X)).shape
    (1797, 64)
    """

    _block: ClassVar[int] = 0  # M and W average the same rows, and their average is read: the order hardly matters
    _free = Scaled._free | {"whiten", "basis"}
    _allowed: ClassVar = {
        "n_components": (Whole(1), Number(0, 1, "both")), "basis": (OneOf(("network", "principal")),),
        "whiten": (FLAG,), "solver": (OneOf(("online", "exact")),),
    }  # fmt: skip
    _instead: ClassVar[str] = "use solver='exact'"
    _size: int | None = None

    def __init__(
        self, n_components: float = 2, *, basis: str = "network", whiten: bool = False, solver: str = "online",
        center: bool = True, scale: str | None = "auto", eta0: float = 0.05, decay: float = 0.005, tau: float = 0.5,
        average: bool = True, n_epochs: int | str = "auto", shuffle: bool = True, trace_every: int | None = None,
        random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.basis = basis
        self.whiten = whiten
        self.solver = solver
        self.center = center
        self.scale = scale
        self.eta0 = eta0
        self.decay = decay
        self.tau = tau
        self.average = average
        self.n_epochs = n_epochs
        self.shuffle = shuffle
        self.trace_every = trace_every
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from the rows of X, from the beginning, ``n_epochs`` times.

        Parameters
        ----------
        X : (n_samples, n_features) array, or sparse matrix with ``center=False``
        y : ignored
        """
        self._size = None
        if self._by_share():
            rows = self._admit(X, reset=True)
            pieces = (piece["x"] for piece in _pieces({"x": rows}))
            self._size = enough(pieces, rows.shape[1], self.center, self.n_components)
        return super().fit(X)

    def _by_share(self) -> bool:
        return not Whole(1)(self.n_components)

    def _circuit(self, dims: dict[str, int]) -> Circuit:
        if self._by_share() and self._size is None:
            raise InputError(
                f"n_components={self.n_components} is a share of the variance of all rows; use fit, or an integer"
            )
        size = int(self._size if self._by_share() else self.n_components)  # type: ignore[arg-type]
        if size > dims["x"]:
            raise InputError(f"n_components={self.n_components} exceeds n_features={dims['x']}; lower n_components")
        return principal_subspace(size, tau=self.tau, step=Step(self.eta0, self.decay))

    def _unpack(self, file: Stored) -> None:
        self._size = next(iter(file.shape("W.x")), 0) or 1 if self._by_share() else None
        super()._unpack(file)

    def _learn(self, streams: Any, epochs: int | str = 1, shuffle: bool | np.random.Generator = False) -> None:
        if self.solver == "exact":
            return self._merge(streams)
        return super()._learn(streams, epochs, shuffle)

    def _judge(self, rows: Halves) -> bool:
        """Compare with the principal subspace of the same rows."""
        learn, held, doubt = rows.x, rows.held_x, UNSURE
        if self.n_samples_seen_ <= len(learn) + len(held):  # these are all that the network knows: no doubt of chance
            learn = held = np.concatenate([learn, held])
            doubt = 0
        exact = directions(learn)[1][:, -self.circuit_.size :].T
        found, best = (within_subspace(held, basis) for basis in (self._scaled_filters("x"), exact))
        if far := short(found, best, doubt=doubt):
            say(f"SimilarityMatching keeps {found.mean():.2g} of the variance, PCA {best.mean():.2g}: {MORE}")
        return far

    def _settle_exactly(self) -> State:
        """The state the network would reach: M = eigenvalues, M^{-1} W = eigenvectors."""
        dtype = self._dtype
        values, vectors = principal(self.moments_.covariance(self.center) / self.scale_**2, self.circuit_.size)
        values = np.maximum(values, np.finfo(dtype).tiny ** 0.5)
        W = (values[:, None] * vectors).astype(dtype)
        return State({"x": W}, np.diag(values).astype(dtype), None, self.moments_.count)

    def transform(self, X: Any) -> np.ndarray:
        """Outputs z of the network: (n_samples, n_components), in the data's units unless whitened."""
        check_is_fitted(self)
        Z = self._outputs({"x": self._admit(X, reset=False)})
        if self.basis == "principal":
            return Z @ self._reading().T.astype(Z.dtype)
        return Z @ self._whitener() if self.whiten else Z * Z.dtype.type(self.scale_)

    def inverse_transform(self, Z: Any) -> np.ndarray:
        """The rows of the learned subspace, about ``mean_``, whose outputs are these.

        Parameters
        ----------
        Z : (n_samples, n_components)

        Returns
        -------
        X : (n_samples, n_features), of ``transform(X)`` the projection of X onto the subspace
        """
        check_is_fitted(self)
        Z = check_array(Z, dtype=[np.float64, np.float32])
        if Z.shape[1] != self.n_components_:
            raise InputError(f"Z has {Z.shape[1]} columns; expected {self.n_components_}, the outputs of transform")
        back = np.linalg.pinv(self.components_.astype(float)).T
        return (Z @ back + self.mean_).astype(Z.dtype, copy=False)

    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        """The turn to the principal axes, and the variances along them, for scaled rows."""
        return self._derive(
            "axes", lambda: axes(self._scaled_filters("x").astype(float), self.readout_.M.astype(float))
        )

    def _reading(self) -> np.ndarray:
        """(k, k) from the network's outputs to those along the principal axes, in data units or whitened."""
        turn, variances = self._axes()
        if not self.whiten:
            return turn * self.scale_
        varies = variances > FORGOTTEN * variances.max(initial=0)
        return turn * np.where(varies, 1 / np.sqrt(np.where(varies, variances, 1.0)), 0.0)[:, None]

    def _whitener(self) -> np.ndarray:
        """M^{-1/2}: at convergence M is the covariance of z; 0 where the data do not vary."""
        return self._derive("whitener", self._whiten)

    def _whiten(self) -> np.ndarray:
        dtype, M, W = self.readout_.dtype, self.readout_.M.astype(float), self.readout_.W["x"].astype(float)
        filters = np.linalg.solve(M, W)
        lengths, directions = np.linalg.eigh(filters @ filters.T)
        basis = directions[:, lengths > ALIVE * lengths[-1]]
        values, vectors = np.linalg.eigh(basis.T @ M @ basis)
        eps = float(np.finfo(dtype).eps)
        least = len(M) * eps if self.solver == "exact" else max(FORGOTTEN, np.sqrt(eps))
        varies = values > least * values.max(initial=0)
        basis = basis @ vectors[:, varies]
        return (basis / np.sqrt(values[varies]) @ basis.T).astype(dtype)

    @property
    def components_(self) -> np.ndarray:
        """(n_components, n_features) M^{-1} W; whitened, M^{-1/2} M^{-1} W in inverse data units."""
        check_is_fitted(self)
        filters = self._filters("x")
        if self.basis == "principal":
            return self._reading().astype(filters.dtype) @ filters
        return self._whitener() @ filters if self.whiten else filters * self.scale_

    @property
    def explained_variance_(self) -> np.ndarray:
        """(n_components,) eigenvalues of M in squared data units, descending."""
        return np.linalg.eigvalsh(self.readout_.M)[::-1] * self.scale_**2

    @property
    def explained_variance_ratio_(self) -> np.ndarray:
        """(n_components,) share of the variance along each principal axis, descending."""
        check_is_fitted(self)
        total = self.running_["x"].power
        return self.explained_variance_ / total if total > 0 else np.zeros(self.n_components_)

    @property
    def n_components_(self) -> int:
        """Number of components."""
        check_is_fitted(self)
        return self.circuit_.size

    def score(self, X: Any, y: Any = None) -> float:
        """Fraction of the variance of X about ``mean_`` that lies in the learned subspace, in [0, 1]."""
        check_is_fitted(self)
        basis, inside, total = np.linalg.qr(self.components_.T.astype(float))[0], 0.0, 0.0
        size = max(map(largest, self._centred(X)))
        for rows in self._centred(X):
            if size > 0:
                rows = rows / size  # their squares are floats then
            inside += float(((rows @ basis) ** 2).sum())
            total += float((rows.multiply(rows) if sparse.issparse(rows) else rows * rows).sum())
        return inside / total if total > 0 else 1.0


class NonnegativeSimilarityMatching(Scaled):
    """Clusters and sparse features of a stream by nonnegative similarity matching.

    ``min_{Y >= 0} |X'X - Y'Y|^2`` (symmetric nonnegative factorisation of the Gram), learned sample by sample:
    ``z = argmin_{z >= 0} z'Mz - 2 z'Wx + 2 l1 |z|_1`` by coordinate descent, with the rules of similarity matching.

    Parameters
    ----------
    n_components : int, number of neurons; may exceed n_features
    l1 : float >= 0, threshold of the neurons in units of the scaled data
    center : bool, remove the running mean (default False: similarities of nonnegative data are nonnegative)
    scale, tau, n_epochs, shuffle, trace_every, random_state : as in :class:`SimilarityMatching`
    eta0, decay : learning rate eta_t = eta0 / (1 + decay t)

    Attributes
    ----------
    components_ : (n_components, n_features), W_i / M_ii the feature of neuron i
    mean_, scale_, history_, n_samples_seen_, circuit_, state_ : as in :class:`SimilarityMatching`

    References
    ----------
    Pehlevan & Chklovskii 2014, Asilomar Conference on Signals, Systems and Computers (arXiv 1503.00680).
    """

    _block: ClassVar[int] = 512
    _allowed: ClassVar = {"l1": (NONNEGATIVE,)}

    def __init__(
        self, n_components: int = 2, *, l1: float = 0.0, center: bool = False, scale: str | None = "auto",
        eta0: float = 0.05, decay: float = 0.01, tau: float = 0.5, n_epochs: int | str = "auto", shuffle: bool = True,
        trace_every: int | None = None, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.l1 = l1
        self.center = center
        self.scale = scale
        self.eta0 = eta0
        self.decay = decay
        self.tau = tau
        self.n_epochs = n_epochs
        self.shuffle = shuffle
        self.trace_every = trace_every
        self.random_state = random_state

    def _circuit(self, dims: dict[str, int]) -> Circuit:
        step = Step(self.eta0, self.decay)
        return nonnegative_similarity(int(self.n_components), l1=self.l1, tau=self.tau, step=step)

    def transform(self, X: Any) -> np.ndarray:
        """Outputs z >= 0 of the network: (n_samples, n_components), in the data's units."""
        check_is_fitted(self)
        Z = self._outputs({"x": self._admit(X, reset=False)})
        return Z * Z.dtype.type(self.scale_)

    @property
    def components_(self) -> np.ndarray:
        """(n_components, n_features) W_i / M_ii."""
        check_is_fitted(self)
        return self.state_.W["x"] / np.diag(self.state_.M)[:, None]

    def score(self, X: Any, y: Any = None) -> float:
        """How much of the similarities is kept: 1 - |X'X - Z'Z|^2 / |X'X|^2 for X about ``mean_``; 1 is perfect."""
        Z = np.asarray(self.transform(X), float)
        X = self._admit(X, reset=False)
        X = X.astype(float) if sparse.issparse(X) else np.asarray(X, float) - self.mean_
        return 1.0 - float(metrics.similarity_error(Z, X))
