"""Denoisers to compare with: from the noisy tokens themselves to nonparametric maximum likelihood."""

from __future__ import annotations

import numpy as np

from .._errors import InputError
from ..metrics import squared_distances
from .admit import count, floats, positive
from .cloud import Engine, kernel_mean
from .priors import Prompts

#: cells of the grid of the nonparametric prior, per axis, in one and in two dimensions
GRID = {1: 300, 2: 40}


# a clean context and one noisy query ---------------------------------------------------------------------------------


def context_mean(prompts: Prompts) -> np.ndarray:
    """The mean of the context, whatever the query, (B, n)."""
    return prompts.context.mean(1)


def pca_projection(prompts: Prompts, d: int, shrink: float = 1.0) -> np.ndarray:
    """The query projected on the leading d principal directions of the context through 0, times a factor, (B, n)."""
    if not 1 <= count("d", d, 1) <= prompts.context.shape[2]:
        raise InputError(f"d={d}; expected an integer from 1 to the {prompts.context.shape[2]} features")
    gram = prompts.context.swapaxes(1, 2) @ prompts.context
    V = np.linalg.eigh(gram)[1][:, :, -d:]
    return shrink * np.einsum("bnd,bd->bn", V, np.einsum("bnd,bn->bd", V, prompts.noisy))


# a cloud of noisy tokens ---------------------------------------------------------------------------------------------


def one_step(noisy: np.ndarray, noise: float, *, engine: Engine = "auto") -> np.ndarray:
    """Attention of the noisy tokens to themselves, no depth: posterior mean under a prior that is itself noisy."""
    return kernel_mean(noisy, noisy, 1 / positive("noise", noise), engine=engine)


def kde_tweedie(noisy: np.ndarray, noise: float, beta: float) -> np.ndarray:
    """Tweedie's formula on a kernel density estimate: ``y + noise grad log p(y)``, with ``beta (m(y) - y)`` as grad."""
    noisy, noise = floats("noisy", noisy), positive("noise", noise)
    return noisy + noise * beta * (kernel_mean(noisy, noisy, beta) - noisy)


def mean_shift(noisy: np.ndarray, beta: float, n_steps: int = 100) -> np.ndarray:
    """Each token climbs the density of the noisy cloud, which stays as it is, towards a mode."""
    moved = noisy = floats("noisy", noisy)
    for _ in range(count("n_steps", n_steps)):
        moved = kernel_mean(moved, noisy, beta)
    return moved


def james_stein(noisy: np.ndarray, noise: float) -> np.ndarray:
    """Empirical Bayes with a Gaussian prior: towards the mean by ``1 - noise / var(y)`` (positive part, N n > 3)."""
    noisy, noise = floats("noisy", noisy), positive("noise", noise)
    middle = noisy.mean(0, dtype=float)
    spread = float(np.square((noisy - middle) / noise**0.5).sum())
    freedom = max(noisy.shape[1] * (len(noisy) - 1) - 2, 0)
    shrink = max(0.0, 1 - freedom / spread) if spread else 0.0
    return (middle + shrink * (noisy - middle)).astype(noisy.dtype, copy=False)


def npmle(noisy: np.ndarray, noise: float, *, n_iter: int = 500) -> np.ndarray:
    """Posterior means under the nonparametric maximum-likelihood prior on a grid, by EM, in one or two dimensions.

    Kiefer & Wolfowitz 1956: ``max_p sum_i log sum_g p_g N(y_i; g, noise I)`` over the weights of the grid's cells.

    Raises
    ------
    InputError
        In more than two dimensions, or when rows spread so far that the grid is coarser than the noise.
    """
    noisy, noise, n_iter = floats("noisy", noisy), positive("noise", noise), count("n_iter", n_iter, 1)
    n = noisy.shape[1]
    if n not in GRID:
        raise InputError(f"tokens of dimension {n}; the grid of npmle is for 1 and 2. Use two_stage")
    cell = float(np.ptp(noisy.astype(float), axis=0).max()) / (GRID[n] - 1)
    if cell > 2 * noise**0.5:
        raise InputError(
            f"cells of {cell:.3g} where the noise has standard deviation {noise**0.5:.3g}: rows spread too far for a "
            f"grid of {GRID[n]} cells an axis. Leave out far rows, or use two_stage"
        )
    axes = [np.linspace(low, high, GRID[n]) for low, high in zip(noisy.min(0), noisy.max(0), strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, n)
    apart = squared_distances(noisy / noise**0.5, grid / noise**0.5)
    likelihood = np.exp((apart.min(1, keepdims=True) - apart) / 2)
    p = np.full(len(grid), 1 / len(grid))
    for _ in range(n_iter):
        p *= likelihood.T @ (1 / (likelihood @ p)) / len(noisy)
    joint = likelihood * p
    return joint @ grid / joint.sum(1, keepdims=True)
