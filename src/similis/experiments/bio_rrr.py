"""Regression by local rules: Golkar, Lipshutz, Bahroun, Sengupta and Chklovskii 2020 (Bio-RRR)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._errors import DivergenceError
from ..circuit import State, Step, init
from ..datasets import correlated_views, load_digits, load_fashion_mnist
from ..engine import run
from ..estimators import ReducedRankRegression
from ..networks import reduced_rank_regression
from . import figures
from ._backprop import TwoLayers
from ._curve import follow, stops
from ._registry import BUDGETS, Budget, Claim, Measured, Outcome, Table, experiment

CODE = "curve stored in the authors' notebook (optimum 0.72, backprop 0.72210), one run"
METRICS: dict[str | float, str] = {"rrmse": "squared error (s = 0)", 0.5: "between (s = 1/2)", "cca": "CCA (s = 1)"}
#: one scale for all columns of x, as the authors have it
PLAIN: dict[str, Any] = {"scale": "norm"}
#: one-hot y of 10 classes: x may learn ten times as fast as by default; the others keep their pace
ONE_HOT: dict[str, Any] = {**PLAIN, "eta0": 2.5, "target_rate": 0.002, "tau": 500.0}
#: modes are strong, and y may learn twice as fast as by default
STRONG: dict[str, Any] = {**PLAIN, "target_rate": 0.02}


@experiment(
    "rrr",
    "fashion",
    "Two units between an image and its class",
    budgets=("full",),
    needs=("fashion-mnist",),
    claims=[
        Claim(id="loss", text="Fashion-MNIST, k = 2: squared error after 100,000 samples", goal=0.7218, better="lower",
              known=0.72163, provenance="authors' code", source=CODE),
        Claim(id="backprop", text="Fashion-MNIST, k = 2: squared error above that of backprop in the same run",
              goal=2e-4, better="lower"),
    ],
)  # fmt: skip
def fashion(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """The authors' demonstration: the 10,000 test images, labels as one-hot vectors minus their mean, ridge 0.1, ten
    passes. The loss is the mean of |y - prediction|^2, which is 0.9 for no
    prediction at all. Pixels are centred and divided by one number, so that their mean variance is 1; of the scalings
    that were tried it is one of two in which the notebook's numbers (not below an optimum of 0.72) are possible.
    x learns ten times as fast as by default, as one-hot targets allow. Backprop: the same two layers, ridge and order,
    at the notebook's rate for it."""
    X, labels = load_fashion_mnist("test", dtype=np.float64)
    X = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0).mean())
    Y = np.eye(10)[labels] - 0.1
    exact = ReducedRankRegression(2, ridge=0.1, solver="exact", **PLAIN).fit(X, Y)
    optimum = _error(Y, exact.predict(X))
    places, local, rival = stops(100_000, n_points=16), [], []
    for seed in seeds:
        order = _passes(len(X), 10, seed)
        model = ReducedRankRegression(2, ridge=0.1, **ONE_HOT, random_state=seed)
        local.append(follow(model, (X[order], Y[order]), places, lambda m: _error(Y, m.predict(X))))
        other = TwoLayers(784, 10, 2, rates=(0.018, 0.018), decay=1e-3, ridge=0.1, size=(0.01, 0.1), seed=seed)
        rival.append(follow(other, (X[order], Y[order]), places, lambda m: _error(Y, m.predict(X))))
    canvas, ax = figures.canvas()
    figures.curves(ax, places, np.array(rival), label="backprop", colour=figures.ORANGE, log_y=False)
    figures.curves(ax, places, np.array(local), label="Bio-RRR", colour=figures.BLUE, log_y=False)
    known = [20_000, 60_000, 100_000]
    ax.plot(known, [0.72381, 0.72195, 0.72163], "o", color=figures.GREY, markersize=4, label="Bio-RRR, notebook")
    ax.axhline(optimum, color=figures.GREY, linestyle="--", label="exact")
    ax.set_ylim(0.71, 0.93)
    figures.label(ax, "samples seen", "mean |y - prediction|²")
    curve = figures.svg(
        canvas, caption=f"Squared error of all 10,000 images against samples seen, median of {len(seeds)} random "
        "orders, range shaded. Dashed: exact reduced-rank regression with the same ridge.",
        alt="Two falling curves that end on the dashed line.", salt="rrr/fashion",
    )  # fmt: skip
    ends = [np.array(curves)[:, -1] for curves in (local, rival)]
    table = Table(
        "Mean squared error after 100,000 samples, mean over seeds, measured in this run",
        ("method", "loss", "known from the notebook"),
        (("Bio-RRR", float(ends[0].mean()), 0.72163), ("backprop", float(ends[1].mean()), 0.7221),
         ("exact, ridge 0.1", optimum, 0.72)),
    )  # fmt: skip
    measured = {
        "loss": Measured.over(ends[0], seeds, "mean", oracle=optimum),
        "backprop": Measured.over(ends[0] - ends[1], seeds, "mean"),
    }
    return Outcome(measured, (curve, _plane(model, X, labels)), (table,), model.circuit_)


def _plane(model: ReducedRankRegression, X: np.ndarray, labels: np.ndarray) -> figures.Figure:
    """Where the two units put the images of each class."""
    names = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
    Z = model.transform(X)
    canvas, ax = figures.canvas(5.6, 4.2)
    for label, name in enumerate(names):
        own = Z[labels == label]
        ax.plot(*own[:60].T, ".", markersize=3, alpha=0.5, color=f"C{label}")
        ax.text(*own.mean(axis=0), name, fontsize=9, ha="center", va="center", weight="bold")
    figures.label(ax, "unit 1", "unit 2")
    return figures.svg(
        canvas, caption="Outputs of the two units for 60 images of each class; names stand at the classes' means.",
        alt="Ten overlapping clouds: trousers, footwear and upper garments lie apart.", salt="rrr/plane",
    )  # fmt: skip


@experiment(
    "rrr",
    "synthetic",
    "Twenty streams, three metrics, no divergence",
    claims=[
        Claim(id="diverged", text="Synthetic views, k = 4: runs that diverge, three metrics and all data sets", goal=0,
              better="lower", known=2 / 3, provenance="peer", source="share of 3 runs of the authors' class that hit "
              "its clip of the weights; at their rates here: see the table"),
        *(
            Claim(id=f"s{i}", text=f"Synthetic views, k = 4, {name}: loss above the optimum, as a share of it",
                  goal=0.01, better="lower", budgets=BUDGETS if i else ("full",))
            for i, name in enumerate(METRICS.values())
        ),
    ],
)  # fmt: skip
def synthetic(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """The data of the sister paper (Bio-CCA): an 8-dimensional Gaussian seen through 50 and through 30 noisy sensors;
    here 30 numbers are predicted from 50 through four units. Twenty data sets, default settings, each sample once. The
    loss is the mean of |y - prediction|^2 in the metric of y that is learned; its optimum is exact reduced-rank
    regression."""
    T, runs = (100_000, range(20)) if budget == "full" else (20_000, range(4))
    places = stops(T, n_points=10, first=300)
    curves: dict = {metric: [] for metric in METRICS}
    rival, lost, theirs = [], 0, 0
    for seed in runs:
        X, Y, *_ = correlated_views(T, random_state=seed)
        theirs += _authors_diverge(X, Y, seed)
        for metric in METRICS:
            exact = ReducedRankRegression(4, metric=metric, solver="exact", **PLAIN).fit(X, Y)
            weight = _metric(Y, exact)
            optimum = _error(Y, exact.predict(X), weight)

            def excess(m: Any, weight: np.ndarray = weight, optimum: float = optimum, data: tuple = (X, Y)) -> float:
                return _error(data[1], m.predict(data[0]), weight) / optimum - 1

            model = ReducedRankRegression(4, metric=metric, **STRONG, random_state=seed)
            try:
                curves[metric].append(follow(model, (X, Y), places, excess))
            except DivergenceError:
                lost += 1
                curves[metric].append(np.full(len(places), np.inf))
            if metric == "rrmse" and seed in seeds[:3]:
                other = _ScaledTwoLayers(X, Y, seed)
                rival.append(follow(other, (X, Y), places, excess))
    canvas, ax = figures.canvas()
    for metric, colour in zip(METRICS, (figures.BLUE, figures.GREEN, figures.PURPLE), strict=True):
        figures.curves(ax, places, np.array(curves[metric]), label=METRICS[metric], colour=colour)
    figures.curves(ax, places, np.array(rival), label="backprop (s = 0)", colour=figures.ORANGE)
    ax.axhline(0.01, color=figures.GREY, linestyle="--", label="goal")
    figures.label(ax, "samples seen", "loss / optimum - 1")
    figure = figures.svg(
        canvas, caption=f"Loss above the optimum, as a share of it, against samples seen: median of {len(runs)} data "
        "sets, range shaded (backprop: three).",
        alt="Curves that fall below the dashed goal of one per cent.", salt="rrr/synthetic",
    )  # fmt: skip
    table = Table(
        f"Runs that diverged, of {len(runs)}, CCA metric, k = 4, {T:,} samples, measured in this run",
        ("rates", "diverged"),
        (("defaults", float(np.isinf(np.array(curves["cca"])[:, -1]).sum())),
         ("authors' (1e-3, 1e-4, 1e-4), unscaled data", float(theirs))),
    )  # fmt: skip
    measured = {"diverged": Measured.over([lost], seeds[:1], "worst", oracle=0.0)}
    for i, metric in enumerate(METRICS):
        if i or budget == "full":  # the squared error takes more samples
            measured[f"s{i}"] = Measured.over(np.array(curves[metric])[:, -1], tuple(runs), "worst", oracle=0.0)
    return Outcome(measured, (figure,), (table,), model.circuit_)


class _ScaledTwoLayers:
    """Backprop on streams of RMS norm 1."""

    def __init__(self, X: np.ndarray, Y: np.ndarray, seed: int) -> None:
        self.sizes = [float(np.sqrt((A**2).sum(axis=1).mean())) for A in (X, Y)]
        self.learner = TwoLayers(50, 30, 4, rates=(0.3, 0.03), decay=1e-4, seed=seed)

    def partial_fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        self.learner.partial_fit(X / self.sizes[0], Y / self.sizes[1])

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.learner.predict(X / self.sizes[0]) * self.sizes[1]


def _authors_diverge(X: np.ndarray, Y: np.ndarray, seed: int) -> bool:
    """Whether a weight passes 100, where the authors' class clips, at the rates of the authors' class for k = 4."""
    circuit = reduced_rank_regression(4, metric=1.0, target_rate=0.1, tau=10.0, step=Step(1e-3, 1e-4))
    start: State = init(circuit, {"x": X.shape[1], "y": Y.shape[1]}, seed)
    try:
        state = run(circuit, start, {"x": X, "y": Y})[1]
    except DivergenceError:
        return True
    return max(np.abs(W).max() for W in state.W.values()) > 100


@experiment(
    "rrr", "digits", "Half an image from the other half",
    claims=[
        Claim(id=f"s{i}", text=f"Digit halves, k = 4, 60 passes, {name}: held-out R2, as a share of exact regression's",
              goal=0.98, better="higher")
        for i, name in enumerate(METRICS.values())
    ],
)  # fmt: skip
def digits(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """The right half of scikit-learn's 8 x 8 digits from the left half, through four units. A third of the images is
    held out; exact regression has the same rank, metric, ridge and training images. Default settings."""
    images = load_digits()[0].reshape(-1, 8, 8)
    X, Y = images[:, :, :4].reshape(-1, 32), images[:, :, 4:].reshape(-1, 32)
    seeds = seeds if budget == "full" else seeds[:3]
    shares: dict = {metric: [] for metric in METRICS}
    rows = []
    for metric, name in METRICS.items():
        ours, best = [], []
        for seed in seeds:
            order = np.random.default_rng(seed).permutation(len(X))
            train, held = order[len(X) // 3 :], order[: len(X) // 3]
            model = ReducedRankRegression(
                4, metric=metric, ridge=0.01, n_epochs=60, shuffle=True, **STRONG, random_state=seed
            )
            ours.append(_r2(Y[held], model.fit(X[train], Y[train]).predict(X[held])))
            exact = ReducedRankRegression(4, metric=metric, ridge=0.01, solver="exact", **PLAIN)
            exact.fit(X[train], Y[train])
            best.append(_r2(Y[held], exact.predict(X[held])))
        shares[metric] = [a / b for a, b in zip(ours, best, strict=True)]
        rows.append((name, float(np.median(ours)), float(np.median(best))))
        if metric == "rrmse":
            shown = held[:8]
            whole = [np.concatenate([images[shown][:, :, :4], half.reshape(-1, 8, 4)], axis=2)
                     for half in (Y[shown], exact.predict(X[shown]), model.predict(X[shown]))]  # fmt: skip
    picture = figures.tiles(
        np.clip(np.concatenate(whole), 0, 1),
        caption="Held-out digits: as they are, right half predicted by exact regression, right half predicted by the "
        "network (four units, squared error).",
        alt="Three rows of eight digits; the right halves of the last two rows are blurred and alike.",
    )
    table = Table("Held-out R2 of all pixels together, median over seeds, measured in this run",
                  ("metric", "network", "exact"), tuple(rows))  # fmt: skip
    measured = {
        f"s{i}": Measured.over(shares[metric], seeds, better="higher", oracle=1.0) for i, metric in enumerate(METRICS)
    }
    return Outcome(measured, (picture,), (table,), model.circuit_)


def _passes(n: int, epochs: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(n) for _ in range(epochs)])


def _error(Y: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Mean of |y - prediction|^2, in the metric Sigma = weight if given."""
    rest = Y - predicted
    return float(np.einsum("ti,ti->", rest, rest if weight is None else rest @ weight) / len(Y))


def _metric(Y: np.ndarray, model: ReducedRankRegression) -> np.ndarray:
    """Sigma, the inverse of s Cyy + (1 - s) v I."""
    named = {"rrmse": 0.0, "cca": 1.0}
    s = named[model.metric] if isinstance(model.metric, str) else model.metric
    C = np.cov(Y.T, bias=True)
    return np.linalg.inv(s * C + (1 - s) * np.trace(C) / len(C) * np.eye(len(C)))


def _r2(Y: np.ndarray, predicted: np.ndarray) -> float:
    """Share of the variance of all columns together that is predicted."""
    return 1 - float(((Y - predicted) ** 2).sum() / ((Y - Y.mean(axis=0)) ** 2).sum())
