"""Clouds of noisy tokens from a known prior: round Gaussian mixtures, and their exact posterior means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, softmax

from .._random import Seed, generator
from ..metrics import squared_distances
from .admit import count, floats, positive


@dataclass(frozen=True)
class MixturePrior:
    """Equal mixture of Gaussians ``N(c_k, variance I)``; one centre makes a Gaussian prior.

    Parameters
    ----------
    centres : (K, n) array
    variance : float >= 0, per coordinate, within a component
    """

    centres: np.ndarray
    variance: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "centres", floats("centres", self.centres).astype(float))
        object.__setattr__(self, "variance", positive("variance", self.variance, zero=True))

    def sample(self, n_tokens: int, noise: float, random_state: Seed = None) -> tuple[np.ndarray, np.ndarray]:
        """Noisy and clean tokens, (N, n) each."""
        noise, rng = positive("noise", noise, zero=True), generator(random_state)
        shape = (count("n_tokens", n_tokens, 1), self.centres.shape[1])
        clean = self.centres[rng.integers(len(self.centres), size=n_tokens)]
        clean = clean + rng.normal(0, self.variance**0.5, shape)
        return clean + rng.normal(0, noise**0.5, shape), clean

    def posterior_mean(self, noisy: np.ndarray, noise: float) -> np.ndarray:
        """E[x | y], the oracle Bayes denoiser."""
        noisy, noise = floats("noisy", noisy), positive("noise", noise)
        total = self.variance + noise
        w = softmax(self._log_kernels(noisy, total), axis=1)
        return (self.variance * noisy + noise * (w @ self.centres)) / total

    def log_density(self, noisy: np.ndarray, noise: float) -> np.ndarray:
        """Logarithm of the density of noisy tokens, (N,)."""
        noisy, noise = floats("noisy", noisy), positive("noise", noise)
        n, total = self.centres.shape[1], self.variance + noise
        scale = -0.5 * n * np.log(2 * np.pi * total) - np.log(len(self.centres))
        return logsumexp(self._log_kernels(noisy, total), axis=1) + scale

    def _log_kernels(self, noisy: np.ndarray, total: float) -> np.ndarray:
        return -squared_distances(noisy / total**0.5, self.centres / total**0.5) / 2


def symmetric_mixture(n: int = 1, distance: float = 2.0, sd: float = 0.3) -> MixturePrior:
    """Two modes at plus and minus ``distance`` on the first axis of n, each of this standard deviation."""
    positive("distance", distance, zero=True)
    centre = distance * np.eye(n)[:1]
    return MixturePrior(np.concatenate([-centre, centre]), sd**2)
