"""The rival of local rules: stochastic gradient descent on a network with one hidden layer, one sample at a time."""

from __future__ import annotations

import numpy as np


class TwoLayers:
    """y ~ W2 f(W1 x), f linear or ReLU, by the gradient of |y - W2 z|^2 + ridge |W2 W1|^2 (linear only).

    Parameters
    ----------
    rates : eta of W1 and of W2 at the beginning; eta_t = eta / (1 + decay t)
    """

    def __init__(
        self, n_x: int, n_y: int, k: int, *, rates: tuple[float, float], decay: float = 0.0, relu: bool = False,
        ridge: float = 0.0, size: tuple[float, float] = (0.1, 0.1), seed: int = 0, dtype: type = np.float64,
    ) -> None:  # fmt: skip
        rng = np.random.default_rng(seed)
        self.W1: np.ndarray = (size[0] * rng.standard_normal((k, n_x))).astype(dtype)
        self.W2: np.ndarray = (size[1] * rng.standard_normal((n_y, k))).astype(dtype)
        self.rates, self.decay, self.relu, self.ridge, self.t = rates, decay, relu, ridge, 0

    def partial_fit(self, X: np.ndarray, Y: np.ndarray) -> TwoLayers:
        """Learn from the rows in their order."""
        W1, W2, ridge = self.W1, self.W2, self.ridge
        for x, y in zip(X, Y, strict=True):
            one, two = (rate / (1 + self.decay * self.t) for rate in self.rates)
            z = W1 @ x
            z = np.maximum(z, 0) if self.relu else z
            error = y - W2 @ z
            back = W2.T @ error
            back = np.where(z > 0, back, 0) if self.relu else back
            if ridge:
                shrink1, shrink2 = (one * ridge) * (W2.T @ W2), (two * ridge) * (W1 @ W1.T)
                W1 -= shrink1 @ W1
                W2 -= W2 @ shrink2
            W1 += np.outer(one * back, x)
            W2 += np.outer(two * error, z)
            self.t += 1
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """W2 f(W1 x) for every row."""
        Z = X @ self.W1.T
        return (np.maximum(Z, 0) if self.relu else Z) @ self.W2.T
