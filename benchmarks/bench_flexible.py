"""How fast is a sample under row sums? The stream engine beside the rules in NumPy, one sample at a time.

    python benchmarks/bench_flexible.py [--quick] [--write]

One thread; both columns of a row are taken in the same run, interleaved, best of the repetitions, in microseconds a
sample. ``--write`` stores benchmarks/results/bench_flexible.json. The rules settle exactly by sorting where gamma = 0,
and by 40 accelerated projections where gamma > 0, which does not end: the gap compares the outputs of the two.
"""

from __future__ import annotations

import os

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[pool] = "1"

import argparse

import numpy as np
from plain import clock, store

from similis.circuit import Circuit, State
from similis.engine import stream
from similis.networks import row_sum_similarity, row_sum_start

SIZES = [(784, 16), (784, 64), (64, 16), (3072, 64)]
GOAL = 10  # at (784, 16)


def data(T: int, d: int, k: int) -> np.ndarray:
    """Round clusters, one for every four neurons."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((k // 4, d))[rng.integers(k // 4, size=T)] + 0.5 * rng.standard_normal((T, d))
    X -= X.mean(0)
    return X / np.sqrt((X * X).sum(1).mean())


def project(u: np.ndarray, b: np.ndarray, mu: float) -> tuple[np.ndarray, float]:
    """z = argmin mu |z|^2 - 2 u.z on {z >= 0, b.z = 1}, by sorting."""
    order = np.argsort(-u / b)
    ratio, weight = (u / b)[order], b[order]
    lam = (np.cumsum(weight * u[order]) - mu) / np.cumsum(weight * weight)
    last = np.flatnonzero(np.append(lam[:-1] >= ratio[1:], True))[0]
    return np.maximum(u - lam[last] * b, 0) / mu, lam[last]


def settle(u: np.ndarray, b: np.ndarray, A: np.ndarray) -> tuple[np.ndarray, float]:
    """z = argmin z'Az - 2 u.z on the same set, by 40 accelerated projections."""
    L = np.linalg.eigvalsh(A)[-1]
    z = ahead = np.full(len(u), 1 / b.sum())
    t = 1.0
    for _ in range(40):
        new, lam = project(L * ahead - A @ ahead + u, b, L)
        later = (1 + np.sqrt(1 + 4 * t * t)) / 2
        z, ahead, t = new, new + (t - 1) / later * (new - z), later
    return z, lam


def rules(circuit: Circuit, state: State, X: np.ndarray) -> np.ndarray:
    """The rules as they are written, one sample at a time."""
    W, M, one = state.W["x"].copy(), state.M.copy(), np.eye(circuit.size)
    a, b = state.cells["a"].copy(), state.cells["b"].copy()
    lateral, step, control = circuit.lateral, circuit.step, circuit.neuron.inhibition
    mu, Z = control.shift, np.zeros((len(X), circuit.size))
    for t, x in enumerate(X):
        eta = 2 * max(step.floor, step.eta0 / (1 + step.decay * t))
        u = W @ x - a
        z, lam = settle(u, b, lateral.acting * M + mu * one) if lateral.acting > 0 else project(u, b, mu)
        W = W + eta * (np.outer(z, x) - W)
        b = b + eta * (z - b)
        a = a + eta * (lam * z - a)
        if lateral.acting > 0:
            M = M + eta / 2 / lateral.tau * (np.outer(z, z) - M)
        if control.learns:
            mu = max(control.minimum, mu + control.rate * (z @ z - control.target_power))
        Z[t] = z
    return Z


def measure(d: int, k: int, gamma: float, quick: bool) -> dict:
    T = {784: 20_000, 64: 40_000, 3072: 4_000}[d] // (4 if quick else 1)
    few, repetitions = 1_000 if gamma == 0 else 200, 2 if quick else 5
    X, circuit = data(T, d, k), row_sum_similarity(k, trace=None if gamma else k / 4, gamma=gamma)
    start = row_sum_start(circuit, X[: 10 * k])
    Z = stream.run(circuit, start, X[:few])[0]  # compiled and warm
    gap = float(np.abs(Z - rules(circuit, start, X[:few])).max() / Z.max())
    best = {"ours": np.inf, "rules": np.inf}
    for _ in range(repetitions):
        best["ours"] = min(best["ours"], clock(lambda: stream.run(circuit, start, X)) / T * 1e6)
        best["rules"] = min(best["rules"], clock(lambda: rules(circuit, start, X[:few])) / few * 1e6)
    return {"d": d, "k": k, "gamma": gamma, "us": best, "ratio": best["rules"] / best["ours"], "largest gap": gap}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a quarter of the samples")
    parser.add_argument("--write", action="store_true", help="store the result")
    options = parser.parse_args()
    rows = [measure(d, k, gamma, options.quick) for d, k in SIZES for gamma in (0.0, 0.2)]
    print("| d | k | gamma | ours | rules | rules/ours | largest gap |\n| " + "---: | " * 7)
    for r in rows:
        cells = [r["d"], r["k"], r["gamma"], f"{r['us']['ours']:.3g}", f"{r['us']['rules']:.4g}"]
        print("| " + " | ".join(map(str, [*cells, f"{r['ratio']:.1f}", f"{r['largest gap']:.1e}"])) + " |")
    if options.write:
        store("bench_flexible", {"goal": {"784, 16": GOAL}, "rows": rows})


if __name__ == "__main__":
    main()
