"""One layer of attention denoises: a query walks one step down the energy of its context, and no further.

Left: the energy of points on a circle; noisy queries (orange) go one step to posterior means (green), and, if they go
on, to fixed points (blue). Middle: error against steps. Right: error against the length of the context.

    python examples/plot_in_context.py        # writes plot_in_context.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from similis import InContextDenoiser
from similis.memory import AssociativeMemory, SphereTask

INK, GREY, BLUE, ORANGE, GREEN = "#37474f", "#8b9099", "#3f83c1", "#d3782b", "#3b9a6d"
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
TASK = SphereTask(n=8, d=4, radius=1.0, noise=0.1)


def loss(guess: np.ndarray, clean: np.ndarray) -> float:
    return float(np.square(guess - clean).sum(-1).mean())


def main() -> None:
    plt.rcParams.update({"font.size": 11} | dict.fromkeys(INKED, INK))
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
    rng = np.random.default_rng(3)

    turn = rng.uniform(0, 2 * np.pi, 20)
    memory = AssociativeMemory(np.stack([np.cos(turn), np.sin(turn)], 1), beta=10.0)
    side = np.linspace(-1.7, 1.7, 120)
    left.contourf(side, side, memory.energy(np.stack(np.meshgrid(side, side), -1)), 24, cmap="Greys_r")
    left.plot(*memory.patterns.T, ".", color="white", markersize=5)
    angle = rng.uniform(0, 2 * np.pi, 8)
    path = [np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(0, 0.1**0.5, (8, 2))]
    for _ in range(50):
        path.append(memory.step(path[-1]))
    left.plot(*np.moveaxis(np.array(path), -1, 0), color=BLUE, linewidth=1)
    for points, color in ((path[0], ORANGE), (path[1], GREEN), (path[-1], BLUE)):
        left.plot(*points.T, "o", color=color, markersize=6)
    left.set(aspect="equal", xticks=[], yticks=[])
    left.set_title("Energy of a context (white)", loc="left")

    prompts = TASK.sample(200, 500, random_state=0)
    bayes = loss(TASK.posterior_mean(prompts), prompts.clean)
    state, curve = prompts.noisy, []
    for _ in range(20):
        state = np.array([AssociativeMemory(x, 10.0).step(q) for x, q in zip(prompts.context, state, strict=True)])
        curve.append(loss(state, prompts.clean))
    middle.plot(range(1, 21), curve, "o-", color=BLUE, markersize=4, label="memory, beta = 1/noise")
    middle.axhline(bayes, color=GREEN, linestyle="--", label="Bayes")
    middle.set(xlabel="steps", ylabel="squared error", xticks=(1, 5, 10, 15, 20))
    middle.set_title("One step denoises best", loc="left")
    middle.legend(frameon=False)

    lengths, curves = (10, 20, 50, 100, 200, 500), {"theory": [], "context": []}
    for length in lengths:
        for weights, losses in curves.items():
            guesses = [
                InContextDenoiser(TASK.noise, attention="softmax", weights=weights, random_state=0)
                .fit(x[:length])
                .transform(q[None])[0]
                for x, q in zip(prompts.context[:60], prompts.noisy[:60], strict=True)
            ]
            losses.append(loss(np.array(guesses), prompts.clean[:60]))
    for (weights, losses), color in zip(curves.items(), (BLUE, ORANGE), strict=True):
        right.semilogx(lengths, losses, "o-", color=color, markersize=4, label=f'weights="{weights}"')
    few = loss(TASK.posterior_mean(prompts)[:60], prompts.clean[:60])
    right.axhline(few, color=GREEN, linestyle="--", label="Bayes")
    right.set(xlabel="tokens in the context", ylabel="squared error", xticks=lengths, xticklabels=lengths)
    right.set_title("InContextDenoiser", loc="left")
    right.legend(frameon=False)

    figure.savefig("plot_in_context.png", dpi=130)
    print("plot_in_context.png")
    print(f"Bayes {bayes:.3f}; one step {curve[0]:.3f}; twenty steps {curve[-1]:.3f}")


if __name__ == "__main__":
    main()
