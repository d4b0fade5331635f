"""Attention as empirical Bayes, trained: tied layers, all tokens noisy, with the long skip and without."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from .. import memory
from ..memory import (
    MixturePrior,
    empirical_bayes,
    horizon,
    predict,
    train,
)
from . import figures
from ._registry import Budget, Claim, Measured, Outcome, Table, experiment

VARIANCE = 0.09  # within a mode


def _prior(rng: np.random.Generator) -> MixturePrior:
    """Two modes in the plane, opposite each other at a distance of 1 to 3 from 0, in any direction."""
    turn, far = rng.uniform(0, 2 * np.pi), rng.uniform(1, 3)
    centre = far * np.array([np.cos(turn), np.sin(turn)])
    return MixturePrior(np.stack([-centre, centre]), VARIANCE)


def _clouds(
    batch: int, n_tokens: int, noise: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noisy and clean tokens and their exact posterior means, (batch, n_tokens, 2) each; a new prior each cloud."""
    parts = []
    for _ in range(batch):
        prior = _prior(rng)
        dirty, clean = prior.sample(n_tokens, noise, rng)
        parts.append((dirty, clean, prior.posterior_mean(dirty, noise)))
    noisy, clean, exact = map(np.stack, zip(*parts, strict=True))
    return noisy, clean, exact


@experiment(
    "denoise", "trained", "Trained depth beside derived depth",
    claims=[
        Claim(id="derived", text="Trained two-stage network over the derived settings of the same depth, test loss",
              goal=1.0, better="lower"),
        Claim(id="skip", text="Trained without the long skip over trained with it, test loss", goal=1.0,
              better="higher", budgets=("full",)),
        Claim(id="overlap", text="The same where the noise (1.5) makes the modes overlap", goal=1.02, better="higher",
              budgets=("full",)),
        Claim(id="depth", text="Trained at depth 0 over trained at full depth, test loss", goal=1.0, better="higher"),
    ],
)  # fmt: skip
def trained(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Clouds of 100 tokens in the plane, each from two modes of its own, all tokens noisy (variance 0.5, or 1.5: modes
    overlap). Three shared numbers (metric, step, output metric) or three matrices, taught by Adam on fresh clouds from
    the derived values or from plain ones (1, 0.1, 1); fresh clouds test them. Derived: beta = 2/noise, T = T*, output
    precision 1/noise, which is right for infinitely many tokens. Loss is per coordinate. Without the long skip the last
    layer's query is the refined token."""
    full = budget == "full"
    seeds = seeds[:3] if full else seeds[:1]
    losses, tables = {}, []
    for noise in (0.5, 1.5) if full else (0.5,):
        losses[noise], table = _teach(noise, full, seeds)
        tables.append(table)
    canvas, axes = figures.canvas(9.6, 3.4, n_columns=2)
    for ax, (noise, found) in zip(axes, losses.items(), strict=False):
        names = list(found)[:0:-1]
        ax.barh(names, [np.mean(found[name]) / found["Bayes"][0] for name in names],
                color=[figures.BLUE if "trained" in name else figures.GREY for name in names])  # fmt: skip
        ax.axvline(1.0, color=figures.GREEN, linestyle="--")
        figures.label(ax, "test loss over Bayes (dashed)", title=f"noise {noise:g}")
    if not full:
        axes[1].remove()
    picture = figures.svg(
        canvas, wide=True, salt="denoise/trained",
        caption="Test losses over that of the Bayes denoiser, which knows each cloud's prior; trained in blue.",
        alt="Bars; the longest are those of one step and depth 0.",
    )  # fmt: skip

    def over(above: str, below: str, noises: tuple[float, ...], worst: str) -> Measured:
        ratios = [np.divide(losses[noise][above], np.mean(losses[noise][below])) for noise in noises]
        extreme = np.max if worst == "lower" else np.min
        return Measured.over(extreme(ratios, axis=0), seeds, "worst", better=worst)  # type: ignore[arg-type]

    measured = {
        "derived": over("trained", "derived", tuple(losses), "lower"),
        "depth": over("depth 0, trained", "trained", tuple(losses), "higher"),
    }
    if full:
        measured["skip"] = over("trained, no long skip", "trained", tuple(losses), "higher")
        measured["overlap"] = over("trained, no long skip", "trained", (1.5,), "higher")
    return Outcome(measured, (picture,), tuple(tables), empirical_bayes())


def _teach(noise: float, full: bool, seeds: tuple[int, ...]) -> tuple[dict[str, list[float]], Table]:
    """Test losses of every network at one noise, one a seed, and their table."""
    n_layers, n_tokens, n_steps = (8, 100, 250) if full else (4, 60, 40)
    beta = 2 / noise
    derived = {"beta": beta, "eta": beta * horizon(noise, beta, VARIANCE) / n_layers, "beta_out": 1 / noise}
    plain = {"beta": 1.0, "eta": 0.1, "beta_out": 1.0}
    noisy, clean, exact = _clouds(400 if full else 100, n_tokens, noise, np.random.default_rng(seeds[0] + 10_000))
    noisy = noisy.astype(np.float32)
    bayes = float(np.square(exact - clean).mean())

    def draw(batch: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        return _clouds(batch, n_tokens, noise, rng)[:2]

    bare: dict[str, Any] = {"long_skip": False}
    nets: dict[str, tuple[int, dict[str, Any], dict[str, Any]]] = {
        "one step, derived": (0, derived, {}),
        "derived": (n_layers, derived, {}),
        "derived, no long skip": (n_layers, derived, bare),
        "depth 0, trained": (0, derived, {}),
        "trained": (n_layers, derived, {}),
    }
    if full:
        nets |= {
            "depth 2, trained": (2, derived | {"eta": 0.8}, {}),
            "trained from plain values": (n_layers, plain, {}),
            "trained, no long skip": (n_layers, derived, bare),
            "trained, matrices": (n_layers, derived, {"n_features": 2}),
            "trained, matrices, no long skip": (n_layers, derived, bare | {"n_features": 2}),
        }
    losses, rows = {"Bayes": [bayes]}, []
    for name, (layers, start, words) in nets.items():
        began, learn = time.process_time(), "trained" in name
        losses[name] = []
        for seed in seeds if learn else seeds[:1]:
            net = memory.TwoStageAttentionDenoiser(layers, **start, **words)
            if learn:
                train(net, draw, n_steps=n_steps, batch=16, lr=2e-2, random_state=seed)
            losses[name].append(float(np.square(predict(net, noisy) - clean).mean()))
        scales = [float(W.detach().mean() if W.ndim == 0 else W.detach().diagonal().mean()) for W in net.parameters()]
        value, seconds = float(np.mean(losses[name])), (time.process_time() - began) / len(losses[name])
        rows.append((name, value, value / bayes, scales[0] ** 2, scales[1], scales[2] ** 2, seconds))
    caption = (
        f"Noise {noise:g}: test loss (Bayes {bayes:.4f}), mean over seeds, and the last seed's numbers, measured in"
    )
    columns = ("network", "loss", "over Bayes", "beta", "eta", "beta out", "seconds")
    return losses, Table(f"{caption} this run", columns, tuple(rows))
