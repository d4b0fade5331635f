"""Clusters wherever the origin lies: Sridharan, Bahroun and Sengupta 2026, similarity matching with row sums."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.datasets import make_moons
from sklearn.metrics import adjusted_rand_score

from ..datasets import GRAPHS, bars, gaussian_blobs, load_graph, planted_partition, random_walk, ring
from ..engine import run
from ..estimators import FlexibleSimilarityMatching
from ..networks import move_origin, row_sum_similarity, row_sum_start
from . import figures
from ._registry import Budget, Claim, Measured, Outcome, Table, experiment

CHECK = "an independent NumPy check made before this library"
FAR = (3, 10, 30, 100)  # how far the origin is moved, in RMS norms of the centred data


@experiment(
    "flexible", "origin", "The origin does not matter",
    claims=[Claim(id="outputs", text="Largest difference between the outputs on X and on X + c, |c| ten times the RMS "
                  "norm of X, weights moved along, 2,000 samples of learning, relative to the largest output",
                  goal=1e-8, better="lower", known=6e-12, source=CHECK)],
)  # fmt: skip
def origin(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Rows with constant sums make the objective blind to a common shift, and the rules inherit this exactly: a network
    on X + c with weights W + b c' and thresholds a + W c + |c|^2 b/2 runs through the same outputs. What differs is
    rounding, which grows as |c|^2. Fixed mu (clusters), learned mu (ring), decorrelated parts (bars)."""
    seeds = seeds if budget == "full" else seeds[:3]
    gaps: dict[str, list[list[float]]] = {"clusters": [], "ring": [], "bars": []}
    for seed in seeds:
        cases: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
            "clusters": (gaussian_blobs(2000, 10, 5, separation=12, random_state=seed)[0], {"mu": 0.02}),
            "ring": (ring(2000, random_state=seed)[0], {"trace": 8.0}),
            "bars": (bars(2000, random_state=seed)[0], {"gamma": 0.2}),
        }
        for name, (X, choices) in cases.items():
            X = (X - X.mean(0)) / np.sqrt(((X - X.mean(0)) ** 2).sum(1).mean())
            circuit = row_sum_similarity(16, **choices)
            start, towards = row_sum_start(circuit, X[:160]), np.full(X.shape[1], X.shape[1] ** -0.5)
            Z, row = run(circuit, start, X)[0], []
            for far in FAR:
                moved = run(circuit, move_origin(start, far * towards), X + far * towards)[0]
                row.append(float(np.abs(Z - moved).max() / Z.max()))
            gaps[name].append(row)
    table = Table(
        "Largest relative difference of an output, worst of the seeds, by how far the origin was moved",
        ("data", *(f"{far} RMS norms" for far in FAR)),
        tuple((name, *map(float, np.max(rows, axis=0))) for name, rows in gaps.items()),
    )
    canvas, ax = figures.canvas(5.6, 3.2)
    for (name, rows), colour in zip(gaps.items(), (figures.BLUE, figures.ORANGE, figures.GREEN), strict=True):
        figures.curves(ax, np.array(FAR), np.array(rows), label=name, colour=colour)
    ax.axhline(1e-8, color=figures.GREY, linestyle="--", label="goal, at 10")
    figures.label(ax, "distance of the origin (RMS norms)", "largest difference of outputs")
    picture = figures.svg(
        canvas,
        caption="Largest relative difference between outputs here and far from the origin, median over seeds, range "
        "shaded: what rounding leaves.",
        alt="Three rising lines between 1e-13 and 1e-7.",
        salt="flexible/origin",
    )
    worst = [max(rows[i][FAR.index(10)] for rows in gaps.values()) for i in range(len(seeds))]
    return Outcome({"outputs": Measured.over(worst, seeds, "worst", oracle=0.0)}, (picture,), (table,), circuit)


def _ari(what: str) -> dict[str, Claim]:
    text = f"{what}: adjusted Rand index"
    return {
        "centred": Claim(id="centred", text=f"{text}, centred", goal=1.0, better="higher", known=1.0, source=CHECK),
        "moved": Claim(id="moved", text=f"{text}, 50 added to each coordinate", goal=1.0, better="higher", known=1.0,
                       source=CHECK),
    }  # fmt: skip


@experiment(
    "flexible", "clusters", "Five clusters",
    claims=[*_ari("Five clusters, 20 neurons").values(),
            Claim(id="trace", text="Five clusters: distance of the mean of |z|^2, no goal given, from 5", goal=0.5,
                  better="lower", known=0.4, source=CHECK)],
)  # fmt: skip
def clusters(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Five round clusters in ten dimensions, 2,000 samples, three passes, mu = 0.02. With 20 neurons several share a
    cluster; those that fire together are one. The mean of |z|^2 counts the clusters."""
    scores: dict[str, list[float]] = {"centred": [], "moved": []}
    traces = []
    for seed in seeds:
        X, labels = gaussian_blobs(2000, 10, 5, separation=12, random_state=seed)
        for name, by in (("centred", -X.mean(0)), ("moved", 50.0)):
            model = FlexibleSimilarityMatching(20, mu=0.02, n_epochs=3, shuffle=True, random_state=seed).fit(X + by)
            scores[name].append(adjusted_rand_score(labels, model.labels_))
        traces.append(abs(float((model.transform(X + 50.0) ** 2).sum(1).mean()) - 5))
    chosen = np.concatenate([np.flatnonzero(labels == label)[:40] for label in range(5)])
    Z = model.transform((X + 50.0)[chosen])
    shown = [_cosines((X + 50.0)[chosen]), _cosines(Z)]
    picture = figures.heatmaps(
        shown,
        caption="Cosine similarities of 200 samples sorted by cluster, 50 added to each coordinate, dark is similar. "
        "Left: the inputs, which seen from so far all look alike. Right: the outputs.",
        alt="A matrix of one dark colour, and one with five dark blocks on the diagonal.",
    )
    measured = {name: Measured.over(values, seeds, "worst", better="higher") for name, values in scores.items()}
    measured["trace"] = Measured.over(traces, seeds, "worst")
    return Outcome(measured, (picture,), (), model.circuit_)


def _cosines(rows: np.ndarray) -> np.ndarray:
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T


@experiment(
    "flexible", "moons", "Clusters of any shape",
    claims=[Claim(id="ari", text="Two moons, 32 neurons in 2 groups, 50 added: adjusted Rand index", goal=1.0,
                  better="higher")],
)  # fmt: skip
def moons(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Two interleaved half circles, 2,000 samples, five passes, trace 16. The neurons tile the moons; tiles that
    overlap along a moon fire together, those of different moons do not."""
    scores, peer = [], []
    for seed in seeds:
        X, labels = make_moons(2000, noise=0.06, random_state=seed)
        model = FlexibleSimilarityMatching(
            32, trace=16, n_clusters=2, n_epochs=5, shuffle=True, random_state=seed
        ).fit(X + 50)  # fmt: skip
        scores.append(adjusted_rand_score(labels, model.labels_))
        peer.append(adjusted_rand_score(labels, KMeans(2, n_init=10, random_state=seed).fit_predict(X)))
    canvas, ax = figures.canvas(6.4, 3.4)
    for label, colour in enumerate((figures.BLUE, figures.ORANGE)):
        rows, tiles = X[model.labels_ == label], model.components_[model.clusters_ == label] - 50
        ax.plot(*rows.T, ".", color=colour, markersize=2.5, alpha=0.35)
        ax.plot(*tiles.T, "o", color=colour, markersize=7, markeredgecolor="#000000", markeredgewidth=0.8)
    ax.set_aspect("equal")
    figures.label(ax, "first coordinate", "second coordinate")
    picture = figures.svg(
        canvas,
        caption="Samples (dots) by the cluster they were given, and the centres of the neurons' tiles (circles).",
        alt="Two half moons, each of one colour, with sixteen circles along each.",
        salt="flexible/moons",
    )
    table = Table(
        "Adjusted Rand index, mean over seeds, measured in this run",
        ("method", "two moons"),
        (("network", float(np.mean(scores))), ("scikit-learn KMeans(2)", float(np.mean(peer)))),
    )
    measured = {"ari": Measured.over(scores, seeds, "worst", better="higher")}
    return Outcome(measured, (picture,), (table,), model.circuit_)


def _communities(A: np.ndarray, truth: np.ndarray, seeds: tuple[int, ...]) -> tuple[dict, FlexibleSimilarityMatching]:
    """Adjusted Rand indices of the network and of its peers, one value a seed."""
    K, X = int(truth.max()) + 1, random_walk(A)
    found: dict[str, list[float]] = {"network": [], "SpectralClustering": [], "KMeans": []}
    for seed in seeds:
        model = FlexibleSimilarityMatching(
            4 * K, trace=K, n_clusters=K, n_epochs=10_000 // len(X), shuffle=True, random_state=seed
        ).fit(X)  # fmt: skip
        peers = {
            "network": model.labels_,
            "SpectralClustering": SpectralClustering(K, affinity="precomputed", random_state=seed).fit_predict(A),
            "KMeans": KMeans(K, n_init=10, random_state=seed).fit_predict(X),
        }
        for name, labels in peers.items():
            found[name].append(adjusted_rand_score(truth, labels))
    return found, model


def _table(found: dict[str, dict[str, list[float]]], statistic: str) -> Table:
    names = next(iter(found.values()))
    rows: list[tuple[str | float, ...]] = [
        (name, *(float(np.mean(values[name])) for values in found.values())) for name in names
    ]
    return Table(f"Adjusted Rand index, {statistic}, measured in this run", ("method", *found), tuple(rows))


@experiment(
    "flexible", "planted", "Planted communities",
    claims=[Claim(id="ari", text="Four planted communities of 50, p = 0.3 and 0.05: adjusted Rand index", goal=0.98,
                  better="higher")],
)  # fmt: skip
def planted(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """A stochastic block model of 200 nodes, four neurons a community, trace 4, 10,000 samples; a new graph a seed. A
    node is the row of its random walk of three steps."""
    values: dict[str, list[float]] = {}
    for seed in seeds if budget == "full" else seeds[:3]:
        A, truth = planted_partition(random_state=seed)
        found, model = _communities(A, truth, (seed,))
        for name, one in found.items():
            values.setdefault(name, []).extend(one)
    Z, order = model.transform(random_walk(A)), np.argsort(truth, kind="stable")
    picture = figures.heatmaps(
        [A[np.ix_(order, order)], _cosines(Z[order])],
        caption="Left: the edges of a graph, nodes sorted by community. Right: cosine similarities of the outputs.",
        alt="A matrix of dots, denser in four blocks; a matrix of four dark blocks.",
    )
    table = _table({"planted": values}, "mean over graphs")
    seeds = seeds[: len(values["network"])]
    return Outcome({"ari": Measured.over(values["network"], seeds, "mean", better="higher")}, (picture,), (table,),
                   model.circuit_)  # fmt: skip


@experiment(
    "flexible", "communities", "Communities in known networks", budgets=("full",), needs=("graphs",),
    claims=[Claim(id=name, text=f"{name}: adjusted Rand index minus that of scikit-learn's SpectralClustering",
                  goal=0.0, better="higher") for name in GRAPHS],
)  # fmt: skip
def communities(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """The karate club (2 sides), books on politics (3 leanings) and college football (12 conferences); four neurons a
    community, the trace their number, about 10,000 samples. SpectralClustering hears the same adjacency matrix
    (affinity="precomputed"); KMeans hears the same rows as the network: where a walker is after three steps."""
    found: dict[str, dict[str, list[float]]] = {}
    measured: dict[str, Measured] = {}
    for name in GRAPHS:
        A, truth = load_graph(name)
        found[name], model = _communities(A, truth, seeds)
        gain = np.subtract(found[name]["network"], np.mean(found[name]["SpectralClustering"]))
        measured[name] = Measured.over(gain, seeds, "mean", better="higher")
    Z, order = model.transform(random_walk(A)), np.argsort(truth, kind="stable")
    picture = figures.heatmaps(
        [A[np.ix_(order, order)], _cosines(Z[order])],
        caption="College football. Left: who played whom, teams sorted by conference. Right: cosines of the outputs.",
        alt="A matrix of dots with twelve denser blocks; a matrix of dark blocks.",
    )
    return Outcome(measured, (picture,), (_table(found, "mean over seeds"),), model.circuit_)
