"""Convolutional similarity matching: Bahroun and others 2023, one layer and a linear read-out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..datasets import load_cifar10_jpeg, load_digits, load_fashion_mnist, load_mnist
from ..estimators import ConvSimilarityMatchingTransformer
from ..networks import convolutional_similarity
from . import figures
from ._readout import LinearReadout
from ._registry import Budget, Claim, Figure, Measured, Outcome, Table, experiment

Images = tuple[np.ndarray, np.ndarray]
LEARNED, TOLD, RANDOM = "learned filters", "learned, with labels", "untrained random filters"
#: one pipeline throughout; random filters settle in one iteration, since their M is a multiple of 1
KINDS: Mapping[str, Mapping[str, Any]] = {
    LEARNED: {},
    TOLD: {"alpha": 1.0},
    RANDOM: {"n_epochs": 0, "iterations": 1},
}
_ALL: Mapping[str, Any] = {"iterations": 10, "pool": "sum", "eta0": 0.25, "decay": 0.01, "n_epochs": 2}
#: chosen on the last training images of one order (see the page), never on test images
DIGITS = {**_ALL, "n_components": 8, "kernel_size": 4, "n_epochs": 4, "pool_size": 2}
GREY = {**_ALL, "n_components": 50, "kernel_size": 8, "stride": 2, "contrast": 0.05, "pool_size": 5}
CLOTHES = {**GREY, "whiten": 1.0, "pool_size": 4}
COLOUR = {**_ALL, "n_components": 200, "kernel_size": 6, "stride": 2, "contrast": 0.01, "whiten": 0.1, "pool_size": 2}
#: of the read-out; on grey images half a point lies between two of the coarse ones, as much as between kinds of filters
RIDGES, FINER = (1e-3, 1e-2, 1e-1), (1e-3, 3e-3, 1e-2, 3e-2)
LEARN_FROM, FULL_SEEDS = 10_000, 3
log = logging.getLogger(__name__)


def _margin(id: str, data: str) -> Claim:
    text = f"{data}: accuracy of learned above that of random filters, over the larger range of the two over seeds"
    return Claim(id=id, text=text, goal=2, better="higher", unit="ranges")


@experiment("conv", "digits", "Small digits, 8 filters of 4 x 4",
    claims=[Claim(id="similarity", text="Digits: share of the similarities of patches that learned outputs keep; best "
                  "of 8 principal components", goal=0.95, better="higher"),
            Claim(id="gain", text="Digits: the same share above that of untrained random filters", goal=0.3,
                  better="higher")])  # fmt: skip
def digits(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """scikit-learn's 8 x 8 digits, 1,200 to learn from, their patches as they are. Random filters: the same pipeline
    with no pass. Images this small say little about read-outs: random filters are as good there."""
    _, models, outcome = _compare(_digits, DIGITS, (LEARNED, RANDOM), seeds, (8, 8))
    X = load_digits()[0].astype(np.float32)
    kept = {kind: np.array([model.score(X) for model in models[kind]]) for kind in (LEARNED, RANDOM)}
    patches = np.lib.stride_tricks.sliding_window_view(X.reshape(-1, 8, 8), (4, 4), axis=(1, 2)).reshape(-1, 16)
    power = np.linalg.eigvalsh(patches.T @ patches)[::-1] ** 2
    best = float(power[: DIGITS["n_components"]].sum() / power.sum())
    similarity = Measured.over(kept[LEARNED], seeds, better="higher", oracle=best)
    gain = Measured.over(kept[LEARNED] - kept[RANDOM], seeds, better="higher")
    return _shown(outcome, {"similarity": similarity, "gain": gain})


@experiment("conv", "mnist", "MNIST, 50 filters of 8 x 8", budgets=("full",), needs=("mnist",),
    claims=[Claim(id="accuracy", text="MNIST, one layer, linear read-out: test accuracy", goal=0.987, better="higher",
                  known=0.984, provenance="peer", source="companion package's notebook, 50 filters, 3 passes, SVM"),
            Claim(id="told", text="MNIST, one layer that hears labels, linear read-out: test accuracy", goal=0.987,
                  better="higher", known=0.984, provenance="peer", source="companion package's notebook, supervised"),
            _margin("margin", "MNIST")])  # fmt: skip
def mnist(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Filters learn from 10,000 of the training images; the read-out learns from all 60,000."""
    seeds = seeds[:FULL_SEEDS]
    table, _, outcome = _compare(_whole(load_mnist), GREY, tuple(KINDS), seeds, (28, 28), FINER)
    accuracy = {id: Measured.over(table[kind], seeds, better="higher") for id, kind in
                (("accuracy", LEARNED), ("told", TOLD))}  # fmt: skip
    return _shown(outcome, accuracy | {"margin": _over_spread(table, seeds)})


@experiment("conv", "fashion", "Fashion-MNIST, 50 filters of 8 x 8", budgets=("full",), needs=("fashion-mnist",),
    claims=[_margin("margin", "Fashion-MNIST")])  # fmt: skip
def fashion(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """The pipeline of MNIST with patches ZCA-whitened, for learned and random filters alike, and 4 x 4 parts."""
    seeds = seeds[:FULL_SEEDS]
    table, _, outcome = _compare(_whole(load_fashion_mnist), CLOTHES, (LEARNED, RANDOM), seeds, (28, 28), FINER)
    return _shown(outcome, {"margin": _over_spread(table, seeds)})


@experiment("conv", "cifar", "CIFAR-10 from JPEG files, 200 filters of 6 x 6", budgets=("full",),
    needs=("cifar10-jpeg",),
    claims=[Claim(id="accuracy", text="CIFAR-10 (lossy JPEG copy), one layer, whitened patches, quadrants: accuracy",
                  goal=0.6, better="higher", known=0.435, provenance="peer",
                  source="companion package's notebook, 50 filters, lossless images, no whitening"),
            Claim(id="gain", text="CIFAR-10 (lossy JPEG copy): accuracy with learned above that with random filters",
                  goal=3, better="higher", unit="points")])  # fmt: skip
def cifar(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """The images are a JPEG copy, so accuracies are not comparable with published ones. Contrast of every patch is
    normalised and patches are ZCA-whitened, for learned and random filters alike; filters learn from 10,000 images, the
    read-out from all 50,000."""
    seeds = seeds[:FULL_SEEDS]
    table, _, outcome = _compare(_whole(load_cifar10_jpeg), COLOUR, (LEARNED, RANDOM), seeds, (3, 32, 32))
    gain = Measured.over(100 * (table[LEARNED] - table[RANDOM]), seeds, better="higher")
    return _shown(outcome, {"accuracy": Measured.over(table[LEARNED], seeds, better="higher"), "gain": gain})


def _digits(seed: int) -> tuple[Images, Images]:
    (X, y), order = load_digits(), np.random.default_rng(seed).permutation(1797)
    X = X.astype(np.float32)
    return (X[order[:1200]], y[order[:1200]]), (X[order[1200:]], y[order[1200:]])


def _whole(load: Callable[[Any], Images]) -> Callable[[int], tuple[Images, Images]]:
    sets: list[Images] = []

    def data(seed: int) -> tuple[Images, Images]:
        if not sets:
            sets.extend((load("train"), load("test")))
        return sets[0], sets[1]

    return data


def _accuracies(
    train: Images, test: Images, params: Mapping[str, Any], kinds: Sequence[str], ridges: Sequence[float], seed: int
) -> dict[str, tuple[float, ConvSimilarityMatchingTransformer]]:
    """Test accuracy and the layer of each kind; each one's ridge is chosen on a sixth of the training images."""
    (X, y), order, found = train, np.random.default_rng(seed).permutation(len(train[0])), {}
    for kind in kinds:
        model = ConvSimilarityMatchingTransformer(**{**params, **KINDS[kind]}, random_state=seed)
        model.fit(X[order[:LEARN_FROM]], y[order[:LEARN_FROM]])
        readout = LinearReadout(ridges).fit(model.transform(X)[order], y[order])
        found[kind] = readout.score(model.transform(test[0]), test[1]), model
        log.info("%s, seed %d: %.4f at ridge %g", kind, seed, found[kind][0], readout.alpha)
    return found


def _compare(
    data: Callable[[int], tuple[Images, Images]], params: Mapping[str, Any], kinds: Sequence[str],
    seeds: tuple[int, ...], shape: tuple[int, ...], ridges: Sequence[float] = RIDGES,
) -> tuple[dict[str, np.ndarray], dict[str, list[ConvSimilarityMatchingTransformer]], Outcome]:  # fmt: skip
    """Accuracies and layers by kind, one a seed; and an outcome that shows them and has measured nothing yet."""
    runs = [_accuracies(*data(seed), {**params, "image_shape": shape}, kinds, ridges, seed) for seed in seeds]
    table = {kind: np.array([run[kind][0] for run in runs]) for kind in kinds}
    models = {kind: [run[kind][1] for run in runs] for kind in kinds}
    rows = tuple((kind, float(s.min()), float(np.median(s)), float(s.max())) for kind, s in table.items())
    caption = f"Test accuracy of a linear read-out, {len(seeds)} seeds, measured in this run"
    pictures = (*(_filters(models[kind][0], kind) for kind in (LEARNED, RANDOM)), _course(models[LEARNED]))
    circuit = convolutional_similarity(int(params["n_components"]))
    return (
        table,
        models,
        Outcome({}, pictures, (Table(caption, ("features", "lowest", "median", "highest"), rows),), circuit),
    )


def _shown(outcome: Outcome, measured: Mapping[str, Measured]) -> Outcome:
    return Outcome(measured, outcome.figures, outcome.tables, outcome.circuit)


def _over_spread(table: Mapping[str, np.ndarray], seeds: tuple[int, ...]) -> Measured:
    """The difference of the medians over the larger of the two ranges over seeds."""
    spread = max(float(np.ptp(table[kind])) for kind in (LEARNED, RANDOM))
    ratio = float(np.median(table[LEARNED]) - np.median(table[RANDOM])) / max(spread, 1e-12)
    return Measured(ratio, (ratio, ratio), seeds, "of the medians")


def _filters(model: ConvSimilarityMatchingTransformer, kind: str) -> Figure:
    """What the first neurons answer to most, W_i, before whitening undoes the correlations of pixels."""
    W = model.network_.W.numpy().reshape(len(model.components_), *model.components_.shape[1:])[:48]
    images = W[:, 0] if W.shape[1] == 1 else W.transpose(0, 2, 3, 1)
    return figures.tiles(
        images,
        caption=f"{kind.capitalize()}: W of the first {len(images)} neurons, each on its own scale.",
        alt=f"Tiles of {kind}.",
        n_columns=12,
        signed=True,
    )


def _course(models: Sequence[ConvSimilarityMatchingTransformer]) -> Figure:
    """The objective of each batch while learning."""
    canvas, ax = figures.canvas(height=2.8)
    courses = np.array([model.history_ for model in models])
    figures.curves(ax, np.arange(1, courses.shape[1] + 1), courses, label="", colour=figures.BLUE, log_y=False)
    low, high = courses[:, courses.shape[1] // 20 :].min(), courses[:, courses.shape[1] // 20 :].max()
    ax.set_ylim(low - 0.2 * (high - low), high + 0.5 * (high - low))
    figures.label(ax, "steps", "min-max objective")
    return figures.svg(
        canvas,
        caption=f"The layer's min-max objective on each batch before its step, median of {len(models)} seeds, range "
        "shaded.",
        alt="The objective falls steeply in the first steps and then levels off.",
        salt=f"conv/{models[0].n_components}",
    )
