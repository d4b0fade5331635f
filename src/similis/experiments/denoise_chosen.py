"""Attention as empirical Bayes with settings that a cloud of noisy tokens chooses for itself."""

from __future__ import annotations

import warnings
from functools import partial
from itertools import islice, product

import numpy as np

from ..estimators import EmpiricalBayesDenoiser
from ..memory import (
    calibrate,
    depth,
    diagnose,
    empirical_bayes,
    flow,
    horizon,
    kernel_mean,
    one_step,
    refine,
    two_stage,
)
from . import figures
from ._registry import Budget, Claim, Measured, Outcome, Table, experiment
from .denoise import ETA, MIX2, PRIORS, mse, repeats_of


@experiment(
    "denoise", "chosen", "Settings chosen without a clean token",
    claims=[
        Claim(id="derived", text="beta and T by held-out likelihood over the derived ones, which know the prior's "
              "variance: largest ratio of mean losses", goal=1.05, better="lower"),
        Claim(id="noise", text="Points on a circle and on a knot, noise unknown: largest relative error of its "
              "variance", goal=0.3, better="lower", budgets=("full",)),
        Claim(id="warned", text="Share of settings whose failure region is recognised (frozen, merged, or sound)",
              goal=1.0, better="higher"),
    ],
)  # fmt: skip
def chosen(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Half of the tokens are refined, the others asked how likely they are. An unknown noise is the largest that
    explains them as well as any."""
    repeats = repeats_of(seeds, 20 if budget == "full" else 2)
    full = budget == "full"
    rows: list[tuple[str | float, ...]] = []
    ratios = []
    cases = [(name, noise, n) for name in PRIORS for noise in (0.5, 2.0) for n in (400, 800)]
    for name, noise, n in cases if full else cases[::4]:
        prior, losses, picked = PRIORS[name], [], []
        for seed in repeats:
            noisy, clean = prior.sample(n, noise, seed)
            own = calibrate(noisy, noise, eta=ETA, random_state=seed)
            beta = 2 / noise
            run = partial(two_stage, noisy, noise, eta=ETA)
            losses.append([mse(prior.posterior_mean(noisy, noise), clean), mse(one_step(noisy, noise), clean),
                           mse(run(beta=beta, horizon=horizon(noise, beta, prior.variance)), clean),
                           mse(run(beta=own.beta, horizon=own.horizon), clean)])  # fmt: skip
            picked.append((own.beta * noise, own.horizon / (noise / 2)))
        mean = np.mean(losses, axis=0)
        ratios.append(float(mean[3] / mean[2]))
        rows.append((f"{name}, noise {noise:g}, N = {n}", *map(float, mean), *map(float, np.median(picked, axis=0))))
    errors, found = [], []
    for seed in repeats[: 5 if full else 0]:
        for curve, noise in ((circle, 0.16), (knot, 0.04)):
            clean = curve(800, np.random.default_rng(seed))
            noisy = clean + np.random.default_rng(seed + 1).normal(0, noise**0.5, clean.shape)
            errors.append(abs(calibrate(noisy, random_state=seed).noise / noise - 1))
    for ratio, expected in ((12.0, "frozen"), (2.0, "sound"), (0.5, "merged")):
        for seed in repeats[: 5 if full else 2]:
            noisy, _ = MIX2.sample(400, 1.5, seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = EmpiricalBayesDenoiser(1.5, beta=ratio / 1.5, prior_variance=0.09).fit(noisy)
            found.append(model.diagnosis_ == expected)
    canvas, ax = figures.canvas(6.4, 3.4)
    _bandwidths(ax, repeats[: 5 if full else 1])
    picture = figures.svg(
        canvas, salt="denoise/chosen",
        caption="Loss over Bayes against the width of stage 1's kernel, T = T*, 400 tokens, mean of 5 clouds. Too "
        "narrow (right) freezes, too wide (left) merges modes; triangles mark what the cloud's own variance warns of.",
        alt="Curves that are flat in the middle and rise at one or both ends, where triangles mark the points.",
    )  # fmt: skip
    columns = ("setting", "Bayes", "one step", "derived", "chosen", "beta noise", "T over noise/2")
    caption = "Loss per token, mean over repeats, and the median of what was chosen, measured in this run"
    table = Table(caption, columns, tuple(rows))
    share = float(np.mean(found))
    measured = {
        "derived": Measured(max(ratios), (min(ratios), max(ratios)), tuple(repeats), "worst"),
        "warned": Measured(share, (share, share), tuple(repeats), "mean"),
    }
    if full:
        measured["noise"] = Measured(max(errors), (min(errors), max(errors)), tuple(repeats[:5]), "worst", oracle=0.0)
    return Outcome(measured, (picture,), (table,), empirical_bayes())


#: clouds whose best settings a scan finds
KINDS = ("50 clusters", "circle", "swiss roll", "subspace")


@experiment(
    "denoise", "scan", "The choice beside the best of a scan",
    claims=[
        Claim(id="scan", text="Chosen beta and T over the best of a scan that sees the clean tokens, clusters and "
              "manifolds in 2 to 256 dimensions, float64 and float32: largest ratio of losses", goal=1.1,
              better="lower"),
    ],
)  # fmt: skip
def scan(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """400 tokens, noise known. The scan takes beta from 8 over the noise downwards in steps of the root of 2, and every
    second depth up to 100 layers, on the very tokens that are denoised. The search was designed on other seeds. At
    smoke: 200 tokens, beta in steps of 2."""
    full = budget == "full"
    seeds, dimensions, levels = (seeds[:2], (2, 16, 64, 256), (0.05, 0.3)) if full else (seeds[:1], (2, 16), (0.3,))
    rows: list[tuple[str | float, ...]] = []
    worst = []
    for kind, d, noise in product(KINDS, dimensions, levels):
        losses = np.mean([_scanned(kind, d, noise, seed, full) for seed in seeds], axis=0)
        worst.append(max(losses[1:3]) / losses[3])
        rows.append((f"{kind}, {d} dimensions, noise {noise:g}", *map(float, losses), float(worst[-1])))
    measured = {"scan": Measured(max(worst), (min(worst), max(worst)), seeds, "worst")}
    columns = ("cloud", "noisy", "chosen", "chosen, float32", "best of the scan", "chosen over best")
    table = Table("Loss per coordinate, mean over seeds, measured in this run", columns, tuple(rows))
    canvas, ax = figures.canvas(6.4, 0.22 * len(rows) + 1.0)
    ax.barh([str(row[0]) for row in rows][::-1], worst[::-1], color=figures.BLUE)
    ax.axvline(1.0, color=figures.GREY)
    figures.label(ax, "loss of what was chosen over the best of the scan", "")
    picture = figures.svg(
        canvas, salt="denoise/scan", alt="Horizontal bars, one a cloud, that end near 1.",
        caption="Loss of the chosen settings over that of the best of the scan, the worse of both precisions.",
    )  # fmt: skip
    return Outcome(measured, (picture,), (table,), empirical_bayes())


def _scanned(kind: str, d: int, noise: float, seed: int, full: bool) -> list[float]:
    """Losses per coordinate of the noisy tokens, the choice in both types, and the best of the scan."""
    rng = np.random.default_rng(seed)
    clean = _cloud(kind, d, 400 if full else 200, rng)
    noisy, losses = clean + rng.normal(0, noise**0.5, clean.shape), []
    for dtype in (np.float64, np.float32):
        model = EmpiricalBayesDenoiser(noise, random_state=seed)
        losses.append(mse(model.fit_transform(noisy.astype(dtype)), clean))
    best = np.inf
    for power in range(6, -2 * int(np.ceil(np.log2(2 * d))) - 1, -1 if full else -2):
        for cloud in islice(flow(noisy, 2.0 ** (power / 2) / noise, ETA), 0, 101, 2):
            best = min(best, mse(kernel_mean(noisy, cloud, 1 / noise), clean))
    return [float(loss / d) for loss in (mse(noisy, clean), *losses, best)]


def _cloud(kind: str, d: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Clean tokens, (n, d); curves and surfaces in random directions."""
    if kind == "50 clusters":
        return rng.standard_normal((50, d))[rng.integers(50, size=n)]
    turn, along = np.pi * (1.5 + 3 * rng.uniform(size=n)), 10 * rng.uniform(size=n)
    flat = {
        "circle": lambda: circle(n, rng),
        "swiss roll": lambda: np.stack([turn * np.cos(turn), turn * np.sin(turn), along], 1)[:, :d] / 4,
        "subspace": lambda: 2 * rng.standard_normal((n, min(3, d - 1))),
    }[kind]()
    return flat @ np.linalg.qr(rng.standard_normal((d, flat.shape[1])))[0].T


def _bandwidths(ax: figures.Axes, repeats: list[int]) -> None:
    ratios = np.array([0.25, 0.5, 1, 2, 4, 8, 16, 32])
    cases = (("Gaussian", 0.5), ("Gaussian", 2.0), ("mixture", 0.5), ("mixture", 2.0), ("mixture 2D", 1.5))
    shades = (figures.BLUE, figures.GREEN, figures.ORANGE, figures.PURPLE, figures.GREY)
    for (name, noise), colour in zip(cases, shades, strict=True):
        prior, values, states = PRIORS[name], [], []
        for ratio in ratios:
            T, losses, found = horizon(noise, ratio / noise, prior.variance), [], []
            for seed in repeats:
                noisy, clean = prior.sample(400, noise, seed)
                cloud = refine(noisy, ratio / noise, depth(T, ratio / noise, ETA), ETA)
                exact = mse(prior.posterior_mean(noisy, noise), clean)
                losses.append(mse(kernel_mean(noisy, cloud, 1 / noise), clean) / exact)
                found.append(diagnose(noisy, cloud, noise))
            values.append(np.mean(losses))
            states.append(max(set(found), key=found.count))
        ax.semilogx(ratios, values, color=colour, label=f"{name}, noise {noise:g}")
        for state, mark in (("sound", "o"), ("frozen", ">"), ("merged", "<")):
            at = [i for i, s in enumerate(states) if s == state]
            ax.semilogx(ratios[at], np.array(values)[at], mark, color=colour, markersize=5)
    figures.label(ax, "beta noise", "loss over Bayes")


def circle(n: int, rng: np.random.Generator) -> np.ndarray:
    """Points on a circle of radius 3."""
    turn = rng.uniform(0, 2 * np.pi, n)
    return 3 * np.stack([np.cos(turn), np.sin(turn)], 1)


def knot(n: int, rng: np.random.Generator) -> np.ndarray:
    """Points on a trefoil knot."""
    t = rng.uniform(0, 2 * np.pi, n)
    return np.stack([np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t), -np.sin(3 * t)], 1)
