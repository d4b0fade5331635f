"""Temperature and depth from the noisy tokens alone, by the error on a copy of them whose noise is independent.

With w ~ N(0, noise I), ``y + sqrt(a) w`` and ``y - w / sqrt(a)`` have independent noises. What is made of the first,
the whole cloud denoised by settings in units of its noise, is compared with the second: up to a constant that is its
squared error to the clean tokens (coupled bootstrap, Oliveira, Lei & Tibshirani 2021). No clean token is needed, and
nothing need be differentiable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple

import numpy as np

from .._errors import InputError
from .._random import Seed, generator
from ..metrics import squared_distances
from .admit import floats, positive
from .cloud import kernel_mean, log_density
from .particles import check_step, depth, flow
from .particles import horizon as derived

#: a, the noise that the first copy has more, as a share
SPLIT = 0.1
#: copies are drawn until they hold so many numbers, but this many at most
NUMBERS, DRAWS = 4000, 2
#: kernel precisions that are tried: powers of the root of 2 times 1/noise, up to this one
TOP = 6
#: tokens of the first look at all of them, and of the second look around the best; more change little but the time
FEW, ENOUGH = 400, 2000
#: step of a layer while precisions are compared, longest time of stage 1 in units of 1/beta, looks without a gain
COARSE, LONGEST, PATIENCE = 0.25, 10.0, 6
#: standard deviations of the noise from which float32 cannot hold the noise beside the place
WIDE = 1e4
#: gain, in units of the noise, below which another look is none
GAIN = 1e-3
#: the largest share of the noise by which the refined cloud's variance may miss what the noise leaves
TOLERANCE = 0.4

Copies = list[tuple[np.ndarray, np.ndarray]]


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

    beta and horizon are those whose denoised tokens are nearest to an independent copy of at most 2,000 of them; all
    precisions are looked at with 400 tokens, those around the best with all. An unknown noise comes from
    :func:`largest_noise`.

    Parameters
    ----------
    noisy : (N, n) array
    noise, beta, horizon : float or None
    prior_variance : float or None; where it is given the horizon is the derived one, see :func:`horizon`
    eta : float, step of stage 1
    random_state : int, Generator, RandomState or None, of tokens drawn and of copies

    Returns
    -------
    Settings

    Raises
    ------
    InputError
        When the noise is unknown and there are fewer than 4 different tokens or they do not vary in every direction,
        or for parameters out of range.
    """
    noisy, eta, rng = floats("noisy", noisy), check_step(eta), generator(random_state)
    noise, beta, prior_variance = (
        None if value is None else positive(name, value)
        for name, value in (("noise", noise), ("beta", beta), ("prior_variance", prior_variance))
    )
    horizon = None if horizon is None else positive("horizon", horizon, zero=True)
    tokens = noisy[rng.permutation(len(noisy))[:ENOUGH]]
    few = min(len(part) for part in halves(tokens)) < 2
    noise = largest_noise(tokens) if noise is None else noise
    if few or (beta is not None and (horizon is not None or prior_variance is not None)):
        beta = 2 / noise if beta is None else beta
        if horizon is None:
            horizon = noise / 2 if prior_variance is None else derived(noise, beta, prior_variance)
        return Settings(noise, beta, horizon, depth(horizon, beta, eta), np.nan)

    def layers(ratio: float, eta: float) -> int | None:
        """Layers at a precision, where they are not free."""
        if prior_variance is not None:
            return depth(derived(noise, ratio / noise, prior_variance), ratio / noise, eta)
        return None if horizon is None else depth(horizon, ratio / noise, eta)

    best = _best(in_widths(tokens, noise), None if beta is None else beta * noise, layers, eta, rng)
    beta = best.ratio / noise if beta is None else beta
    if horizon is None:
        horizon = best.time / beta if prior_variance is None else derived(noise, beta, prior_variance)
    n_layers = depth(horizon, beta, eta)
    pair = halves(tokens)
    each = [
        log_density(ask, next(islice(flow(learn, beta, eta), n_layers, None)), 1 / noise)
        for learn, ask in (pair, pair[::-1])
    ]
    return Settings(noise, beta, horizon, n_layers, float(np.concatenate(each).mean()))


def halves(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two halves; equal rows, whose noise may be one and the same, are in one of them."""
    odd = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1) % 2 == 1
    return rows[~odd], rows[odd]


def in_widths(tokens: np.ndarray, noise: float) -> np.ndarray:
    """Tokens about their median, in standard deviations of the noise: one choice for every unit and both types."""
    near = (tokens.astype(float) - np.median(tokens, axis=0)) / noise**0.5
    return near.astype(np.float32) if np.abs(near).max() < WIDE else near


class _Look(NamedTuple):
    """One setting: what is known of it."""

    ratio: float
    time: float
    errors: np.ndarray
    likelihood: float


def _best(
    tokens: np.ndarray, ratio: float | None, layers: Callable[[float, float], int | None], eta: float,
    rng: np.random.Generator,
) -> _Look:  # fmt: skip
    """beta times noise and eta times layers of the least error; tokens in standard deviations of the noise."""
    copies, coarse = _copies(tokens, rng), max(eta, COARSE)
    seen: dict[int, list[_Look]] = {}

    def error(power: int, part: slice = slice(None)) -> float:
        if power not in seen:
            precision = 2.0 ** (power / 2)
            pairs = [(first[part], second[part]) for first, second in copies]
            seen[power] = _curve(tokens[part], pairs, precision, coarse, layers(precision, coarse))
        return min(float(look.errors.mean()) for look in seen[power])

    if ratio is None:
        powers = range(TOP, -2 * int(np.ceil(np.log2(2 * tokens.shape[1]))) - 1, -2)
        best = min(powers, key=lambda power: error(power, slice(FEW)))
        if len(tokens) > FEW:
            seen.clear()
        while best != (near := min({best, best - 2, best + 2} & {*powers}, key=lambda p: (error(p), p != best))):
            best = near
        best = round(2 * np.log2(_pick([look for looks in seen.values() for look in looks]).ratio))
        looks = [look for power in (best - 1, best, best + 1) if error(power) for look in seen[power]]
        looks += [look for power, more in seen.items() if abs(power - best) > 1 for look in more]
    else:
        looks = _curve(tokens, copies, ratio, coarse, layers(ratio, coarse))
    found = _pick(looks)
    if coarse == eta or layers(found.ratio, eta) is not None or not np.isnan(found.likelihood):
        return found
    first, last = (max(0, round((found.time + by * coarse) / eta)) for by in (-3, 3))
    fine = range(first, last + 1, max(1, round(0.1 / eta)))
    return _pick(_curve(tokens, copies, found.ratio, eta, None, fine))


def _pick(looks: list[_Look]) -> _Look:
    """The likeliest of those whose error is the least, to one standard error."""
    best = min(looks, key=lambda look: float(look.errors.mean()))
    behind = [look.errors - best.errors for look in looks]
    near = [look for look, more in zip(looks, behind, strict=True) if more.mean() <= more.std() / len(more) ** 0.5]
    return best if np.isnan(best.likelihood) else max(near, key=lambda look: look.likelihood)


def _copies(tokens: np.ndarray, rng: np.random.Generator) -> Copies:
    """Pairs of copies with independent noises, of variances 1 + SPLIT and 1 + 1/SPLIT; equal rows stay equal."""
    root, found = tokens.dtype.type(SPLIT**0.5), []
    different, which = np.unique(tokens, axis=0, return_inverse=True)
    for _ in range(min(DRAWS, -(-NUMBERS // tokens.size))):
        w = rng.standard_normal(different.shape).astype(tokens.dtype)[which.reshape(-1)]
        found.append((tokens + root * w, tokens - w / root))
    return found


def _curve(
    tokens: np.ndarray, copies: Copies, ratio: float, eta: float, fixed: int | None, looks: Iterable[int] = ()
) -> list[_Look]:  # fmt: skip
    """Looks along a flow: at a fixed layer, at some, or at all until the error has long not fallen."""
    noise = 1 + SPLIT
    looks = [fixed] if fixed is not None else looks or range(int((LONGEST + ratio) / eta) + 1)
    parts = halves(tokens) if tokens.size < 2 * NUMBERS else ()
    flows = [flow(first, ratio / noise, eta) for first, _ in copies] + [flow(part, ratio, eta) for part in parts]
    found: list[_Look] = []
    record, waited, at = np.inf, 0, -1
    for look in looks:
        clouds = [next(islice(cloud, look - at - 1, None)) for cloud in flows]
        pairs = zip(copies, clouds, strict=False)
        misses = [np.square(kernel_mean(y, cloud, 1 / noise) - z).sum(1, dtype=float) for (y, z), cloud in pairs]
        asked = [log_density(ask, cloud, 1.0) for ask, cloud in zip(parts[::-1], clouds[len(copies) :], strict=True)]
        likelihood = float(np.concatenate(asked).mean()) if asked else np.nan
        found.append(_Look(ratio, look * eta, np.mean(misses, axis=0) / tokens.shape[1], likelihood))
        at, error = look, found[-1].errors.mean()
        record, waited = (error, 0) if error < record - GAIN else (record, waited + 1)
        if waited > PATIENCE:
            break
    return found


# noise that is unknown ----------------------------------------------------------------------------------------------

#: tokens that take part, and the distance to the nearest other, over its median, from which a token tells nothing
WITNESSES, LONELY = 800, 30.0
#: noises are tried in steps of this factor, then in smaller ones around the best, with precisions times 1/noise
STEP, AROUND, RATIOS = 1.63, 7, (0.5, 1.0, 2.0, 4.0, 8.0)


def largest_noise(tokens: np.ndarray) -> float:
    """The largest variance of noise that explains held-out tokens as well as any does, to one standard error.

    A cloud refined from half of at most 800 tokens should explain the other half once the noise is added back:
    ``log p(y) = log (1/N) sum_j N(y; x_j(T), noise I)``. A cloud cannot tell noise from a prior that is as smooth, so
    for a Gaussian cloud all is noise, while clusters, curves and subspaces of low dimension fix it.
    """
    n = tokens.shape[1]
    tokens = tokens[:WITNESSES].astype(float)
    if min(len(part) for part in halves(tokens)) < 2:
        raise InputError(
            f"noise_variance is None and of n_samples={len(tokens)} fewer than 4 differ; give the variance of the noise"
        )
    apart = squared_distances(tokens, tokens)
    nearest = np.where(apart > 0, apart, np.inf).min(1)
    tokens = tokens[nearest <= LONELY**2 * np.median(nearest)]
    spread = np.linalg.eigvalsh(np.atleast_2d(np.cov(tokens.T)))
    crowded = n / (len(tokens) - 1)
    if crowded < 0.8 and not spread[0] > 1e-12 * spread[-1]:
        raise InputError(
            "noise_variance is None and tokens do not vary in every direction; give the variance of the noise"
        )
    # the least eigenvalue of pure noise in finitely many tokens is too small by this factor (Marchenko & Pastur)
    most = float(spread[0] / (1 - crowded**0.5) ** 2) if crowded < 0.8 else float(spread.mean())
    least = min(float(np.median(nearest)) / (20 * n), most / STEP)
    pair, easy = halves(in_widths(tokens, most)), min(1.0, 4 / n)  # in many dimensions only wide kernels see neighbours
    shares = np.geomspace(least / most, 0.95, max(2, round(np.log(most / least) / np.log(STEP)) + 1))
    share = _largest(pair, shares, (2.0 * easy,))
    around = share * np.geomspace(1 / STEP, STEP, AROUND + 2)[1:-1]
    return most * _largest(pair, around[around < 1], [ratio * easy for ratio in RATIOS])


def _largest(pair: tuple[np.ndarray, np.ndarray], noises: np.ndarray, ratios: Sequence[float]) -> float:
    """The largest noise under which held-out tokens are as likely as under the best, to one standard error."""
    each = [max((_explained(pair, noise, ratio) for ratio in ratios), key=np.mean) for noise in noises]
    best = max(each, key=np.mean)
    behind = [(best - one).mean() <= (best - one).std() / np.sqrt(len(one)) for one in each]
    return float(noises[np.flatnonzero(behind)[-1]])


def _explained(pair: tuple[np.ndarray, np.ndarray], noise: float, ratio: float) -> np.ndarray:
    """Log likelihood of each token at the likeliest depth of the flow of the other half."""
    best, waited = np.array(-np.inf), 0
    flows = [flow(half, ratio / noise, COARSE) for half in pair]
    for _ in range(int((LONGEST + ratio) / COARSE) + 1):
        clouds = [next(cloud) for cloud in flows]
        each = np.concatenate(
            [log_density(ask, cloud, 1 / noise) for ask, cloud in zip(pair[::-1], clouds, strict=True)]
        )
        waited = waited + 1 if each.mean() < best.mean() + GAIN else 0
        best = max(best, each, key=np.mean)
        if waited > PATIENCE:
            break
    return best


def balance(noisy: np.ndarray, refined: np.ndarray, noise: float) -> float:
    """How far the refined cloud's variance is from what the noise leaves, in units of the noise; 0 is right.

    ``(tr cov X + n noise - tr cov Y) / (n noise)``; noise that explains all there is counts up to ``tr cov Y``.
    """
    noisy, refined, noise = floats("noisy", noisy), floats("refined", refined), positive("noise", noise)
    whole, left = (float(np.var(tokens / noise**0.5, axis=0, dtype=float).sum()) for tokens in (noisy, refined))
    n = noisy.shape[1]
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
