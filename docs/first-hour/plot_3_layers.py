"""
Layers in PyTorch
=================

A layer of `similis.nn` is a ``torch.nn.Module`` like any other, except in how it learns: its ``forward``
differentiates nothing, and its weights change by local rules, from the activities at both ends of a synapse. Two such
layers learn features of handwritten digits without a label; then a linear classifier is given a few.
"""

# %%
# The data
# --------
#
# scikit-learn's 1,797 digits of 8 x 8 pixels; the last 597 are kept for the end.

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from similis.circuit import Step
from similis.datasets import load_digits
from similis.nn import ConvSimilarityMatching, QuadrantPool2d, train

pixels, labels = load_digits()
images = torch.from_numpy(pixels).float().view(-1, 1, 8, 8)
print(tuple(images.shape))

# %%
# A stack, trained layer by layer
# -------------------------------
#
# ``ConvSimilarityMatching(channels, filters, size)`` slides over the image; its outputs are nonnegative and, over all
# positions, as similar to each other as the patches are. ``train`` teaches one layer after the other, each from the
# outputs of those before it. There is no loss to be sent back and no optimiser.

network = torch.nn.Sequential(
    ConvSimilarityMatching(1, 16, 4, contrast=0.05),
    torch.nn.MaxPool2d(2, stride=1),
    ConvSimilarityMatching(16, 32, 2),
)
before = network[0].filters().clone()
history = train(network, images[:1200], step=Step(0.2, 0.02), epochs=6)
print("parameters an optimiser would change:", len(list(network.parameters())))
print(f"objective of the first layer: {history[0][0]:.2f} at first, {history[0][-1]:.2f} after {len(history[0])} steps")

# %%

plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 10})
figure = plt.figure(figsize=(8, 3.8), layout="constrained")
figure.get_layout_engine().set(w_pad=0.04, h_pad=0.04)
for part, filters, title in zip(
    figure.subfigures(1, 2), (before, network[0].filters()), ("at first", "learned"), strict=True
):
    part.suptitle(f"16 filters, {title}")
    for ax, image in zip(part.subplots(4, 4).ravel(), filters[:, 0], strict=True):
        size = float(image.abs().max())
        ax.imshow(image, cmap="RdBu_r", vmin=-size, vmax=size)
        ax.set_axis_off()
plt.show()

# %%
# Few labels
# ----------
#
# Features cost no label. How many labels does a linear classifier on top need, beside one that sees pixels? Ten draws
# of the labelled images each.

with torch.no_grad():
    maps = QuadrantPool2d()(network(images)).flatten(1).numpy()
scales = {"pixels": pixels, "features": maps / maps[:1200].std()}
numbers = [20, 50, 100, 200, 500, 1000]
accuracy = {name: [] for name in scales}
for n in numbers:
    draws = [np.random.default_rng(seed).permutation(1200)[:n] for seed in range(10)]
    for name, rows in scales.items():
        scores = [
            LogisticRegression(C=1.0, max_iter=2000).fit(rows[draw], labels[draw]).score(rows[1200:], labels[1200:])
            for draw in draws
        ]
        accuracy[name].append((np.mean(scores), np.std(scores)))

figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for (name, curve), colour in zip(accuracy.items(), ("#8a949a", "#2f6db5"), strict=True):
    mean, spread = np.transpose(curve)
    ax.errorbar(numbers, 100 * mean, 100 * spread, color=colour, capsize=3, linewidth=2, label=name)
    print(f"{name}: {100 * mean[0]:.1f} % with {numbers[0]} labels, {100 * mean[-1]:.1f} % with {numbers[-1]}")
ax.set_xscale("log")
ax.set_xticks(numbers, numbers)
ax.minorticks_off()
ax.set(xlabel="labels", ylabel="accuracy on 597 images, %")
ax.legend(frameon=False)
plt.show()

# %%
# It is a module
# --------------
#
# ``state_dict``, ``.to(device)`` and ``Sequential`` work as ever; layers that learn by gradients may stand behind it,
# and the gradient stops where the local layers begin.

torch.manual_seed(0)
head = torch.nn.Linear(maps.shape[1], 10)
stack = torch.nn.Sequential(network, QuadrantPool2d(), torch.nn.Flatten(), head)
optimiser = torch.optim.Adam(stack.parameters(), lr=0.01)
targets = torch.from_numpy(np.asarray(labels)).long()
for epoch in range(3):
    for batch in torch.randperm(1200, generator=torch.Generator().manual_seed(epoch)).split(100):
        loss = torch.nn.functional.cross_entropy(stack(images[batch]), targets[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
right = (stack(images[1200:]).argmax(1) == targets[1200:]).float().mean()
print(f"a head of gradients on local layers, three passes: {100 * right:.1f} %")

# %%
# **Next.** CIFAR-10, a pre-trained LeNet and what was measured: :doc:`/papers/conv`. Several processes:
# :doc:`/how-to/scale-out`. The same layers as an estimator for scikit-learn:
# :doc:`/generated/api/similis.ConvSimilarityMatchingTransformer`.
