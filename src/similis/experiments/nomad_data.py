"""The same program in layers, at size, and beside other methods."""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np
from sklearn.cluster import HDBSCAN, KMeans, SpectralClustering
from sklearn.datasets import make_circles
from sklearn.metrics import adjusted_rand_score

from ..datasets import load_coil20, load_digits, load_mnist
from ..estimators import NOMAD
from ..nomad import Similarity, nomad, ring_optimum, solve
from . import figures
from ._registry import Budget, Claim, Measured, Outcome, Table, experiment
from .nomad import circle
from .nomad_images import faces


@experiment(
    "nomad", "layers", "Layers merge manifolds into clusters; rank of the heuristic",
    claims=[
        Claim(id="layers", text="Two circles, K = 16, 8, 4, 2, each fed with the Q before: adjusted Rand index of "
              "two clusters", goal=1.0, better="higher"),
        Claim(id="rank", text="Ring, n = 100, K = 8: what twice the rank would gain over 8 K, relative to the optimum",
              goal=1e-4, better="lower"),
    ],
)  # fmt: skip
def layers(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """K-means cannot part two concentric circles; a few layers can. And how many columns the heuristic needs."""
    seeds = seeds[:1]
    X, truth = make_circles(100, shuffle=False, factor=0.4)
    shown, model = [], NOMAD()
    for further in ((), (8,), (8, 4), (8, 4, 2)):
        model = NOMAD(16, layers=further, random_state=seeds[0]).fit(X)
        shown.append(model.Q_ / model.Q_.max())
    score = adjusted_rand_score(truth, model.labels_)
    matrices = figures.heatmaps(
        [np.sqrt(np.maximum(Q, 0)) for Q in shown],
        caption="Two circles through the layers K = 16, 8, 4, 2 (root of Q): bands widen to one block each.",
        alt="Four matrices, from thin bands to two blocks.",
    )
    D = Similarity.linear(circle(100))
    optimum, _ = ring_optimum(100, 8)
    ranks = (8, 16, 32, 64, 128)
    errors = [
        1 - solve(D, 8, "low-rank", rank=rank, rng=np.random.default_rng(seeds[0])).objective / optimum
        for rank in ranks
    ]
    canvas, ax = figures.canvas(5.6, 3.2)
    ax.loglog(ranks, errors, "o-", color=figures.ORANGE)
    ax.set_xticks(ranks, [str(rank) for rank in ranks])
    ax.minorticks_off()
    figures.label(ax, "rank of Y", "objective below the optimum, relative")
    picture = figures.svg(
        canvas, caption="Rank study on the ring, K = 8: at rank K the heuristic is K-means; more than 4 K "
        "gains little. What remains is the price of YY' with Y >= 0.",
        alt="A falling curve.", salt="nomad/rank",
    )  # fmt: skip
    measured = {
        "layers": Measured.over([score], seeds, better="higher"),
        "rank": Measured.over([errors[3] - errors[4]], seeds),
    }
    return Outcome(measured, (matrices, picture), (), nomad())


@experiment(
    "nomad", "size", "Size", budgets=("full",), needs=("mnist",),
    claims=[
        Claim(id="gap2000", text="MNIST, n = 2,000, K = 10: certified relative gap", goal=1e-3, better="lower"),
        Claim(id="seconds2000", text="The same: processor seconds, one thread", goal=180, better="lower", unit="s"),
        Claim(id="seconds20000", text="MNIST, n = 20,000, low rank: processor seconds, one thread", goal=600,
              better="lower", unit="s"),
        Claim(id="sample20000", text="The same solver on 1,000 of the 20,000: certified relative gap there", goal=1e-3,
              better="lower"),
        Claim(id="sample60000", text="MNIST, n = 60,000, low rank; the same on 1,000 of them: certified relative gap "
              "there", goal=1e-3, better="lower"),
        Claim(id="memory", text="Largest memory of the process, all sizes", goal=6.0, better="lower", unit="GiB"),
    ],
)  # fmt: skip
def size(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Rows of MNIST in a random order, K = 10. Beyond 5,000 samples "auto" is the low-rank heuristic; its certificate
    is of a random subsample of 1,000, solved apart by both solvers: it says how good the heuristic is on such data,
    and proves nothing of the other samples."""
    seeds, (X, _) = seeds[:1], load_mnist()
    order = np.random.default_rng(seeds[0]).permutation(len(X))
    rows: list[tuple[str | float, ...]] = []
    points: dict[str, list[tuple[int, float]]] = {"convex": [], "low-rank": []}
    measured: dict[str, Measured] = {}
    for n, solver in ((200, "convex"), (500, "convex"), (1000, "convex"), (2000, "convex"), (500, "low-rank"),
                      (2000, "low-rank"), (5000, "low-rank"), (20000, "low-rank"), (60000, "low-rank")):  # fmt: skip
        began = time.process_time()
        model = NOMAD(10, solver=solver, certify=n >= 20000, random_state=seeds[0]).fit(X[order[:n]])
        seconds = time.process_time() - began
        points[solver].append((n, seconds))
        gap = float(model.certificate_["gap"])
        rows.append((f"n = {n:,}, {solver}", seconds, model.objective_, gap if np.isfinite(gap) else "",
                     model.certificate_["kind"]))  # fmt: skip
        if n == 2000 and solver == "convex":
            measured["gap2000"] = Measured.over([gap], seeds)
        if n >= 20000:
            measured[f"sample{n}"] = Measured.over([gap], seeds)
        if (n, solver) in ((2000, "convex"), (20000, "low-rank")):
            measured[f"seconds{n}"] = Measured.over([seconds], seeds)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    measured["memory"] = Measured.over([memory], seeds)
    canvas, ax = figures.canvas(5.6, 3.4)
    for (solver, pairs), colour in zip(points.items(), (figures.BLUE, figures.ORANGE), strict=True):
        ax.loglog(*np.array(pairs).T, "o-", color=colour, label=solver)
    figures.label(ax, "samples", "processor seconds, labels and certificate included")
    picture = figures.svg(canvas, caption="Time against size, MNIST, K = 10, one thread; the convex solver to a "
                          "certified gap of 1e-3.", alt="Two rising lines.", salt="nomad/size")  # fmt: skip
    table = Table("MNIST, K = 10", ("instance", "processor seconds", "objective", "certified gap", "of"), tuple(rows))
    return Outcome(measured, (picture,), (table,), nomad())


@experiment(
    "nomad", "peers", "Beside the peers", budgets=("full",), needs=("mnist", "coil20", "yale-b"),
    claims=[Claim(id="digits", text="Digits (1,797): adjusted Rand index minus that of KMeans", goal=0.0,
                  better="higher")],
)  # fmt: skip
def peers(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Adjusted Rand index with the number of classes given to all that take one; HDBSCAN and SpectralClustering (10
    nearest neighbours) at their defaults otherwise; NOMAD to a certified gap of 1e-2. No parameter
    was chosen by labels."""
    mnist = load_mnist("test")
    sets = {
        "digits": load_digits(),
        "MNIST, 2,000 test images": (mnist[0][:2000].astype(np.float64), mnist[1][:2000]),
        "COIL-20": load_coil20(),
        "Yale B, subjects 1, 4, 5, 27": faces((1, 4, 5, 27)),
    }
    rows: dict[str, list[str | float]] = {}
    gains = []
    for name, (X, truth) in sets.items():
        k = len(np.unique(truth))
        seed = seeds[0]
        methods: dict[str, Any] = {
            "NOMAD": NOMAD(k, tol=1e-2, random_state=seed),
            "KMeans": KMeans(k, n_init=10, random_state=seed),
            "SpectralClustering": SpectralClustering(k, affinity="nearest_neighbors", random_state=seed),
            "HDBSCAN": HDBSCAN(copy=True),
        }
        for method, model in methods.items():
            rows.setdefault(method, [method]).append(adjusted_rand_score(truth, model.fit_predict(X)))
        if name == "digits":
            gains = [rows["NOMAD"][1] - rows["KMeans"][1]]  # type: ignore[operator]
    table = Table("Adjusted Rand index", ("method", *sets), tuple(tuple(row) for row in rows.values()))
    canvas, ax = figures.canvas(7.2, 3.4)
    for i, (method, row) in enumerate(rows.items()):
        ax.plot(range(len(sets)), row[1:], "os^d"[i], label=method)
    ax.set_xticks(range(len(sets)), [name.split(",")[0] for name in sets])
    figures.label(ax, "", "adjusted Rand index")
    picture = figures.svg(canvas, caption="Clusters beside the classes.", alt="Dots, one a method and set.",
                          salt="nomad/peers")  # fmt: skip
    return Outcome({"digits": Measured.over(gains, seeds[:1], better="higher")}, (picture,), (table,), nomad())
