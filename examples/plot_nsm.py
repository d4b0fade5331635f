"""Sparse features of digits: similarity matching with outputs that cannot be negative.

16 neurons hear 1,797 digits ten times, about their mean. Each becomes selective for a stroke or a shape; a few of
them answer to any one image.

    python examples/plot_nsm.py        # writes plot_nsm.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from similis import NonnegativeSimilarityMatching
from similis.datasets import load_digits

K, SIDE = 16, 4
INK = "#37474f"
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")


def main() -> None:
    X, labels = load_digits()
    model = NonnegativeSimilarityMatching(K, center=True, n_epochs=10, shuffle=True, random_state=0).fit(X)
    Z = model.transform(X)
    answers = np.array([Z[labels == digit].mean(0) for digit in range(10)]).T  # (neurons, digits)
    order = np.argsort(answers.argmax(1), kind="stable")  # neurons by the digit they like best

    plt.rcParams.update({"font.size": 11} | dict.fromkeys(INKED, INK))
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.8), width_ratios=[1, 1.05], layout="constrained")

    sheet = np.full((10 * SIDE - 2, 9 * SIDE - 1), np.nan)
    for place, neuron in enumerate(order):
        row, column = divmod(place, SIDE)
        feature = model.components_[neuron].reshape(8, 8)
        sheet[10 * row : 10 * row + 8, 9 * column : 9 * column + 8] = feature / np.abs(feature).max()
        left.text(9 * column - 0.4, 10 * row - 0.6, str(place + 1), fontsize=9, va="bottom")
    left.imshow(sheet, cmap="RdBu_r", vmin=-1, vmax=1)
    left.set_title("Features: red ink wanted, blue ink not", loc="left", pad=20)
    left.axis("off")

    picture = right.imshow(answers[order], cmap="Blues", vmin=0, aspect="auto")
    right.set(xlabel="digit", ylabel="neuron", xticks=range(10), yticks=range(K), yticklabels=range(1, K + 1))
    right.tick_params(length=0, labelsize=9)
    right.set_title(f"Mean answer; a neuron is silent for {np.mean(Z == 0):.0%} of the images", loc="left", pad=20)
    figure.colorbar(picture, ax=right, label="mean output (pixels in [0, 1])", shrink=0.8).outline.set_visible(False)

    figure.savefig("plot_nsm.png", dpi=150)
    print("plot_nsm.png")
    print(f"similarities kept: {model.score(X):.3f}; silent outputs: {np.mean(Z == 0):.2f}")


if __name__ == "__main__":
    main()
