"""How fast are Bio-RRR and local supervision? The stream engine beside their rules in NumPy, one sample at a time.

    python benchmarks/bench_rrr.py

One thread; all figures of a row from one run, interleaved, best of three, in microseconds a sample.
"""

from __future__ import annotations

import os

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[pool] = "1"

import time

import numpy as np

from similis.circuit import Circuit, State, Step, init
from similis.engine import stream
from similis.networks import local_supervision, reduced_rank_regression

T, CALM = 2_000, Step(0.01)


def rules(circuit: Circuit, start: State, X: np.ndarray, Y: np.ndarray) -> None:
    """The published updates."""
    W, V, P, relu = start.W["x"].copy(), start.W["y"].copy(), start.P.copy(), not circuit.domain.is_free
    m = np.zeros(len(W))
    y, eta, tau, eps = circuit.channel("y"), circuit.step.eta0, circuit.lateral.tau, circuit.domain.mean_rate
    for x, target in zip(X, Y, strict=True):
        d = W @ x
        z = np.maximum(d, 0) - m if relu else d
        a, n = V @ target, P.T @ z
        post = np.where(d > 0, a - P @ n, 0) if relu else a - P @ n
        W += 2 * eta * np.outer(post, x)
        V += 2 * eta * y.synapse.rate * (np.outer(z - y.metric * a, target) - (1 - y.metric) * V)
        P += eta / tau * (np.outer(z, n) - P)
        m += eps * z


def clock(action) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) / T * 1e6


def main() -> None:
    print("network, d, k, y | float64 | float32 | rules | rules / float64 | rules / float32")
    networks = {
        "rrr": reduced_rank_regression(16, step=CALM),
        "rrr, k = 2": reduced_rank_regression(2, step=CALM),
        "rrr, cca": reduced_rank_regression(16, metric=1.0, step=CALM),
        "local supervision, k = 16": local_supervision(16, step=CALM),
        "local supervision, k = 64": local_supervision(64, step=CALM),
        "local supervision, k = 256": local_supervision(256, step=CALM),
    }
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((T, 784)) / 28, rng.standard_normal((T, 10)) / 10**0.5
    for name, circuit in networks.items():
        start = {dtype: init(circuit, {"x": 784, "y": 10}, 0, dtype) for dtype in (np.float64, np.float32)}
        data = {dtype: {"x": X.astype(dtype), "y": Y.astype(dtype)} for dtype in start}
        times: dict[str, list[float]] = {"float64": [], "float32": [], "rules": []}
        for dtype in start:
            stream.run(circuit, start[dtype], data[dtype])  # compile
        for _ in range(3):
            for dtype, column in zip(start, ("float64", "float32"), strict=True):
                times[column].append(clock(lambda r=(circuit, start[dtype], data[dtype]): stream.run(*r)))
            times["rules"].append(clock(lambda c=circuit, s=start: rules(c, s[np.float64], X, Y)))
        best = {column: min(values) for column, values in times.items()}
        ratios = [best["rules"] / best[column] for column in ("float64", "float32")]
        print(f"{name}, 784, 10 | " + " | ".join(f"{v:.3g}" for v in (*best.values(), *ratios)), flush=True)


if __name__ == "__main__":
    main()
