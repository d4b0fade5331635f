"""Digits by a hidden layer that learns without errors sent back.

Left: what 16 of its 64 rectified units look at. Right: held-out accuracy while it learns, by its own read-out and by
least squares of its outputs.

    python examples/plot_local_supervision.py        # writes plot_local_supervision.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from similis import LocalSupervisionClassifier
from similis.datasets import load_digits

INK = "#37474f"
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
RATES = {"eta0": 2.0, "target_rate": 5e-4, "tau": 400.0, "decay": 1e-5}  # ten balanced classes: see the paper's page


def main() -> None:
    rng = np.random.default_rng(0)
    X, labels = load_digits()
    order = rng.permutation(len(X))
    train, held = order[600:], order[:600]
    models = {r: LocalSupervisionClassifier(64, readout=r, random_state=0, **RATES) for r in ("least-squares", "own")}
    curves: dict[str, list[float]] = {readout: [] for readout in models}
    for _ in range(40):
        rows = rng.permutation(train)
        for readout, model in models.items():
            model.partial_fit(X[rows], labels[rows], classes=range(10))
            curves[readout].append(model.score(X[held], labels[held]))

    plt.rcParams.update({"font.size": 11} | dict.fromkeys(INKED, INK))
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), width_ratios=[1, 1.3], layout="constrained")
    sheet = np.full((35, 35), np.nan)
    weights = models["own"].state_.W["x"]
    for place, w in enumerate(weights[np.argsort(-np.linalg.norm(weights, axis=1))[:16]]):
        row, column = divmod(place, 4)
        sheet[9 * row : 9 * row + 8, 9 * column : 9 * column + 8] = w.reshape(8, 8) / np.abs(w).max()
    left.imshow(sheet, cmap="RdBu_r", vmin=-1, vmax=1)
    left.set_title("Hidden units: red excites, blue inhibits", loc="left")
    left.axis("off")
    for (readout, values), colour in zip(curves.items(), ("#3f83c1", "#d3782b"), strict=True):
        right.plot(range(1, 41), values, color=colour, label=f"{readout} read-out")
    right.set(xlabel="passes over 1,197 digits", ylabel="accuracy on 600 held out", ylim=(0.6, 1))
    right.spines[["top", "right"]].set_visible(False)
    right.legend(frameon=False, loc="lower right")
    figure.savefig("plot_local_supervision.png", dpi=150)
    print("plot_local_supervision.png")
    print("held-out accuracy: " + ", ".join(f"{readout} {values[-1]:.3f}" for readout, values in curves.items()))


if __name__ == "__main__":
    main()
