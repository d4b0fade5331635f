"""How many things do two views share? A network that finds the number, and follows when it changes.

Two arrays of noisy sensors see 3, then 6, then 1 common sources; nobody tells the network. It has eight outputs: those
whose correlation is above one half have power one, the others fall silent.

    python examples/plot_adaptive_rank.py        # writes plot_adaptive_rank.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from similis import OnlineCCA
from similis.datasets import correlated_views

RANKS, SAMPLES, BLOCK, K = (3, 6, 1), 30_000, 250, 8
BLUE, INK, FAINT = "#2f6db5", "#37474f", "#8a949a"
STYLE = {"font.size": 11, "axes.spines.top": False, "axes.spines.right": False}
STYLE |= dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK)


def main() -> None:
    parts = [correlated_views(SAMPLES, n_x=24, n_y=18, n_latent=r, random_state=r) for r in RANKS]
    X, Y = (np.concatenate([part[view] for part in parts]) for view in (0, 1))
    model = OnlineCCA(K, rank="adaptive", threshold=0.5, eta0=0.02, decay=0, random_state=0)
    seen, powers, rank = [], [], []
    for start in range(0, len(X), BLOCK):
        model.partial_fit(X[start : start + BLOCK], Y[start : start + BLOCK])
        seen.append(model.n_samples_seen_ / 1e3)
        powers.append(model.output_eigenvalues_)
        rank.append(model.rank_)

    plt.rcParams.update(STYLE)
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(9, 5.4), sharex=True, layout="constrained", height_ratios=[1, 1.1]
    )
    truth = np.repeat(RANKS, SAMPLES // BLOCK)
    top.plot(seen, truth, color=FAINT, linestyle="--", linewidth=1.5)
    top.plot(seen, rank, color=BLUE, linewidth=2.2)
    top.set(ylabel="outputs that are on", ylim=(-0.3, K + 0.3), yticks=range(0, K + 1, 2))
    top.set_title("The network counts what the views share", loc="left")
    top.text(62, 5.6, "network", color=BLUE)
    top.text(62, 4.6, "dashed: common sources", color=FAINT)
    bottom.plot(seen, powers, color=BLUE, linewidth=1.2)
    bottom.set(xlabel="thousand pairs seen", ylabel="power of the outputs", xlim=(0, seen[-1]), ylim=(-0.05, 1.5))
    bottom.set_title("An output is on, with power one, or off", loc="left")

    figure.savefig("plot_adaptive_rank.png", dpi=150)
    print("plot_adaptive_rank.png")
    changes = np.arange(len(RANKS)) * SAMPLES
    for rank_, change in zip(RANKS, changes, strict=True):
        own = np.array(rank)[change // BLOCK : (change + SAMPLES) // BLOCK]
        wrong = np.flatnonzero(own != rank_)
        print(f"{rank_} common sources: right after {BLOCK * (wrong[-1] + 1 if len(wrong) else 0):,} pairs")


if __name__ == "__main__":
    main()
