"""Similarity matching with labels: Bahroun and others 2023, the network of dense layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..circuit import Box, Circuit, Step, init
from ..datasets import load_digits, load_fashion_mnist, load_mnist
from ..engine import run
from ..estimators import NonnegativeSimilarityMatching, SupervisedSimilarityMatching
from ..metrics import canonical_correlations
from ..networks import supervised_similarity
from . import figures
from ._registry import Budget, Claim, Figure, Measured, Outcome, Table, experiment

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # training rows and labels, held-out rows and labels
TOLD, UNTOLD = "labels and inputs", "inputs alone (nsm)"
KINDS: dict[str, Any] = {TOLD: SupervisedSimilarityMatching, UNTOLD: NonnegativeSimilarityMatching}
RANDOM, ALPHA, PASSES = "random features", 1.0, 80
SLOW, FAST = Step(0.05, 0.01), Step(0.1, 0.01)  # the label and the whitened input regress, which takes larger steps


@experiment(
    "supervised",
    "spectrum",
    "What the labels add to the similarities",
    claims=[
        Claim(
            id="eigenvalues",
            text="Outputs free of sign: eigenvalues of <zz'> against the top of X'X + alpha L' C_ll^-1 L, relative",
            goal=1e-3,
            better="lower",
        ),
        Claim(
            id="correlations",
            text="Both streams whitened: eigenvalues of <zz'> against 1 + rho_i, relative",
            goal=1e-3,
            better="lower",
        ),
    ],
)
def spectrum(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Three Gaussian classes of frequencies .5, .3, .2 in six dimensions. With outputs that may be negative the
    objective has an exact optimum: the top eigenvectors of the inputs' and the whitened labels' similarities together;
    with the inputs whitened too, the canonical directions of inputs and labels. 80 passes over 4,000 samples."""
    found: dict[str, list] = {"eigenvalues": [], "correlations": []}
    expected: dict[str, list] = {"eigenvalues": [], "correlations": []}
    for seed in seeds:
        X, L = _classes(seed)
        joint = np.hstack([X, np.sqrt(ALPHA) * L / np.sqrt(L.mean(0))])
        expected["eigenvalues"].append(np.linalg.eigvalsh(joint.T @ joint / len(X))[::-1][:4])
        circuit = supervised_similarity(4, alpha=ALPHA, domain=Box(), step=SLOW)
        found["eigenvalues"].append(_spectrum(circuit, X, L, seed))
        contrasts = (L - L.mean(0))[:, :2]  # the third label is one minus the others
        expected["correlations"].append(1 + canonical_correlations(X, contrasts))
        whitened = supervised_similarity(2, alpha=1.0, whiten=True, domain=Box(), tau=5.0, step=FAST)
        found["correlations"].append(_spectrum(whitened, X, contrasts, seed))
    names = {"eigenvalues": "inputs as they are", "correlations": "inputs whitened"}
    canvas, axes = figures.canvas(8.4, 3.2, n_columns=2)
    errors = {}
    for ax, (key, title) in zip(axes, names.items(), strict=True):
        exact, learned = np.array(expected[key]), np.array(found[key])
        errors[key] = np.abs(learned / exact - 1).max(1)
        order = np.tile(np.arange(1, exact.shape[1] + 1), (len(seeds), 1))
        ax.plot(order.T, exact.T, "_", color=figures.GREY, markersize=22, markeredgewidth=2)
        ax.plot(order.T, learned.T, "o", color=figures.BLUE, markersize=4)
        ax.set(xticks=order[0], xlim=(0.5, exact.shape[1] + 0.5), ylim=(0, None))
        figures.label(ax, "number", "eigenvalue of <zz'>", title)
    figure = figures.svg(
        canvas,
        caption=f"Eigenvalues of the outputs' second moments after learning (dots) and of the exact optimum (bars), "
        f"{len(seeds)} data sets. Right: one plus the canonical correlations of inputs and labels.",
        alt="Dots that lie on bars, for four eigenvalues on the left and two on the right.",
        salt="supervised/spectrum",
        wide=True,
    )
    measured = {key: Measured.over(values, seeds, "worst", oracle=0.0) for key, values in errors.items()}
    return Outcome(measured, (figure,), circuit=circuit)


def _classes(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    L = np.eye(3)[rng.choice(3, 4000, p=[0.5, 0.3, 0.2])]
    X = L @ rng.standard_normal((3, 6)) + rng.standard_normal((4000, 6)) * [1.5, 1.2, 0.9, 0.6, 0.4, 0.3]
    X -= X.mean(0)
    return X / np.sqrt((X * X).sum(1).mean()) * 2, L


def _spectrum(circuit: Circuit, X: np.ndarray, L: np.ndarray, seed: int) -> np.ndarray:
    """Eigenvalues of <zz'>, descending, after passes in random order."""
    rng, state = np.random.default_rng(seed), init(circuit, {"x": X.shape[1], "label": L.shape[1]}, seed)
    for _ in range(PASSES):
        order = rng.permutation(len(X))
        _, state = run(circuit, state, {"x": X[order], "label": L[order]})
    Z, _ = run(circuit, state, {"x": X, "label": L}, learn=False)
    return np.linalg.eigvalsh(Z.T @ Z / len(Z))[::-1]


def _gain(data: str, k: int, goal: float) -> list[Claim]:
    text = f"{data}, {k} neurons: accuracy of a linear read-out above that of the same network without labels"
    return [Claim(id="gain", text=text, goal=goal, better="higher", unit="points")]


@experiment("supervised", "digits", "Digits read from ten neurons", claims=_gain("Digits", 10, 2.0))
def digits(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """A third of scikit-learn's 1,797 digits is held out, another third for each seed. Networks learn for 10 passes
    with default settings; the read-out is ridge regression on standardised features, the same for all rows."""
    X, y = load_digits()
    seeds = seeds if budget == "full" else seeds[:3]
    splits = [_reorder(train_test_split(X, y, test_size=1 / 3, random_state=seed, stratify=y)) for seed in seeds]
    table, outputs, circuit = _sweep(splits, seeds, (6, 10, 16), epochs=10)
    return _outcome(table, outputs, circuit, splits, seeds, 10, "supervised/digits", (8, 8))


@experiment(
    "supervised",
    "mnist",
    "MNIST read from 8 to 64 neurons, and from two layers",
    budgets=("full",),
    needs=("mnist",),
    claims=[
        *_gain("MNIST", 16, 4.0),
        Claim(
            id="pixels",
            text="MNIST, 64 neurons: accuracy of a linear read-out above that of the 784 pixels",
            goal=2.0,
            better="higher",
            unit="points",
        ),
        Claim(
            id="stack",
            text="MNIST, a second layer of 64 on an unsupervised first of 64: accuracy with labels above without",
            goal=2.0,
            better="higher",
            unit="points",
        ),
    ],
)
def mnist(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """20,000 training images, two passes, default settings, read out as for the digits; accuracy on the 10,000 test
    images. The second layer learns from the first one's outputs, label silent."""
    seeds = seeds[:3]
    splits = [_images(load_mnist, seed) for seed in seeds]
    table, outputs, circuit = _sweep(splits, seeds, (8, 16, 32, 64), epochs=2)
    outcome = _outcome(table, outputs, circuit, splits, seeds, 16, "supervised/mnist", (28, 28))
    layers: dict[str, list[float]] = {}
    for index, seed in enumerate(seeds):
        for first, features in outputs[64].items():
            for second, kind in KINDS.items():
                model = kind(64, n_epochs=2, shuffle=True, random_state=seed).fit(features[index][0], splits[index][1])
                learn, held = (model.transform(F) for F in features[index])
                layers.setdefault(f"{first}, then {second}", []).append(_accuracy(learn, held, splits[index]))
    pixels = [_accuracy(split[0], split[2], split) for split in splits]
    told, untold = (np.array(layers[f"{UNTOLD}, then {second}"]) for second in KINDS)
    measured = dict(outcome.measured)
    measured["pixels"] = Measured.over(100 * (table[TOLD][64] - np.array(pixels)), seeds, better="higher")
    measured["stack"] = Measured.over(100 * (told - untold), seeds, better="higher")
    rows = [*((name, table[name][64]) for name in KINDS), *((name, np.array(r)) for name, r in layers.items())]
    depth = Table(
        "Test accuracy of a linear read-out of 64 neurons, median over seeds, measured in this run",
        ("layers, 64 neurons each", "accuracy"),
        tuple((name, float(np.median(values))) for name, values in rows),
    )
    return Outcome(measured, outcome.figures, (*outcome.tables, depth), circuit)


@experiment(
    "supervised",
    "fashion",
    "Fashion-MNIST read from 16 and 32 neurons",
    budgets=("full",),
    needs=("fashion-mnist",),
    claims=_gain("Fashion-MNIST", 16, 3.0),
)
def fashion(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """As for MNIST: 20,000 training images, two passes, default settings, accuracy on the 10,000 test images."""
    seeds = seeds[:3]
    splits = [_images(load_fashion_mnist, seed) for seed in seeds]
    table, outputs, circuit = _sweep(splits, seeds, (16, 32), epochs=2)
    return _outcome(table, outputs, circuit, splits, seeds, 16, "supervised/fashion", (28, 28))


def _images(load: Any, seed: int) -> Split:
    (X, y), (held, y_held) = load(), load("test")
    chosen = np.random.default_rng(seed).permutation(len(X))[:20_000]
    return X[chosen].astype(np.float32), y[chosen], held.astype(np.float32), y_held


def _reorder(parts: list[np.ndarray]) -> Split:
    learn, held, y, y_held = parts
    return learn, y, held, y_held


def _accuracy(learn: np.ndarray, held: np.ndarray, split: Split) -> float:
    """Of a linear read-out of features, on held-out rows."""
    read = make_pipeline(StandardScaler(), RidgeClassifier()).fit(learn, split[1])
    return float(read.score(held, split[3]))


def _sweep(
    splits: list[Split], seeds: tuple[int, ...], sizes: tuple[int, ...], epochs: int
) -> tuple[dict[str, dict[int, np.ndarray]], dict[int, dict[str, list]], Circuit]:
    """Accuracies by features and size, one a seed; the networks' outputs (learned from, held out); a circuit."""
    accuracy: dict[str, dict[int, list]] = {name: {k: [] for k in sizes} for name in (*KINDS, RANDOM)}
    outputs: dict[int, dict[str, list]] = {k: {name: [] for name in KINDS} for k in sizes}
    circuits = {}
    for seed, split in zip(seeds, splits, strict=True):
        X, y, held, _ = split
        for k in sizes:
            for name, kind in KINDS.items():
                model = kind(k, n_epochs=epochs, shuffle=True, random_state=seed).fit(X, y)
                features = model.transform(X), model.transform(held)
                outputs[k][name].append(features)
                accuracy[name][k].append(_accuracy(*features, split))
                circuits[name] = model.circuit_
            R = np.random.default_rng(seed).standard_normal((X.shape[1], k)).astype(X.dtype)
            accuracy[RANDOM][k].append(_accuracy(np.maximum(X @ R, 0), np.maximum(held @ R, 0), split))
    table = {name: {k: np.array(values) for k, values in by.items()} for name, by in accuracy.items()}
    return table, outputs, circuits[TOLD]


def _outcome(
    table: dict[str, dict[int, np.ndarray]], outputs: dict[int, dict[str, list]], circuit: Circuit,
    splits: list[Split], seeds: tuple[int, ...], k: int, what: str, shape: tuple[int, int],
) -> Outcome:  # fmt: skip
    """Accuracy against size, similarities by class, and the gain at k neurons."""
    sizes = list(outputs)
    pixels = float(np.median([_accuracy(split[0], split[2], split) for split in splits]))
    canvas, ax = figures.canvas()
    for name, colour in ((TOLD, figures.BLUE), (UNTOLD, figures.ORANGE), (RANDOM, figures.GREEN)):
        curves = np.array([table[name][size] for size in sizes]).T
        figures.curves(ax, np.array(sizes), curves, label=name, colour=colour, log_y=False)
        ax.plot(sizes, np.median(curves, axis=0), "o", color=colour, markersize=4)
    ax.axhline(pixels, color=figures.GREY, linestyle="--", label=f"{np.prod(shape)} pixels")
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
    figures.label(ax, "neurons", "held-out accuracy")
    curve = figures.svg(
        canvas,
        caption=f"Held-out accuracy of a linear read-out against the number of neurons, median of {len(seeds)} seeds, "
        "range shaded. Random features are rectified random projections.",
        alt="The curve of the network that hears labels lies above that without, and both above random features.",
        salt=what,
    )
    similar: Figure = figures.similarities(
        (splits[0][2], *(outputs[k][name][0][1] for name in (UNTOLD, TOLD))),
        splits[0][3],
        caption=f"Cosine similarities of {{}} held-out images sorted by class, dark is similar. From left: pixels, {k} "
        f"neurons without labels, {k} neurons that heard labels while they learned; the label is silent here.",
        alt="Three matrices; the blocks on the diagonal are clearest in the third.",
    )
    rows: list[tuple] = [(name, *(float(np.median(table[name][size])) for size in sizes)) for name in table]
    rows.append((f"{np.prod(shape)} pixels", *(pixels for _ in sizes)))
    accuracies = Table(
        "Held-out accuracy of a linear read-out, median over seeds, measured in this run",
        ("features", *(f"k = {size}" for size in sizes)),
        tuple(rows),
    )
    gain = Measured.over(100 * (table[TOLD][k] - table[UNTOLD][k]), seeds, better="higher")
    return Outcome({"gain": gain}, (curve, similar), (accuracies,), circuit)
