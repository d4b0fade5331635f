"""Half a digit from the other half, through four units: regression whose rules are local.

Left: what is held out, what exact reduced-rank regression predicts, what the network predicts. Right: held-out R2
of all pixels together while the network learns, beside the exact solution.

    python examples/plot_rrr.py        # writes plot_rrr.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import r2_score

from similis import ReducedRankRegression
from similis.datasets import load_digits

INK = "#37474f"
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")


def main() -> None:
    rng = np.random.default_rng(0)
    images = load_digits()[0].reshape(-1, 8, 8)[rng.permutation(1797)]
    X, Y = images[:, :, :4].reshape(-1, 32), images[:, :, 4:].reshape(-1, 32)
    train, held = slice(0, 1200), slice(1200, None)
    exact = ReducedRankRegression(4, ridge=0.01, solver="exact").fit(X[train], Y[train])
    model = ReducedRankRegression(4, ridge=0.01, random_state=0)

    def explained(estimator: ReducedRankRegression) -> float:
        return r2_score(Y[held], estimator.predict(X[held]), multioutput="variance_weighted")

    seen, scores = [], []
    for epoch in range(60):
        order = rng.permutation(1200)
        model.partial_fit(X[order], Y[order])
        if epoch < 5 or epoch % 5 == 4:
            seen.append(1200 * (epoch + 1))
            scores.append(explained(model))

    plt.rcParams.update({"font.size": 11} | dict.fromkeys(INKED, INK))
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), width_ratios=[1.4, 1], layout="constrained")
    sheet = np.full((29, 79), np.nan)
    halves = (Y[held], exact.predict(X[held]), model.predict(X[held]))
    for row, predicted in enumerate(halves):
        for column in range(8):
            image = np.hstack([images[held][column, :, :4], predicted[column].reshape(8, 4)])
            sheet[10 * row : 10 * row + 8, 10 * column : 10 * column + 8] = np.clip(image, 0, 1)
    left.imshow(sheet, cmap="gray_r", vmin=0, vmax=1)
    left.set(yticks=[4, 14, 24], yticklabels=["held out", "exact", "network"], xticks=[])
    left.spines[:].set_visible(False)
    left.tick_params(length=0)
    left.set_title("The right half is predicted from the left", loc="left")
    right.semilogx(seen, scores, color="#3f83c1", label="network")
    right.axhline(explained(exact), color="#8b9099", linestyle="--", label="exact")
    right.set(xlabel="samples seen", ylabel="held-out R2")
    right.spines[["top", "right"]].set_visible(False)
    right.legend(frameon=False, loc="lower right")
    figure.savefig("plot_rrr.png", dpi=150)
    print("plot_rrr.png")
    print(f"held-out R2: network {scores[-1]:.3f}, exact {explained(exact):.3f}")


if __name__ == "__main__":
    main()
