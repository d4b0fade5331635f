"""A network of your own in ten lines, its diagram, and what it learns.

No paper here: neurons with one compartment for each half of an image, as in canonical correlation analysis, and outputs
that cannot be negative, as in nonnegative similarity matching. Does a neuron say the same whichever half it sees?

    python examples/plot_own_circuit.py        # writes plot_own_circuit.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from similis import CircuitTransformer
from similis.circuit import Box, Channel, Circuit, Gram, Neuron, Step
from similis.datasets import load_digits
from similis.display import describe, draw

K, HELD = 16, 597
BLUE, INK, FAINT = "#2f6db5", "#37474f", "#8a949a"

own = Circuit(
    "agreeing halves",
    K,
    (Channel("left", metric=1.0, leak=0.001), Channel("right", metric=1.0, leak=0.001)),
    Gram(20.0),
    Neuron(Box.nonnegative()),
    Step(eta0=0.2, decay=0.0001),
)
plain = Circuit("plain", K, (Channel("left"), Channel("right")), Gram(), Neuron(own.domain), Step(0.05, 0.01))


def agreement(circuit: Circuit, halves: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Correlation of each neuron's answers to either half alone, and its answers to both, on held-out images."""
    learn = {name: X[HELD:] for name, X in halves.items()}
    model = CircuitTransformer(circuit, n_epochs=30, shuffle=True, random_state=0).fit(learn)
    left, right = (model.transform({name: X[:HELD]}) for name, X in halves.items())
    both = model.transform({name: X[:HELD] for name, X in halves.items()})
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(left.T, right.T, strict=True)]), both


def main() -> None:
    print(describe(own))
    images = np.random.default_rng(0).permutation(load_digits()[0]).reshape(-1, 8, 8)
    halves = {"left": images[:, :, :4].reshape(-1, 32), "right": images[:, :, 4:].reshape(-1, 32)}
    ours, Z = agreement(own, halves)
    usual, _ = agreement(plain, halves)

    inked = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    plt.rcParams.update({"font.size": 11} | dict.fromkeys(inked, INK))
    figure = plt.figure(figsize=(12.5, 4.2), facecolor="white")
    draw(own, figure.add_axes((0.0, 0.0, 0.5, 1.0)))

    view = figure.add_axes((0.49, 0.1, 0.25, 0.74))
    seen = images[:HELD].reshape(HELD, -1) - images[HELD:].reshape(len(images) - HELD, -1).mean(0)
    patterns = (Z.T @ seen)[np.argsort(-ours)]
    sheet = np.full((36, 36), np.nan)
    for place, pattern in enumerate(patterns):
        row, column = divmod(place, 4)
        sheet[9 * row : 9 * row + 8, 9 * column : 9 * column + 8] = pattern.reshape(8, 8) / np.abs(pattern).max()
    view.imshow(sheet, cmap="RdBu_r", vmin=-1, vmax=1)
    view.set_title("What excites a neuron (red: ink)", loc="left")
    view.axis("off")

    chart = figure.add_axes((0.82, 0.13, 0.165, 0.71))
    for name, values, colour in (("agreeing halves", ours, BLUE), ("plain (metric 0)", usual, FAINT)):
        chart.plot(np.arange(1, K + 1), np.sort(values)[::-1], "o-", color=colour, markersize=4)
        chart.text(1.5, 0.16 if colour == BLUE else 0.06, f"{name}: {values.mean():.2f}", color=colour, fontsize=10)
        print(f"{name}: mean agreement {values.mean():.3f}")
    chart.set(xlabel="neuron, sorted", ylabel="correlation of answers to\nthe left and the right half", ylim=(0, 1))
    chart.set_title("Held-out agreement", loc="left")
    chart.spines[["top", "right"]].set_visible(False)

    figure.savefig("plot_own_circuit.png", dpi=150)
    print("plot_own_circuit.png")


if __name__ == "__main__":
    main()
