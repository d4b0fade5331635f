"""Attention as empirical Bayes: Smart, Ganguly, Metya, Morozov and Sengupta 2026, with derived settings."""

from __future__ import annotations

from itertools import islice

import numpy as np

from ..memory import (
    AssociativeMemory,
    MixturePrior,
    depth,
    diagnose,
    empirical_bayes,
    flow,
    horizon,
    james_stein,
    kde_tweedie,
    kernel_mean,
    mean_shift,
    npmle,
    one_step,
    refine,
    symmetric_mixture,
    two_stage,
)
from . import figures
from ._registry import Budget, Claim, Measured, Outcome, Table, experiment

CHECK = "an independent NumPy check made before this library, 3 to 6 repeats"
ETA = 0.1
GAUSS, MIX, MIX2 = MixturePrior(np.zeros((1, 1)), 1.0), symmetric_mixture(1), symmetric_mixture(2)
PRIORS = {"Gaussian": GAUSS, "mixture": MIX, "mixture 2D": MIX2}


def mse(guess: np.ndarray, clean: np.ndarray) -> float:
    """Mean over tokens of the squared error, summed over coordinates."""
    return float(np.square(guess - clean).sum(1).mean())


def repeats_of(seeds: tuple[int, ...], n: int) -> list[int]:
    """So many seeds, each far from the others."""
    return [seeds[0] + 1000 * i for i in range(n)]


#: (prior, tokens, noise, beta noise) -> what the earlier check found, in the order of COLUMNS; None: not looked at
KNOWN: dict[tuple[str, int, float, float], tuple[float | None, ...]] = {
    ("Gaussian", 400, 2.0, 8): (0.669, 0.922, 0.765, None, 1.252, 0.738),
    ("Gaussian", 100, 2.0, 8): (0.666, 0.892, 0.747, None, 1.258, 0.725),
    ("mixture", 200, 0.5, 4): (0.161, 0.251, 0.174, 0.185, None, 0.174),
    ("mixture", 800, 0.5, 4): (0.0993, 0.208, 0.1055, 0.1245, None, 0.1064),
    ("mixture", 800, 1.5, 4): (0.646, 0.915, 0.663, 0.727, None, 0.659),
    **{("Gaussian", 400, 0.5, r): (0.320, 0.343, v, None, None, None)
       for r, v in ((0.5, 0.323), (1, 0.324), (2, 0.326), (4, 0.328), (8, 0.331))},
    **{("Gaussian", 400, 2.0, r): (0.618, 0.904, v, None, None, None)
       for r, v in ((0.5, 0.627), (1, 0.630), (2, 0.635), (4, 0.646))},
    **{("mixture", 400, 0.5, r): (0.131, 0.223, v, None, None, None)
       for r, v in ((0.5, 0.134), (1, 0.133), (2, 0.133), (4, 0.134), (8, 0.148))},
    **{("mixture", 400, 2.0, r): (0.994, 1.294, v, None, None, None)
       for r, v in ((0.5, 2.299), (1, 1.409), (2, 1.061), (4, 1.034), (8, 1.076))},
}  # fmt: skip
COLUMNS = ("Bayes", "one step", "two stages, T*", "two stages, noise/2", "stage 1 alone", "NPMLE")


def _setting(name: str, n: int, noise: float, ratio: float, repeats: list[int]) -> np.ndarray:
    """Losses (repeats, columns) and, last, whether each refined cloud was sound (0), frozen (1) or merged (2)."""
    prior, beta = PRIORS[name], ratio / noise
    T, rows = horizon(noise, beta, prior.variance), []
    for seed in repeats:
        noisy, clean = prior.sample(n, noise, seed)
        cloud = refine(noisy, beta, depth(T, beta, ETA), ETA)
        guesses = (
            prior.posterior_mean(noisy, noise), one_step(noisy, noise), kernel_mean(noisy, cloud, 1 / noise),
            two_stage(noisy, noise, beta=beta, horizon=noise / 2, eta=ETA), cloud, npmle(noisy, noise),
        )  # fmt: skip
        state = ("sound", "frozen", "merged").index(diagnose(noisy, cloud, noise))
        rows.append([*(mse(guess, clean) for guess in guesses), state])
    return np.array(rows)


@experiment(
    "denoise", "checked", "Every setting checked before, twenty times",
    claims=[
        Claim(id="spread", text="Largest distance of a number checked before from the mean of ours, in standard "
              "deviations of one repeat", goal=2.0, better="lower", known=0.0, source=CHECK, budgets=("full",)),
        Claim(id="step", text="Two stages over one step of attention, largest ratio of mean losses outside the "
              "failure regions", goal=1.0, better="lower"),
        Claim(id="npmle", text="Two stages over nonparametric maximum likelihood, mixtures of 800 tokens, largest "
              "ratio of mean losses", goal=1.05, better="lower", known=1.006, source=CHECK),
        Claim(id="horizon", text="Mixtures: two stages at T* over two stages at T = noise/2, largest ratio of mean "
              "losses outside the failure regions", goal=1.0, better="lower", known=0.94, source=CHECK),
    ],
)  # fmt: skip
def checked(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Gaussian prior N(0, 1), and two modes at -2 and 2 of standard deviation 0.3; all tokens noisy. Loss is per token.
    Settings in a failure region are told by the cloud itself (its variance misses what the noise leaves by more than
    0.4 of the noise in most repeats), with no look at clean tokens."""
    repeats = repeats_of(seeds, 20 if budget == "full" else 4)
    settings = list(KNOWN) if budget == "full" else [key for key in KNOWN if key[1] == 800 or key[3] == 1]
    rows: list[tuple[str | float, ...]] = []
    distances, steps, rivals, horizons = [], [], [], []
    for key in settings:
        losses = _setting(*key, repeats)
        mean, spread = losses[:, :-1].mean(0), losses[:, :-1].std(0, ddof=1)
        distances += [abs(k - m) / s for k, m, s in zip(KNOWN[key], mean, spread, strict=True) if k is not None]
        state = int(np.median(losses[:, -1]))
        if not state:
            steps.append(mean[2] / mean[1])
            horizons += [mean[2] / mean[3]] if key[0] == "mixture" else []
        if key[1] == 800:
            rivals.append(mean[2] / mean[5])
        name = f"{key[0]}, N = {key[1]}, noise {key[2]:g}, beta noise {key[3]:g}"
        cells = [f"{m:.3f} ± {s:.3f}" + ("" if k is None else f" ({k:g})")
                 for m, s, k in zip(mean, spread, KNOWN[key], strict=True)]  # fmt: skip
        rows.append((name, *cells, ("sound", "frozen", "merged")[state]))
    table = Table(
        f"Loss per token, mean and standard deviation of {len(repeats)} repeats measured in this run (in brackets what "
        "the earlier check found)", ("setting", *COLUMNS, "diagnosis"), tuple(rows),
    )  # fmt: skip
    picture = _shapes(seeds[0])
    one = tuple(repeats)
    measured = {
        "step": Measured(max(steps), (min(steps), max(steps)), one, "worst"),
        "npmle": Measured(max(rivals), (min(rivals), max(rivals)), one, "worst"),
        "horizon": Measured(max(horizons), (min(horizons), max(horizons)), one, "worst"),
    }
    if budget == "full":
        measured["spread"] = Measured(max(distances), (min(distances), max(distances)), one, "worst")
    return Outcome(measured, (picture,), (table,), empirical_bayes())


def _shapes(seed: int) -> figures.Figure:
    """What stage 1 does to a cloud, what stage 2 makes of it, and the landscape at some depths."""
    noise, beta = 0.5, 4.0
    noisy, _ = MIX.sample(800, noise, seed)
    n_layers = depth(horizon(noise, beta, MIX.variance), beta, ETA)
    clouds = list(islice(flow(noisy, beta, ETA), n_layers + 1))
    canvas, axes = figures.canvas(9.6, 3.2, n_columns=3)
    axes[0].plot(np.array(clouds)[:, :60, 0].T.T, color=figures.BLUE, linewidth=0.6, alpha=0.6)
    figures.label(axes[0], "layers of stage 1", "tokens", "60 of 800 particles")
    side = np.linspace(-4, 4, 200)[:, None]
    for layer, colour in zip((0, n_layers // 2, n_layers), (figures.GREY, figures.ORANGE, figures.BLUE), strict=True):
        energy = AssociativeMemory(clouds[layer], beta, kernel="gaussian").energy(side)
        axes[1].plot(side, energy - energy.min(), color=colour, label=f"layer {layer}")
    figures.label(axes[1], "query", "energy", "The landscape deepens")
    asked = np.sort(noisy, axis=0)
    for guess, name, colour in (
        (MIX.posterior_mean(asked, noise), "Bayes", figures.GREEN),
        (kernel_mean(asked, clouds[-1], 1 / noise), "two stages", figures.BLUE),
        (kernel_mean(asked, noisy, 1 / noise), "one step", figures.ORANGE),
        (np.sort(clouds[-1], axis=0), "stage 1 alone", figures.GREY),
    ):
        axes[2].plot(asked, guess, color=colour, label=name)
    figures.label(axes[2], "noisy token", "denoised")
    return figures.svg(
        canvas, wide=True, salt="denoise/checked",
        caption="Left: tokens move as particles towards the two modes. Middle: the energy that a query sees at some "
        "depths. Right: what becomes of a noisy token; stage 1 alone sends it to a mode, stage 2 averages the modes.",
        alt="Lines that bundle into two; a double well that deepens; four S-shaped curves, two of which coincide.",
    )  # fmt: skip


SCANS = {
    "gaussian-wide": "Gaussian, noise 0.5, beta 2",
    "gaussian-narrow": "Gaussian, noise 0.5, beta 8",
    "gaussian-noisy": "Gaussian, noise 2, beta 1",
    "mixture-wide": "Mixture 2D, noise 0.5, beta 2",
    "mixture-narrow": "Mixture 2D, noise 0.5, beta 4",
}


@experiment(
    "denoise", "depth", "The depth-noise law",
    claims=[
        Claim(id=key, text=f"{text}: relative distance of the best depth found by a scan from T*", goal=0.15,
              better="lower", known=0.0, provenance="oracle", source="mean field of a Gaussian prior",
              budgets=("full",) if key == "gaussian-narrow" else ("smoke", "full"))
        for key, text in SCANS.items()
    ],
)  # fmt: skip
def depth_law(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Distance of two-stage attention from the exact posterior means against the horizon of stage 1, averaged over
    clouds; the best depth is the vertex of a parabola through the points near the minimum. T* = noise/2 +
    log(1 + noise/variance) / (2 beta) is exact for a Gaussian prior and infinitely many tokens; for the mixture the
    variance within a mode enters. Tokens: see the table."""
    cases = {
        "gaussian-wide": (GAUSS, 0.5, 2.0), "gaussian-narrow": (GAUSS, 0.5, 8.0), "gaussian-noisy": (GAUSS, 2.0, 1.0),
        "mixture-wide": (MIX2, 0.5, 2.0), "mixture-narrow": (MIX2, 0.5, 4.0),
    }  # fmt: skip
    full = budget == "full"
    canvas, (left, right) = figures.canvas(9.6, 3.4, n_columns=2)
    rows, measured = [], {}
    shades = (figures.BLUE, figures.ORANGE, figures.PURPLE, figures.BLUE, figures.ORANGE)
    for (key, (prior, noise, beta)), colour in zip(cases.items(), shades, strict=True):
        if not full and key == "gaussian-narrow":
            continue  # a narrow kernel needs many tokens
        star, step = horizon(noise, beta, prior.variance), 0.05
        n = 4000 if key == "gaussian-narrow" else 1600 if full else 600
        last, curves = depth(1.6 * star, beta, step), []
        for seed in repeats_of(seeds, 12 if full else 3):
            noisy, _ = prior.sample(n, noise, seed)
            exact = prior.posterior_mean(noisy, noise)
            shown = islice(flow(noisy, beta, step), 0, last + 1, max(1, last // (40 if full else 20)))
            curves.append([mse(kernel_mean(noisy, cloud, 1 / noise), exact) for cloud in shown])
        times = np.arange(len(curves[0])) * max(1, last // (40 if full else 20)) * step / beta
        mean = np.mean(curves, axis=0)
        near = np.abs(times - times[mean.argmin()]) < 0.3 * star
        a, b, _ = np.polyfit(times[near], mean[near], 2)
        best = float(-b / (2 * a))
        measured[key] = Measured(abs(best / star - 1), (abs(best / star - 1),) * 2, seeds[:1], "mean", oracle=0.0)
        rows.append((key, n, star, best, best / star, float(mean.min()), float(mean[0])))
        ax = left if "gaussian" in key else right
        ax.semilogy(times / star, mean, color=colour, label=f"noise {noise:g}, beta {beta:g}")
    for ax, title in ((left, "Gaussian prior"), (right, "Two modes in the plane")):
        ax.axvline(1.0, color=figures.GREY, linestyle="--")
        figures.label(ax, "horizon of stage 1 over T*", "squared distance from Bayes", title)
    picture = figures.svg(
        canvas, wide=True, salt="denoise/depth",
        caption="Squared distance of two-stage attention from the exact posterior means against the horizon of stage "
        "1; T* (dashed) is derived, not fitted. At 0 there is no stage 1: one step of attention.",
        alt="Curves with a sharp minimum near the dashed line.",
    )  # fmt: skip
    table = Table("Best depth by a scan, measured in this run",
                  ("case", "tokens", "T*", "best", "best over T*", "distance there", "distance of one step"),
                  tuple(rows))  # fmt: skip
    return Outcome(measured, (picture,), (table,), empirical_bayes())


@experiment(
    "denoise", "recovery", "More tokens, better posterior means",
    claims=[
        Claim(id="gradient", text="m_beta(q) and q - grad E(q), E differentiated by a complex step: largest difference",
              goal=1e-10, better="lower", known=0.0, provenance="oracle", source="the same formula"),
        Claim(id="slope", text="Mixture, noise 0.5: slope of the excess over Bayes against the number of tokens",
              goal=-0.5, better="lower"),
        Claim(id="transport", text="Gaussian, noise s = 2, beta 1: loss of stage 1 alone over 2 (1 - sqrt(1/(1+s))), "
              "distance from 1", goal=0.03, better="lower", known=0.0, provenance="oracle",
              source="closed form of the transport map", budgets=("full",)),
    ],
)  # fmt: skip
def recovery(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Excess over the Bayes loss of two-stage attention and its rivals as the cloud grows, beta noise = 2 and T = T*.
    Without the long skip, stage 1 is a transport map, whose loss for a Gaussian is known in closed form."""
    full = budget == "full"
    sizes = (50, 100, 200, 400, 800, 1600, 3200) if full else (50, 200, 800)
    methods = ("two stages", "NPMLE", "one step", "KDE-Tweedie", "James-Stein", "stage 1 alone", "mean shift")
    canvas, axes = figures.canvas(9.6, 3.4, n_columns=2)
    shades = (figures.BLUE, figures.GREEN, figures.ORANGE, figures.PURPLE, figures.GREY, "#cf5160", "#6b7a8f")
    tables, excesses, slopes = [], {}, []
    lines: tuple[tuple[str | float, ...], ...]
    for ax, (name, noise) in zip(axes, (("Gaussian", 0.5), ("mixture", 0.5)), strict=True):
        prior, beta = PRIORS[name], 2 / noise
        T = horizon(noise, beta, prior.variance)
        excess = {method: np.zeros(len(sizes)) for method in methods}
        for at, n in enumerate(sizes):
            for seed in (repeats := repeats_of(seeds, max(6, 3200 // n) if full else 4)):
                noisy, _ = prior.sample(n, noise, seed)
                exact = prior.posterior_mean(noisy, noise)
                cloud = refine(noisy, beta, depth(T, beta, ETA), ETA)
                guesses = (kernel_mean(noisy, cloud, 1 / noise), npmle(noisy, noise), one_step(noisy, noise),
                           kde_tweedie(noisy, noise, 2 / noise), james_stein(noisy, noise), cloud,
                           mean_shift(noisy, beta, 30))  # fmt: skip
                for method, guess in zip(methods, guesses, strict=True):
                    excess[method][at] += mse(guess, exact) / len(repeats)
        excesses[name] = excess
        for (method, values), colour in zip(excess.items(), shades, strict=True):
            ax.loglog(sizes, values, "o-", markersize=3, color=colour, label=method)
        figures.label(ax, "tokens", "excess over Bayes per token", f"{name}, noise {noise:g}")
        if name == "Gaussian":
            ax.get_legend().remove()  # the other one says it
        lines = tuple((str(n), *(float(excess[m][i]) for m in methods)) for i, n in enumerate(sizes))
        caption = f"{name}, noise {noise:g}: excess over the Bayes loss per token, measured in this run"
        tables.append(Table(caption, ("tokens", *methods), lines))
    slopes.append(float(np.polyfit(np.log(sizes), np.log(excesses["mixture"]["two stages"]), 1)[0]))
    ratios = []
    for seed in repeats_of(seeds, 4 if full else 0):
        noisy, clean = GAUSS.sample(6000, 2.0, seed)
        cloud = refine(noisy, 1.0, depth(horizon(2.0, 1.0, 1.0), 1.0, 0.05), 0.05)
        ratios.append(mse(cloud, clean) / (2 * (1 - np.sqrt(1 / 3))))
    picture = figures.svg(
        canvas, wide=True, salt="denoise/recovery",
        caption="Excess over the Bayes loss against the number of tokens. James-Stein knows that a prior is Gaussian, "
        "attention does not.",
        alt="Falling lines of two stages and NPMLE; flat lines of one step, stage 1 alone and mean shift.",
    )  # fmt: skip
    measured = {
        "gradient": Measured(exact := _complex_step(seeds[0]), (exact, exact), seeds[:1], "worst", oracle=0.0),
        "slope": Measured(slopes[0], (slopes[0],) * 2, seeds[:1], "mean"),
    }
    if full:
        drift = abs(float(np.mean(ratios)) - 1)
        measured["transport"] = Measured(drift, (drift, drift), seeds[:1], "mean", oracle=0.0)
    return Outcome(measured, (picture,), tuple(tables), empirical_bayes())


def _complex_step(seed: int) -> float:
    """Differentiate the energy along the imaginary axis, where no digits cancel, and compare."""
    tokens, beta, worst = MIX2.sample(200, 0.5, seed)[0], 4.0, 0.0
    for axis in range(2):
        query = tokens + 1e-30j * np.eye(2)[axis]
        kernels = np.exp(-beta * np.square(query[:, None] - tokens).sum(-1) / 2)
        slope = (-np.log(kernels.sum(1)) / beta).imag / 1e-30
        worst = max(worst, float(np.abs(kernel_mean(tokens, tokens, beta)[:, axis] - (tokens[:, axis] - slope)).max()))
    return worst
