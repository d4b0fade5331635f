"""From objective to circuit: every network of the catalogue in one line, and one that is in no paper of them.

A similarity objective is all that is written; the circuit, its dynamics and its local rules are derived. The network
below is slow feature analysis: z as similar as x(t) + x(t-1), in the metric of x. What it learns is compared with the
exact answer, a generalised eigenproblem.

    python examples/plot_derive.py        # writes plot_derive.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import eigh

from similis.circuit import Circuit, Step, init
from similis.derive import lagged, match, objective_of, similarity
from similis.derive.symbols import Tex
from similis.display import draw
from similis.engine import run
from similis.networks import catalogue

BLUE, INK, FAINT = "#2f6db5", "#37474f", "#8a949a"
K = 2
slow = match(similarity(lagged("x", 1) + "x", metric_of="x"))


def waves(T: int = 4000) -> np.ndarray:
    """A mixture, of RMS norm 1, of a slow wave, a faster one and four noises that are louder."""
    t, random = np.arange(T), np.random.default_rng(0)
    sources = np.column_stack([np.sin(2 * np.pi * t / 200), np.cos(2 * np.pi * t / 8), random.standard_normal((T, 4))])
    X = sources @ (np.linalg.qr(random.standard_normal((6, 6)))[0] * (0.7, 0.7, 1, 1, 1.3, 1.3))
    return X / np.sqrt((X * X).sum(1).mean())


def learn(X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outputs of the derived network, the exact slow features, and eigenvalues of both: <z z'> and the problem's."""
    streams = slow.streams({"x": X})
    circuit = slow.circuit(K, tau=1.0, step=Step(0.1, 2e-3))
    state = init(circuit, {name: rows.shape[1] for name, rows in streams.items()})
    for seed in range(60):
        order = np.random.default_rng(seed).permutation(len(X) - 1)
        state = run(circuit, state, {name: rows[order] for name, rows in streams.items()})[1]
    Z = run(circuit, state, streams, learn=False)[0]
    both, x = streams["x_sum"], streams["x"]
    values, vectors = eigh(both.T @ both / len(x), x.T @ x / len(x))
    exact = both @ vectors[:, : -K - 1 : -1]
    left, _, right = np.linalg.svd(Z.T @ exact)  # the objective knows outputs up to a rotation
    own = np.linalg.eigvalsh(Z.T @ Z / len(Z))
    return Z @ left @ right, exact, np.array([own[::-1], values[: -K - 1 : -1]])


def main() -> None:
    plt.rcParams.update({"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK})
    figure = plt.figure(figsize=(13, 8.6), facecolor="white")
    networks = {name: card.network(K) for name, card in catalogue().items()}
    lines = {name: objective_of(c) for name, c in networks.items() if isinstance(c, Circuit)}
    lines = {name: problem for name, problem in lines.items() if problem is not None} | {"slow features": slow}
    figure.text(0.03, 0.955, "From objective to circuit", fontsize=14, weight="bold")
    for row, (name, problem) in enumerate(lines.items()):
        y, colour = 0.91 - 0.043 * row, BLUE if problem is slow else INK
        figure.text(0.03, y, name, color=colour, weight="bold")
        figure.text(0.15, y, f"${problem.words(Tex())}$", color=colour)
        circuit = problem.circuit(K)
        figure.text(0.53, y, f"{', '.join(circuit.names)};  {type(circuit.lateral).__name__}", color=FAINT)
        print(f"{name:<18} {problem}")

    draw(slow.circuit(K, name="slow features"), figure.add_axes((0.0, 0.02, 0.42, 0.42)))
    found, exact, values = learn(waves())
    chart = figure.add_axes((0.5, 0.09, 0.47, 0.3))
    for i in range(K):
        size = np.abs(exact[:, i]).max()
        chart.plot(exact[:200, i] / size - 2.5 * i, color=FAINT, linewidth=4, label="exact" if i == 0 else None)
        size = np.abs(found[:, i]).max()
        chart.plot(found[:200, i] / size - 2.5 * i, color=BLUE, linewidth=1, label="network" if i == 0 else None)
    chart.set(xlabel="time", yticks=[])
    chart.set_title("Slow features: learned online (rotated), and exact", loc="left")
    chart.legend(frameon=False, loc="upper right")
    chart.spines[["top", "right", "left"]].set_visible(False)
    for name, numbers in zip(("network", "exact"), values, strict=True):
        print(f"eigenvalues, {name}: {', '.join(f'{v:.3f}' for v in numbers)}")
    figure.savefig("plot_derive.png", dpi=110)
    print("plot_derive.png")


if __name__ == "__main__":
    main()
