"""Slow feature analysis of a stream."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np

from .._errors import InputError
from .._random import Seed, generator
from .._schema import Packed, Stored
from .._values import NOTHING, POSITIVE, OneOf
from ..circuit import Circuit, State, Step
from ..networks import slowest_features
from ._base import MIXED, PIECE, _pieces
from ._estimator import check_is_fitted
from ._guard import LONG, shortening
from ._hearing import hear
from ._lagged import Lagged, due, slowest, squares
from ._params import passes
from ._running import Running
from ._stream import OneStream


class SlowFeatureAnalysis(OneStream):
    """What changes least in a stream: linear features of variance 1, uncorrelated, the slowest first.

    ``min <(y(t) - y(t-1))^2> s.t. <y y'> = I``, which are the first solutions of ``C_dd v = s C_xx v``, d(t) = x(t) -
    x(t-1), learned pair by pair: ``z = M^{-1} W x``, ``W += 2 eta (z x' - (W b) b')``, ``M += (eta/tau) (z z' - M)``,
    b(t) = x(t) - c x(t-1), c just below 1. The two signals share one matrix of weights. They are learned through a
    running linear map that makes b white, so that units and invertible linear maps of x change nothing; features
    within the network's outputs are told apart by running moments.

    Rows are in the order of time, at equal intervals. ``partial_fit`` continues the stream, whose last row is kept,
    also in a saved model; where rows are missing or another recording begins, call :meth:`new_stream` before. NaN is
    refused. For a stationary stream ``solver="exact"`` (moments, then one decomposition) is the better choice: no
    error. The network follows streams that drift (``decay=0``). Of fewer rows than some ten times n_features, every
    solver finds features that are slow in these rows alone; trends, and levels that jump, are slow features as any
    other.

    Parameters
    ----------
    n_components : int, at most n_features
    solver : "online" (the network) or "exact"; memory is n_features^2 for both
    scale : "auto" hears rows through the map, and counts outliers less; None trusts the data, white and of RMS norm 1
    eta0, decay : learning rate eta_t = eta0 / (1 + decay t)
    tau : float or None, laterals learn at rate eta/tau; None is n_features / 4, at least 1. Above n_features / 2 the
        weights may circle about the solution
    average : bool, as in :class:`SimilarityMatching`
    n_epochs : int or "auto", passes of ``fit`` over its data, as in :class:`SimilarityMatching`. Where the slowest
        features are nearly equally slow, as in movies, it takes 5 or more
    shuffle : bool, whether ``fit`` learns pairs of successive rows in random order, anew each pass (mixed within pieces
        of 64 MiB): in their order, weights follow what is slower than the step averages over
    trace_every : int or None, rows between records in ``history_``
    random_state : int, Generator, RandomState or None

    Attributes
    ----------
    components_ : (n_components, n_features), a feature is ``component (x - mean_)``; rows are 0 beyond the number of
        directions in which the stream varies
    slowness_ : (n_components,) mean squared change of each feature, ascending: 0 is constant, 2 white noise, 4 the
        fastest; NaN beyond the number of directions
    mean_ : (n_features,) running mean
    history_, n_samples_seen_, n_idle_, n_damped_, circuit_, state_ : as in :class:`SimilarityMatching`; the weights are
        those of rows as the network hears them

    References
    ----------
    Wiskott & Sejnowski 2002, Neural Computation 14:715. Lipshutz, Windolf, Golkar & Chklovskii 2020, NeurIPS 33 (arXiv
    2010.12644), for a network by similarity matching.

    Examples
    --------
    >>> import numpy as np
    >>> from similis import SlowFeatureAnalysis
    >>> t, rng = np.arange(5000), np.random.default_rng(0)
    >>> slow = np.column_stack([np.sin(t / 50), np.cos(t / 30)])
    >>> X = slow @ rng.standard_normal((2, 8)) + 0.5 * rng.standard_normal((5000, 8))
    >>> Z = SlowFeatureAnalysis(2, random_state=0).fit_transform(X)
    >>> bool(abs(np.corrcoef(Z[:, 0], slow[:, 0])[0, 1]) > 0.95)
    True
    """

    center: ClassVar[bool] = True  # what is constant would be slowest
    _block: ClassVar[int] = 0
    _turns: ClassVar[bool] = True
    _lagged: Lagged | None = None
    _pairs: tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Running]]

    _allowed: ClassVar = {"solver": (OneOf(("online", "exact")),), "tau": (POSITIVE, NOTHING)}

    def __init__(
        self, n_components: int = 2, *, solver: str = "online", scale: str | None = "auto", eta0: float = 0.2,
        decay: float = 3e-4, tau: float | None = None, average: bool = True,
        n_epochs: int | str = "auto", shuffle: bool = True, trace_every: int | None = None, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.solver = solver
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
        if self.n_components > dims["x"]:
            raise InputError(f"n_components={self.n_components} exceeds n_features={dims['x']}; lower n_components")
        step = Step(self.eta0, self.decay)
        tau = max(dims["x"] / 4, 1.0) if self.tau is None else self.tau
        return slowest_features(int(self.n_components), tau=tau, step=step)

    def _dims(self, running: dict[str, Running]) -> dict[str, int]:
        return {"x": running["x"].width, "x_change": running["x"].width}

    def _gain(self, dims: dict[str, int]) -> dict[str, float]:
        return {"x": 0.3 * float(np.sqrt(dims["x"]))}

    def _new_running(self, d: int, name: str = "x") -> Running:
        scaled = self.scale == "auto"
        return Running(True, scaled, np.zeros(d), each=scaled and self.solver == "online")

    def _restart(self) -> None:
        super()._restart()
        self.__dict__.pop("_lagged", None)

    def _learn(self, streams: Any, epochs: int | str = 1, shuffle: bool | np.random.Generator = False) -> None:
        if self._lagged is None:
            self._lagged = Lagged.fresh(streams["x"].shape[1], whiten=self.scale == "auto")
        if self.solver == "exact":
            return self._merge(streams)
        rng = shuffle if isinstance(shuffle, np.random.Generator) else generator(self.random_state) if shuffle else None
        for epoch in range(passes(epochs, streams["x"].shape[0])):
            self._lagged = self._lagged.cut() if epoch else self._lagged
            for piece in _pieces(streams, size=MIXED if shuffle else PIECE):
                self._learn_piece(piece["x"], rng)
        return None

    def _learn_piece(self, X: np.ndarray, rng: np.random.Generator | None) -> None:
        """Pair rows with those before them, and learn the pairs; the map is made anew now and then."""
        assert self._lagged is not None
        running = getattr(self, "running_", None) or {"x": self._new_running(X.shape[1])}
        circuit = self._circuit(self._dims(running))
        _, _, where, after = hear(circuit, running, {"x": X}, getattr(self, "n_samples_seen_", 0), None, ())
        now, changes, self._lagged = self._lagged.paired(X[where])
        where, start, taken = where[len(where) - len(now) :], 0, 0
        order = np.arange(len(now)) if rng is None else rng.permutation(len(now))
        while start < len(X):
            seen = getattr(self, "n_samples_seen_", 0)
            stop = min(len(X), start + due(seen) - seen)
            at = order[taken : np.searchsorted(where, stop)]
            self._pairs = now[at], changes[at], where[at] - start, after
            super()._learn({"x": X[start:stop]})
            if self.n_samples_seen_ == due(seen):
                self._map()
            start, taken = stop, taken + len(at)
        del self._pairs

    def _heard(
        self, circuit: Circuit, running: dict[str, Running], piece: Any, t: int, seen: int,
        rng: np.random.Generator | None,
    ) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:  # fmt: skip
        """Pairs through the map, and factors by which they are shortened; none before there is a map."""
        assert self._lagged is not None
        now, changes, where, after = self._pairs
        running.update(after)
        robust, known = self.scale == "auto", self._lagged.known
        now, changes, self._lagged = self._lagged.follow(now, changes, robust)
        if not known:
            now, changes, where = now[:0], changes[:0], where[:0]
        factors = np.ones(len(now))
        if robust:  # it is the change alone that a step can overshoot by
            factors = shortening(circuit, {"x_change": squares(changes)}, t)
            factors = np.minimum(factors, np.sqrt(LONG / np.maximum(squares(now), LONG)))
        rows = {"x": factors[:, None] * now, "x_change": factors[:, None] * changes}
        return {name: part.astype(piece["x"].dtype) for name, part in rows.items()}, factors, where

    def _map(self) -> None:
        """Make the map anew; the weights change so that outputs do not."""
        assert self._lagged is not None
        before, self._lagged = self._lagged, self._lagged.mapped(self.scale == "auto", self.circuit_.size)
        if not before.known:
            return
        turn = np.linalg.solve(self._lagged.whitener.T, before.whitener.T).T
        for name in ("_state", "average_"):
            state = getattr(self, name)
            if state is not None:
                setattr(self, name, replace(state, W={"x": (state.W["x"] @ turn).astype(state.dtype)}))

    def _merge(self, streams: Any) -> None:
        """Add rows to the exact moments."""
        assert self._lagged is not None
        X = streams["x"]
        running = self._new_running(X.shape[1])
        circuit = self._circuit(self._dims({"x": running}))
        with np.errstate(over="ignore", invalid="ignore"):
            now, changes, self._lagged = self._lagged.paired(X)
            self._lagged = self._lagged.follow(now, changes)[2]
        if not np.isfinite(self._lagged.moments.scatter).all():
            raise InputError("squares of X leave the range of floats; remove the rows with absurd values, or rescale X")
        if self._lagged.moments.count:
            running = running.told(self._lagged.moments.spread().part(0, X.shape[1]))
        self.circuit_, self.running_, self.history_, self.average_ = circuit, {"x": running}, {}, None
        self.n_samples_seen_ = getattr(self, "n_samples_seen_", 0) + len(X)
        self._state, self._dtype, self._derived = None, X.dtype, {}

    def _settle_exactly(self) -> State:
        """The state the network would reach: M = 1 / s, M^{-1} W = the features over the roots of s."""
        (slowness, filters), rms = self._features(), self.running_["x"].rms
        least = np.finfo(self._dtype).eps
        gains = np.where(np.isnan(slowness), 1.0, 1 / np.maximum(slowness, least))
        W = gains[:, None] ** 1.5 * filters * rms
        return State({"x": W.astype(self._dtype)}, np.diag(gains).astype(self._dtype), None, self.n_samples_seen_)

    def _features(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean squared changes, and the filters of rows in the data's units."""
        return self._derive("features", self._solve)

    def _solve(self) -> tuple[np.ndarray, np.ndarray]:
        assert self._lagged is not None
        Cxx, Cdd = self._lagged.covariances()
        if self.solver == "exact":
            slowness, filters = slowest(Cxx, Cdd, self.circuit_.size, self.mean_)
        else:
            varying = slowest(Cxx, Cdd, len(Cxx), self.mean_)[1]  # without directions that are but rounding
            found = self._scaled_filters("x").astype(float) @ self._lagged.whitener @ Cxx @ varying.T @ varying
            slowness, turn = slowest(found @ Cxx @ found.T, found @ Cdd @ found.T, len(found))
            filters = turn @ found
        largest = filters[np.arange(len(filters)), np.abs(filters).argmax(1)]
        return slowness, filters * np.where(largest < 0, -1.0, 1.0)[:, None]

    def transform(self, X: Any) -> np.ndarray:
        """Features of the rows, (n_samples, n_components), the slowest first; each row by itself."""
        check_is_fitted(self)
        X = self._admit(X, reset=False)
        return ((X - self.mean_) @ self.components_.T).astype(X.dtype, copy=False)

    def new_stream(self) -> Self:
        """Say that the next row begins another stream: it is compared with no row before it.

        Raises
        ------
        NotFittedError
            Before anything was learned.
        """
        check_is_fitted(self)
        assert self._lagged is not None
        self._lagged = self._lagged.cut()
        return self

    def score(self, X: Any, y: Any = None) -> float:
        """Mean autocorrelation at lag 1 of the features of these rows, made uncorrelated: 1 is perfectly slow, 0 noise.

        Raises
        ------
        InputError
            For fewer than 2 rows, which have no change.
        """
        Z = np.asarray(self.transform(X), float)
        if len(Z) < 2:
            raise InputError("a change needs at least 2 rows, got 1")
        now, changes, lagged = Lagged.fresh(Z.shape[1]).paired(Z)
        Cxx, Cdd = lagged.follow(now, changes)[2].covariances()
        slowness = slowest(Cxx, Cdd, Z.shape[1])[0]
        heard = slowness[~np.isnan(slowness)]
        return float(1 - heard.mean() / 2) if len(heard) else 0.0

    @property
    def components_(self) -> np.ndarray:
        """(n_components, n_features) features of rows about their mean."""
        check_is_fitted(self)
        return self._features()[1]

    @property
    def slowness_(self) -> np.ndarray:
        """(n_components,) mean squared change of each feature, ascending."""
        check_is_fitted(self)
        return self._features()[0]

    @property
    def mean_(self) -> np.ndarray:
        """(n_features,) running mean."""
        assert self._lagged is not None
        return self._lagged.moments.mean[: self.n_features_in_]

    def _pack(self) -> Packed:
        arrays, meta = super()._pack()
        assert self._lagged is not None
        own, count = self._lagged.pack()
        return arrays | own, meta | count

    def _unpack(self, file: Stored) -> None:
        super()._unpack(file)
        self._lagged = Lagged.unpack(file, len(self.running_["x"].mean))
