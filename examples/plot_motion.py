"""Motion learned from pairs of frames: two neurons become detectors of opposite directions.

Five pixels look at a texture that moves by up to half a pixel. What the neurons learn to multiply, change of one pixel
with the intensity of its neighbours, is the generator of a shift. Four neurons that see patches of a plane take a
direction each.

    python examples/plot_motion.py        # writes plot_motion.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from similis import MotionDetector
from similis.datasets import moved_patches, shifted_textures
from similis.metrics import antisymmetry, direction_selectivity

INK, BLUE, ORANGE, GREEN, PURPLE = "#37474f", "#3f83c1", "#d3782b", "#3b9a6d", "#9a6bc0"
INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")


def main() -> None:
    X, _ = shifted_textures(20_000, 5, random_state=0)
    line = MotionDetector(2, random_state=0).fit(X)
    new, shift = shifted_textures(20_000, 5, random_state=1)
    Z = line.transform(new)
    order = np.argsort(direction_selectivity(Z, shift))
    generator = line.components_[order[1]] - line.components_[order[0]]

    patches, _ = moved_patches(None, 20_000, (5, 5), motion="cardinal", random_state=0)
    plane = MotionDetector(4, random_state=0).fit(patches)
    new_patches, moved = moved_patches(None, 20_000, (5, 5), motion="translation", random_state=1)
    four = plane.transform(new_patches)

    plt.rcParams.update({"font.size": 11} | dict.fromkeys(INKED, INK))
    figure, (left, middle) = plt.subplots(1, 2, figsize=(14, 4.2), width_ratios=[1, 1.25], layout="constrained")
    figure.get_layout_engine().set(rect=(0, 0, 0.7, 1))
    right = figure.add_axes((0.735, 0.1, 0.22, 0.66), projection="polar")

    size = np.abs(generator).max()
    left.imshow(generator, cmap="RdBu_r", vmin=-size, vmax=size)
    left.set(xlabel="intensity of pixel", ylabel="change of pixel", xticks=range(5), yticks=range(5))
    left.set_xticklabels(range(1, 6))
    left.set_yticklabels(range(1, 6))
    left.tick_params(length=0)
    left.set_title(f"What is multiplied: {antisymmetry(generator):.0%} antisymmetric", loc="left")

    steps = np.unique(shift)
    for neuron, colour in zip(order, (ORANGE, BLUE), strict=True):
        mean = [Z[shift == step, neuron].mean() for step in steps]
        middle.plot(steps, mean, "o-", color=colour, markersize=4)
        end = 0 if colour == ORANGE else -1
        side = "left" if end == 0 else "right"
        middle.annotate(f"neuron {neuron + 1}", (steps[end], mean[end]), xytext=(14 if end == 0 else -14, -2),
                        textcoords="offset points", ha=side, color=colour)  # fmt: skip
    middle.set(xlabel="shift (pixels)", ylabel="mean response")
    middle.spines[["top", "right"]].set_visible(False)
    middle.set_title("Two neurons, a texture on a line", loc="left")

    heading = np.arctan2(-moved[:, 0], moved[:, 1]) % (2 * np.pi)  # rows count downwards
    at = (heading // (np.pi / 12)).astype(int)
    angles = (np.arange(25) + 0.5) * np.pi / 12
    for neuron, colour in zip(four.T, (BLUE, ORANGE, GREEN, PURPLE), strict=True):
        mean = np.array([neuron[at == i].mean() for i in range(24)])
        right.plot(angles, np.append(mean, mean[0]), color=colour, linewidth=2)
    right.set_xticks(np.arange(4) * np.pi / 2, ["right", "up", "left", "down"])
    right.set_yticks([])
    right.set_title("Four neurons, a texture in the plane", pad=14)

    figure.savefig("plot_motion.png", dpi=150)
    print("plot_motion.png")
    opponent = Z[:, order[1]] - Z[:, order[0]]
    print(f"correlation of the opponent signal with the shift: {np.corrcoef(opponent, shift)[0, 1]:.2f}")


if __name__ == "__main__":
    main()
