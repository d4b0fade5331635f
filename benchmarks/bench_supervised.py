"""How fast is a labelled sample? Supervised similarity matching beside its rules in NumPy.

    python benchmarks/bench_supervised.py [--quick] [--write]

One thread; all numbers of a row are taken in the same run, interleaved, best of the repetitions, in microseconds a
sample. ``rules`` are the published updates, one sample at a time, settling by coordinate descent to 1e-6; ``projected``
settles as the authors' package does, by at most 40 projected gradient steps at once for all neurons. ``--write`` stores
benchmarks/results/bench_supervised.json.
"""

from __future__ import annotations

import os

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[pool] = "1"

import argparse
from collections.abc import Callable

import numpy as np
from plain import clock, descent, store

from similis.circuit import State, Step, init
from similis.engine import stream
from similis.networks import supervised_similarity

CLASSES, GOAL = 10, 10


def data(T: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Nonnegative rows of ten classes, mean norm 1, and their one-hot labels."""
    rng = np.random.default_rng(0)
    labels = np.eye(CLASSES)[rng.integers(CLASSES, size=T)]
    X = labels @ rng.random((CLASSES, d)) + np.maximum(rng.standard_normal((T, 32)) - 0.8, 0) @ rng.random((32, d))
    return X / np.linalg.norm(X, axis=1).mean(), labels


def projected(M: np.ndarray, d: np.ndarray) -> np.ndarray:
    z, step = np.zeros(len(d)), 1 / np.trace(M)
    for _ in range(40):
        z = np.maximum(z + step * (d - M @ z), 0)
    return z


def rules(X: np.ndarray, L: np.ndarray, start: State, step: Step, alpha: float, settle: Callable) -> None:
    W, V, M, gain = start.W["x"], start.W["label"], start.M, np.sqrt(alpha)
    for t, (x, label) in enumerate(zip(X, L, strict=True)):
        eta = step.eta0 / (1 + step.decay * t)
        own = V @ label
        z = settle(M, W @ x + gain * own)
        W = W + 2 * eta * (np.outer(z, x) - W)
        V = V + 2 * eta * np.outer(gain * z - own, label)
        M = M + 2 * eta * (np.outer(z, z) - M)  # tau = 1/2


def measure(d: int, k: int, quick: bool) -> dict:
    X, L = data(8_000, d)
    circuit, few = supervised_similarity(k), 200
    start = init(circuit, {"x": d, "label": CLASSES}, 0)
    X32, L32 = X.astype(np.float32), L.astype(np.float32)
    start32 = init(circuit, {"x": d, "label": CLASSES}, 0, np.float32)
    jobs = {
        "float64": (lambda: stream.run(circuit, start, {"x": X, "label": L}), len(X)),
        "float32": (lambda: stream.run(circuit, start32, {"x": X32, "label": L32}), len(X)),
        "rules": (lambda: rules(X[:few], L[:few], start, circuit.step, 0.1, descent), few),
        "projected": (lambda: rules(X[:few], L[:few], start, circuit.step, 0.1, projected), few),
    }
    us: dict[str, float] = {}
    for _ in range(2 if quick else 4):
        for name, (job, samples) in jobs.items():
            us[name] = min(us.get(name, np.inf), clock(job) / samples * 1e6)
    return {"d": d, "k": k, "us": us, "ratio": min(us["rules"], us["projected"]) / us["float64"], "goal": GOAL}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="half the repetitions")
    parser.add_argument("--write", action="store_true", help="store the result")
    options = parser.parse_args()
    rows = [measure(d, k, options.quick) for d, k in ((64, 10), (784, 16), (784, 64))]
    names = list(rows[0]["us"])
    print("| d | k | " + " | ".join(names) + " | faster rules/ours | goal |")
    print("| ---: " * (4 + len(names)) + "|")
    for row in rows:
        cells = [f"{row['us'][name]:.3g}" for name in names]
        print(f"| {row['d']} | {row['k']} | " + " | ".join(cells) + f" | {row['ratio']:.0f} | {row['goal']} |")
    if options.write:
        store("bench_supervised", {"rows": rows})


if __name__ == "__main__":
    main()
