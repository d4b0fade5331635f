"""A stream that drifts: learning must not stop.

Samples of 100 features vary mostly within a 4-dimensional subspace that first stands still, then turns. Second moments
of the whole past, and IncrementalPCA, are better while it stands still; then they average over directions that no
longer matter. A network whose learning rate has a floor follows.

    python examples/plot_drift.py        # writes plot_drift.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import IncrementalPCA

from similis import CircuitTransformer, SimilarityMatching
from similis.circuit import Channel, Circuit, Gram, Neuron, Step
from similis.metrics import subspace_error

D, K, BLOCK, SAMPLES, STILL, TURN = 100, 4, 50, 30_000, 10_000, 10_000
BLUE, LIGHT, ORANGE, INK, FAINT = "#2f6db5", "#8db4dd", "#d07a1f", "#37474f", "#8a949a"
STYLE = {"font.size": 11, "axes.spines.top": False, "axes.spines.right": False}
STYLE |= dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK)


def subspace(t: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Basis (len(t), K, D) at sample t: still, then turning towards new directions, a right angle in TURN samples."""
    turns, angle = np.divmod(np.maximum(t - STILL, 0) / TURN, 1)
    old = axes[turns.astype(int)]
    new = axes[turns.astype(int) + 1]
    angle = np.pi / 2 * angle[:, None, None]
    return np.cos(angle) * old + np.sin(angle) * new


def main() -> None:
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((D, 4 * K)))[0].T.reshape(4, K, D)
    spread = np.sqrt(np.linspace(1.0, 0.5, K))

    step = Step(eta0=0.05, decay=0.01, floor=0.005)
    tracking = Circuit("tracking", K, (Channel("x"),), Gram(), Neuron(), step)
    learners = {
        "exact second moments": SimilarityMatching(K, solver="exact"),
        "IncrementalPCA": IncrementalPCA(K),
        "network, falling rate": SimilarityMatching(K, average=False, random_state=0),
        "network, rate with a floor": CircuitTransformer(tracking, random_state=0),
    }
    errors: dict[str, list[float]] = {name: [] for name in learners}
    for start in range(0, SAMPLES, BLOCK):
        t = np.arange(start, start + BLOCK)
        basis = subspace(t, axes)
        rows = np.einsum("tk,tkd->td", spread * rng.standard_normal((BLOCK, K)), basis)
        rows += np.sqrt(2e-3) * rng.standard_normal((BLOCK, D))
        for name, learner in learners.items():
            V = learner.partial_fit(rows).components_
            errors[name].append(subspace_error(V["x"] if isinstance(V, dict) else V, basis[-1]))

    plt.rcParams.update(STYLE)
    figure, ax = plt.subplots(figsize=(9, 4.4), layout="constrained")
    seen = np.arange(BLOCK, SAMPLES + 1, BLOCK)
    beside = {"exact second moments": 1.25, "IncrementalPCA": 0.95, "network, falling rate": 1.0}
    for (name, curve), colour in zip(errors.items(), (FAINT, ORANGE, LIGHT, BLUE), strict=True):
        ax.semilogy(seen, curve, color=colour, linewidth=4 if colour == FAINT else 2)
        ax.text(SAMPLES + 300, curve[-1] * beside.get(name, 1), name, color=colour, va="center")
        before, after = (np.median(curve[end - 50 : end]) for end in (STILL // BLOCK, len(curve)))
        print(f"{name}: subspace error {before:.3f} before the turn, {after:.3f} at the end")
    ax.axvline(STILL, color=FAINT, linewidth=1, linestyle=":")
    ax.text(STILL - 200, 1.9, "stationary", ha="right", color=INK)
    ax.text(STILL + 200, 1.9, f"turning: a right angle every {TURN:,} samples", color=INK)
    ax.set(xlabel="samples seen", ylabel="error of the current subspace\n(0 right, 1.4 orthogonal)", xlim=(0, SAMPLES))
    ax.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")

    figure.savefig("plot_drift.png", dpi=150)
    print("plot_drift.png")


if __name__ == "__main__":
    main()
