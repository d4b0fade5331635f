"""Tasks of in-context denoising: families of distributions, prompts drawn from them, and their Bayes denoisers.

A prompt is a clean context ``x_1 .. x_L`` from one distribution and a further sample of it, corrupted:
``q = x_{L+1} + N(0, noise I)``. Each prompt has a distribution of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.special import ive, softmax

from .._errors import InputError
from .._random import Seed, generator


@dataclass(frozen=True)
class Prompts:
    """B prompts: context (B, L, n), noisy and clean query (B, n), and what the Bayes denoiser knows of each.

    ``structure`` holds the columns of a basis, (B, n, d), or the centres of a mixture, (B, K, n).
    """

    context: np.ndarray
    noisy: np.ndarray
    clean: np.ndarray
    structure: np.ndarray

    def shortened(self, length: int) -> Prompts:
        """The same queries with the first tokens of their contexts only."""
        return replace(self, context=self.context[:, :length])

    def mapped(self, A: np.ndarray) -> Prompts:
        """All tokens of all prompts through one matrix, x -> A x; the structure stays as it was."""
        return Prompts(self.context @ A.T, self.noisy @ A.T, self.clean @ A.T, self.structure)


class Task(Protocol):
    """A family of distributions with a known posterior mean."""

    noise: float

    def sample(self, n_prompts: int, length: int, random_state: Seed = None, dtype: type = ...) -> Prompts: ...

    def posterior_mean(self, prompts: Prompts) -> np.ndarray: ...


@dataclass(frozen=True)
class LinearTask:
    """Gaussians on random subspaces: ``x = U y``, U (n, d) orthonormal, ``y ~ N(0, variance I)``.

    Bayes: ``variance / (variance + noise) U U' q``; its loss is ``d variance noise / (variance + noise)`` in all.
    """

    n: int = 16
    d: int = 8
    variance: float = 2.0
    noise: float = 1.0

    def __post_init__(self) -> None:
        _check(self, least=1)

    def sample(
        self, n_prompts: int, length: int, random_state: Seed = None, dtype: type = np.float64
    ) -> Prompts:  # fmt: skip
        """Draw prompts; the last of L + 1 samples is the query."""
        rng = generator(random_state)
        U = _bases(rng, n_prompts, self.n, self.d, dtype)
        Y = rng.standard_normal((n_prompts, length + 1, self.d), dtype)
        Y *= dtype(self.variance**0.5)
        return _prompts(rng, Y @ U.swapaxes(1, 2), self.noise, U)

    def posterior_mean(self, prompts: Prompts) -> np.ndarray:
        """E[x | q] of each prompt, (B, n)."""
        return self.variance / (self.variance + self.noise) * _projected(prompts)

    @property
    def bound(self) -> float:
        """Bayes loss per coordinate, exact."""
        return self.d * self.variance * self.noise / (self.variance + self.noise) / self.n


@dataclass(frozen=True)
class SphereTask:
    """Uniform d-spheres of one radius R in random (d + 1)-dimensional subspaces.

    Bayes: ``R I_{(d+1)/2}(k) / I_{(d-1)/2}(k) v/|v|`` with ``v = U U' q``, ``k = R |v| / noise``.
    """

    n: int = 16
    d: int = 8
    radius: float = 1.0
    noise: float = 0.1

    def __post_init__(self) -> None:
        _check(self, least=0, room=1)

    def sample(
        self, n_prompts: int, length: int, random_state: Seed = None, dtype: type = np.float64
    ) -> Prompts:  # fmt: skip
        """Draw prompts; the last of L + 1 samples is the query."""
        rng = generator(random_state)
        U = _bases(rng, n_prompts, self.n, self.d + 1, dtype)
        Y = rng.standard_normal((n_prompts, length + 1, self.d + 1), dtype)
        Y *= self.radius / np.linalg.norm(Y, axis=-1, keepdims=True)
        return _prompts(rng, Y @ U.swapaxes(1, 2), self.noise, U)

    def posterior_mean(self, prompts: Prompts) -> np.ndarray:
        """E[x | q] of each prompt, (B, n)."""
        v = _projected(prompts)
        size = np.linalg.norm(v, axis=-1, keepdims=True)
        k = self.radius * size / self.noise
        shrink = ive((self.d + 1) / 2, k) / np.maximum(ive((self.d - 1) / 2, k), np.finfo(float).tiny)
        return self.radius * shrink * v / np.maximum(size, np.finfo(float).tiny)


@dataclass(frozen=True)
class MixtureTask:
    """K round Gaussian clusters of equal weight, their centres uniform on a sphere of radius R.

    Bayes: ``(variance q + noise sum_a w_a mu_a) / (variance + noise)``, ``w = softmax(mu_a.q / (variance + noise))``.
    """

    n: int = 16
    n_centres: int = 8
    radius: float = 1.0
    variance: float = 0.02
    noise: float = 0.1

    def __post_init__(self) -> None:
        _check(self, least=1)

    def sample(
        self, n_prompts: int, length: int, random_state: Seed = None, dtype: type = np.float64
    ) -> Prompts:  # fmt: skip
        """Draw prompts; the last of L + 1 samples is the query."""
        rng = generator(random_state)
        centres = rng.standard_normal((n_prompts, self.n_centres, self.n), dtype)
        centres *= self.radius / np.linalg.norm(centres, axis=-1, keepdims=True)
        member = rng.integers(self.n_centres, size=(n_prompts, length + 1))
        X = rng.standard_normal((n_prompts, length + 1, self.n), dtype)
        X *= dtype(self.variance**0.5)
        X += np.take_along_axis(centres, member[..., None], axis=1)
        return _prompts(rng, X, self.noise, centres)

    def posterior_mean(self, prompts: Prompts) -> np.ndarray:
        """E[x | q] of each prompt, (B, n)."""
        total = self.variance + self.noise
        w = softmax(np.einsum("bkn,bn->bk", prompts.structure, prompts.noisy) / total, axis=-1)
        pulled = np.einsum("bk,bkn->bn", w, prompts.structure)
        return (self.variance * prompts.noisy + self.noise * pulled) / total


def _prompts(rng: np.random.Generator, X: np.ndarray, noise: float, structure: np.ndarray) -> Prompts:
    clean = X[:, -1]
    Z = X.dtype.type(noise**0.5) * rng.standard_normal(clean.shape, X.dtype)
    return Prompts(X[:, :-1], clean + Z, clean, structure)


def _bases(rng: np.random.Generator, n_prompts: int, n: int, d: int, dtype: type) -> np.ndarray:
    """(B, n, d) orthonormal columns of Haar-random subspaces."""
    return np.linalg.qr(rng.standard_normal((n_prompts, n, d), dtype))[0]


def _projected(prompts: Prompts) -> np.ndarray:
    U = prompts.structure
    return np.einsum("bnd,bd->bn", U, np.einsum("bnd,bn->bd", U, prompts.noisy))


def _check(task: LinearTask | SphereTask | MixtureTask, *, least: int, room: int = 0) -> None:
    given = vars(task)
    if not all(0 <= value < np.inf for value in given.values()) or given["noise"] == 0:
        raise InputError(f"{task}; expected a noise > 0, and no negative number")
    d = given["d"] if "d" in given else given["n_centres"]
    if d < least or ("d" in given and d + room > task.n):
        raise InputError(f"{task}; expected {least} <= d <= n - {room}, or at least one centre")
