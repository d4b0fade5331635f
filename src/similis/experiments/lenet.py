"""LeNet with and without pre-training: Bahroun et al. 2023, from 100 labels to 60,000."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._optional import require
from .._threads import one_torch_thread
from ..datasets import load_mnist
from ..networks import convolutional_similarity
from . import figures
from ._registry import Budget, Claim, Figure, Measured, Outcome, Table, experiment

#: labels, and steps of how many of them each arm makes
PLAN = {100: (500, 50), 1_000: (1_000, 50), 10_000: (2_000, 50), 60_000: (1_800, 100)}
SCRATCH, RANDOM = "backprop from scratch", "random filters, frozen"
TOLD, LINEAR = "pre-trained with the labels, frozen", "pre-trained, frozen, linear read-out"
FROZEN, TUNED = "pre-trained, frozen", "pre-trained, then backprop"
COLOURS = {
    FROZEN: figures.BLUE, TUNED: figures.PURPLE, TOLD: figures.GREEN, SCRATCH: figures.ORANGE, RANDOM: figures.GREY,
}  # fmt: skip
Accuracies = dict[str, dict[int, list[float]]]


def _claim(id: str, text: str, goal: float) -> Claim:
    return Claim(id=id, text=text, goal=goal, better="higher", unit="points")


@experiment(
    "conv", "lenet", "LeNet, pre-trained without labels", budgets=("full",), needs=("mnist",),
    claims=[
        *(
            _claim(
                f"margin{n}",
                f"{n:,} labels: test accuracy of a head on pre-trained frozen convolutions above backprop of the whole "
                "network from scratch, mean gain over seeds less its range",
                0.0,
            )
            for n in (100, 1_000)
        ),
        *(
            _claim(f"random{n}", f"{n:,} labels: the same above a head on random frozen convolutions, mean", 0.0)
            for n in (100, 1_000)
        ),
        # the standard error of 99 % on 10,000 images is 0.1
        _claim("all", "60,000 labels: pre-training and backprop above backprop from scratch, mean", -0.1),
    ],
)  # fmt: skip
def lenet(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """conv 6@5x5 - pool - conv 16@5x5 - pool - 120-84-10 on MNIST. Both convolutions learn by similarity matching from
    the 60,000 training images, once, without labels (or from the labelled ones with them). Then a linear read-out or
    the fully connected head is learned on frozen convolutions, or the whole network by backprop (Adam, 0.001). Every
    arm has the same images, order, number of steps and first head; all are calibrated alike on images without labels.
    Whitening and steps were chosen on the last 10,000 training images; accuracy is on the 10,000 test images."""
    seeds = seeds[:3]
    torch = require("torch", extra="torch")
    found: Accuracies = {}
    with one_torch_thread(torch):
        nets = [_run(seed, found) for seed in seeds]
    points = {arm: {n: 100 * np.array(values) for n, values in by.items()} for arm, by in found.items()}
    measured = {"all": Measured.over(points[TUNED][60_000] - points[SCRATCH][60_000], seeds, "mean", better="higher")}
    for n in (100, 1_000):
        gain = points[FROZEN][n] - points[SCRATCH][n]
        spread = float(gain.min()), float(gain.max())
        measured[f"margin{n}"] = Measured(float(gain.mean() - np.ptp(gain)), spread, seeds, "mean less range")
        measured[f"random{n}"] = Measured.over(points[FROZEN][n] - points[RANDOM][n], seeds, "mean", better="higher")
    rows = [
        (arm, *(f"{by[n].mean():.2f} ({np.ptp(by[n]):.2f})" if n in by else "" for n in PLAN))
        for arm, by in points.items()
    ]
    table = Table(
        "Test accuracy in percent, mean over seeds (range), measured in this run",
        ("LeNet", *(f"{n:,} labels" for n in PLAN)),
        tuple(rows),
    )
    return Outcome(measured, (_curves(points), _filters(nets[0])), (table,), convolutional_similarity(6))


def _run(seed: int, found: Accuracies) -> Any:
    """All arms of a seed, their test accuracies added to ``found``; returns the pre-trained network."""
    torch = require("torch", extra="torch")
    from ..nn import LeNet, pretrain_

    (X, y), (held, y_held) = (_images(load_mnist(part)) for part in ("train", "test"))
    random, pretrained = LeNet(seed=seed), LeNet(seed=seed)
    random.calibrate_(X)
    pretrain_(pretrained, X, seed=seed)
    passed = {arm: _features(net, X, held) for arm, net in ((RANDOM, random), (FROZEN, pretrained))}
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(X)))
    for n, (steps, size) in PLAN.items():
        chosen = order[:n]
        told = LeNet(seed=seed)
        pretrain_(told, X[chosen], y[chosen], epochs=max(1, 10_000 // n), seed=seed)
        told.calibrate_(X)
        arms = {
            SCRATCH: (LeNet(seed=seed), X[chosen], held),
            RANDOM: (LeNet(seed=seed).head, passed[RANDOM][0][chosen], passed[RANDOM][1]),
            LINEAR: (torch.nn.Linear(400, 10), passed[FROZEN][0][chosen], passed[FROZEN][1]),
            FROZEN: (LeNet(seed=seed).head, passed[FROZEN][0][chosen], passed[FROZEN][1]),
            TUNED: (LeNet(seed=seed), X[chosen], held),
            TOLD: (LeNet(seed=seed).head, *_features(told, X[chosen], held)),
        }
        arms[SCRATCH][0].load_state_dict(random.state_dict())
        arms[TUNED][0].load_state_dict(pretrained.state_dict())
        for arm, (network, rows, rows_held) in arms.items():
            _backprop(network, rows, y[chosen], steps, size, seed)
            found.setdefault(arm, {}).setdefault(n, []).append(_accuracy(network, rows_held, y_held))
    return pretrained


def _images(pair: tuple[np.ndarray, np.ndarray]) -> tuple[Any, Any]:
    torch = require("torch", extra="torch")
    X, y = pair
    return torch.from_numpy(X.reshape(-1, 1, 28, 28).astype(np.float32) / X.max()), torch.from_numpy(y.astype(np.int64))


def _features(network: Any, *images: Any) -> list[Any]:
    torch = require("torch", extra="torch")
    with torch.no_grad():
        return [torch.cat([network.features(piece) for piece in part.split(500)]) for part in images]


def _backprop(network: Any, x: Any, y: Any, steps: int, size: int, seed: int) -> None:
    """Adam at 0.001 on batches drawn at random."""
    torch = require("torch", extra="torch")
    draw, optimiser = torch.Generator().manual_seed(seed), torch.optim.Adam(network.parameters())
    for _ in range(steps):
        chosen = torch.randint(len(x), (size,), generator=draw)
        loss = torch.nn.functional.cross_entropy(network(x[chosen]), y[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def _accuracy(network: Any, x: Any, y: Any) -> float:
    torch = require("torch", extra="torch")
    with torch.no_grad():
        return float(torch.cat([network(piece).argmax(1) for piece in x.split(500)]).eq(y).double().mean())


def _curves(points: dict[str, dict[int, np.ndarray]]) -> Figure:
    canvas, ax = figures.canvas(6.4, 4.0)
    for arm, colour in COLOURS.items():
        errors = 100 - np.array([points[arm][n] for n in PLAN]).T
        figures.curves(ax, np.array(list(PLAN)), errors, label=arm, colour=colour)
        ax.plot(list(PLAN), np.median(errors, axis=0), "o", color=colour, markersize=4)
    ax.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    ax.set_xticks(list(PLAN), [f"{n:,}" for n in PLAN])
    ax.minorticks_off()
    figures.label(ax, "labels", "test error in percent")
    return figures.svg(
        canvas,
        caption="Test error against the number of labels, median over seeds, range shaded. Frozen convolutions have "
        "the fully connected head; all arms have the same head and number of steps.",
        alt="With few labels the errors of pre-trained networks lie below the others; with 60,000 they meet.",
        salt="conv/lenet",
    )


def _filters(network: Any) -> Figure:
    return figures.tiles(
        network.features[0].weight.detach().numpy()[:, 0],
        caption="The six filters of the first convolution, pre-trained without labels.",
        alt="Six small pictures: blobs in different places, with a surround of the other sign.",
        n_columns=6,
        signed=True,
    )
