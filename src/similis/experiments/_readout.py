"""Linear read-outs of many features: squared hinge loss, one class against the rest, by repeated ridge regression."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy.linalg import cho_factor, cho_solve


class LinearReadout:
    """``min_W  sum_c < max(0, 1 - s_c w_c.x)^2 > + alpha |w_c|^2``, s_c = 1 for class c, else -1; x standardised.

    The loss is ``min_T <(w_c.x - t_c)^2>`` over targets with ``s_c t_c >= 1``, so: regress on targets, let targets that
    are passed move along, again. One factorisation of the covariance serves all of it; momentum makes it quick.

    Parameters
    ----------
    alpha : float > 0
    iterations : int; 1 is ridge regression
    """

    def __init__(self, alpha: float, iterations: int = 60) -> None:
        self.alpha, self.iterations = alpha, iterations

    def fit(self, F: np.ndarray, y: np.ndarray) -> Self:
        """Learn from (n, p) features, float32 is enough, and (n,) labels. F is standardised in place."""
        n, p = F.shape
        self.mean, self.scale = F.mean(0), np.maximum(F.std(0), 1e-6)
        F -= self.mean
        F /= self.scale
        self.classes = np.unique(y)
        sign = np.where(y[:, None] == self.classes, 1, -1).astype(F.dtype)
        factor = cho_factor((F.T @ F / n).astype(np.float64) + self.alpha * np.eye(p))
        base, T = sign.mean(0), sign
        W = ahead = np.zeros((p, len(self.classes)))
        b, t = base, 1.0
        for _ in range(self.iterations):
            new = cho_solve(factor, F.T @ (T - b.astype(F.dtype)) / n)
            later = (1 + (1 + 4 * t * t) ** 0.5) / 2
            ahead, W, t = new + (t - 1) / later * (new - W), new, later
            outputs = F @ ahead.astype(F.dtype) + b.astype(F.dtype)
            T = sign * np.maximum(sign * outputs, 1)
            b = b + (T - outputs).mean(0)
        self.W, self.b = (W / self.scale[:, None]).astype(F.dtype), (b - self.mean / self.scale @ W).astype(F.dtype)
        return self

    def score(self, F: np.ndarray, y: np.ndarray) -> float:
        """Share of samples whose class has the largest output."""
        return float((self.classes[(F @ self.W + self.b).argmax(1)] == y).mean())
