"""Attention that denoises: a curve in the plane from noisy points alone, and a picture from its own patches.

Above: noisy points; attention among them moves them as particles; each noisy point then asks the refined cloud. One
step of attention, without depth, is blurred. Below: a photograph with noise of known variance.

    python examples/plot_denoise.py        # writes plot_denoise.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from similis import EmpiricalBayesDenoiser
from similis.datasets import load_photographs
from similis.memory import denoise_image, one_step

INK, GREY, BLUE, ORANGE = "#37474f", "#b0b6bb", "#3f83c1", "#d3782b"
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
NOISE, SD = 0.03, 0.1


def moons(n: int, rng: np.random.Generator) -> np.ndarray:
    """Points on two interleaved half circles."""
    turn, lower = rng.uniform(0, np.pi, n), rng.random(n) < 0.5
    return np.stack([np.cos(turn), np.sin(turn)], 1) * np.where(lower, -1, 1)[:, None] + np.outer(lower, [1.0, 0.5])


def decibels(guess: np.ndarray, clean: np.ndarray) -> float:
    return -10 * np.log10(np.square(np.clip(guess, 0, 1) - clean).mean())


def main() -> None:
    rng = np.random.default_rng(0)
    clean = moons(1500, rng)
    noisy = clean + rng.normal(0, NOISE**0.5, clean.shape)
    model = EmpiricalBayesDenoiser(NOISE, random_state=0).fit(noisy)
    panels = {
        "noisy": noisy,
        "one step of attention": one_step(noisy, NOISE),
        f"stage 1: {model.n_layers_} layers": model.tokens_,
        "stage 2: posterior means": model.transform(noisy),
    }
    picture = load_photographs()[0][170:330, 200:360]
    dirty = picture + SD * rng.standard_normal(picture.shape)
    restored = denoise_image(dirty, SD**2, random_state=0)

    plt.rcParams.update({"font.size": 11} | dict.fromkeys(INKED, INK))
    figure, axes = plt.subplots(2, 4, figsize=(13, 6.6), layout="constrained")
    for ax, (name, points) in zip(axes[0], panels.items(), strict=True):
        ax.plot(*clean.T, ".", color=GREY, markersize=1)
        ax.plot(*points.T, ".", color=ORANGE if name == "noisy" else BLUE, markersize=2)
        error = np.square(points - clean).sum(1).mean()
        ax.set(xlim=(-1.6, 2.6), ylim=(-1.3, 1.8), aspect="equal", title=f"{name}\nsquared error {error:.3f}")
        ax.axis("off")
    pictures = {"clean": picture, "noisy": dirty, "two-stage attention": restored, "what was removed": dirty - restored}
    for ax, (name, image) in zip(axes[1], pictures.items(), strict=True):
        removed = name == "what was removed"
        ax.imshow(image, cmap="gray", vmin=-0.3 if removed else 0, vmax=0.3 if removed else 1)
        ax.set_title(name if removed or name == "clean" else f"{name}, {decibels(image, picture):.1f} dB")
        ax.axis("off")
    figure.savefig("plot_denoise.png", dpi=110)
    print("plot_denoise.png")
    print(
        f"beta noise = {model.beta_ * NOISE:.1f}, T over noise/2 = {2 * model.horizon_ / NOISE:.1f}, {model.diagnosis_}"
    )


if __name__ == "__main__":
    main()
