"""Few labels on manifolds: Genkin, Sengupta and Chklovskii 2019."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.datasets import make_moons
from sklearn.neighbors import KNeighborsClassifier, kneighbors_graph
from sklearn.semi_supervised import LabelSpreading

from ..datasets import load_mnist
from ..estimators import ManifoldClassifier
from . import figures
from ._curve import stops
from ._registry import Budget, Claim, Figure, Measured, Outcome, Table, experiment

MOONS: dict[str, Any] = {"n_components": 48, "n_epochs": 6, "n_replays": 30}
IMAGES: dict[str, Any] = {"n_components": 500, "sharpness": 0.5, "emphasis": 20.0, "n_epochs": 2, "n_replays": 3}
OURS, NEAREST, TOLD, SPREADING = "network", "nearest label", "layer 2 from labels only", "label spreading"
COLOURS = dict(
    zip((OURS, SPREADING, TOLD, NEAREST), (figures.BLUE, figures.GREY, figures.GREEN, figures.ORANGE), strict=True)
)
Fit = Callable[[np.ndarray, np.ndarray, int], np.ndarray]  # rows, labels with -1, seed -> predictions of the rows


def few(y: np.ndarray, per_class: int, seed: int) -> np.ndarray:
    """Labels of so many samples of each class, drawn at random; -1 elsewhere."""
    rng, labels = np.random.default_rng(seed), np.full(len(y), -1)
    for label in np.unique(y):
        chosen = rng.choice(np.flatnonzero(y == label), per_class, replace=False)
        labels[chosen] = label
    return labels


def _nearest(X: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    told = labels >= 0
    return KNeighborsClassifier(1).fit(X[told], labels[told]).predict(X)


def _spreading(X: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    return LabelSpreading(kernel="knn", alpha=0.99, max_iter=1000).fit(X, labels).transduction_


def _network(X: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    return ManifoldClassifier(**MOONS, random_state=seed).fit(X, labels).predict(X)


def _told(X: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """The same tiles; layer 2 learns from the labelled samples alone."""
    model = ManifoldClassifier(**MOONS | {"n_replays": 1}, random_state=seed).fit(X, labels)
    told, tiles = np.flatnonzero(labels >= 0), model.tile_proba_
    V = np.full_like(tiles, 1 / tiles.shape[1])
    S = model.shares(X)
    for _ in range(int(MOONS["n_replays"])):
        for t in told:
            V += np.minimum(4 * S[t], 1)[:, None] * (np.eye(V.shape[1])[labels[t]] - V)
    return model.classes_[(S @ V).argmax(1)]


METHODS: dict[str, Fit] = {OURS: _network, SPREADING: _spreading, TOLD: _told, NEAREST: _nearest}


@experiment(
    "manifold",
    "moons",
    "Two moons, one label each",
    claims=[
        Claim(
            id=f"labels{n}",
            text=f"Two moons, {n} label{'s' * (n > 1)} a class: accuracy on all 2,000 points",
            goal=0.99,
            better="higher",
            known=1.0,
            provenance="ours",
            source="an independent NumPy check made before this library, 6 seeds",
        )
        for n in (1, 2, 5)
    ],
)
def moons(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """2,000 points on two moons, noise .08, six data sets, labels drawn at random. The network has 48 tiles. Beside it:
    the class of the nearest labelled point, the network's second layer taught by the labelled points only, and
    scikit-learn's label spreading on its graph of neighbours (alpha = .99)."""
    seeds = tuple(range(seeds[0], seeds[0] + 6))
    counts = (1, 2, 5, 10, 20) if budget == "full" else (1, 2, 5)
    accuracy: dict[str, dict[int, list[float]]] = {name: {n: [] for n in counts} for name in METHODS}
    for seed in seeds:
        X, y = make_moons(2000, noise=0.08, random_state=seed)
        for n in counts:
            labels = few(y, n, seed)
            for name, method in METHODS.items():
                accuracy[name][n].append(float(np.mean(method(X, labels, seed) == y)))
    table = Table(
        f"Accuracy by labels a class, worst of {len(seeds)} seeds, measured in this run",
        ("method", *map(str, counts)),
        tuple((name, *(min(by[n]) for n in counts)) for name, by in accuracy.items()),
    )
    measured = {
        f"labels{n}": Measured.over(accuracy[OURS][n], seeds, "worst", better="higher", oracle=1.0) for n in (1, 2, 5)
    }
    X, y = make_moons(2000, noise=0.08, random_state=seeds[0])
    model = ManifoldClassifier(**MOONS, random_state=seeds[0]).fit(X, few(y, 1, seeds[0]))
    pictures = (_maps(X, few(y, 1, seeds[0]), seeds[0]), _against_labels(accuracy, "moons", 2))
    return Outcome(measured, pictures, (table,), model.circuit_)


def _maps(X: np.ndarray, labels: np.ndarray, seed: int) -> Figure:
    """What three classifiers say in the plane, the labelled points marked."""
    model = ManifoldClassifier(**MOONS, random_state=seed).fit(X, labels)
    (left, low), (right, high) = X.min(0) - 0.3, X.max(0) + 0.3
    across, up = np.meshgrid(np.linspace(left, right, 220), np.linspace(low, high, 150))
    plane, told = np.column_stack([across.ravel(), up.ravel()]), labels >= 0
    nearest = KNeighborsClassifier(1).fit(X[told], labels[told]).predict_proba(plane)[:, 1]
    canvas, axes = figures.canvas(9.6, 3.4, n_columns=2, share_y=True)
    for ax, (title, share) in zip(
        axes, [("network, 48 tiles", model.predict_proba(plane)[:, 1]), ("nearest label", nearest)], strict=True
    ):
        ax.grid(False)
        ax.contourf(across, up, share.reshape(up.shape), levels=np.linspace(0, 1, 11), cmap="PuOr_r", alpha=0.75)
        ax.scatter(*X[::2].T, s=1.5, color="#555b63", linewidths=0)
        ax.scatter(*X[told].T, s=150, marker="*", color="#ffd400", edgecolors="#000000", linewidths=0.8, zorder=3)
        if share is not nearest:
            ax.scatter(*model.tiles_.T, s=14, facecolors="none", edgecolors="#000000", linewidths=0.7)
        ax.set(xlim=(left, right), ylim=(low, high))
        figures.label(ax, "x", "y" if ax is axes[0] else "", title)
    return figures.svg(
        canvas,
        caption="What the network (left) and the nearest labelled point (right) say in the plane, from purple for one "
        "class to orange for the other. Stars: the only two labels; circles: centres of the tiles; dots: every second "
        "point.",
        alt="Left: two interleaved moons, each in one colour. Right: a straight border that cuts both moons.",
        salt="manifold/maps",
        wide=True,
    )


def _against_labels(accuracy: dict[str, dict[int, list[float]]], what: str, n_classes: int) -> Figure:
    canvas, ax = figures.canvas()
    counts = list(next(iter(accuracy.values())))
    for name, by in accuracy.items():
        figures.curves(
            ax, np.array(counts), np.array([by[n] for n in counts]).T, label=name, colour=COLOURS[name], log_y=False
        )
        ax.plot(counts, [np.median(by[n]) for n in counts], "o", color=COLOURS[name], markersize=4)
    ax.set_xticks(counts, [str(n) for n in counts])
    ax.minorticks_off()
    ax.set_ylim(top=1.01)
    figures.label(ax, f"labels a class ({n_classes} classes)", "accuracy")
    return figures.svg(
        canvas,
        caption="Accuracy against the number of labels, median over seeds, range shaded.",
        alt="Curves that rise with the number of labels; the network's lies at the top with label spreading's.",
        salt=f"manifold/{what}",
    )


@experiment(
    "manifold",
    "mnist",
    "MNIST with ten labels a class",
    budgets=("full",),
    needs=("mnist",),
    claims=[
        Claim(
            id="behind",
            text="MNIST, 40,000 images, 10 labels a class: accuracy of label spreading on its graph minus ours",
            goal=2.0,
            better="lower",
            unit="points",
        ),
        Claim(
            id="faster",
            text="The same: time of label spreading over ours, one thread, one run",
            goal=10.0,
            better="higher",
            unit="times",
        ),
        Claim(
            id="stream",
            text="MNIST as a stream seen once, every 100th image labelled: accuracy on the test images at the end",
            goal=0.75,
            better="higher",
        ),
    ],
)
def mnist(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """40,000 training images, three draws of ten labels a class, 500 tiles; accuracy on the images without label.
    scikit-learn's LabelSpreading has its default settings (7 neighbours, alpha = .2) and the same labels; its graph is
    timed once and used for all draws. Then a stream: partial_fit once over 60,000 images, every hundredth with its
    label, accuracy on the 10,000 test images."""
    seeds = seeds[:3]
    X, y = load_mnist()
    chosen = np.random.default_rng(seeds[0]).permutation(len(X))[:40_000]
    rows, truth = X[chosen].astype(np.float32), y[chosen]
    accuracy: dict[str, list[float]] = {OURS: [], SPREADING: [], NEAREST: []}
    ManifoldClassifier(10, n_epochs=1, n_replays=1).fit(rows[:200], truth[:200])  # compiled and warm
    graph: dict[str, Any] = {}  # none yet

    def neighbours(A: np.ndarray, B: np.ndarray) -> Any:
        """The graph of ``kernel="knn"`` with its default of 7 neighbours, kept for the other draws of labels."""
        if not graph:
            graph["knn"] = kneighbors_graph(A, 7, include_self=True)
        return graph["knn"]

    took: dict[str, list[float]] = {OURS: [], SPREADING: []}
    for seed in seeds:
        labels = few(truth, 10, seed)
        rest = labels == -1
        begin = time.process_time()
        found = ManifoldClassifier(**IMAGES, random_state=seed).fit(rows, labels).predict(rows)
        took[OURS].append(time.process_time() - begin)
        accuracy[OURS].append(float(np.mean(found[rest] == truth[rest])))
        begin = time.process_time()
        spread = LabelSpreading(kernel=neighbours, max_iter=100).fit(rows, labels)
        took[SPREADING].append(time.process_time() - begin)
        accuracy[SPREADING].append(float(np.mean(spread.transduction_[rest] == truth[rest])))
        accuracy[NEAREST].append(float(np.mean(_nearest(rows, labels, seed)[rest] == truth[rest])))
    behind = 100 * (np.array(accuracy[SPREADING]) - np.array(accuracy[OURS]))
    ratio = took[SPREADING][0] / took[OURS][0]
    table = Table(
        "40,000 images, ten labels a class: accuracy on the others (median over draws), processor seconds (first draw)",
        ("method", "accuracy", "seconds"),
        (
            (OURS, float(np.median(accuracy[OURS])), took[OURS][0]),
            (SPREADING, float(np.median(accuracy[SPREADING])), took[SPREADING][0]),
            (NEAREST, float(np.median(accuracy[NEAREST])), ""),
        ),
    )
    figure, ends, model = _stream(X, y, seeds)
    measured = {
        "behind": Measured.over(behind, seeds, "mean"),
        "faster": Measured.over([ratio], seeds[:1], better="higher"),
        "stream": Measured.over(ends, seeds, better="higher"),
    }
    return Outcome(measured, (figure,), (table,), model.circuit_)


def _stream(X: np.ndarray, y: np.ndarray, seeds: tuple[int, ...]) -> tuple[Figure, list[float], ManifoldClassifier]:
    """Accuracy on test images while a stream with rare labels goes by."""
    held, y_held = load_mnist("test")
    held, places, curves, nearest = held.astype(np.float32), stops(len(X), n_points=8, first=2000), [], []
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(len(X))
        rows, labels = X[order].astype(np.float32), np.where(np.arange(len(X)) % 100 == 0, y[order], -1)
        model = ManifoldClassifier(500, sharpness=0.5, random_state=seed)
        start, curve, beside = 0, [], []
        for stop in places:
            model.partial_fit(rows[start:stop], labels[start:stop], classes=range(10))
            curve.append(model.score(held, y_held))
            told = KNeighborsClassifier(1).fit(rows[:stop:100], labels[:stop:100])
            beside.append(float(told.score(held, y_held)))
            start = stop
        curves.append(curve)
        nearest.append(beside)
    canvas, ax = figures.canvas()
    figures.curves(ax, places, np.array(curves), label=OURS, colour=COLOURS[OURS], log_y=False)
    name = "nearest of all labels so far"
    figures.curves(ax, places, np.array(nearest), label=name, colour=COLOURS[NEAREST], log_y=False)
    figures.label(ax, "images seen, one in a hundred labelled", "accuracy on test images")
    figure = figures.svg(
        canvas,
        caption="A stream of MNIST seen once, every hundredth image labelled: accuracy on the test images, median of "
        f"{len(seeds)} orders, range shaded. The network keeps 500 tiles; the nearest label keeps all labelled images.",
        alt="Two curves that rise with the images seen.",
        salt="manifold/stream",
    )
    return figure, [curve[-1] for curve in curves], model
