"""Clusters and manifolds with a certificate: a similarity that ties each sample to its neighbours along its manifold.

Left: two moons; the components of Q are the manifolds. Middle: Q itself, samples sorted along the moons. Right: 500
digits; a bound that no solution exceeds falls onto the objective of the one found.

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
    digits = NOMAD(10, tol=1e-4, random_state=0).fit(load_digits()[0][:500])
    iterations, bound = digits.history_["iterations"], digits.history_["bound"]

    plt.rcParams.update({"font.size": 11} | dict.fromkeys(INKED, INK))
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")

    left.scatter(*moons.T, c=COLORS[tied.labels_ % 5], s=14)
    left.set_title(f"Moons: {tied.labels_.max() + 1} components of Q", loc="left")
    left.set_aspect("equal", "datalim")

    turn = np.where(side == 0, np.arctan2(moons[:, 1], moons[:, 0]), np.arctan2(0.5 - moons[:, 1], 1 - moons[:, 0]))
    along = np.lexsort((turn % (2 * np.pi) - 2 * np.pi * (turn % (2 * np.pi) > 4), side))
    Q = tied.Q_[np.ix_(along, along)]
    middle.imshow(np.sqrt(Q / Q.max()), cmap="magma_r")
    middle.set_title("Q: bands along each moon, nothing between", loc="left")
    middle.axis("off")

    right.plot(iterations, bound, "o-", color=COLORS[1], label="no Q is better than this")
    right.axhline(digits.objective_, color=COLORS[0], label="this Q is feasible")
    right.set_title(f"500 digits, K = 10: gap {digits.gap_:.0e}, proved", loc="left")
    right.set(xlabel="iterations", ylabel="objective")
    right.legend(frameon=False)

    figure.savefig("plot_nomad.png", dpi=130)
    print("plot_nomad.png")
    print(f"moons: gap {tied.gap_:.1e}; digits: between {digits.objective_:.2f} and {digits.bound_:.2f}")


if __name__ == "__main__":
    main()
