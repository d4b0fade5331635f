"""Tiling a manifold with localised receptive fields."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .._random import Seed
from .._values import NONNEGATIVE
from ..circuit import Circuit, Step
from ..networks import manifold_tiling
from ._estimator import check_is_fitted
from ._stream import Scaled


class ManifoldTiling(Scaled):
    """Receptive fields that tile the manifold on which samples lie, by a network with divisive inhibition.

    ``min_{Z >= 0, |z_t| <= 1} -Tr (X'X - alpha E) Z'Z / T^2``: outputs of norm 1 aligned with similarities above a
    threshold alpha. Learned sample by sample: ``z = v/|v|, v = [W x - sqrt(alpha) b]_+``, ``W += 2 eta (z x' - W)``,
    ``b += 2 eta (sqrt(alpha) z - b)``.

    Samples should lie around their mean at about one distance (a ring, a sphere, images divided by their norm): tiles
    are regions of directions. :class:`FlexibleSimilarityMatching` tiles whatever the origin is.

    Parameters
    ----------
    n_components : int, number of neurons; may exceed n_features
    threshold : float >= 0, alpha in units of the scaled data's mean squared norm; larger: narrower fields. Samples that
        no neuron likes that much have the output 0
    center : bool, remove the running mean
    scale : "auto" divides by the running RMS norm, so that steps and threshold are in units of it; None trusts the data
    eta0, decay, floor : learning rate eta_t = max(floor, eta0 / (1 + decay t))
    n_epochs, shuffle, trace_every, random_state : as in :class:`SimilarityMatching`

    Attributes
    ----------
    components_ : (n_components, n_features), W = <z x'>, what each neuron likes, in the data's units
    mean_, scale_, history_, n_samples_seen_, circuit_, state_ : as in :class:`SimilarityMatching`

    References
    ----------
    Sengupta, Tepper, Pehlevan, Genkin & Chklovskii 2018, NeurIPS 31.

    Examples
    --------
    >>> from similis import ManifoldTiling
    >>> from similis.datasets import ring
    >>> X, angle = ring(2000, random_state=0)
    >>> Z = ManifoldTiling(8, n_epochs=5, random_state=0).fit(X).transform(X)
    >>> int((Z.max(axis=0) > 0).sum())
    8
    """

    _allowed: ClassVar = {"threshold": (NONNEGATIVE,)}

    def __init__(
        self, n_components: int = 16, *, threshold: float = 0.3, center: bool = True, scale: str | None = "auto",
        eta0: float = 0.05, decay: float = 1e-3, floor: float = 0.0025, n_epochs: int | str = "auto",
        shuffle: bool = True, trace_every: int | None = None, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.threshold = threshold
        self.center = center
        self.scale = scale
        self.eta0 = eta0
        self.decay = decay
        self.floor = floor
        self.n_epochs = n_epochs
        self.shuffle = shuffle
        self.trace_every = trace_every
        self.random_state = random_state

    def _circuit(self, dims: dict[str, int]) -> Circuit:
        step = Step(self.eta0, self.decay, self.floor)
        return manifold_tiling(int(self.n_components), threshold=float(self.threshold), step=step)

    def transform(self, X: Any) -> np.ndarray:
        """Outputs z >= 0 of norm 1, or 0 where no neuron answers: (n_samples, n_components), without units."""
        check_is_fitted(self)
        return self._outputs({"x": self._admit(X, reset=False)})

    @property
    def components_(self) -> np.ndarray:
        """(n_components, n_features) W in the data's units."""
        check_is_fitted(self)
        return self.state_.W["x"] * self.state_.dtype.type(self.scale_)

    def score(self, X: Any, y: Any = None) -> float:
        """The objective, to be large: mean of ``(x.x' - alpha) z.z'`` over all pairs of rows, in scaled units."""
        Z = np.asarray(self.transform(X), float)
        X = self.running_["x"].apply(self._admit(X, reset=False))
        together = np.asarray(X.T @ Z, float) / len(Z)
        return float((together**2).sum() - self.threshold * (Z.mean(0) ** 2).sum())
