"""Two views: what the left half of a digit tells about its right half.

The network sees pairs of half images, one pair at a time. Its lateral weights M tell the canonical correlations
(eig(M) tend to 1 + rho), its two compartments project the views. Exact CCA has the same ridge and the same pairs.

    python examples/plot_bio_cca.py        # writes plot_bio_cca.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from similis import OnlineCCA
from similis.datasets import load_digits
from similis.metrics import held_out_correlations

K, BLOCK, PASSES, HELD = 4, 50, 40, 597
BLUE, INK, FAINT = "#2f6db5", "#37474f", "#8a949a"
STYLE = {"font.size": 11, "axes.spines.top": False, "axes.spines.right": False}
STYLE |= dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK)


def main() -> None:
    rng = np.random.default_rng(0)
    images = rng.permutation(load_digits()[0]).reshape(-1, 8, 8)
    L, R = images[:, :, :4].reshape(-1, 32), images[:, :, 4:].reshape(-1, 32)
    learn, held = slice(HELD, None), (L[:HELD], R[:HELD])
    exact = OnlineCCA(K, solver="exact").fit(L[learn], R[learn])

    model, seen, estimates = OnlineCCA(K, random_state=0), [], []
    order = np.concatenate([rng.permutation(len(L) - HELD) + HELD for _ in range(PASSES)])
    for start in range(0, len(order), BLOCK):
        rows = order[start : start + BLOCK]
        model.partial_fit(L[rows], R[rows])
        seen.append(model.n_samples_seen_)
        estimates.append(model.canonical_correlations_)

    plt.rcParams.update(STYLE)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), width_ratios=[1.25, 1], layout="constrained")
    left.semilogx(seen, estimates, color=BLUE, linewidth=2)
    for i, rho in enumerate(exact.canonical_correlations_):
        left.plot([50, seen[-1]], [rho, rho], color=FAINT, linestyle="--", linewidth=1, zorder=0)
        left.text(seen[-1] * (1.5 if i % 2 else 1.08), rho, rf"$\rho_{i + 1}$", color=FAINT, va="center")
    left.set(xlabel="pairs seen", ylabel=r"eigenvalues of $M$, minus 1", xlim=(50, seen[-1]), ylim=(0, 1.05))
    left.set_title("The lateral weights learn the correlations", loc="left")
    left.text(900, 0.32, "network", color=BLUE)
    left.text(900, 0.24, "dashed: exact CCA", color=FAINT)

    place = np.arange(1, K + 1)
    for name, estimator, colour, shift in (("network", model, BLUE, -0.09), ("exact", exact, FAINT, 0.09)):
        rho = held_out_correlations(*estimator.transform(*held))
        right.vlines(place + shift, 0, rho, color=colour, linewidth=1.5, alpha=0.5)
        right.plot(place + shift, rho, "o", color=colour, markersize=8)
        right.text(K + 0.4, 0.97 + 0.6 * shift, f"{name}, mean {rho.mean():.3f}", color=colour, ha="right", va="center")
        print(f"{name}: held-out canonical correlations {np.round(rho, 3)}")
    right.set(xlabel="component", ylabel="canonical correlation", xticks=place, ylim=(0, 1.05), xlim=(0.5, K + 0.5))
    right.set_title(f"{HELD} pairs never seen", loc="left")

    figure.savefig("plot_bio_cca.png", dpi=150)
    print("plot_bio_cca.png")


if __name__ == "__main__":
    main()
