"""One network, three uses: clusters of any shape, tiles of a curve, parts of images, all far from the origin.

Rows of the outputs' similarities sum to one number, so it does not matter that 50 was added to everything.

    python examples/plot_flexible.py        # writes plot_flexible.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

from similis import FlexibleSimilarityMatching
from similis.datasets import bars, ring

INK, GREY = "#37474f", "#b0bec5"
COLOURS = ("#3f83c1", "#d3782b")
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
FAR = 50.0


def clusters(ax) -> None:
    X, _ = make_moons(2000, noise=0.06, random_state=0)
    model = FlexibleSimilarityMatching(32, trace=16, n_clusters=2, n_epochs=5, shuffle=True, random_state=0)
    labels = model.fit_predict(X + FAR)
    for label, colour in enumerate(COLOURS):
        ax.plot(*X[labels == label].T, ".", color=colour, markersize=2, alpha=0.4)
        tiles = model.components_[model.clusters_ == label] - FAR
        ax.plot(*tiles.T, "o", color=colour, markeredgecolor=INK, markersize=7)
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.set_title("Clusters: neurons that fire together", loc="left")


def tiling(ax) -> None:
    X, _ = ring(4000, random_state=0)
    model = FlexibleSimilarityMatching(16, trace=8, n_epochs=6, shuffle=True, random_state=0).fit(X + FAR)
    angle = np.linspace(0, 2 * np.pi, 721)
    Z = model.transform(np.column_stack([np.cos(angle), np.sin(angle)]) + FAR)
    for place, neuron in enumerate(np.argsort(Z.argmax(0))):
        strong = place % 4 == 1
        ax.plot(np.degrees(angle), Z[:, neuron], color=COLOURS[0] if strong else GREY, linewidth=2 if strong else 1)
    ax.set(xlabel="angle of the stimulus (degrees)", ylabel="output", xlim=(0, 360), ylim=0)
    ax.set_xticks(range(0, 361, 90))
    ax.set_title("Tiles: each neuron a piece of the ring", loc="left")


def parts(ax) -> None:
    X, _ = bars(random_state=0)
    model = FlexibleSimilarityMatching(
        18, gamma=1.0, mu=0.01, scale=None, center=False, eta0=0.025, decay=1e-3, n_epochs=2, shuffle=True,
        random_state=0,
    ).fit(X + FAR)  # fmt: skip
    centres = (model.components_ - model.components_.mean(0)).reshape(-1, 6, 6)
    sheet = np.full((3 * 8 - 2 + 1, 6 * 7 - 1), np.nan)
    for place, image in enumerate(centres):
        row, column = divmod(place, 6)
        sheet[8 * row : 8 * row + 6, 7 * column : 7 * column + 6] = image / np.abs(image).max()
    ax.imshow(sheet, cmap="RdBu_r", vmin=-1, vmax=1)
    ax.axis("off")
    ax.set_title("Parts: bars out of images of several", loc="left")


def main() -> None:
    plt.rcParams.update({"font.size": 11} | dict.fromkeys(INKED, INK))
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.9), layout="constrained")
    for draw, ax in zip((clusters, tiling, parts), axes, strict=True):
        draw(ax)
    axes[1].spines[["top", "right"]].set_visible(False)
    figure.savefig("plot_flexible.png", dpi=130)
    print("plot_flexible.png")


if __name__ == "__main__":
    main()
