"""Linear read-outs of many features: squared hinge loss, one class against the rest, by repeated ridge regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from scipy.linalg import cho_factor, cho_solve


class LinearReadout:
    """``min_W  sum_c < max(0, 1 - s_c w_c.x)^2 > + alpha |w_c|^2``, s_c = 1 for class c, else -1; x standardised.

    The loss is ``min_T <(w_c.x - t_c)^2>`` over targets with ``s_c t_c >= 1``, so: regress on targets, let targets that
    are passed move along, again. One factorisation of the covariance serves all of it; momentum makes it quick.

    Parameters
    ----------
    alphas : several are compared on the first sixth of the rows, and the best one learns from all
    iterations : int; 1 is ridge regression
    """

    def __init__(self, alphas: Sequence[float], iterations: int = 60) -> None:
        self.alphas, self.iterations = alphas, iterations

    def fit(self, F: np.ndarray, y: np.ndarray) -> Self:
        """Learn from (n, p) features and (n,) labels in random order. F is standardised in place."""
        n, hold = len(F), len(F) // 6
        mean, scale = F.mean(0), np.maximum(F.std(0), 1e-6)
        F -= mean
        F /= scale
        self.classes = np.unique(y)
        sign = np.where(y[:, None] == self.classes, 1, -1).astype(F.dtype)
        gram = (F.T @ F).astype(np.float64)
        self.alpha = self.alphas[0]
        if len(self.alphas) > 1:
            rest = (gram - F[:hold].T @ F[:hold]) / (n - hold)
            found = [self._solve(F[hold:], sign[hold:], rest, alpha) for alpha in self.alphas]
            right = [float(((F[:hold] @ W + b).argmax(1) == sign[:hold].argmax(1)).mean()) for W, b in found]
            self.alpha = self.alphas[int(np.argmax(right))]
        W, b = self._solve(F, sign, gram / n, self.alpha)
        self.W = W / scale[:, None]
        self.b = b - mean @ self.W
        return self

    def score(self, F: np.ndarray, y: np.ndarray) -> float:
        """Share of samples whose class has the largest output."""
        return float((self.classes[(F @ self.W + self.b).argmax(1)] == y).mean())

    def _solve(self, F: np.ndarray, sign: np.ndarray, covariance: np.ndarray, alpha: float) -> tuple:
        factor = cho_factor(covariance + alpha * np.eye(F.shape[1]))
        b, T, t = sign.mean(0), sign, 1.0
        W = np.zeros((F.shape[1], sign.shape[1]))
        for _ in range(self.iterations):
            new = cho_solve(factor, (F.T @ (T - b)).astype(np.float64) / len(F))
            later = (1 + (1 + 4 * t * t) ** 0.5) / 2
            ahead, W, t = new + (t - 1) / later * (new - W), new, later
            outputs = F @ ahead.astype(F.dtype) + b
            T = sign * np.maximum(sign * outputs, 1)
            b = b + (T - outputs).mean(0)
        return W.astype(F.dtype), b
