"""Attention as empirical Bayes at work: pictures from their own patches, and a cloud of points on a curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._optional import require
from ..datasets import load_digits, load_mnist, load_natural_images, load_photographs
from ..estimators import EmpiricalBayesDenoiser
from ..memory import denoise_images, empirical_bayes, kernel_mean, mean_shift, one_step
from . import figures
from ._registry import Budget, Claim, Measured, Outcome, Table, experiment
from .denoise import mse
from .denoise_chosen import knot

LEVELS = (0.05, 0.1, 0.2)  # standard deviations of the noise; pixels are in [0, 1]
METHODS = ("noisy", "patches, Gaussian prior", "total variation", "non-local means", "two-stage attention")
#: weights of total variation and widths of non-local means that are tried, in standard deviations of the noise
WEIGHTS, WIDTHS = (0.4, 0.6, 0.9, 1.3, 1.8), (0.4, 0.6, 0.8, 1.0)
#: numbers of directions for attention that are tried
DIRECTIONS = (8, 12, 20)
Pictures = Sequence[np.ndarray]
Method = Callable[[Pictures, float, Any], Pictures]


def psnr(guesses: Pictures, clean: Pictures) -> float:
    """Peak signal-to-noise ratio in decibels, mean over pictures, after clipping to [0, 1]."""
    return float(np.mean([-10 * np.log10(np.square(np.clip(g, 0, 1) - c).mean(dtype=float))
                          for g, c in zip(guesses, clean, strict=True)]))  # fmt: skip


def _variation(noisy: Pictures, sd: float, weight: float) -> Pictures:
    restoration = require("skimage.restoration", extra="dev")
    return [restoration.denoise_tv_chambolle(image, weight=weight * sd) for image in noisy]


def _nonlocal(noisy: Pictures, sd: float, width: float) -> Pictures:
    restoration = require("skimage.restoration", extra="dev")
    words = {"patch_size": 5, "patch_distance": 6, "fast_mode": True}
    return [restoration.denoise_nl_means(image, h=width * sd, sigma=sd, **words) for image in noisy]


def _alone(noisy: Pictures, sd: float, n_components: int) -> Pictures:
    """Two-stage attention among the patches of each picture; 0 components: a Gaussian prior in every direction."""
    return [denoise_images([image], sd**2, n_components=n_components, random_state=0)[0] for image in noisy]


def _together(noisy: Pictures, sd: float, n_components: int) -> Pictures:
    """The same among the patches of all pictures."""
    return denoise_images(noisy, sd**2, patch=5, n_components=n_components, random_state=0)


def _beside(
    ours: Method, tune: Pictures, test: Pictures, levels: Sequence[float], seed: int
) -> tuple[np.ndarray, list[Pictures]]:
    """PSNR (levels, methods) on test pictures, all methods tuned on others; and the pictures at the middle level."""
    rng, rows = np.random.default_rng(seed), []
    shown: list[Pictures] = []
    for at, sd in enumerate(levels):
        noisy, other = ([(im + sd * rng.standard_normal(im.shape)).astype(np.float32) for im in images]
                        for images in (test, tune))  # fmt: skip
        guesses = [noisy, ours(noisy, sd, 0)]
        for method, values in ((_variation, WEIGHTS), (_nonlocal, WIDTHS), (ours, DIRECTIONS)):
            tried = [psnr(method(other, sd, value), tune) for value in values]
            guesses.append(method(noisy, sd, values[int(np.argmax(tried))]))
        rows.append([psnr(guess, test) for guess in guesses])
        if at == len(levels) // 2:
            shown = guesses
    return np.array(rows), shown


def _outcome(
    budget: Budget, claims: Sequence[str], cases: dict[str, tuple[np.ndarray, Sequence[float]]], pictures: tuple,
    seeds: tuple[int, ...],
) -> Outcome:  # fmt: skip
    tables = tuple(
        Table(f"{name}: PSNR in dB, mean over pictures and seeds, measured in this run", ("noise", *METHODS),
              tuple((f"{sd:g}", *map(float, row)) for sd, row in zip(levels, values.mean(0), strict=True)))
        for name, (values, levels) in cases.items()
    )  # fmt: skip
    measured = {}
    for claim, (values, _) in zip(claims, cases.values(), strict=True):
        gains = (values[:, :, 4] - values[:, :, 2:4].max(2)).min(1)  # (seeds,) at the worst noise level
        raised = (values[:, :, 4] - values[:, :, 0]).min(1)
        measured[f"{claim}-noisy"] = Measured.over(raised, seeds, "mean", better="higher")
        if budget == "full":
            measured[claim] = Measured.over(gains, seeds, "mean", better="higher")
    return Outcome(measured, pictures, tables, empirical_bayes())


def _gains(id: str, what: str) -> list[Claim]:
    text = f"{what}, two-stage attention, at the worst noise level: PSNR above"
    return [
        Claim(id=id, text=f"{text} the better of total variation and non-local means", goal=0.0, better="higher",
              unit="dB", budgets=("full",)),
        Claim(id=f"{id}-noisy", text=f"{text} the noisy pictures", goal=1.0, better="higher", unit="dB"),
    ]  # fmt: skip


def _tiles(shown: Sequence[Pictures], clean: Pictures, at: Sequence[int], what: str, sd: float) -> figures.Figure:
    stack = np.stack([np.clip(pictures[i], 0, 1) for i in at for pictures in (clean, *shown)])
    names = ", ".join(("clean", *METHODS))
    return figures.tiles(stack, n_columns=1 + len(METHODS), alt=f"{what}, noisy and denoised by five methods.",
                         caption=f"{what}, noise of standard deviation {sd:g}; from left: {names}.")  # fmt: skip


@experiment(
    "denoise", "pictures", "Pictures from their own patches",
    claims=_gains("pictures", "Natural images"),
)  # fmt: skip
def pictures(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Each picture alone, known noise, patches of 7 x 7 without their mean, two-stage attention along their leading
    directions, a Gaussian prior along the others, overlaps averaged. The number of directions (8, 12, 20), the weight
    of total variation and the width of non-local means are chosen for each noise level on corners of the natural images
    1, 6 and 10, on which the patch size was chosen too; 2, 3, 4, 5, 8 and 9 test. At smoke: one corner of
    scikit-learn's two photographs tunes, another tests."""
    if budget == "full":
        images, seeds = load_natural_images(), seeds[:2]
        tune = [images[i][:128, :128] for i in (0, 5, 9)]
        test = [images[i][:, 128:384] for i in (1, 2, 3, 4, 7, 8)]
    else:
        images, seeds = load_photographs(), seeds[:1]
        tune = [image[-32:, -32:] for image in images]
        test = [image[150:190, 150:190] for image in images]
    levels = LEVELS if budget == "full" else LEVELS[1:2]
    values = []
    for seed in seeds:
        rows, shown = _beside(_alone, tune, test, levels, seed)
        values.append(rows)
    tiles = _tiles(shown, test, (0, 1), "Two pictures", 0.1)
    return _outcome(budget, ["pictures"], {"Pictures": (np.array(values), levels)}, (tiles,), seeds)


@experiment(
    "denoise", "digits", "Digits from the patches of other digits",
    claims=_gains("digits", "Handwritten digits"),
)  # fmt: skip
def digits(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Noisy digits together: the patches (5 x 5) of all make one cloud, nothing clean is seen. MNIST's first 60 test
    digits; 40 training digits tune every method for each noise level, as above, and chose the patch size. At smoke
    scikit-learn's 8 x 8 digits."""
    levels: tuple[float, ...]
    if budget == "full":
        levels, seeds = (0.1, 0.2, 0.4), seeds[:2]
        test = list(load_mnist("test")[0][:60].reshape(-1, 28, 28))
        tune = list(load_mnist("train")[0][100:140].reshape(-1, 28, 28))
    else:
        levels, seeds = (0.2,), seeds[:1]
        both = load_digits()[0].reshape(-1, 8, 8)
        test, tune = list(both[:200]), list(both[200:240])
    values = []
    for seed in seeds:
        rows, shown = _beside(_together, tune, test, levels, seed)
        values.append(rows)
    tiles = _tiles(shown, test, (0, 1, 2, 3), "Four digits", 0.2)
    return _outcome(budget, ["digits"], {"Digits": (np.array(values), levels)}, (tiles,), seeds)


@experiment(
    "denoise", "manifold", "Points on a curve in space",
    claims=[
        Claim(id="bayes", text="Knot in space: loss of two-stage attention over Bayes (20,000 clean points)", goal=1.2,
              better="lower", budgets=("full",)),
        Claim(id="step", text="The same over one step of attention", goal=0.8, better="lower"),
    ],
)  # fmt: skip
def manifold(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Noisy points on a trefoil knot (noise variance 0.05); beta and T are chosen by held-out likelihood. The Bayes
    denoiser asks very many clean points; mean shift moves each token to a mode of the noisy cloud's density."""
    n, noise = (2000 if budget == "full" else 600), 0.05
    names = ("noisy", "one step", "mean shift", "stage 1 alone", "two stages", "Bayes")
    rows = []
    seeds = seeds if budget == "full" else seeds[:1]
    for seed in seeds:
        rng = np.random.default_rng(seed)
        clean, many = knot(n, rng), knot(20_000, rng)
        noisy = clean + rng.normal(0, noise**0.5, clean.shape)
        model = EmpiricalBayesDenoiser(noise, random_state=seed).fit(noisy)
        guesses = (noisy, one_step(noisy, noise), mean_shift(noisy, model.beta_, 30), model.tokens_,
                   model.transform(noisy), kernel_mean(noisy, many, 1 / noise))  # fmt: skip
        rows.append([mse(guess, clean) for guess in guesses])
    mean = np.mean(rows, axis=0)
    canvas, axes = figures.canvas(9.6, 3.4, n_columns=3)
    for ax, name in zip(axes, ("noisy", "one step", "two stages"), strict=True):
        ax.plot(*many[:1500, :2].T, ".", color=figures.GREY, markersize=1, alpha=0.4)
        ax.plot(*guesses[names.index(name)][:500, :2].T, ".", color=figures.BLUE, markersize=3)
        ax.set_aspect("equal")
        figures.label(ax, "first coordinate", title=f"{name}: {mean[names.index(name)]:.3f}")
    picture = figures.svg(
        canvas, wide=True, salt="denoise/manifold",
        caption="Points near a knot in space, seen from above (clean: grey); titles: squared error per point.",
        alt="A fuzzy three-lobed knot that gets thinner from left to right.",
    )  # fmt: skip
    lines = tuple((name, float(v), float(v / mean[-1])) for name, v in zip(names, mean, strict=True))
    caption = "Squared error per point, mean over seeds, measured in this run"
    table = Table(caption, ("denoiser", "error", "over Bayes"), lines)
    losses = np.array(rows)
    measured = {
        "step": Measured.over(losses[:, 4] / losses[:, 1], seeds, "mean"),
    }
    if budget == "full":
        measured["bayes"] = Measured.over(losses[:, 4] / losses[:, 5], seeds, "mean")
    return Outcome(measured, (picture,), (table,), empirical_bayes())
