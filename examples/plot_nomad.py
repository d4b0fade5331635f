"""Clusters and manifolds with a certificate: a similarity that ties each sample to its neighbours along its manifold.

Left: two moons; the components of Q are the manifolds. Middle: Q itself, samples sorted along the moons. Right: the
digits 0 to 4 in the first two coordinates of Q, and the proof of how close the solution is to the best.

    python examples/plot_nomad.py        # writes plot_nomad.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

from similis import NOMAD
from similis.datasets import load_digits

INK = "#37474f"
COLORS = np.array(["#3f83c1", "#d3782b", "#3b9a6d", "#9a6bc0", "#8b9099"])
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")


def main() -> None:
    moons, side = make_moons(200, noise=0.05, random_state=0)
    tied = NOMAD(16, assign_labels="components", random_state=0).fit(moons)
    X, digit = load_digits()
    few = np.flatnonzero(digit < 5)[:400]
    clusters = NOMAD(5, tol=1e-4, random_state=0).fit(X[few])

    plt.rcParams.update({"font.size": 11} | dict.fromkeys(INKED, INK))
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")

    left.scatter(*moons.T, c=COLORS[tied.labels_ % 5], s=14)
    left.set_title(f"Moons: {tied.labels_.max() + 1} components of Q", loc="left")
    left.set_aspect("equal", "datalim")

    along = np.lexsort((moons[:, 0], side))
    Q = tied.Q_[np.ix_(along, along)]
    middle.imshow(np.sqrt(Q / Q.max()), cmap="magma_r")
    middle.set_title("Q: bands along each moon, nothing between", loc="left")
    middle.axis("off")

    for label in range(5):
        right.plot(*clusters.embedding_[digit[few] == label].T, ".", color=COLORS[label], label=str(label))
    right.set_title(f"Digits 0 to 4: certified gap {clusters.gap_:.0e}", loc="left")
    right.set(xlabel="first coordinate of Q", ylabel="second")
    right.legend(frameon=False)

    figure.savefig("plot_nomad.png", dpi=130)
    print("plot_nomad.png")
    print(f"moons: gap {tied.gap_:.1e}; digits: between {clusters.objective_:.3f} and {clusters.bound_:.3f}")


if __name__ == "__main__":
    main()
