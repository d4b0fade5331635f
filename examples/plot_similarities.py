"""Learning from similarities: sixteen numbers an image, as similar to each other as the images are.

Left: how similar 300 digits are to each other, sorted by class; the sorting is for the eye, the network sees no label.
Middle: the network, one neuron an output; what a synapse reads is at its two ends. Right: how similar the outputs are.

    python examples/plot_similarities.py        # writes plot_similarities.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from similis import NonnegativeSimilarityMatching
from similis.datasets import load_digits

INK, BLUE, ORANGE, FAINT = "#37474f", "#2f6db5", "#d07a1f", "#c3cad0"


def network(ax: plt.Axes) -> None:
    """Inputs on the left, neurons on the right, all-to-all synapses W and lateral ones M."""
    inputs, neurons = np.linspace(0.05, 0.95, 7), np.linspace(0.2, 0.8, 4)
    for y in inputs:
        ax.plot([0, 1], [[y] * 4, neurons], color=FAINT, linewidth=0.8, zorder=0)
    for low, high in [(0, 1), (1, 2), (2, 3), (0, 2), (1, 3), (0, 3)]:
        bend = {"arrowstyle": "-", "color": ORANGE, "connectionstyle": f"arc3,rad={0.35 + 0.1 * (high - low)}"}
        ax.annotate("", (1, neurons[high]), (1, neurons[low]), arrowprops=bend)
    ax.plot(np.zeros(7), inputs, "o", color=INK, markersize=9)
    ax.plot(np.ones(4), neurons, "o", color=BLUE, markersize=15)
    ax.text(0, 1.04, "x", ha="center", color=INK, fontsize=13)
    ax.text(1, 0.9, "z", ha="center", color=BLUE, fontsize=13)
    ax.text(0.42, 1.04, "W: Hebbian", ha="center", color=INK)
    ax.text(1.62, 0.5, "M: anti-\nHebbian", ha="center", va="center", color=ORANGE)
    ax.set(xlim=(-0.15, 1.95), ylim=(-0.05, 1.12))
    ax.axis("off")


def main() -> None:
    X, labels = load_digits()
    model = NonnegativeSimilarityMatching(16, center=True, n_epochs=10, random_state=0).fit(X)
    rng = np.random.default_rng(0)
    shown = np.concatenate([rng.permutation(np.flatnonzero(labels == digit))[:30] for digit in range(10)])
    inputs, outputs = X[shown] - X.mean(0), model.transform(X)[shown]

    plt.rcParams.update({"font.size": 11, "text.color": INK})
    figure, (left, middle, right) = plt.subplots(
        1, 3, figsize=(12, 4.2), width_ratios=[1, 0.9, 1], layout="constrained"
    )
    for ax, rows, title in ((left, inputs, "similarity of 64 pixels"), (right, outputs, "similarity of 16 outputs")):
        gram = rows @ rows.T
        ax.imshow(gram, cmap="Blues", vmin=0, vmax=np.quantile(gram, 0.98))
        ax.set_title(title)
        ax.set_xticks(np.arange(15, 300, 30), range(10))
        ax.set_yticks(np.arange(15, 300, 30), range(10))
        ax.tick_params(length=0, colors=INK)
        ax.spines[:].set_color(FAINT)
    network(middle)
    middle.set_title("one sample at a time, local rules")
    figure.savefig("plot_similarities.png", dpi=110)
    print("plot_similarities.png")
    a, b = (rows @ rows.T for rows in (inputs, outputs))
    print(f"correlation of the similarities: {np.corrcoef(a.ravel(), b.ravel())[0, 1]:.2f}")


if __name__ == "__main__":
    main()
