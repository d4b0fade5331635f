"""Filters of handwritten digits, learned by local rules: two layers, one after the other, without back-propagation.

    python examples/plot_conv.py        # writes plot_conv.png

The figure: the filters before and after learning, the objective of both layers, and pooled feature maps of a digit.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import torch

from similis.circuit import Step
from similis.datasets import load_digits
from similis.nn import ConvSimilarityMatching, layers, train

X = torch.from_numpy(load_digits()[0]).float().view(-1, 1, 8, 8)
network = torch.nn.Sequential(
    ConvSimilarityMatching(1, 16, 4, contrast=0.05),
    torch.nn.MaxPool2d(2, stride=1),
    ConvSimilarityMatching(16, 24, 2),
)
first = network[0]
before = first.filters().clone()
history = train(network, X, step=Step(0.2, 0.02), epochs=6)
after, maps = first.filters(), network[:2](X[:1])[0]

figure = plt.figure(figsize=(8, 5.2), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.1))
parts = top.subfigures(1, 3)
for part, images, title in zip(
    parts, (before[:, 0], after[:, 0], maps), ("before", "learned", "maps of a digit"), strict=True
):
    part.suptitle(title, fontsize=10)
    colours, low = ("magma", 0.0) if title.startswith("maps") else ("RdBu_r", None)
    for ax, image in zip(part.subplots(4, 4).ravel(), images, strict=True):
        size = float(image.abs().max()) or 1.0
        ax.imshow(image, cmap=colours, vmin=-size if low is None else low, vmax=size)
        ax.set_axis_off()
for ax, values, (place, (_, layer)) in zip(bottom.subplots(1, 2), history, enumerate(layers(network), 1), strict=True):
    ax.plot(values, color="#3f83c1")
    settled = values[len(values) // 10 :]
    ax.set_ylim(min(settled) - 0.1 * abs(min(settled)), max(settled) + 0.3 * (max(settled) - min(settled)))
    ax.set(xlabel="step of 100 images", title=f"layer {place}: {len(layer.W)} filters")
    ax.spines[["top", "right"]].set_visible(False)
    if place == 1:
        ax.set_ylabel("min-max objective")
figure.savefig("plot_conv.png", dpi=130)
print(f"objective of the first layer: {history[0][0]:.2f} before, {history[0][-1]:.2f} after {len(history[0])} steps")
