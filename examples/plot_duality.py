"""Learning through the dual: error neurons, hard samples, and additive against multiplicative plasticity.

Left: a classifier of the digits 3 and 8; each dot is a sample, its dual variable against the output. The dots lie on
the response of the error neuron. Middle: the samples whose error neurons are largest. Right: a target that depends on
3 of 200 inputs; multiplicative synapses find them sooner, and never change their sign.

    python examples/plot_duality.py        # writes plot_duality.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from similis import DualClassifier, DualRegressor
from similis.datasets import load_digits

INK, GREY, BLUE, ORANGE = "#37474f", "#8b9099", "#3f83c1", "#d3782b"
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
D = 200


def stream() -> tuple[np.ndarray, np.ndarray]:
    """1,500 Gaussian samples and a noisy target with three weights of size 1."""
    rng = np.random.default_rng(0)
    X, w = rng.standard_normal((1_500, D)), np.zeros(D)
    w[[20, 90, 150]] = 1.0, -1.0, 1.0
    return X, X @ w + 0.1 * rng.standard_normal(1_500)


def main() -> None:
    X, labels = load_digits()
    pair = np.isin(labels, (3, 8))
    X, labels = X[pair], labels[pair]
    model = DualClassifier("logistic", alpha=1e-3, tol=1e-8, random_state=0).fit(X, labels)
    side = np.where(labels == 8, 1.0, -1.0)
    margin, dual = side * model.decision_function(X), side * model.dual_coef_[0]

    plt.rcParams.update({"font.size": 11} | dict.fromkeys(INKED, INK))
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")

    z = np.linspace(margin.min(), margin.max(), 200)
    left.plot(z, model.representer_.loss.error(z, np.ones_like(z)), color=GREY, label="error neuron, $-dl/dz$")
    left.plot(margin, dual, ".", color=ORANGE, markersize=5, label="dual variables")
    left.set(xlabel="output, towards the right class", ylabel="|a|")
    left.set_title(f"3 or 8: gap {model.gap_:.0e}, certified", loc="left")
    left.legend(frameon=False)

    largest = np.argsort(-dual)[:12]
    sheet = np.full((3 * 9 - 1, 4 * 9 - 1), np.nan)
    for place, sample in enumerate(largest):
        row, column = divmod(place, 4)
        sheet[9 * row : 9 * row + 8, 9 * column : 9 * column + 8] = X[sample].reshape(8, 8)
        middle.text(9 * column + 7.2, 9 * row + 0.9, str(labels[sample]), color=BLUE, fontsize=10, ha="center")
    middle.imshow(sheet, cmap="Greys", vmin=0, vmax=1.3)
    middle.axis("off")
    middle.set_title("Largest error neurons (label in blue)", loc="left")

    X, y = stream()
    words: dict = {
        "alpha": 1e-9,
        "fit_intercept": False,
        "solver": "online",
        "decay": 0.0,
        "n_epochs": 1,
        "shuffle": False,
    }
    for kind, eta0, name, color in (("l2", 0.5, "additive", BLUE), ("entropy", 2.5, "multiplicative", ORANGE)):
        rule = DualRegressor(regularizer=kind, total_weight=3.0, eta0=eta0, average=False, **words).fit(X, y)
        right.plot(np.cumsum(rule.errors_[0] ** 2), color=color, label=name)
    right.set(xlabel="samples seen", ylabel="cumulative squared error")
    right.set_title("3 of 200 inputs matter", loc="left")
    right.legend(frameon=False)

    figure.savefig("plot_duality.png", dpi=130)
    print("plot_duality.png")
    print(f"gap {model.gap_:.1e}; smallest synapse {rule.excitatory_.min():.1e}, all of one sign")


if __name__ == "__main__":
    main()
