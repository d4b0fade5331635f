"""The duality principle: a loss and a regulariser name a network, its neurons' nonlinearity and its learning rule.

``min_w < l(w.x; y) > + alpha R(w) = max_a -< l*(-a; y) > - alpha R*(h)``, with the Hebbian sum ``h = < a x > / alpha``:
the dual variable a of a sample is the error neuron's answer to it, and the weights are a link of what pre- and
postsynaptic cells have done together, ``w = grad R*(h)``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._card import paper
from .._errors import InputError
from .losses import LOSSES, EpsilonInsensitive, Loss, Squared
from .regularizers import L2, REGULARIZERS, Entropy, OutputVariance, PNorm, Regularizer


@dataclass(frozen=True)
class Representer:
    """A loss and a regulariser: everything else follows, the dual, the neuron, the link, the update and the gap.

    Attributes
    ----------
    loss : Loss
    regularizer : Regularizer
    name : str

    Notes
    -----
    Shapes: samples X (T, d), targets Y, dual variables A and outputs Z (K, T), Hebbian sums H and weights W (K, d).
    """

    loss: Loss = field(default_factory=Squared)
    regularizer: Regularizer = field(default_factory=L2)
    name: str = "dual"

    def primal(self, W: np.ndarray, X: Any, Y: np.ndarray, alpha: float) -> np.ndarray:
        """``< l(w.x; y) > + alpha R(w)``, (K,)."""
        return self.loss.of((X @ W.T).T, Y).mean(-1) + alpha * self.regularizer.of(W)

    def dual(self, A: np.ndarray, X: Any, Y: np.ndarray, alpha: float) -> np.ndarray:
        """``-< l*(-a; y) > - alpha R*(h)``, (K,): at most the primal, equal to it at the optimum alone."""
        H = (X.T @ A.T).T / (alpha * A.shape[1])
        return -self.loss.conjugate(A, Y).mean(-1) - alpha * self.regularizer.conjugate(H)

    def gap(self, A: np.ndarray, Z: np.ndarray, Y: np.ndarray) -> np.ndarray:
        """Primal minus dual, for outputs Z of the weights that A makes, ``w = grad R*(h)``: (K,), never negative.

        Fenchel's equality, alpha (R(w) + R*(h)) = < a z >, leaves a mean of terms that are each at least 0:
        ``gap = < l(z; y) + l*(-a; y) + a z >``. No weights do better than these by more than the gap.
        """
        return np.mean(self.loss.of(Z, Y) + self.loss.conjugate(A, Y) + A * Z, axis=-1)

    def __str__(self) -> str:
        from ..display import describe

        return describe(self)


@paper(
    "bahroun2023duality",
    name="dual",
    title="Duality Principle and Biologically Plausible Learning: Connecting the Representer Theorem and Hebbian "
    "Learning",
    authors="Y. Bahroun, D. B. Chklovskii, A. M. Sengupta",
    year=2023,
    url="https://arxiv.org/abs/2309.16687",
    estimator="DualRegressor",
    classifier="DualClassifier",
    claims=(
        "the dual of regularised supervised learning is a network with Hebbian synapses",
        "the regulariser decides between additive and multiplicative plasticity",
    ),
)
def duality(
    loss: str = "squared", regularizer: str = "l2", *, epsilon: float = 0.1, total: float = 10.0, p: float = 1.5
) -> Representer:
    """Learning from a teacher, through the dual: ``w = grad R*(h)``, ``dh ~ a x - alpha h``, ``a = -dl/dz``.

    Parameters
    ----------
    loss : "squared", "logistic", "hinge" or "epsilon-insensitive"
    regularizer : "l2", "entropy", "p-norm" or "output-variance"
    epsilon : width of the insensitive zone, in units of the target
    total : U, the sum of all weights' sizes under the entropy
    p : of the p-norm, 1 < p <= 2
    """
    if loss not in LOSSES or regularizer not in REGULARIZERS:
        raise InputError(
            f"loss={loss!r}, regularizer={regularizer!r}; expected a loss of {', '.join(LOSSES)} and a regulariser of "
            f"{', '.join(REGULARIZERS)}"
        )
    losses = {"epsilon-insensitive": lambda: EpsilonInsensitive(epsilon)}
    regularizers = {"entropy": lambda: Entropy(total), "p-norm": lambda: PNorm(p), "output-variance": OutputVariance}
    return Representer(losses.get(loss, LOSSES[loss])(), regularizers.get(regularizer, REGULARIZERS[regularizer])())
