"""Sparse features of a stream: Pehlevan and Chklovskii 2014, online symmetric nonnegative factorisation."""

from __future__ import annotations

import numpy as np

from ..datasets import load_digits, load_mnist
from ..engine.offline import nonnegative
from ..estimators import NonnegativeSimilarityMatching
from . import figures
from ._curve import follow, stops
from ._registry import Budget, Claim, Measured, Outcome, Table, experiment


def _claims(data: str) -> list[Claim]:
    text = f"{data}: similarity-matching objective, relative to the best offline solution"
    return [Claim(id="objective", text=text, goal=1.01, better="lower")]


@experiment("nsm", "digits", "Sparse features of digits", claims=_claims("Digits, k = 16, 20 passes"))
def digits(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """The 1,797 digits of scikit-learn about their mean, 16 nonnegative neurons, default learning rates. The objective
    is the relative squared error of the similarities; offline, L-BFGS-B solves the same problem for all samples at once
    from three random starts and knows every sample from the beginning."""
    X, labels = load_digits()
    seeds = seeds if budget == "full" else seeds[:3]
    return _learn(X, labels, 16, seeds, epochs=20, shape=(8, 8), what="nsm/digits")


@experiment(
    "nsm", "mnist", "Sparse features of MNIST", budgets=("full",), needs=("mnist",),
    claims=_claims("MNIST, k = 32, 10 passes over 10,000 images"),
)  # fmt: skip
def mnist(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """The first 10,000 training images about their mean, 32 nonnegative neurons, default learning rates, against the
    best of three offline solutions."""
    X, labels = load_mnist()
    return _learn(X[:10_000].astype(float), labels[:10_000], 32, seeds, epochs=10, shape=(28, 28), what="nsm/mnist")


def _learn(
    X: np.ndarray, labels: np.ndarray, k: int, seeds: tuple[int, ...], *, epochs: int, shape: tuple[int, int], what: str
) -> Outcome:
    """Objective while learning, in a new random order a seed, against offline; features; similarities by class."""
    centred = X - X.mean(axis=0)
    offline_outputs, offline = nonnegative(centred, k, random_state=seeds[0])
    values = np.linalg.eigvalsh(centred.T @ centred)[::-1]
    bound = float(np.sum(values[k:] ** 2) / np.sum(values**2))  # what k outputs free of sign reach
    places, curves = stops(epochs * len(X), n_points=10, first=300), []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        stream = X[np.concatenate([rng.permutation(len(X)) for _ in range(epochs)])]
        model = NonnegativeSimilarityMatching(k, center=True, random_state=seed)
        curves.append(follow(model, [stream], places, lambda m: 1.0 - m.score(X)))
    canvas, ax = figures.canvas()
    figures.curves(ax, places, np.array(curves), label="network", colour=figures.BLUE, log_y=False)
    ax.axhline(offline, color=figures.GREY, linestyle="--", label="offline, best of three")
    figures.label(ax, "samples seen", "similarity-matching objective")
    objective = figures.svg(
        canvas,
        caption=f"Relative error of the similarities of all samples against samples seen, median of {len(seeds)} "
        "random orders, range shaded. Dashed: the best offline solution found.",
        alt="A curve that falls to the dashed line of the offline solution.",
        salt=what,
    )
    features = figures.tiles(
        model.components_.reshape(-1, *shape),
        caption=f"The {k} learned features: the samples' deviation from their mean, weighted by a neuron's activity.",
        alt=f"{k} localised strokes and blobs.",
        signed=True,
    )
    outputs = model.transform(X)
    ends = [curve[-1] for curve in curves]
    table = Table(
        "Objective (lower is better) and share of active neurons, all measured in this run",
        ("method", "objective", "active"),
        (
            ("network, online (median)", float(np.median(ends)), float((outputs > 0).mean())),
            ("offline, nonnegative (oracle)", offline, float((offline_outputs > 0).mean())),
            ("exact, free of sign (lower bound)", bound, 1.0),
        ),
    )
    measured = Measured.over([end / offline for end in ends], seeds, oracle=1.0)
    similar = figures.similarities(
        (centred, outputs),
        labels,
        caption="Cosine similarities of {} samples sorted by class, dark is similar, negative is blank. "
        "Left: the inputs about their mean. Right: the outputs, which no one told the classes.",
        alt="Two matrices with darker blocks on the diagonal; the blocks of the right one stand out more.",
    )
    pictures = (objective, features, similar)
    return Outcome({"objective": measured}, pictures, (table,), model.circuit_)
