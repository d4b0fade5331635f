"""Slow features of real movies: how near the networks come to the exact ones, and what a row costs.

    SIMILIS_DATA=... python benchmarks/bench_slow.py [--write]      # needs `pip install av`

Patches of 12 x 12 pixels of three clips, followed over all frames at 80 places, one after the other; 20 principal
components, white. Learned in five passes, in random order, from pairs of successive frames. Exact: the generalised
eigenproblem of all rows. ``slow_features`` has the metric of x, ``minimum_noise`` that of the change of x: their exact
features are the same, but where the slowest are nearly equally slow (eigenvalues 2 + 2 rho of 3.78, 3.75, 3.74) those
of the second are farther apart, 1 / (2 - 2 rho), and are learned where the first are not. Error: 1 - mean squared
cosine of the angles between the spans of outputs. Steps were chosen at other places of two clips (seed 100).
"""

from __future__ import annotations

import os

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[pool] = "1"

import argparse
import time
from pathlib import Path

import numpy as np
from plain import store
from scipy.linalg import eigh, orth

from similis.circuit import Circuit, Step, init
from similis.derive import lagged, match, similarity
from similis.engine import run
from similis.networks import minimum_noise, slow_features

CLIPS, SEEDS, PLACES, SIDE, KEPT, PASSES = ("bikes", "carphone_pristine", "bigbuckbunny"), (0, 1, 2), 80, 12, 20, 5


def frames(clip: str) -> np.ndarray:
    """(T, height, width) luminance."""
    import av

    with av.open(str(Path(os.environ["SIMILIS_DATA"]) / "video" / f"{clip}.mp4")) as container:
        return np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)]).astype(float)


def stream(movie: np.ndarray, seed: int) -> np.ndarray:
    """White components of patches, of RMS norm 1; (T places, KEPT)."""
    rng, (T, height, width) = np.random.default_rng(seed), movie.shape
    corners = [(rng.integers(0, height - SIDE), rng.integers(0, width - SIDE)) for _ in range(PLACES)]
    X = np.concatenate([movie[:, i : i + SIDE, j : j + SIDE].reshape(T, -1) for i, j in corners])
    X -= X.mean(1, keepdims=True)
    X -= X.mean(0)
    _, sizes, axes = np.linalg.svd(X, full_matrices=False)
    return X @ axes[:KEPT].T / sizes[:KEPT] * np.sqrt(len(X) / KEPT)


def learned(circuit: Circuit, rows: dict[str, np.ndarray], seed: int) -> tuple[np.ndarray, float]:
    """Filters (k, KEPT), and microseconds of processor a row."""
    state, T = init(circuit, {name: X.shape[1] for name, X in rows.items()}, seed), len(next(iter(rows.values())))
    spent = 0.0
    for each in range(PASSES):
        order = np.random.default_rng(each).permutation(T)
        mixed = {name: X[order] for name, X in rows.items()}
        before = time.process_time()
        state = run(circuit, state, mixed)[1]
        spent += time.process_time() - before
    return np.linalg.solve(state.M, state.W[circuit.owners[0]]), spent / PASSES / T * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    write, rows = parser.parse_args().write, []
    print(f"{'clip':>18} {'k':>2} {'slow features':>24} {'minimum noise':>24} {'us a row':>9}")
    for clip in CLIPS:
        movie = frames(clip)
        for k in (3, 5):
            errors: dict[str, list[float]] = {"slow_features": [], "minimum_noise": []}
            for seed in SEEDS:
                X = stream(movie, seed)
                slow = match(similarity(lagged("x", 1) + "x", metric_of="x")).streams({"x": X})
                fast = match(similarity("x", metric_of="x" - lagged("x", 1))).streams({"x": X})
                exact = eigh(slow["x_sum"].T @ slow["x_sum"], slow["x"].T @ slow["x"])[1][:, -k:]
                circuits = {
                    "slow_features": (slow_features(k), slow),
                    "minimum_noise": (minimum_noise(k, ridge=0.0, tau=30.0, step=Step(0.5, 1e-3)), fast),
                }
                for name, (circuit, given) in circuits.items():
                    filters, cost = learned(circuit, given, seed)
                    angles = np.linalg.norm(orth(X @ filters.T).T @ orth(X @ exact)) ** 2
                    errors[name].append(round(1 - float(angles) / k, 4))
            rows.append({"clip": clip, "k": k, **errors, "microseconds": round(cost, 2)})
            print(f"{clip:>18} {k:>2} {errors['slow_features']!s:>24} {errors['minimum_noise']!s:>24} {cost:9.2f}")
    if write:
        store("bench_slow", {"rows": rows, "passes": PASSES, "seeds": SEEDS})


if __name__ == "__main__":
    main()
