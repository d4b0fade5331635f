"""Streaming PCA: the principal subspace of digits, learned one image at a time.

Three learners hear the same endless stream of scikit-learn's digits (drawn with replacement, 40,000 of them) and are
asked for 8 components: the network, scikit-learn's IncrementalPCA, and exact second moments of the images so far. Their
subspaces are compared with the exact one of the whole set.

    python examples/plot_psp.py        # writes plot_psp.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import IncrementalPCA

from similis import SimilarityMatching
from similis.datasets import load_digits
from similis.metrics import subspace_error

K, BLOCK, SAMPLES = 8, 100, 40_000
BLUE, ORANGE, INK, FAINT = "#2f6db5", "#d07a1f", "#37474f", "#8a949a"
STYLE = {"font.size": 11, "axes.spines.top": False, "axes.spines.right": False}
STYLE |= dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK)


def main() -> None:
    X, _ = load_digits()
    truth = SimilarityMatching(K, solver="exact").fit(X)
    learners = {
        "IncrementalPCA": IncrementalPCA(K),
        "network": SimilarityMatching(K, random_state=0),
        "exact moments so far": SimilarityMatching(K, solver="exact"),
    }
    stops = np.unique(np.geomspace(1, SAMPLES // BLOCK, 24).round().astype(int))
    errors: dict[str, list[float]] = {name: [] for name in learners}
    rng = np.random.default_rng(0)
    for block in range(1, SAMPLES // BLOCK + 1):
        rows = X[rng.integers(0, len(X), BLOCK)]
        for name, learner in learners.items():
            learner.partial_fit(rows)
            if block in stops:
                errors[name].append(subspace_error(learner.components_, truth.components_))

    plt.rcParams.update(STYLE)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), width_ratios=[1.1, 1], layout="constrained")
    beside = {"IncrementalPCA": (7e3, 0.34), "network": (9e3, 0.14), "exact moments so far": (900, 0.06)}
    for (name, curve), colour in zip(errors.items(), (ORANGE, BLUE, FAINT), strict=True):
        left.loglog(stops * BLOCK, curve, color=colour, linewidth=2)
        left.text(*beside[name], name, color=colour)
    left.set(xlabel="images seen", ylabel="subspace error", xlim=(90, 45_000), ylim=(0.04, 0.8))
    left.set_yticks([0.05, 0.1, 0.2, 0.5], ["0.05", "0.1", "0.2", "0.5"])
    left.minorticks_off()
    left.axhline(np.sqrt(2 / K), color=FAINT, linewidth=1, linestyle=":", zorder=0)
    left.text(4.2e4, 0.52, f"one direction of {K} wrong", color=FAINT, fontsize=9, ha="right")
    left.set_title(f"{K} components of 64 pixels", loc="left")

    models = {"network": learners["network"], "exact": truth}
    shown = [3, 11, 36, 50]
    panels = [X[shown]]
    for model in models.values():
        basis = np.linalg.qr(model.components_.T)[0]
        panels.append((X[shown] - model.mean_) @ basis @ basis.T + model.mean_)
    sheet = np.full((3 * 9, len(shown) * 9), np.nan)
    for i, images in enumerate(panels):
        for j, image in enumerate(images):
            sheet[9 * i : 9 * i + 8, 9 * j : 9 * j + 8] = image.reshape(8, 8)
    right.imshow(sheet, cmap="gray_r", vmin=0, vmax=1)
    for i, name in enumerate(("image", *models)):
        right.text(-1.5, 9 * i + 3.5, name, ha="right", va="center")
    right.set_title(f"Rebuilt from {K} numbers", loc="left")
    right.axis("off")

    figure.savefig("plot_psp.png", dpi=150)
    print("plot_psp.png")
    for name, curve in errors.items():
        print(f"{name}: subspace error {curve[-1]:.3f} after {SAMPLES} images")


if __name__ == "__main__":
    main()
