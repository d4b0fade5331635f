"""Nonnegative similarity matching as a dense layer."""

from __future__ import annotations

import torch

from .nonnegative import Nonnegative


class SimilarityMatching(Nonnegative):
    """Outputs as similar as the inputs are, of a dense layer with local rules.

    ``min_{Y >= 0} |X'X - Y'Y|^2``; with classes ``|X'X + alpha L' C_ll^-1 L - Y'Y|^2``.

    Parameters
    ----------
    in_features, out_features : int
    n_classes : int, 0 for learning without labels
    alpha : float >= 0, weight of the labels, in units of the inputs' mean squared norm
    tau : float > 0, lateral weights learn at eta / tau
    l1 : float >= 0, threshold of the outputs
    iterations : int, of accelerated projected gradient, at most
    tolerance : float, settling ends when no output moves more than this times the sample's largest (0: never early)
    seed : int, of the first weights: random unit rows; M begins as the identity, V as 0
    device, dtype : of the weights

    Shapes: (batch, in_features) to (batch, out_features).

    References
    ----------
    Pehlevan & Chklovskii 2014 (arXiv 1503.00680); Bahroun, Sridharan, Acharya, Chklovskii & Sengupta 2023 (arXiv
    2308.02427).

    Examples
    --------
    >>> import torch
    >>> from similis.nn import SimilarityMatching
    >>> layer, x = SimilarityMatching(64, 16), torch.rand(100, 64)
    >>> before = layer.learn_(x, eta=0.05)
    >>> layer(x).shape
    torch.Size([100, 16])
    """

    def __init__(
        self, in_features: int, out_features: int, *, n_classes: int = 0, alpha: float = 0.1, tau: float = 0.5,
        l1: float = 0.0, iterations: int = 20, tolerance: float = 0.0, seed: int = 0,
        device: torch.device | str | None = None, dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        self._first(
            in_features, out_features, n_classes=n_classes, alpha=alpha, tau=tau, l1=l1, iterations=iterations,
            tolerance=tolerance, seed=seed, device=device, dtype=dtype,
        )  # fmt: skip
