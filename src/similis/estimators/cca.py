"""Canonical correlations of two streams."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import metrics
from .._errors import InputError
from .._random import Seed
from ..circuit import Circuit, State, Step
from ..networks import canonical_correlation
from ._moments import canonical
from ._pair import FLOATS, SolvedStreams


class OnlineCCA(SolvedStreams):
    """Canonical correlation analysis of two streams, by a network with two compartments a neuron and local rules.

    ``max Tr Vx' Cxy Vy  s.t.  Vx' Cxx Vx + Vy' Cyy Vy = I``, learned pair by pair: ``z = M^{-1} (Wx x + Wy y)``,
    ``Wx += 2 eta ((z - Wx x) x' - ridge Wx)``, Wy likewise, ``M += (eta/tau) (z z' - M)``. Outputs are the sum
    of the two views' projections; eig(M) tend to 1 + rho_i.

    Where both views have up to a few thousand columns and the stream is stationary, ``solver="exact"`` (second moments,
    then one decomposition) is the better choice: no error, and faster. The network is for wide views, streams that
    drift and local hardware.

    Parameters
    ----------
    n_components : int, at most the smaller number of columns
    ridge : float >= 0, as a fraction of the view's mean variance. ``solver="exact"`` adds it to both covariances (ridge
        CCA). In the network it is a leak, whose fixed point regularises the constraint only: A v = mu (B + ridge I) v,
        with A the joint covariance and B its blocks; for a small ridge the two agree closely
    solver : "online" or "exact" (memory of the square of the total number of columns)
    center : bool, remove the running means
    scale : "auto" divides each view by its running RMS norm, so that steps are safe whatever the units; None trusts
    eta0, decay : learning rate eta_t = eta0 / (1 + decay t)
    tau : float, laterals learn at rate eta/tau
    average : bool, as in :class:`SimilarityMatching`
    n_epochs, shuffle : passes of ``fit`` over its data, in random order if ``shuffle``
    trace_every : int or None, pairs between records in ``history_``
    random_state : int, Generator, RandomState or None

    Attributes
    ----------
    x_components_, y_components_ : (n_components, n_x), (n_components, n_y) projections, in the data's units
    canonical_correlations_ : (n_components,) eig(M) - 1, descending: the network's own estimate
    x_mean_, y_mean_, x_scale_, y_scale_ : running moments
    history_, n_samples_seen_, circuit_, state_ : as in :class:`SimilarityMatching`

    References
    ----------
    Lipshutz, Bahroun, Golkar, Sengupta & Chklovskii 2021, Neural Computation 33:2309 (arXiv 2010.00525).
    """

    beside_x: ClassVar[str | None] = "view"

    def __init__(
        self, n_components: int = 2, *, ridge: float = 0.01, solver: str = "online", center: bool = True,
        scale: str | None = "auto", eta0: float = 0.3, decay: float = 1e-4, tau: float = 30.0, average: bool = True,
        n_epochs: int = 1, shuffle: bool = False, trace_every: int | None = None, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_components = n_components
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
        if not isinstance(k, Integral) or not 1 <= k <= min(dims.values()):
            raise InputError(
                f"n_components={k!r}; expected an integer from 1 to {min(dims.values())}, the narrower view"
            )
        ridge = tuple(self.ridge / d for d in dims.values())  # the scaled view has total variance 1
        step = Step(self.eta0, self.decay)
        return canonical_correlation(int(k), ridge=ridge, tau=self.tau, step=step)

    def _gain(self, dims: dict[str, int]) -> dict[str, float]:
        """Currents of unit power from the first sample on: far smaller ones starve M, and a small M overshoots."""
        return {name: float(np.sqrt(d)) for name, d in dims.items()}

    def _settle_exactly(self) -> State:
        """The state the network would reach: M = 1 + rho, M^{-1} W = the exact projections."""
        Cxx, Cyy, Cxy = self._covariances()
        ridges = [float(c.leak or 0.0) for c in self.circuit_.channels]
        Cxx, Cyy = Cxx + ridges[0] * np.eye(len(Cxx)), Cyy + ridges[1] * np.eye(len(Cyy))
        rho, Vx, Vy = canonical(Cxx, Cyy, Cxy, self.circuit_.size)
        gain, dtype = 1 + rho, self._dtype
        W = {"x": (gain[:, None] * Vx).astype(dtype), "y": (gain[:, None] * Vy).astype(dtype)}
        return State(W, np.diag(gain).astype(dtype), None, self.moments_.count)

    def transform(self, X: Any, Y: Any = None) -> Any:
        """Projections of the views.

        Returns
        -------
        Zx, Zy : (n_samples, n_components) arrays, whose sum is the network's output z; Zx alone if Y is None
        """
        check_is_fitted(self)
        if Y is None:
            return self._outputs({"x": validate_data(self, X, reset=False, dtype=FLOATS)})
        streams = self._admit(X, Y, reset=False)
        return self._outputs({"x": streams["x"]}), self._outputs({"y": streams["y"]})

    def fit_transform(self, X: Any, Y: Any) -> tuple[np.ndarray, np.ndarray]:
        """``fit(X, Y).transform(X, Y)``."""
        return self.fit(X, Y).transform(X, Y)

    def score(self, X: Any, Y: Any) -> float:
        """Mean canonical correlation between the two views' projections of these (held-out) pairs, in [0, 1]."""
        Zx, Zy = self.transform(X, Y)
        if len(Zx) < 2:
            raise InputError("a correlation needs at least 2 pairs, got 1")
        return float(np.mean(metrics.held_out_correlations(Zx, Zy)))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the outputs, onlinecca0, onlinecca1, ..."""
        check_is_fitted(self)
        return np.array([f"onlinecca{i}" for i in range(self.circuit_.size)], object)

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
        """(n_components,) eig(M) - 1, descending."""
        check_is_fitted(self)
        return np.linalg.eigvalsh(self.readout_.M)[::-1] - 1
