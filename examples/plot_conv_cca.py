"""What two eyes have in common: convolutional canonical correlations of two streams of images, by local rules.

    python examples/plot_conv_cca.py        # writes plot_conv_cca.png

The right image is the left one moved by a pixel; each has noise of its own. The figure: correlations of the two
projections while the layer learns, beside those of exact CCA of all patches, and the filters of both eyes, turned to
canonical axes: a right filter is the left one, moved by a pixel.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import torch

from similis.circuit import Step
from similis.datasets import load_digits
from similis.metrics import canonical_correlations, held_out_correlations
from similis.networks import canonical_correlation
from similis.nn import ConvLayer, train

K, KERNEL, EPOCHS = 6, 4, 16
random = torch.Generator().manual_seed(0)
X = torch.from_numpy(load_digits()[0]).view(-1, 1, 8, 8)
X = (X - X.mean(0)) / X.std()  # without the mean image, patches have almost none
left, right = (x + 0.4 * torch.randn(x.shape, generator=random) for x in (X[..., :7], X[..., 1:]))
layer = ConvLayer(canonical_correlation(K, tau=1.0), 1, KERNEL, dtype=torch.float64)


def rows(maps: torch.Tensor) -> np.ndarray:
    """One row a position."""
    return maps.permute(0, 2, 3, 1).flatten(0, 2).numpy()


correlations = []
for epoch in range(EPOCHS):
    train(layer, (left, right), step=Step(0.8 / (1 + 0.2 * epoch)), seed=epoch)
    correlations.append(held_out_correlations(rows(layer(left)), rows(layer(None, right))))
patches = [layer.streams[name].rows(x).numpy() for name, x in (("x", left), ("y", right))]
exact = canonical_correlations(*patches)[:K]

# outputs know no axes: turn them to the eigenvectors of M, and give both filters of a pair one sign
turn = torch.linalg.eigh(layer.M)[1].flip(1).T
pairs = [torch.einsum("ij,jkl->ikl", turn, layer.filters(name)[:, 0]).numpy() for name in ("x", "y")]

figure = plt.figure(figsize=(9, 3.4), layout="constrained")
course, filters = figure.subfigures(1, 2, width_ratios=(1, 1.25))
ax = course.subplots()
lines = ax.plot(range(1, EPOCHS + 1), correlations, "-o", markersize=3)
for line, value in zip(lines, exact, strict=True):
    ax.axhline(value, color=line.get_color(), linestyle=":", linewidth=1)
ax.set(xlabel="passes over 1,797 pairs of images", ylabel="correlation of the projections", ylim=(0, 1))
ax.set_title("learned; dotted: exact CCA of the patches", fontsize=10)
ax.spines[["top", "right"]].set_visible(False)
grid = filters.subplots(2, K)
for name, row, eye in zip(("left", "right"), grid, pairs, strict=True):
    row[0].set_ylabel(name)
    for ax, image in zip(row, eye, strict=True):
        size = abs(image).max()
        ax.imshow(image, cmap="RdBu_r", vmin=-size, vmax=size)
        ax.set(xticks=[], yticks=[])
filters.suptitle("filters, strongest correlation first", fontsize=10)
figure.savefig("plot_conv_cca.png", dpi=130)
share = float(correlations[-1].sum() / exact.sum())
print(f"correlations {np.round(correlations[-1], 2).tolist()}: {share:.1%} of those of exact CCA")
