"""Learning to act and to see at once: an agent that hears late and noisily, and at first knows nothing.

Left: the cost of an episode while a mass on a line is pushed to rest, for three delays, and what the exact optimum
pays that knows everything (dashed); dots are the cost without exploring. Right: reaches from eight sides in a force
field that bends them, when it comes, after a thousand reaches, and when it is gone.

    python examples/plot_ofc.py        # writes plot_ofc.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from similis import OptimalFeedbackController
from similis.control import (
    FIELD,
    Agents,
    RandomStreams,
    Rule,
    double_integrator,
    optimal_cost,
    reaching,
    run,
    steady_regulator,
)

INK, GREY, BLUE, ORANGE, GREEN = "#37474f", "#8b9099", "#3f83c1", "#d3782b", "#3b9a6d"
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
#: a gain that suits the null field
GAIN = np.kron([[0.17, 0.42, 2.4], [0.0, 0.105, 0.53], [0.0, 0.0, 0.172]], np.eye(2))


def smooth(values: np.ndarray, width: int = 200) -> np.ndarray:
    return values[: len(values) // width * width].reshape(-1, width).mean(1)


def reaches() -> dict[str, np.ndarray]:
    """Paths of eight reaches when the field comes, at the end, and when it goes."""
    null, field = reaching(), reaching(field=FIELD)
    agents, chance = Agents.from_plant(null, GAIN, steady_regulator(null)), [RandomStreams.of(0)]
    rule = Rule.published(4e-5, 2e-3, momentum=0.0, sigma=5e-4, baseline="mean")
    paths = {"the field comes": run(field, agents, rule, 8, chance, keep=True).states[0]}
    run(field, agents, rule, 984, chance)
    paths["1,000 reaches later"] = run(field, agents, rule, 8, chance, keep=True).states[0]
    paths["the field goes"] = run(null, agents, Rule.frozen(), 8, chance, keep=True).states[0]
    return paths


def main() -> None:
    plt.rcParams.update({"font.size": 11} | dict.fromkeys(INKED, INK))
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(1, 4, figsize=(15, 4.0), layout="constrained", width_ratios=(1.5, 1, 1, 1))
    left = axes[0]
    for delay, color in ((1, BLUE), (2, ORANGE), (3, GREEN)):
        plant = double_integrator(delay)
        model = OptimalFeedbackController(n_episodes=10_000, random_state=0).fit(plant)
        best, reached = optimal_cost(plant), model.play(plant, n_episodes=5000).mean()
        left.plot(
            np.arange(1, 51) * 200, smooth(model.costs_), color=color, label=f"{delay} step{'s' * (delay > 1)} late"
        )
        left.plot(10_300, reached, "o", color=color, markersize=6, clip_on=False)
        left.axhline(best, color=color, linestyle="--", linewidth=1)
        print(f"{delay} steps late: {reached:.2f} without exploring, exact optimum {best:.2f}")
    left.set(xlabel="episodes", ylabel="cost of an episode", ylim=(0, 40))
    left.set_title("From nothing. Dots: when it stops exploring", loc="left")
    left.legend(frameon=False)
    for ax, (name, paths) in zip(axes[1:], reaches().items(), strict=True):
        for path in paths:
            ax.plot(path[:, 0], path[:, 1], color=BLUE, linewidth=1.4)
            ax.plot(*path[0, :2], "o", color=GREY, markersize=5)
        ax.set_aspect("equal")
        ax.axis("off")
        ax.set_title(name, loc="left")
    figure.savefig("plot_ofc.png", dpi=130)
    print("plot_ofc.png")


if __name__ == "__main__":
    main()
