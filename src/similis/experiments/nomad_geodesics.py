"""Do two coordinates keep the distances along a noisy manifold? NOMAD beside methods made for that."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.datasets import make_s_curve, make_swiss_roll
from sklearn.manifold import Isomap, LocallyLinearEmbedding, SpectralEmbedding

from ..estimators import NOMAD
from ..nomad import nomad
from ._registry import Budget, Claim, Measured, Outcome, Table, experiment
from .nomad import coordinates

#: standard deviation of the noise, extra dimensions that hold only noise, and neighbours of the other methods
NOISE, EXTRA, NEIGHBOURS = 0.05, 5, 5


@experiment(
    "nomad", "geodesics", "Distances along a manifold",
    claims=[
        Claim(id="spiral", text="A spiral in the plane and 10 dimensions of noise, K = n / 10: rank correlation of "
              "distances in two coordinates with those along the spiral", goal=0.8, better="higher"),
    ],
)  # fmt: skip
def geodesics(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Every coordinate z-scored, noise of 0.05 added to 5 further dimensions for each one; K = n / 10 for NOMAD, 5
    neighbours for the others, two coordinates for all. Spearman's correlation of all distances between two samples with
    the geodesic ones, which are known. No parameter was chosen by them."""
    full, seed = budget == "full", seeds[0]
    n = 300 if full else 100
    sets = {"spiral": spiral(n, seed)}
    if full:
        sets |= {"Swiss roll": sheet(make_swiss_roll, n, seed), "S curve": sheet(make_s_curve, n, seed)}
    rows: dict[str, list[str | float]] = {}
    shown = []
    for name, (X, along) in sets.items():
        rng = np.random.default_rng(seed)
        X = (X - X.mean(0)) / X.std(0)
        X = np.concatenate([X, rng.normal(0, NOISE, (n, EXTRA * X.shape[1]))], 1)
        for method, model in methods(n, seed).items():
            Z = model.fit_transform(X)
            rows.setdefault(method, [method]).append(float(spearmanr(pdist(Z), pdist(along))[0]))
            if name == "spiral" and method in ("NOMAD", "Isomap", "LLE"):
                shown.append((method, Z / np.abs(Z).max(), along[:, 0]))
    picture = coordinates(
        shown, colours=["viridis"], salt="nomad/geodesics",
        caption="Two coordinates of a noisy spiral. Colour: the way along it.", alt="Coloured dots, three panels.",
    )  # fmt: skip
    table = Table(
        f"Rank correlation with distances along the manifold, n = {n}", ("method", *sets),
        tuple(tuple(row) for row in rows.values()),
    )  # fmt: skip
    measured = {"spiral": Measured.over([float(rows["NOMAD"][1])], seeds[:1], better="higher")}
    return Outcome(measured, (picture,), (table,), nomad())


def methods(n: int, seed: int) -> dict[str, Any]:
    """NOMAD and the manifold methods of scikit-learn, two coordinates each."""
    lle = {"n_neighbors": NEIGHBOURS, "n_components": 2, "random_state": seed, "eigen_solver": "dense"}
    return {
        "NOMAD": NOMAD(n / 10, tol=1e-2, random_state=seed),
        "LLE": LocallyLinearEmbedding(**lle),
        "modified LLE": LocallyLinearEmbedding(method="modified", **lle),
        "LTSA": LocallyLinearEmbedding(method="ltsa", **lle),
        "Isomap": Isomap(n_neighbors=NEIGHBOURS),
        "SpectralEmbedding": SpectralEmbedding(affinity="nearest_neighbors", n_neighbors=NEIGHBOURS, random_state=seed),
    }


def spiral(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2) points on one arm and a half of a spiral at random places, and (n, 1) their way along it."""
    angle = np.linspace(np.pi, 4 * np.pi, 4001)
    arm = angle[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(arm, axis=0), axis=1))])
    way = np.sort(np.random.default_rng(seed).uniform(0, length[-1], n))
    return np.stack([np.interp(way, length, column) for column in arm.T], 1), way[:, None]


def sheet(make: Any, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) points of a rolled sheet, and (n, 2) the same unrolled: the way along the curve, and across."""
    X, at = make(n, random_state=seed)
    fine = np.linspace(at.min(), at.max(), 4001)
    if make is make_swiss_roll:
        curve = fine[:, None] * np.stack([np.cos(fine), np.sin(fine)], 1)
    else:
        curve = np.stack([np.sin(fine), np.sign(fine) * (np.cos(fine) - 1)], 1)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    return X, np.stack([np.interp(at, fine, length), X[:, 1]], 1)
