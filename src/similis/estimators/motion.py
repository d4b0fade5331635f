"""Motion in pairs of consecutive frames."""

from __future__ import annotations

from typing import Any, ClassVar, Self, cast

import numpy as np

from .._errors import InputError
from .._random import Seed
from .._values import FLAG, POSITIVE
from ..circuit import Circuit, Step
from ..networks import motion_detection
from ._estimator import check_is_fitted
from ._frames import Frames
from ._stream import OneStream

#: share of the pairs that may stand still before it is worth a word: they teach nothing, and spoil nothing
STILL = 0.5
#: rows of the similarities that `score` holds at a time
ROWS = 512


class MotionDetector(OneStream):
    """Detectors of motion, learned from pairs of consecutive frames by matching the similarities of transformations.

    ``min_Z sum_tu ((dx_t . dx_u)(x_t . x_u) - z_t . z_u)^2``, learned pair by pair: a neuron sums products of
    temporal change and intensity, ``dx' W_a x``, and learns ``W_a += 2 eta (z_a dx x' - W_a)``,
    ``M += (eta/tau) (z z' - M)``. The frames are whitened by one map, kept up to date on the way; the products of all
    pixels with all pixels are never written out.

    A row of X is a pair: the p pixels of the frame before, then the p pixels of the frame after. Rows are independent
    samples: shuffle, split and cross-validate them as any other. ``similis.datasets.pairs`` makes them from a movie.

    Parameters
    ----------
    n_components : int, number of neurons; rectified, two for each direction of transformation (one for either sign)
    rectify : bool, outputs >= 0, as of the fly's T4 and T5 cells (default), or free, a basis of the transformations
    eps : float > 0, whitening divides by the root of (variance + eps * mean variance); below 0.01 noise is magnified
    eta0, decay, tau, average, n_epochs, shuffle, trace_every, random_state : as in :class:`SimilarityMatching`

    Attributes
    ----------
    components_ : (n_components, p, p), what z responds to in whitened frames: z rises with dx' component x. Rectified
        W_a / M_aa, free M^{-1} W (orthonormal, at convergence)
    kernels_ : (n_components, p, p), the same for frames as they are given, R component R with R the whitening
    mean_, whitener_ : (p,) mean frame and (p, p) whitening map R in use
    scale_ : RMS norm of the products of whitened frames
    history_, n_samples_seen_, circuit_, state_ : as in :class:`SimilarityMatching`

    References
    ----------
    Bahroun, Sengupta & Chklovskii 2019, NeurIPS 32 (arXiv 2102.05503).

    Examples
    --------
    >>> import numpy as np
    >>> from similis import MotionDetector
    >>> from similis.datasets import shifted_textures
    >>> X, shift = shifted_textures(5000, 5, random_state=0)
    >>> Z = MotionDetector(2, random_state=0).fit_transform(X)
    >>> bool(abs(np.corrcoef(Z[:, 0] - Z[:, 1], shift)[0, 1]) > 0.65)
    True
    """

    center: ClassVar[bool] = True
    _block: ClassVar[int] = 512
    _leaves_out: ClassVar[tuple[float, str]] = STILL, "pairs in which nothing moves, or that are no measurements"

    _allowed: ClassVar = {"rectify": (FLAG,), "eps": (POSITIVE,)}

    def __init__(
        self, n_components: int = 2, *, rectify: bool = True, eps: float = 0.01, eta0: float = 0.05,
        decay: float = 0.001, tau: float = 0.5, average: bool = True, n_epochs: int | str = "auto",
        shuffle: bool = True, trace_every: int | None = None, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.rectify = rectify
        self.eps = eps
        self.eta0 = eta0
        self.decay = decay
        self.tau = tau
        self.average = average
        self.n_epochs = n_epochs
        self.shuffle = shuffle
        self.trace_every = trace_every
        self.random_state = random_state

    def _circuit(self, dims: dict[str, int]) -> Circuit:
        k, most = self.n_components, dims["chi"]
        if k > most and not self.rectify:
            raise InputError(f"n_components={k}; expected an integer from 1 to {most} = p^2, or rectify=True")
        return motion_detection(int(k), rectify=self.rectify, tau=self.tau, step=Step(self.eta0, self.decay))

    def _new_running(self, d: int, name: str = "x") -> Frames:
        return Frames(True, True, np.zeros(d // 2), eps=float(self.eps))

    def _admit_and_learn(self, X: Any, epochs: int | str, shuffle: bool) -> Self:
        X = self._admit(X, reset=not hasattr(self, "n_samples_seen_"))
        self._learn({"chi": X}, epochs, shuffle)
        self._n_features_out = self.circuit_.size
        return self

    def _admit(self, X: Any, *, reset: bool) -> np.ndarray:
        X = super()._admit(X, reset=reset)
        if X.shape[1] % 2:
            raise InputError(
                f"X has {X.shape[1]} feature(s); expected an even number, the frame before and the frame after side by "
                "side. similis.datasets.pairs makes such rows from a movie"
            )
        return X

    def _n_features(self) -> int:
        return 2 * len(self._frames.mean)

    def transform(self, X: Any) -> np.ndarray:
        """Outputs z of the network, (n_samples, n_components), in the units of products of whitened frames."""
        check_is_fitted(self)
        Z = self._outputs({"chi": self._admit(X, reset=False)})
        return Z * Z.dtype.type(self.scale_)

    def score(self, X: Any, y: None = None) -> float:
        """How much of the similarities is kept: 1 - |K - Z Z'|^2 / |K|^2, K_tu = (dx_t.dx_u)(x_t.x_u); 1 is perfect."""
        Z = np.asarray(self.transform(X), float)
        chi, missed, total = self._frames.products(self._admit(X, reset=False).astype(float)), 0.0, 0.0
        for start in range(0, len(Z), ROWS):
            K = chi[start : start + ROWS] @ chi.T
            total += float((K * K).sum())
            K -= Z[start : start + ROWS] @ Z.T
            missed += float((K * K).sum())
        return 1.0 - missed / total if total > 0 else 1.0

    @property
    def _frames(self) -> Frames:
        return cast(Frames, self.running_["chi"])

    @property
    def components_(self) -> np.ndarray:
        """(n_components, p, p) in whitened frames."""
        check_is_fitted(self)
        state, p = self.readout_, len(self.mean_)
        W = state.W["chi"] / np.diag(state.M)[:, None] if self.rectify else np.linalg.solve(state.M, state.W["chi"])
        return W.reshape(-1, p, p)

    @property
    def kernels_(self) -> np.ndarray:
        """(n_components, p, p) in frames as they are given."""
        return self.whitener_ @ self.components_ @ self.whitener_

    @property
    def mean_(self) -> np.ndarray:
        """(p,) mean of the frames that the whitening in use was made from."""
        return self._frames.offset

    @property
    def whitener_(self) -> np.ndarray:
        """(p, p) whitening map in use."""
        return self._frames.whitener

    @property
    def scale_(self) -> float:
        """RMS norm of the products of whitened frames."""
        return self._frames.rms
