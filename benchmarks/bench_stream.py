"""How fast is a sample? The stream engine beside the NumPy rules, scikit-learn, exact second moments and the floor.

    python benchmarks/bench_stream.py [--quick] [--write]

One thread; every figure of a row is taken in the same run, interleaved, best of the repetitions, in microseconds a
sample. ``--write`` stores benchmarks/results/bench_stream.json and puts the tables into README.md.
Rivals: the rules as published, one sample at a time in NumPy (``rules``) and the same rules tuned by hand to work in
place (``in place``); scikit-learn's IncrementalPCA with batches of 100; second moments summed in blocks and one
eigendecomposition (``exact``, the eigendecomposition counted). Floor: the larger of 4 k d flops at the matrix-product
rate measured here and two reads of the sample at the memory bandwidth measured here.
"""

from __future__ import annotations

import os

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[pool] = "1"

import argparse

import numpy as np
from plain import clock, descent, store
from scipy import linalg
from sklearn.decomposition import IncrementalPCA

from similis import SimilarityMatching
from similis.circuit import Box, Circuit, Step, init
from similis.engine import stream
from similis.metrics import subspace_error
from similis.networks import nonnegative_similarity, principal_subspace

SIZES = [(100, 10), (784, 16), (784, 64), (1024, 128), (3072, 64), (10304, 16), (10304, 64)]
GOALS = {(100, 10): 15, (784, 16): 8, (784, 64): 8, (1024, 128): 8, (3072, 64): 5, (10304, 16): 4, (10304, 64): 6}


def machine() -> tuple[dict[str, float], float]:
    """Matrix-product rate (flop/s) by precision and read bandwidth (byte/s)."""
    rates = {}
    for dtype in (np.float64, np.float32):
        A = np.random.default_rng(0).random((1024, 1024)).astype(dtype)
        rates[np.dtype(dtype).name] = 2 * 1024**3 / min(clock(lambda A=A: A @ A) for _ in range(7))
    big = np.ones(1 << 26)
    return rates, big.nbytes / min(clock(big.sum) for _ in range(5))


def data(T: int, d: int) -> np.ndarray:
    """Rows with a spectrum that falls as 1/i, mixed by reflections (cheap, orthogonal), mean norm 1."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((T, d)) / np.sqrt(np.arange(1, d + 1))
    for _ in range(3):
        v = rng.standard_normal(d)
        X -= np.outer(X @ v, 2 * v / (v @ v))
    return X / np.linalg.norm(X, axis=1).mean()


def rules(X: np.ndarray, W: np.ndarray, Minv: np.ndarray, step: Step, tau: float = 0.5) -> None:
    """Similarity matching as it is published, with Sherman-Morrison."""
    for t, x in enumerate(X):
        eta = step.eta0 / (1 + step.decay * t)
        s = eta / tau
        z = Minv @ (W @ x)
        W = W + 2 * eta * (np.outer(z, x) - W)
        Minv = Minv / (1 - s)
        v = Minv @ z
        Minv = Minv - s / (1 + s * (v @ z)) * np.outer(v, v)


def rules_in_place(X: np.ndarray, W: np.ndarray, Minv: np.ndarray, step: Step, tau: float = 0.5) -> None:
    """The same, tuned: no temporary of W's size but the outer product itself."""
    W, Minv = W.copy(), Minv.copy()
    for t, x in enumerate(X):
        eta = step.eta0 / (1 + step.decay * t)
        s = eta / tau
        z = Minv @ (W @ x)
        W *= 1 - 2 * eta
        W += np.outer(2 * eta * z, x)
        Minv /= 1 - s
        v = Minv @ z
        Minv -= np.outer(s / (1 + s * (v @ z)) * v, v)


def nonnegative_rules(X: np.ndarray, W: np.ndarray, M: np.ndarray, step: Step, tau: float = 0.5) -> None:
    """Nonnegative similarity matching: coordinate descent to 1e-6, then the rules."""
    for t, x in enumerate(X):
        eta = step.eta0 / (1 + step.decay * t)
        z = descent(M, W @ x)
        W = W + 2 * eta * (np.outer(z, x) - W)
        M = M + eta / tau * (np.outer(z, z) - M)


def incremental(X: np.ndarray, k: int) -> np.ndarray:
    batch, model = max(100, k), IncrementalPCA(k)
    for start in range(0, len(X) - batch + 1, batch):
        model.partial_fit(X[start : start + batch])
    return model.components_


def exact(X: np.ndarray, k: int) -> np.ndarray:
    C = np.zeros((X.shape[1],) * 2)
    for start in range(0, len(X), 1000):
        C += X[start : start + 1000].T @ X[start : start + 1000]
    return linalg.eigh(C, subset_by_index=[len(C) - k, len(C) - 1])[1][:, ::-1].T


def learned(circuit: Circuit, X: np.ndarray) -> np.ndarray:
    state = stream.run(circuit, init(circuit, {"x": X.shape[1]}, 0, X.dtype), X)[1]
    return np.linalg.solve(state.M, state.W["x"])


def measure(d: int, k: int, rates: dict[str, float], bandwidth: float, quick: bool) -> dict:
    T = {100: 40_000, 784: 30_000, 1024: 20_000, 3072: 6_000}.get(d, 2_000) // (4 if quick else 1)
    few, repetitions = min(T, 1_500 if d < 5000 else 300), 3 if quick else 7
    X, circuit = data(T, d), principal_subspace(k)
    X32, step = X.astype(np.float32), circuit.step
    W0, M0 = init(circuit, {"x": d}, 0).W["x"], np.eye(k)
    for rows in (X[:200], X32[:200]):
        learned(circuit, rows)  # compiled and warm
    first = {rows.dtype: init(circuit, {"x": d}, 0, rows.dtype) for rows in (X, X32)}
    best: dict[str, float] = {}
    jobs = {
        "float64": (lambda: stream.run(circuit, first[X.dtype], X), T),
        "float32": (lambda: stream.run(circuit, first[X32.dtype], X32), T),
        "rules": (lambda: rules(X[:few], W0, M0, step), few),
        "in place": (lambda: rules_in_place(X[:few], W0, M0, step), few),
    }
    for _ in range(repetitions):
        for name, (job, samples) in jobs.items():
            best[name] = min(best.get(name, np.inf), clock(job) / samples * 1e6)
    best["IncrementalPCA"] = clock(lambda: incremental(X[: 20 * max(100, k)], k)) / (20 * max(100, k)) * 1e6
    row: dict = {"d": d, "k": k, "samples": T, "us": best}
    if d <= 3072:  # at 10,304 the second moments alone take 850 MB and their eigenvectors minutes
        best["exact"] = clock(lambda: exact(X, k)) / T * 1e6
        U = exact(X, k)
    else:
        U = linalg.svd(X, full_matrices=False)[2][:k]
    row["error"] = {
        "similis": subspace_error(SimilarityMatching(k, random_state=0).fit(X).components_, U),
        "IncrementalPCA": subspace_error(incremental(X, k), U),
    }
    for dtype, size in (("float64", 8), ("float32", 4)):
        row[f"floor {dtype}"] = max(4 * k * d / rates[dtype], 2 * d * size / bandwidth) * 1e6
    row["ratio"] = {
        "rules / float64": best["rules"] / best["float64"],
        "in place / float64": best["in place"] / best["float64"],
        "float64 / float32": best["float64"] / best["float32"],
        "float64 / floor": best["float64"] / row["floor float64"],
    }
    row["goal"] = GOALS[d, k]
    return row


def nonnegative(d: int, k: int, quick: bool) -> dict:
    rng = np.random.default_rng(0)
    X = np.maximum(rng.standard_normal((8_000, 2 * k)) - 0.8, 0) @ rng.random((2 * k, d))  # sparse nonnegative parts
    X /= np.linalg.norm(X, axis=1).mean()
    circuit, few = nonnegative_similarity(k), 200
    W0, M0 = init(circuit, {"x": d}, 0).W["x"], np.eye(k)
    learned(circuit, X[:200])
    us = {}
    for _ in range(2 if quick else 3):
        us["float64"] = min(us.get("float64", np.inf), clock(lambda: learned(circuit, X)) / len(X) * 1e6)
        slow = clock(lambda: nonnegative_rules(X[:few], W0, M0, circuit.step)) / few * 1e6
        us["rules"] = min(us.get("rules", np.inf), slow)
    assert circuit.domain == Box.nonnegative()
    return {"d": d, "k": k, "us": us, "ratio": us["rules"] / us["float64"], "goal": 30}


def tables(result: dict) -> str:
    names = "d k float64 float32 rules in_place IncrementalPCA exact floor rules/ours goal ours/floor error error_IPCA"
    lines = ["| " + " | ".join(names.split()).replace("_", " ") + " |", "| ---: " * 14 + "|"]
    for r in result["psp"]:
        us = r["us"]
        cells = [
            r["d"],
            r["k"],
            *(f"{us[n]:.3g}" for n in ("float64", "float32", "rules", "in place", "IncrementalPCA")),
        ]
        cells += [f"{us['exact']:.3g}" if "exact" in us else "-", f"{r['floor float64']:.3g}"]
        cells += [f"{r['ratio']['rules / float64']:.1f}", r["goal"], f"{r['ratio']['float64 / floor']:.2f}"]
        cells += [f"{r['error']['similis']:.3f}", f"{r['error']['IncrementalPCA']:.3f}"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += ["", "| nonnegative, d | k | float64 | rules | rules/ours | goal |", "| ---: " * 6 + "|"]
    for r in result["nsm"]:
        cells = [r["d"], r["k"], f"{r['us']['float64']:.3g}", f"{r['us']['rules']:.4g}", f"{r['ratio']:.0f}", r["goal"]]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a quarter of the samples")
    parser.add_argument("--write", action="store_true", help="store the result and put the tables into README.md")
    options = parser.parse_args()
    rates, bandwidth = machine()
    result: dict = {"gemm flop/s": rates, "read byte/s": bandwidth}
    result["psp"] = [measure(d, k, rates, bandwidth, options.quick) for d, k in SIZES]
    result["nsm"] = [nonnegative(d, k, options.quick) for d, k in ((64, 10), (784, 16), (784, 64))]
    text = tables(result)
    print(text)
    if options.write:
        store("bench_stream", result, text, "README.md")


if __name__ == "__main__":
    main()
