"""Canonical correlations of two streams."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from scipy import linalg
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from .. import metrics
from .._errors import InputError
from .._random import Seed
from .._schema import Stored
from .._values import NONNEGATIVE, NOTHING, POSITIVE, Number, OneOf
from ..circuit import Circuit, State, Step
from ..networks import adaptive_canonical_correlation, canonical_correlation
from ._base import Streams
from ._estimator import check_is_fitted
from ._guard import LONG
from ._moments import WINDOW, Recent, canonical, correlations
from ._pair import SolvedStreams
from ._reach import DOUBT, MORE, agreement, exact_correlations, say, short
from ._unjudged import Halves

#: numbers of rows that are held until their projections are looked at
HELD = 1 << 18


class OnlineCCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, SolvedStreams):
    """Canonical correlation analysis of two streams, by a network with two compartments a neuron and local rules.

    ``max Tr Vx' Cxy Vy  s.t.  Vx' Cxx Vx + Vy' Cyy Vy = I``, learned pair by pair: ``z = M^{-1} (Wx x + Wy y)``,
    ``Wx += 2 eta ((z - Wx x) x' - ridge Wx)``, Wy likewise, ``M += (eta/tau) (z z' - M)``. Outputs are the sum
    of the two views' projections; eig(M) tend to 1 + rho_i.

    With ``rank="adaptive"`` the network finds the number of outputs by itself: interneurons P in place of M,
    ``z = (P P' + alpha I)^{-1} (Wx x + Wy y)``, ``P += (eta/tau) (z (P'z)' - P)``, alpha = 1 + threshold. Outputs whose
    correlation is above the threshold survive with unit variance, uncorrelated; the others fall silent.

    Where both views have up to a few thousand columns and the stream is stationary, ``solver="exact"`` (second moments,
    then one decomposition) is the better choice: no error, and faster up to about a hundred columns a view. The network
    is for wide views (from a few hundred columns on it is the faster one), streams that drift and local hardware.

    Parameters
    ----------
    n_components : int, at most the smaller number of columns; with ``rank="adaptive"`` the largest number of outputs
    rank : "fixed" or "adaptive"
    threshold : float in [0, 1), the correlation above which an output survives, where the rank is adaptive
    ridge : float >= 0, as a fraction of the scaled view's mean variance. ``solver="exact"`` adds it to both
        covariances (ridge CCA). In the network it is a leak, whose fixed point regularises the constraint only:
        A v = mu (B + ridge I) v, with A the joint covariance and B its blocks; for a small ridge the two agree closely
    solver : "online" or "exact" (memory of the square of the total number of columns)
    center : bool, remove the running means
    scale : "auto" divides each column by its running size (the fourth root of its mean fourth power), then each view by
        its running RMS norm, so that units change nothing; "norm" does the second alone; None trusts the data
    eta0, decay : learning rate eta_t = eta0 / (1 + decay t); decay None is 1e-4, with an adaptive rank 3e-4. For a
        stream whose rank changes, ``decay=0`` and a small eta0, such as 0.02
    tau : laterals learn at rate eta/tau; None is 30, with an adaptive rank 1 / (1 - threshold), with which surplus
        outputs fall silent whatever the streams, if they are scaled (docs/decisions/0006)
    average : bool, as in :class:`SimilarityMatching`
    n_epochs, shuffle : passes of ``fit`` over its data ("auto": as many as make 3,000 samples), in random order if
        ``shuffle``
    trace_every : int or None, pairs between records in ``history_``
    random_state : int, Generator, RandomState or None

    Attributes
    ----------
    x_components_, y_components_ : (n_components, n_x), (n_components, n_y) projections, in the data's units
    canonical_correlations_ : (rank_,) correlations of the two views' projections, descending, for the outputs that are
        on: over the rows of ``fit``, or about the last 1,000 pairs of ``partial_fit``, far outliers shortened. (The
        network's own eig(M) - 1 is noisy where pairs are few.)
    rank_ : number of outputs that are on: with an adaptive rank, of ``output_eigenvalues_`` above 1/2, and no more than
        there are correlations of the projections above ``threshold``
    output_eigenvalues_ : (n_components,) eigenvalues of <z z'> over about the last 1,000 pairs learned, descending
    feature_names_in_y_ : names of the columns of y, if it came with some
    x_mean_, y_mean_, x_scale_, y_scale_ : running moments, of each column; a column that has not varied has scale inf
    history_, n_samples_seen_, circuit_, state_ : as in :class:`SimilarityMatching`

    Warns
    -----
    ConvergenceWarning
        When the model is first read, if the exact solution of learned rows is far better; or if these are fewer than
        64 in fewer than 256 samples, of which little can be said.

    References
    ----------
    Lipshutz, Bahroun, Golkar, Sengupta & Chklovskii 2021, Neural Computation 33:2309 (arXiv 2010.00525).
    """

    beside_x: ClassVar[str | None] = "view"
    _turns: ClassVar[bool] = True
    _unitless: ClassVar[tuple[str, ...]] = ("x", "y")
    _pairs: Recent | None = None  # of projections of x and y, and 1
    _late: tuple[tuple[np.ndarray, np.ndarray], ...] = ()  # blocks that are not yet among them

    _allowed: ClassVar = {
        "rank": (OneOf(("fixed", "adaptive")),), "threshold": (Number(0, 1, open_="high"),),
        "solver": (OneOf(("online", "exact")),), "decay": (NONNEGATIVE, NOTHING), "tau": (POSITIVE, NOTHING),
    }  # fmt: skip

    def __init__(
        self, n_components: int = 2, *, rank: str = "fixed", threshold: float = 0.5, ridge: float = 0.01,
        solver: str = "online", center: bool = True, scale: str | None = "auto", eta0: float = 0.3,
        decay: float | None = None, tau: float | None = None, average: bool = True, n_epochs: int | str = "auto",
        shuffle: bool = True, trace_every: int | None = None, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.rank = rank
        self.threshold = threshold
        self.ridge = ridge
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

    def _circuit(self, dims: dict[str, int]) -> Circuit:
        k = self.n_components
        if k > min(dims.values()):
            raise InputError(
                f"n_components={k!r}; expected an integer from 1 to {min(dims.values())}, the narrower view"
            )
        ridge = tuple(self.ridge / d for d in dims.values())  # the scaled view has total variance 1
        if self.rank == "adaptive":
            circuit = adaptive_canonical_correlation(int(k), threshold=self.threshold, ridge=ridge)
        else:
            circuit = canonical_correlation(int(k), ridge=ridge)
        step = Step(self.eta0, circuit.step.decay if self.decay is None else self.decay)
        tau = circuit.lateral.tau if self.tau is None else self.tau
        return replace(circuit, step=step, lateral=replace(circuit.lateral, tau=tau))

    def _restart(self) -> None:
        super()._restart()
        for name in ("_pairs", "_late"):
            self.__dict__.pop(name, None)

    def _gain(self, dims: dict[str, int]) -> dict[str, float]:
        """Currents of a third of the size they will have: larger weights have to be forgotten, smaller ones to grow."""
        return {name: 0.3 * float(np.sqrt(d)) for name, d in dims.items()}

    def _notice(self, memory: Recent | None, Z: np.ndarray, t: int, rows: Any) -> Recent:
        return (memory or Recent.empty(Z.shape[1])).follow(Z)

    def _notice_sums(self, memory: Recent | None, found: Any) -> Recent:
        return (memory or Recent.empty(self.circuit_.size)).follow_sum(found["ZZ"], int(found["count"]))

    def _settle_exactly(self) -> State:
        """The state the network would reach: M = 1 + rho, M^{-1} W = the exact projections.

        With an adaptive rank P P' = rho - threshold and M^{-1} W = the projections over the root of 1 + rho, for rho
        above the threshold; 0 for the others.
        """
        Cxx, Cyy, Cxy = self._covariances()
        ridges = [float(c.leak or 0.0) for c in self.circuit_.channels]
        Cxx, Cyy = Cxx + ridges[0] * np.eye(len(Cxx)), Cyy + ridges[1] * np.eye(len(Cyy))
        rho, Vx, Vy = canonical(Cxx, Cyy, Cxy, self.circuit_.size)
        M, gain, P, dtype = 1 + rho, 1 + rho, None, self._dtype
        if self.circuit_.lateral.has_interneurons:
            on = rho > self.threshold
            gain, M = np.where(on, np.sqrt(1 + rho), 0.0), 1 + np.where(on, rho, self.threshold)
            P = np.diag(np.sqrt(np.where(on, rho - self.threshold, 0.0))).astype(dtype)
        W = {"x": (gain[:, None] * Vx).astype(dtype), "y": (gain[:, None] * Vy).astype(dtype)}
        return State(W, np.diag(M).astype(dtype), P, self.moments_.count)

    def transform(self, X: Any, y: Any = None, *, Y: Any = None) -> Any:
        """Projections of the views.

        Returns
        -------
        Zx, Zy : (n_samples, n_components) arrays, whose sum is the network's output z; Zx alone without y, which is
            also what ``fit_transform(X, y)`` returns, so that the next step of a pipeline has one array to learn from
        """
        check_is_fitted(self)
        y = Y if y is None else y
        if y is None:
            return self._hear(X)
        streams = self._admit(X, y, reset=False)
        return self._outputs({"x": streams["x"]}), self._outputs({"y": streams["y"]})

    def score(self, X: Any, y: Any = None, *, Y: Any = None) -> float:
        """Mean canonical correlation between the two views' projections of these (held-out) pairs, in [0, 1].

        With an adaptive rank, of the outputs that are on; 0 if none is.
        """
        check_is_fitted(self)
        streams = self._admit(X, Y if y is None else y, reset=False)
        Zx, Zy = (self._outputs({name: rows}) for name, rows in streams.items())
        if len(Zx) < 2:
            raise InputError("a correlation needs at least 2 pairs, got 1")
        if self.circuit_.lateral.has_interneurons:  # silent outputs have no direction worth a correlation
            if self.rank_ == 0:
                return 0.0
            on = np.linalg.svd(Zx + Zy, full_matrices=False)[2][: self.rank_].T
            Zx, Zy = Zx @ on, Zy @ on
        return float(np.mean(metrics.held_out_correlations(Zx, Zy)))

    @property
    def _n_features_out(self) -> int:
        return self.circuit_.size

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def x_components_(self) -> np.ndarray:
        """(n_components, n_x) M^{-1} Wx in the data's units."""
        check_is_fitted(self)
        return self._filters("x")

    @property
    def y_components_(self) -> np.ndarray:
        """(n_components, n_y) M^{-1} Wy in the data's units."""
        check_is_fitted(self)
        return self._filters("y")

    @property
    def canonical_correlations_(self) -> np.ndarray:
        """(rank_,) correlations of the two views' projections, descending."""
        check_is_fitted(self)
        C, k = self._projected(), self.circuit_.size
        if self.rank_ == 0:
            return np.zeros(0)
        if C is None:  # only sums over rounds are known
            return np.clip(np.linalg.eigvalsh(self.readout_.M)[::-1][: self.rank_] - 1, 0, 1)
        total = C[:k, :k] + C[:k, k:] + C[k:, :k] + C[k:, k:]
        on = np.linalg.eigh(total)[1][:, k - self.rank_ :]
        both = linalg.block_diag(on, on)
        return correlations(both.T @ C @ both)

    def _judge(self, rows: Halves) -> bool:
        leaks = [float(c.leak or 0.0) for c in self.circuit_.channels]
        best = exact_correlations(rows, self.circuit_.size, (leaks[0], leaks[1]))
        if best is None:
            return False
        Vx, Vy = map(self._scaled_filters, ("x", "y"))
        found = agreement(rows.held_x @ Vx.T, rows.held_y @ Vy.T)
        if self.rank == "fixed":
            if far := short(found.mean(1), best.mean(1)):
                say(
                    f"OnlineCCA has found projections of mean correlation {found.mean():.2g}, exact CCA "
                    f"has {best.mean():.2g}: {MORE}"
                )
            return far
        sure = best.mean(0) - DOUBT * best.std(0) / np.sqrt(len(best)) > self.threshold
        strong, on = int(sure.sum()), self.rank_
        if far := strong > 0 and (on < strong or short(found[:, :strong].mean(1), best[:, :strong].mean(1))):
            say(
                f"OnlineCCA has {on} outputs on, of mean correlation {found[:, :on].mean() if on else 0:.2g}; "
                f"exact CCA has {strong} above {self.threshold:g}, of {best[:, :strong].mean():.2g}: {MORE}"
            )
        return far

    def _projected(self) -> np.ndarray | None:
        """(2k, 2k) covariance of the projections of x and of y, if it is known."""
        if self.solver == "exact":
            filters = linalg.block_diag(self.x_components_, self.y_components_)
            return filters @ self.moments_.covariance(self.center) @ filters.T
        second = self._followed().second
        return second[:-1, :-1] - np.outer(second[:-1, -1], second[:-1, -1]) if second[-1, -1] else None

    def _followed(self) -> Recent:
        """Second moment of the projections of x and y, and of 1, by the weights now; far outliers count less."""
        pairs, factors, parts = self._pairs or Recent.empty(2 * self.circuit_.size + 1), 1.0, []
        if not self._late:
            return pairs
        for name, X in zip(("x", "y"), map(np.concatenate, zip(*self._late, strict=True)), strict=True):
            rows = self.running_[name].apply(X)
            if self.scale is not None:
                factors = np.minimum(factors, np.sqrt(LONG / np.maximum(np.einsum("ti,ti->t", rows, rows), LONG)))
            parts.append(rows @ self._scaled_filters(name).T)
        Z = np.concatenate(parts, axis=1, dtype=float) * np.reshape(factors, (-1, 1))
        Z = np.append(Z, np.ones((len(Z), 1)), axis=1)
        return pairs.follow_sum(Z.T @ Z, len(Z))

    def _learn(self, streams: Streams, epochs: int | str = 1, shuffle: bool | np.random.Generator = False) -> None:
        n_rows, first = len(streams["x"]), not hasattr(self, "n_samples_seen_")
        super()._learn(streams, epochs, shuffle)
        if self.solver == "online":
            told = slice(None, None, 1 + n_rows // (4 * WINDOW)) if first else slice(-WINDOW, None)
            self._late = (*self._late, (streams["x"][told], streams["y"][told]))
            n_late, numbers = sum(len(X) for X, _ in self._late), sum(X.size + Y.size for X, Y in self._late)
            if n_late >= WINDOW or numbers > HELD or self._mixes:  # a command may be resumed after any of its blocks
                self._pairs, self._late = self._followed(), ()
            else:
                x, y = self._late[-1]
                self._late = (*self._late[:-1], (x.copy(), y.copy()))  # they are the caller's

    @property
    def output_eigenvalues_(self) -> np.ndarray:
        """(n_components,) eigenvalues of the outputs' second moment over about the last 1,000 pairs, descending."""
        check_is_fitted(self)
        if self.solver == "online":
            return np.linalg.eigvalsh(self._memory.second)[::-1]
        state = self.state_  # M = <z z'>, or white outputs where P is not 0
        return np.diag(state.M) if state.P is None else (np.diag(state.P) > 0).astype(float)

    @property
    def rank_(self) -> int:
        """Number of outputs that are on: no more than there are correlations above the threshold."""
        check_is_fitted(self)
        self._compare()
        return self._derive("rank", self._count)

    def _count(self) -> int:
        if self.circuit_.lateral.averages:
            return self.circuit_.size
        strong, C = int(np.sum(self.output_eigenvalues_ > 0.5)), self._projected()
        return strong if C is None else min(strong, int(np.sum(correlations(C) > self.threshold)))

    def _pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, meta = super()._pack()
        memory = self._memory or Recent.empty(self.circuit_.size)
        arrays |= {"outputs": memory.second} if self.solver == "online" else {}
        if self.solver == "online":
            self._pairs, self._late = self._followed(), ()  # what is loaded goes on as what was saved
            arrays, meta = arrays | {"pairs": self._pairs.second}, meta | {"pairs": self._pairs.count}
        return arrays, meta

    def _unpack(self, file: Stored) -> None:
        super()._unpack(file)
        if self.solver == "online":
            k, pairs = self.circuit_.size, 2 * self.circuit_.size + 1
            self._memory = Recent(self.n_samples_seen_, file.moments("outputs", k))
            self._pairs = Recent(file.integer("pairs"), file.moments("pairs", pairs))
