"""What is behind many fast sensors? A network that watches a stream and finds what changes least in it.

Twenty sensors mix three slow signals with fast noise that is as strong. The network hears one row after the other,
learns from how the row has changed, and its outputs are the slow signals, or sums of those that are about as slow.

    python examples/plot_slow.py        # writes plot_slow.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from similis import SlowFeatureAnalysis

ROWS, BLOCK, SENSORS, SHOWN = 20_000, 500, 20, 1200
BLUE, ORANGE, INK, FAINT = "#2f6db5", "#c4661f", "#37474f", "#c3cacd"
STYLE = {"font.size": 11, "axes.spines.top": False, "axes.spines.right": False}
STYLE |= dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK)


def main() -> None:
    rng, t = np.random.default_rng(0), np.arange(ROWS)
    slow = np.column_stack([np.sin(t / 90), np.sign(np.sin(t / 53)), (t / 97) % 2 - 1])
    slow = (slow - slow.mean(0)) / slow.std(0)
    X = slow @ rng.standard_normal((3, SENSORS)) + np.sqrt(3) * rng.standard_normal((ROWS, SENSORS))

    exact = SlowFeatureAnalysis(3, solver="exact").fit(X)
    model, seen, slowness = SlowFeatureAnalysis(3, random_state=0), [], []
    for start in range(0, ROWS, BLOCK):
        model.partial_fit(X[start : start + BLOCK])
        seen.append(model.n_samples_seen_ / 1e3)
        slowness.append((np.diff(model.transform(X), axis=0) ** 2).mean(0) / model.transform(X).var(0))

    plt.rcParams.update(STYLE)
    figure, axes = plt.subplots(3, 1, figsize=(9, 7), layout="constrained", height_ratios=[1, 1.7, 1.2])
    sensors, features, curve = axes
    sensors.plot(X[-SHOWN:, :2] / X[:, :2].std(0) + [0, 7], color=INK, linewidth=0.5)
    sensors.set_title("Two of the twenty sensors", loc="left")
    features.plot(model.transform(X[-SHOWN:]) + np.arange(3) * 6, color=BLUE, linewidth=1.0)
    features.set_title("What the network says: the slowest feature below", loc="left")
    for axis in (sensors, features):
        axis.set(yticks=[], xlim=(0, SHOWN))
        axis.spines["left"].set_visible(False)
    features.set_xlabel("rows")
    curve.plot(seen, slowness, color=BLUE, linewidth=1.8)
    for value in exact.slowness_:
        curve.axhline(value, color=ORANGE, linestyle="--", linewidth=1.2)
    curve.set(xlabel="thousand rows learned", ylabel="mean squared change", xlim=(0, seen[-1]), ylim=(0, None))
    curve.set_title("As slow as can be; dashed: the exact features of all rows", loc="left")

    figure.savefig("plot_slow.png", dpi=150)
    print("plot_slow.png")
    print("mean squared change, network:", *(f"{value:.3f}" for value in slowness[-1]))
    print("                       exact:", *(f"{value:.3f}" for value in exact.slowness_))


if __name__ == "__main__":
    main()
