"""How fast is an image? A convolutional layer that learns, beside the companion package and beside back-propagation.

    pip install --no-deps pynsm==1.0.1
    python benchmarks/bench_conv.py [--quick] [--write]

The companion's setting: MNIST, 50 filters of 6 x 6, batches of 100, learning rate .05 (eta = 2 * .05 / 50 here), tau
.1, the same first filters, one thread, float32; settling by 40 projected gradient steps of length 1 there, by as many
iterations as are given here. Images a second of processor time, all interleaved in one run, best of the repetitions.

What each loses by settling short of the minimum is ``y'My - 2 y'Wx`` above its minimum, mean over positions of images
not learned from, with the same W and M. M after 2,000 images at eta = .1 and tau = 1/2 has a largest eigenvalue near 3,
where steps of length 1 no longer settle.

What each has learned from 3,000 images at the companion's rate, from the same first filters, is the objective itself:
``|X'X - Y'Y|^2 / |X'X|^2`` over the patches of images not learned from, y settled to its minimum for both.
``--write`` stores benchmarks/results/bench_conv.json, and its table on the page of the paper.
"""

from __future__ import annotations

import os

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[pool] = "1"

import argparse
from collections.abc import Callable, Iterator

import torch
from plain import clock, store
from pynsm import SimilarityMatching
from torch import Tensor, nn

from similis.circuit import Step
from similis.datasets import load_mnist
from similis.engine.relax import relax
from similis.nn import ConvSimilarityMatching, train

FILTERS, KERNEL, BATCH, RATE, GOAL = 50, 6, 100, 0.05, 8
ITERATIONS = (8, 10, 20)
torch.set_num_threads(1)


def companion(layer: ConvSimilarityMatching) -> SimilarityMatching:
    """The package's layer with our weights."""
    other = SimilarityMatching(nn.Conv2d(1, FILTERS, KERNEL, bias=False), FILTERS, iteration_projection=torch.relu)
    other.encoder.weight.data = layer.W.clone().view(FILTERS, 1, KERNEL, KERNEL)
    other.competitor.weight.data = layer.M.clone()
    return other


def companion_steps(model: SimilarityMatching) -> Callable[[Tensor, Tensor], None]:
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)

    def step(x: Tensor, labels: Tensor) -> None:
        optimizer.zero_grad()
        model.loss(x, model(x)).backward()
        optimizer.step()

    return step


def backprop_steps() -> Callable[[Tensor, Tensor], None]:
    """The same filters, 2 x 2 maxima and a linear layer, by Adam."""
    side = (28 - KERNEL + 1) // 2
    model = nn.Sequential(
        nn.Conv2d(1, FILTERS, KERNEL, bias=False), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(FILTERS * side * side, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def step(x: Tensor, labels: Tensor) -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), labels).backward()
        optimizer.step()

    return step


def our_steps(iterations: int) -> Callable[[Tensor, Tensor], None]:
    layer = ConvSimilarityMatching(1, FILTERS, KERNEL, tau=0.1, iterations=iterations)
    return lambda x, labels: layer.learn_(x, eta=2 * RATE / FILTERS)


def excess(layer: ConvSimilarityMatching, x: Tensor, iterations: tuple[int, ...]) -> dict[str, float]:
    """How far outputs are above the minimum, for our iterations and the companion's 40."""
    rows = layer.patches.rows(x).double()
    M, D = layer.M.double(), rows @ layer.W.T.double()

    def value(Y: Tensor) -> float:
        return float(((Y @ M) * Y - 2 * Y * D).sum(1).mean())

    best = value(relax(D, M, iterations=5000, tolerance=1e-12))
    found = {f"ours, {n}": value(relax(D.float(), layer.M, iterations=n).double()) - best for n in iterations}
    y = companion(layer)(x).permute(0, 2, 3, 1).reshape(-1, FILTERS)
    return {"largest eigenvalue": float(torch.linalg.eigvalsh(M)[-1]), "pynsm, 40": value(y.double()) - best} | found


def lost(W: Tensor, M: Tensor, x: Tensor) -> float:
    """|X'X - Y'Y|^2 / |X'X|^2 over all patches of x, settled to the minimum."""
    layer = ConvSimilarityMatching(1, FILTERS, KERNEL, iterations=5000, tolerance=1e-10, dtype=torch.float64)
    layer.W, layer.M = W.detach().double().view_as(layer.W), M.detach().double()
    s, rows = layer.statistics(x.double()), layer.patches.rows(x.double())
    whole = float((rows.T @ rows).square().sum())
    return 1 - (2 * float(s["post.x"].square().sum()) - float(s["ZZ"].square().sum())) / whole


def learned(X: Tensor, labels: Tensor, held: Tensor, n: int) -> dict[str, float]:
    """:func:`lost` after ``n`` batches, before them (first) and for each."""
    first = ConvSimilarityMatching(1, FILTERS, KERNEL, tau=0.1)
    found, other = {"first filters": lost(first.W, first.M, held)}, companion(first)
    step = companion_steps(other)
    for batch in batches(X, labels, n):
        step(*batch)
    found["pynsm, 40"] = lost(other.encoder.weight, other.competitor.weight, held)
    for iterations in ITERATIONS:
        layer = ConvSimilarityMatching(1, FILTERS, KERNEL, tau=0.1, iterations=iterations)
        for x, _ in batches(X, labels, n):
            layer.learn_(x, eta=2 * RATE / FILTERS)
        found[f"ours, {iterations}"] = lost(layer.W, layer.M, held)
    return found


def batches(X: Tensor, labels: Tensor, n: int) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(X[: n * BATCH].split(BATCH), labels[: n * BATCH].split(BATCH), strict=True)


def table(rate: dict[str, float], settling: dict[str, dict[str, float]], objective: dict[str, float]) -> str:
    names = ("images/s", f"times pynsm (goal {GOAL})", *(f"excess: {name}" for name in settling), "objective")
    lines = ["| learner, iterations | " + " | ".join(names) + " |", "| --- |" + " ---: |" * len(names)]
    for name in rate:
        cells = [f"{found[name]:.2g}" if name in found else "-" for found in settling.values()]
        cells.append(f"{objective[name]:.5f}" if name in objective else "-")
        lines.append(
            f"| {name} | {rate[name]:.0f} | {rate[name] / rate['pynsm, 40']:.1f} | " + " | ".join(cells) + " |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--write", action="store_true", help="store the result")
    options = parser.parse_args()
    images, classes = load_mnist()
    X, labels = torch.from_numpy(images).view(-1, 1, 28, 28), torch.from_numpy(classes)
    jobs = {
        "pynsm, 40": companion_steps(companion(ConvSimilarityMatching(1, FILTERS, KERNEL))),
        "back-propagation": backprop_steps(),
    }
    jobs |= {f"ours, {n}": our_steps(n) for n in ITERATIONS}
    rate = dict.fromkeys(jobs, 0.0)
    for _ in range(2 if options.quick else 5):
        for name, step in jobs.items():
            few = 3 if name.startswith("pynsm") else 5
            seconds = clock(lambda step=step, few=few: [step(*batch) for batch in batches(X, labels, few)])  # type: ignore[misc]
            rate[name] = max(rate[name], few * BATCH / seconds)
    slow = ConvSimilarityMatching(1, FILTERS, KERNEL, tau=0.1)
    for x, _ in batches(X, labels, 30):
        slow.learn_(x, eta=2 * RATE / FILTERS)
    far = ConvSimilarityMatching(1, FILTERS, KERNEL)
    train(far, X[:2000], step=Step(0.1))
    held = X[-100:]
    settling = {"3,000 images, the companion's rate": excess(slow, held, ITERATIONS)}
    settling["2,000 images, eta = .1, tau = .5"] = excess(far, held, ITERATIONS)
    objective = learned(X, labels, held, 6 if options.quick else 30)
    text = table(rate, settling, objective)
    print(text)
    if options.write:
        result = {"images_per_second": rate, "excess": settling, "objective": objective}
        result |= {"ratio": rate["ours, 10"] / rate["pynsm, 40"], "goal": GOAL}
        versions = {"torch": torch.__version__, "pynsm": "1.0.1"}
        store("bench_conv", result | {"versions": versions}, text, "docs/papers/conv.md")


if __name__ == "__main__":
    main()
