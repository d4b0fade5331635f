"""Two labels for two moons: they spread along the tiles; the nearest label cuts straight across.

python examples/plot_manifold.py        # writes plot_manifold.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.neighbors import KNeighborsClassifier

from similis import ManifoldClassifier

INK = "#37474f"
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")


def main() -> None:
    X, y = make_moons(2000, noise=0.08, random_state=0)
    labels = np.full(len(X), -1)
    rng = np.random.default_rng(0)
    for moon in (0, 1):
        labels[rng.choice(np.flatnonzero(y == moon))] = moon
    told = labels >= 0
    network = ManifoldClassifier(48, n_epochs=6, n_replays=30, random_state=0).fit(X, labels)
    nearest = KNeighborsClassifier(1).fit(X[told], labels[told])

    (left, low), (right, high) = X.min(0) - 0.25, X.max(0) + 0.25
    across, up = np.meshgrid(np.linspace(left, right, 260), np.linspace(low, high, 180))
    plane = np.column_stack([across.ravel(), up.ravel()])

    plt.rcParams.update({"font.size": 11} | dict.fromkeys(INKED, INK))
    figure, axes = plt.subplots(1, 2, figsize=(10.4, 4.2), sharey=True, layout="constrained")
    for ax, (name, model) in zip(axes, {"Network": network, "Nearest label": nearest}.items(), strict=True):
        share = model.predict_proba(plane)[:, 1].reshape(across.shape)
        picture = ax.contourf(across, up, share, levels=np.linspace(0, 1, 11), cmap="PuOr_r", alpha=0.8)
        ax.scatter(*X[::2].T, s=2, color=INK, linewidths=0)
        ax.scatter(*X[told].T, s=190, marker="*", color="#ffd400", edgecolors="black", linewidths=0.9, zorder=3)
        ax.set(xlabel="x", xlim=(left, right), ylim=(low, high))
        ax.set_title(f"{name}: {np.mean(model.predict(X) == y):.1%} right", loc="left")
        print(f"{name}: {np.mean(model.predict(X) == y):.3f}")
    axes[0].scatter(*network.tiles_.T, s=22, facecolors="none", edgecolors="black", linewidths=0.9, label="tiles")
    axes[0].legend(frameon=False, loc="lower left")
    axes[0].set_ylabel("y")
    figure.colorbar(picture, ax=axes, label="share of the upper label", shrink=0.85).outline.set_visible(False)
    figure.savefig("plot_manifold.png", dpi=150)
    print("plot_manifold.png")


if __name__ == "__main__":
    main()
