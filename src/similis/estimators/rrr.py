"""Reduced-rank regression of one stream on another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, MultiOutputMixin, TransformerMixin

from .._errors import InputError
from .._random import Seed
from .._schema import Stored
from .._values import NONNEGATIVE, Number, OneOf
from ..circuit import Channel, Circuit, State, Step, Synapse, Z
from ..networks import reduced_rank_regression
from ._base import Streams
from ._estimator import check_is_fitted
from ._moments import reduced_rank
from ._noise import noisy
from ._pair import Shortened, SolvedStreams
from ._reach import MORE, UNEVEN, exact_predictions, explained, say, short
from ._running import Running
from ._targets import Regressor
from ._unjudged import Halves


class ReducedRankRegression(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, MultiOutputMixin, Regressor, Shortened, SolvedStreams
):
    """Multi-output regression through a few hidden units, by a network whose rules are local.

    ``min <|y - B x|^2_Sigma>, rank B = k``, with ``Sigma^-1 = s Cyy + (1 - s) v I`` (v the mean variance of y's
    columns), learned sample by sample: ``z = Wx x``, ``Wx += 2 eta (Wy y - P P' z) x'``,
    ``Wy += 2 eta r ((z - s Wy y) y' - (1 - s) Wy)``, ``P += (eta/tau) (z (P'z)' - P)``. No error is sent back: apical
    current minus interneurons, ``Wy y - P P' z``, stands for it.

    For moderate numbers of columns and a stationary stream ``solver="exact"`` (second moments, then one decomposition)
    is the better choice: no error, and as fast. The network is for wide x, streams that drift and local hardware.

    Parameters
    ----------
    n_components : int, rank k, at most the smaller number of columns
    metric : "rrmse" (s = 0, least squared error), "cca" (s = 1, canonical correlations) or a number s in [0, 1]
    ridge : float >= 0, added to Cxx, as a fraction of the scaled x's mean variance. The network, which has no rule
        for it that is local, learns from x plus noise of that variance: the same ridge on average
    solver : "online" or "exact" (memory of the square of the total number of columns)
    center : bool, remove the running means of x and y
    scale : "auto" divides each column of x by its running size (the fourth root of its mean fourth power), then x and y
        by their running RMS norms, so that steps are safe whatever the units; "norm" does the second alone; None trusts
        the data, and v is 1
    eta0, decay : learning rate eta_t = eta0 / (1 + decay t). Of order 1/2 over the largest eigenvalue of P P', which is
        at most 1 here, where the default is safe; for one-hot targets of n classes it is about 2/n, and n/4 is possible
    max_norm : float, with ``scale="auto"`` a pair of rows of which one is longer than so many RMS norms is shortened
        until it is not: far outliers weigh less, as in robust regression, and no step is too large for them. Give a
        larger number where long rows of y are rare classes, not outliers
    target_rate : float, r above. Small values damp the oscillation between Wy, z and P
    tau : float, interneurons learn at rate eta/tau
    average : bool, as in :class:`SimilarityMatching`
    n_epochs, shuffle : passes of ``fit`` over its data ("auto": as many as make 3,000 samples), in random order if
        ``shuffle``
    trace_every : int or None, pairs between records in ``history_``
    random_state : int, Generator, RandomState or None, for the first weights

    Attributes
    ----------
    coef_ : (n_targets, n_features), B, of rank n_components, in the data's units; (n_features,) for y of one dimension
    intercept_ : (n_targets,) or float
    components_ : (n_components, n_features), Wx in the data's units
    singular_values_ : (n_components,), descending, root of eig(P P'), the network's own estimate of the singular values
        of ``Cxx^-1/2 Cxy Sigma^1/2`` (scaled y): canonical correlations for ``metric="cca"``
    n_targets_ : int
    feature_names_in_y_ : names of the columns of y, if it came with some
    x_mean_, y_mean_, x_scale_, y_scale_ : running moments; a scale for each column of x, inf if it has not varied, and
        one for y: which targets rank k is spent on depends on their units
    history_ : dict of lists, every ``trace_every`` samples: n_samples, filter_norm, multiplier (Tr P P')
    n_samples_seen_, circuit_, state_ : as in :class:`SimilarityMatching`

    Warns
    -----
    ConvergenceWarning
        When the model is first read, if the exact solution of learned rows is far better, or would be if all targets
        had one variance; or if these are fewer than 64 in fewer than 256 samples, of which little can be said.

    References
    ----------
    Golkar, Lipshutz, Bahroun, Sengupta & Chklovskii 2020, NeurIPS (arXiv 2010.12660).

    Examples
    --------
    >>> import numpy as np
    >>> from similis import ReducedRankRegression
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((2000, 6))
    >>> Y = X[:, :1] @ rng.standard_normal((1, 4)) + 0.1 * rng.standard_normal((2000, 4))
    >>> model = ReducedRankRegression(n_components=1, random_state=0).fit(X, Y)
    >>> model.predict(X).shape, model.score(X, Y) > 0.95
    ((2000, 4), True)
    """

    beside_x: ClassVar[str | None] = "target"

    _allowed: ClassVar = {
        "metric": (OneOf(("rrmse", "cca")), Number(0, 1)), "solver": (OneOf(("online", "exact")),),
        "max_norm": (Number(0, open_="low", infinite=True),), "target_rate": (NONNEGATIVE,),
    }  # fmt: skip

    def __init__(
        self, n_components: int = 1, *, metric: str | float = "rrmse", ridge: float = 0.0, solver: str = "online",
        center: bool = True, scale: str | None = "auto", eta0: float = 0.25, decay: float = 1e-4,
        max_norm: float = 2.0, target_rate: float = 0.01, tau: float = 50.0, average: bool = True,
        n_epochs: int | str = "auto", shuffle: bool = True, trace_every: int | None = None, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.metric = metric
        self.ridge = ridge
        self.solver = solver
        self.center = center
        self.scale = scale
        self.eta0 = eta0
        self.decay = decay
        self.max_norm = max_norm
        self.target_rate = target_rate
        self.tau = tau
        self.average = average
        self.n_epochs = n_epochs
        self.shuffle = shuffle
        self.trace_every = trace_every
        self.random_state = random_state

    def _admit(self, X: Any, Y: Any, *, reset: bool) -> dict[str, np.ndarray]:
        streams = super()._admit(X, Y, reset=reset)
        if reset:
            self._n_features_out = self.n_components
        return streams

    def _learn(self, streams: Streams, epochs: int | str = 1, shuffle: bool | np.random.Generator = False) -> None:
        if self.solver == "online" and self._share(streams["y"].shape[1]) > 0:  # Wy alone does not predict y
            streams = {**streams, "readout": streams["y"]}
        super()._learn(streams, epochs, shuffle)

    def _share(self, n_targets: int) -> float:
        """The metric s' of the circuit, whose Sigma^-1 ~ s' Cyy + (1 - s') I, for y as it is scaled here."""
        s = {"rrmse": 0.0, "cca": 1.0}[self.metric] if isinstance(self.metric, str) else float(self.metric)
        columns = 1 if self.scale is None else n_targets  # the scaled y has total variance 1
        return float(columns * s / (columns * s + 1 - s))

    def _circuit(self, dims: dict[str, int]) -> Circuit:
        k = self.n_components
        if k > min(dims.values()):
            raise InputError(
                f"n_components={k!r}; expected an integer from 1 to {min(dims.values())}, the narrower of X and Y"
            )
        step, metric = Step(self.eta0, self.decay, limited=self.scale is not None), self._share(dims["y"])
        circuit = reduced_rank_regression(
            int(k), metric=metric, target_rate=self.target_rate, tau=self.tau, step=step
        )  # fmt: skip
        if "readout" not in dims:
            return circuit
        readout = Channel("readout", drive=0.0, synapse=Synapse(Z, rate=self.target_rate))  # <z y'>, by Hebb
        return replace(circuit, channels=(*circuit.channels, readout))

    def _gain(self, dims: dict[str, int]) -> dict[str, float]:
        """Outputs of unit power, as the gain control wants them, and a teacher that is weak at first."""
        return {"x": float(np.sqrt(dims["x"])), "y": 0.3, "readout": 0.0}

    def _new_network(self, running: dict[str, Running], dtype: np.dtype) -> tuple[Circuit, State]:
        """Every neuron begins with weights of the same size: one with weaker ones would lose its multiplier first."""
        circuit, state = super()._new_network(running, dtype)
        W = {}
        for name, size in self._gain({name: fresh.width for name, fresh in running.items()}).items():
            if name in state.W:
                norms = np.linalg.norm(state.W[name], axis=1, keepdims=True)
                W[name] = state.W[name] * (size / np.where(norms > 0, norms, 1)).astype(dtype)
        self._start = W["y"].copy()
        return circuit, replace(state, W=W)

    def _presented(self, rows: Streams, t: int) -> Streams:
        """The scaled rows, x with the noise that stands for the ridge."""
        return noisy(rows, self.ridge, t)

    def _watched(self, Z: np.ndarray, rows: Streams, begun: State) -> np.ndarray:
        """x along the weights before it: the outputs themselves swing while the weights find their size."""
        W = begun.W["x"]
        return rows["x"] @ (W / np.maximum(np.linalg.norm(W, axis=1), np.finfo(W.dtype).tiny)[:, None]).T

    def _settle_exactly(self) -> State:
        """The state the network would reach: Wx Cxx Wx' = I, Wy = Wx Cxy Sigma, P P' = squared singular values."""
        Cxx, Cyy, Cxy = self._covariances()
        Cxx += self.ridge / len(Cxx) * np.eye(len(Cxx))
        s = self.circuit_.channel("y").metric
        sizes, Vx, Vy = reduced_rank(Cxx, s * Cyy + (1 - s) * np.eye(len(Cyy)), Cxy, self.circuit_.size)
        P, dtype = np.diag(sizes).astype(self._dtype), self._dtype
        return State({"x": Vx.astype(dtype), "y": Vy.astype(dtype)}, P @ P, P, self.moments_.count)

    def _judge(self, rows: Halves) -> bool:
        k, s, ridge = self.circuit_.size, self._share(rows.y.shape[1]), self.ridge / rows.x.shape[1]
        Y, B = rows.held_y, self._reading().T @ self.readout_.W["x"]
        predicted = (rows.held_x + rows.mean_x) @ B.T - rows.mean_y
        solved = [*exact_predictions(rows, k, ridge, lambda C: s * C + (1 - s) * np.eye(len(C)))]
        if not solved:
            return False
        white = np.eye(Y.shape[1])
        if s > 0:  # as the metric has it: directions of y are as good as each other
            white = np.linalg.inv(np.linalg.cholesky(s * (rows.y.T @ rows.y) / len(rows.y) + (1 - s) * white)).T
        found, *reached = (explained(Y @ white, each @ white) for each in (predicted, *solved))
        exact = max(reached, key=np.mean)
        if far := short(found, exact):
            say(f"ReducedRankRegression explains {found.mean():.2g} of y, exact regression {exact.mean():.2g}: {MORE}")
        alike = exact_predictions(rows, k, ridge, None) if k < Y.shape[1] and s == 0 else ()
        for best in (explained(Y, each) for each in alike):
            if short(exact, best, UNEVEN):
                say(
                    f"targets of uneven sizes: rank {k} explains {exact.mean():.2g} of them in the mean, "
                    f"{best.mean():.2g} if they have one variance. Scale y, for instance with sklearn.compose."
                    "TransformedTargetRegressor and StandardScaler, or use metric='cca'"
                )
                return True
        return far

    def _watch(self, state: State) -> dict[str, float]:
        return {"filter_norm": float(np.linalg.norm(state.W["x"])), "multiplier": float(np.trace(state.M))}

    def transform(self, X: Any, y: Any = None, *, Y: Any = None) -> Any:
        """Outputs of the network.

        Returns
        -------
        Zx : (n_samples, n_components) array z = Wx x; with y the pair Zx, Zy, where Zy = Wy y
        """
        outputs, y = self._hear(X), Y if y is None else y
        if y is None:
            return outputs
        rows = self.running_["y"].apply(self._admit(X, y, reset=False)["y"])
        return outputs, rows @ self.readout_.W["y"].T

    def predict(self, X: Any) -> np.ndarray:
        """Targets predicted for the rows of X, (n_samples, n_targets), or (n_samples,) for y of one dimension."""
        predicted = self._predicted(X)
        return predicted[:, 0] if self._flat else predicted

    def _reading(self) -> np.ndarray:
        """(n_components, n_targets) <z y'>: the scaled y is predicted as z' <z y'>."""
        W = self.readout_.W
        if self.solver == "exact":
            return W["x"] @ self._covariances()[2]
        return W["readout"] if "readout" in W else self._learned()

    @property
    def coef_(self) -> np.ndarray:
        """(n_targets, n_features) B, or (n_features,) for y of one dimension."""
        check_is_fitted(self)
        B = self.y_scale_ * self._reading().T @ self.components_
        return B[0] if self._flat else B

    @property
    def intercept_(self) -> np.ndarray | float:
        """(n_targets,) y_mean - B x_mean."""
        value = self.y_mean_ - np.atleast_2d(self.coef_) @ self.x_mean_
        return float(value[0]) if self._flat else value

    @property
    def components_(self) -> np.ndarray:
        """(n_components, n_features) Wx in the data's units."""
        check_is_fitted(self)
        return self._filters("x")

    @property
    def singular_values_(self) -> np.ndarray:
        """(n_components,) root of eig(P P'), descending."""
        check_is_fitted(self)
        return np.sqrt(np.maximum(np.linalg.eigvalsh(self.readout_.M)[::-1], 0))

    @property
    def n_targets_(self) -> int:
        return self.n_features_y_

    def _unpack(self, file: Stored) -> None:
        super()._unpack(file)
        self._n_features_out = self.n_components
