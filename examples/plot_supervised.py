"""Neurons that hear the labels while they learn, beside neurons that do not.

Both see 1,200 digits ten times, about their mean. At test both see pixels only; a linear read-out tells the classes
from the outputs.

    python examples/plot_supervised.py        # writes plot_supervised.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from similis import NonnegativeSimilarityMatching, SupervisedSimilarityMatching
from similis.datasets import load_digits

SIZES, SEEDS = (6, 10, 16, 24), range(3)
INK, BLUE, ORANGE = "#37474f", "#3f83c1", "#d3782b"
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")


def main() -> None:
    X, y = load_digits()
    learn, held, y_learn, y_held = train_test_split(X, y, test_size=1 / 3, random_state=0, stratify=y)

    def network(kind: type, k: int, seed: int):
        labels = {"alpha": 0.3} if kind is SupervisedSimilarityMatching else {}
        return kind(k, center=True, n_epochs=10, shuffle=True, random_state=seed, **labels)

    def accuracy(*layers) -> float:
        return make_pipeline(*layers, StandardScaler(), RidgeClassifier()).fit(learn, y_learn).score(held, y_held)

    plt.rcParams.update({"font.size": 11} | dict.fromkeys(INKED, INK))
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 4.6), layout="constrained")
    kinds = {"with labels, silent at test": SupervisedSimilarityMatching, "without": NonnegativeSimilarityMatching}
    for (name, kind), colour in zip(kinds.items(), (BLUE, ORANGE), strict=True):
        scores = np.array([[accuracy(network(kind, k, seed)) for k in SIZES] for seed in SEEDS])
        left.plot(SIZES, np.median(scores, axis=0), "o-", color=colour, label=name)
        left.fill_between(SIZES, scores.min(0), scores.max(0), color=colour, alpha=0.18, linewidth=0)
        print(f"10 neurons {name}: {np.median(scores[:, SIZES.index(10)]):.3f}")
    left.axhline(accuracy(), color=INK, linestyle="--", linewidth=1, label="all 64 pixels")
    left.set(xlabel="neurons", ylabel="held-out accuracy", xticks=SIZES)
    left.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False, loc="lower right")
    left.set_title("A linear read-out of the outputs", loc="left")

    model = network(SupervisedSimilarityMatching, 20, 0).fit(learn, y_learn)
    Z = model.transform(held)
    answers = np.array([Z[y_held == digit].mean(0) for digit in range(10)]).T  # (neurons, digits)
    answers /= answers.max(1, keepdims=True)
    order = np.lexsort((answers.std(1), answers.argmax(1)))
    picture = right.imshow(answers[order], cmap="Blues", vmin=0, vmax=1, aspect="auto")
    right.set(xlabel="digit", ylabel="neuron", xticks=range(10), yticks=[])
    right.tick_params(length=0)
    right.set_title("Mean answers of 20 that heard labels", loc="left")
    figure.colorbar(picture, ax=right, label="mean output, neuron's largest = 1", shrink=0.8).outline.set_visible(False)
    figure.savefig("plot_supervised.png", dpi=150)
    print("plot_supervised.png")


if __name__ == "__main__":
    main()
