"""How fast is a pair? Bio-CCA with adaptive rank in the stream engine, beside its published rules in NumPy.

    python benchmarks/bench_adaptive_cca.py [--quick] [--write]

One thread; every figure of a row is taken in the same run, interleaved, best of the repetitions, in microseconds a
pair. ``rules``: one pair at a time, a k x k solve and rank-one updates, as published; the same tuned by hand
to work in place (``in place``). ``estimator``: OnlineCCA(rank="adaptive").fit with centring, scaling and averaging.
``exact``: OnlineCCA(solver="exact"). ``--write`` stores benchmarks/results/bench_adaptive_cca.json and puts the table
into docs/papers/cca.md.
"""

from __future__ import annotations

import os

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[pool] = "1"

import argparse

import numpy as np
from plain import clock, store

from similis import OnlineCCA
from similis.circuit import Circuit, State, init
from similis.engine import stream
from similis.networks import adaptive_canonical_correlation, canonical_correlation

SIZES = [(50, 30, 10), (98, 98, 10), (392, 392, 16), (784, 784, 16), (784, 784, 32)]
GOAL = 10


def rules(X: np.ndarray, Y: np.ndarray, circuit: Circuit, start: State) -> tuple[np.ndarray, ...]:
    """The rules as they are published: z = (P P' + alpha I)^-1 (a + b), then W and P."""
    Wx, Wy, P = start.W["x"], start.W["y"], start.P
    step, tau, alpha, one = circuit.step, circuit.lateral.tau, circuit.neuron.inhibition.shift, np.eye(circuit.size)
    assert P is not None
    for t, (x, y) in enumerate(zip(X, Y, strict=True)):
        eta = step.eta0 / (1 + step.decay * t)
        a, b = Wx @ x, Wy @ y
        z = np.linalg.solve(P @ P.T + alpha * one, a + b)
        n = P.T @ z
        Wx = Wx + 2 * eta * np.outer(z - a, x)
        Wy = Wy + 2 * eta * np.outer(z - b, y)
        P = P + eta / tau * (np.outer(z, n) - P)
    return Wx, Wy, P


def rules_in_place(X: np.ndarray, Y: np.ndarray, circuit: Circuit, start: State) -> tuple[np.ndarray, ...]:
    """The same, tuned: no temporary of the size of W but the outer product itself."""
    assert start.P is not None
    Wx, Wy, P = start.W["x"].copy(), start.W["y"].copy(), start.P.copy()
    step, tau, shift = circuit.step, circuit.lateral.tau, circuit.neuron.inhibition.shift * np.eye(circuit.size)
    for t, (x, y) in enumerate(zip(X, Y, strict=True)):
        eta = step.eta0 / (1 + step.decay * t)
        a, b = Wx @ x, Wy @ y
        z = np.linalg.solve(P @ P.T + shift, a + b)
        n = z @ P
        Wx += np.outer(2 * eta * (z - a), x)
        Wy += np.outer(2 * eta * (z - b), y)
        P *= 1 - eta / tau
        P += np.outer(eta / tau * z, n)
    return Wx, Wy, P


def pairs(T: int, n_x: int, n_y: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    S = rng.standard_normal((T, 8))
    views = (S @ rng.standard_normal((8, n)) + rng.standard_normal((T, n)) for n in (n_x, n_y))
    return tuple(V / np.sqrt((V * V).sum(1).mean()) for V in views)  # type: ignore[return-value]


def measure(n_x: int, n_y: int, k: int, quick: bool) -> dict:
    T, few = (5_000 if quick else 10_000), 1_000
    X, Y = pairs(T, n_x, n_y)
    X32, Y32 = X.astype(np.float32), Y.astype(np.float32)
    circuit, fixed = adaptive_canonical_correlation(k), canonical_correlation(k)
    dims = {"x": n_x, "y": n_y}
    first = {dtype: init(circuit, dims, 0, dtype) for dtype in (np.float64, np.float32)}
    gram = init(fixed, dims, 0)
    jobs = {
        "float64": (lambda: stream.run(circuit, first[np.float64], {"x": X, "y": Y}), T),
        "float32": (lambda: stream.run(circuit, first[np.float32], {"x": X32, "y": Y32}), T),
        "fixed rank": (lambda: stream.run(fixed, gram, {"x": X, "y": Y}), T),
        "rules": (lambda: rules(X[:few], Y[:few], circuit, first[np.float64]), few),
        "in place": (lambda: rules_in_place(X[:few], Y[:few], circuit, first[np.float64]), few),
        "estimator": (lambda: OnlineCCA(k, rank="adaptive", random_state=0).fit(X, Y), T),
        "exact": (lambda: OnlineCCA(k, rank="adaptive", solver="exact").fit(X, Y), T),
    }
    for name in ("float64", "float32", "fixed rank"):
        jobs[name][0]()  # compiled and warm
    best: dict[str, float] = {}
    for _ in range(3 if quick else 9):
        for name, (job, samples) in jobs.items():
            best[name] = min(best.get(name, np.inf), clock(job) / samples * 1e6)
    return {
        "n_x": n_x, "n_y": n_y, "k": k, "samples": T, "us": best, "goal": GOAL,
        "ratio": {name: best[name] / best["float64"] for name in ("rules", "in place")},
        "rules / estimator": best["rules"] / best["estimator"],
    }  # fmt: skip


COLUMNS = ("float64", "float32", "fixed rank", "rules", "in place", "estimator", "exact")


def table(rows: list[dict]) -> str:
    head = ("columns", "k", *COLUMNS, "rules/ours", "in place/ours", "goal", "rules/estimator")
    lines = ["| " + " | ".join(head) + " |", "|" + " ---: |" * len(head)]
    for r in rows:
        cells = [f"{r['n_x']} + {r['n_y']}", r["k"], *(f"{r['us'][name]:.3g}" for name in COLUMNS)]
        cells += [f"{r['ratio']['rules']:.1f}", f"{r['ratio']['in place']:.1f}", r["goal"]]
        lines.append("| " + " | ".join(map(str, [*cells, f"{r['rules / estimator']:.1f}"])) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a quarter of the samples")
    parser.add_argument("--write", action="store_true", help="store the result and put the table into the page")
    options = parser.parse_args()
    rows = [measure(*size, options.quick) for size in SIZES]
    text = table(rows)
    print(text)
    if options.write:
        store("bench_adaptive_cca", {"rows": rows}, text, "docs/papers/cca.md")


if __name__ == "__main__":
    main()
