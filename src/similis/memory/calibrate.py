"""Temperature, depth and, where it is unknown, the noise, from the noisy tokens alone: held-out marginal likelihood.

A cloud refined from half of the tokens should explain the other half once the noise is added back:
``log p(y) = log (1/N) sum_j N(y; x_j(T), noise I)``. No clean token is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .._errors import InputError
from .._random import Seed, generator
from .cloud import log_density
from .particles import depth, flow
from .particles import horizon as derived

#: kernel precisions that are tried, in units of 1 / noise
RATIOS = (0.5, 1.0, 2.0, 4.0, 8.0)
#: noise variances that are tried, as shares of the smallest variance of the tokens along any direction
SHARES = tuple(np.geomspace(1e-3, 0.95, 15))
#: tokens that take part; more change nothing but the time
ENOUGH = 2000
#: depths looked at along one flow, at most, and how many may pass without a gain
LOOKS, PATIENCE = 40, 8
#: the largest share of the noise by which the refined cloud's variance may miss what the noise leaves
TOLERANCE = 0.4


@dataclass(frozen=True)
class Settings:
    """Noise variance, kernel precision of stage 1, its horizon and layers, and the mean held-out log likelihood."""

    noise: float
    beta: float
    horizon: float
    n_layers: int
    log_likelihood: float


def calibrate(
    noisy: np.ndarray, noise: float | None = None, *, beta: float | None = None, horizon: float | None = None,
    prior_variance: float | None = None, eta: float = 0.1, random_state: Seed = None,
) -> Settings:  # fmt: skip
    """Choose what is None of noise, beta and horizon.

    Half of at most 2,000 tokens are refined, the others are asked how likely they are at each depth, and the other way
    round; the likeliest beta and horizon are kept. An unknown noise is taken as the *largest* one that explains the
    held-out tokens as well as the best does, to one standard error: a cloud cannot tell noise from a prior that is as
    smooth, so for a Gaussian cloud all is noise, while clusters, curves and subspaces of low dimension fix it.

    Parameters
    ----------
    noisy : (N, n) array, N >= 2
    noise, beta, horizon : float or None
    prior_variance : float or None; where it is given the horizon is the derived one, see :func:`horizon`
    eta : float, step of stage 1
    random_state : int, Generator, RandomState or None, of the halves

    Returns
    -------
    Settings

    Raises
    ------
    InputError
        When there are fewer than 4 tokens to choose by, or the noise is unknown and the tokens do not differ.
    """
    settled = beta is not None and (horizon is not None or prior_variance is not None)
    rng = generator(random_state)
    tokens = noisy[rng.permutation(len(noisy))[:ENOUGH]]
    halves = (tokens[::2], tokens[1::2])
    if noise is None:
        if len(noisy) < 4:
            raise InputError(f"noise_variance is None and n_samples={len(noisy)}; give the variance of the noise")
        least = float(np.linalg.eigvalsh(np.atleast_2d(np.cov(tokens.T, dtype=float)))[0])
        if not least > 0:
            raise InputError(
                "noise_variance is None and tokens do not vary in every direction; give the noise variance"
            )
        noise = _largest(least * np.array(SHARES), halves, beta, horizon, prior_variance, eta, (2.0,))
        step = SHARES[1] / SHARES[0]  # near the likeliest share every kernel is asked: too wide a one adds to the noise
        around = noise * np.geomspace(1 / step, step, 9)[1:-1]
        noise = _largest(around[around < least], halves, beta, horizon, prior_variance, eta, RATIOS)
    if settled or len(noisy) < 4:
        beta = 2 / noise if beta is None else beta
        if horizon is None:
            horizon = noise / 2 if prior_variance is None else derived(noise, beta, prior_variance)
        return Settings(noise, beta, horizon, depth(horizon, beta, eta), np.nan)
    return _best(halves, noise, beta, horizon, prior_variance, eta, RATIOS if beta is None else ())[0]


def _largest(
    noises: np.ndarray, halves: tuple[np.ndarray, np.ndarray], beta: float | None, horizon: float | None,
    prior_variance: float | None, eta: float, ratios: Sequence[float],
) -> float:  # fmt: skip
    """The largest noise under which held-out tokens are as likely as under the best, to one standard error."""
    each = [_best(halves, noise, beta, horizon, prior_variance, eta, ratios)[1] for noise in noises]
    lost = np.max([one.mean() for one in each])
    best = next(one for one in each if one.mean() == lost)
    behind = [(best - one).mean() <= (best - one).std() / np.sqrt(len(one)) for one in each]
    return float(noises[np.flatnonzero(behind)[-1]])


def _best(
    halves: tuple[np.ndarray, np.ndarray], noise: float, beta: float | None, horizon: float | None,
    prior_variance: float | None, eta: float, ratios: Sequence[float],
) -> tuple[Settings, np.ndarray]:  # fmt: skip
    """The likeliest settings at one noise, and the log likelihood of each token under them."""
    found = []
    for precision in [ratio / noise for ratio in ratios] if beta is None else [beta]:
        time = derived(noise, precision, prior_variance) if prior_variance is not None else horizon
        longest = time if time is not None else noise / 2 + np.log1p(1e3) / (2 * precision)
        last = max(depth(longest, precision, eta), 1)
        looks = np.array([last]) if time is not None else np.unique(np.linspace(0, last, LOOKS).round().astype(int))
        curves = [_curve(*pair, noise, precision, eta, looks) for pair in (halves, halves[::-1])]
        shared = min(len(curve) for curve in curves)
        each = np.concatenate([curve[:shared] for curve in curves], axis=1)
        at = int(each.mean(1).argmax())
        T = looks[at] * eta / precision if time is None else time
        chosen = Settings(noise, precision, float(T), int(looks[at]), float(each[at].mean()))
        found.append((chosen, each[at]))
    return max(found, key=lambda pair: pair[0].log_likelihood)


def _curve(
    learn: np.ndarray, ask: np.ndarray, noise: float, beta: float, eta: float, looks: np.ndarray
) -> np.ndarray:  # fmt: skip
    """Log likelihoods of the asked tokens at each depth of the flow of the others, until they have long fallen."""
    curve: list[np.ndarray] = []
    best = 0
    for layer, cloud in enumerate(flow(learn, beta, eta)):
        if layer in looks:
            curve.append(log_density(ask, cloud, 1 / noise))
            best = len(curve) - 1 if curve[-1].mean() > curve[best].mean() else best
        if layer >= looks[-1] or len(curve) > best + PATIENCE:
            return np.array(curve)
    raise AssertionError


def balance(noisy: np.ndarray, refined: np.ndarray, noise: float) -> float:
    """How far the refined cloud's variance is from what the noise leaves, in units of the noise; 0 is right.

    ``(tr cov X + n noise - tr cov Y) / (n noise)``; noise that explains all there is counts up to ``tr cov Y``.
    """
    whole, left = (float(np.var(tokens, axis=0, dtype=float).sum()) for tokens in (noisy, refined))
    n = noisy.shape[1] * noise
    return (left - max(whole - n, 0.0)) / n


Diagnosis = Literal["sound", "frozen", "merged"]


def diagnose(noisy: np.ndarray, refined: np.ndarray, noise: float) -> Diagnosis:
    """Whether stage 1 stayed clear of its two failure regions.

    "frozen": the kernel is too narrow for so few tokens, each attends to itself and the cloud breaks into clumps before
    its variance has fallen. "merged": the kernel is wider than the distance of modes, or the flow went on for too long,
    and structure collapsed.
    """
    gap = balance(noisy, refined, noise)
    return "frozen" if gap > TOLERANCE else "merged" if gap < -TOLERANCE else "sound"
