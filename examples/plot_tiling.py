"""Sixteen neurons tile a ring; a threshold sets how wide their fields are.

python examples/plot_tiling.py        # writes plot_tiling.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from similis import ManifoldTiling
from similis.datasets import ring
from similis.networks import ring_half_width

THRESHOLDS = (0.0, 0.3, 0.6, 0.9)
INK = "#37474f"
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")


def main() -> None:
    X, _ = ring(2000, random_state=0)
    angles = np.linspace(0, 2 * np.pi, 720)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    colours = plt.colormaps["twilight_shifted"](np.linspace(0.05, 0.95, 16))

    plt.rcParams.update({"font.size": 11} | dict.fromkeys(INKED, INK))
    options = {"subplot_kw": {"projection": "polar"}, "layout": "constrained"}
    figure, axes = plt.subplots(1, len(THRESHOLDS), figsize=(12.4, 3.7), **options)
    for ax, alpha in zip(axes, THRESHOLDS, strict=True):
        model = ManifoldTiling(16, threshold=alpha, n_epochs=6, shuffle=True, random_state=0).fit(X)
        Z = model.transform(circle)
        for colour, neuron in zip(colours, np.argsort(Z.argmax(0)), strict=True):
            ax.plot(angles, 1 + Z[:, neuron] / Z.max(), color=colour, linewidth=1.6)
        width, theory = 360 * np.mean(Z / Z.max(0) > 0.05), 2 * np.degrees(ring_half_width(alpha))
        ax.set(ylim=(0, 2.05), yticks=[], xticks=[])
        ax.set_title(f"threshold {alpha:g}\nfields {width:.0f}° wide (theory {theory:.0f}°)")
        print(f"threshold {alpha:g}: {width:.0f} degrees at 5 % of the peak; support in theory {theory:.0f}")
    figure.savefig("plot_tiling.png", dpi=150)
    print("plot_tiling.png")


if __name__ == "__main__":
    main()
