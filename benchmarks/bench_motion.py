"""How fast is a pair of frames? The stream engine on lifted rows beside the NumPy rules that form the outer product.

    python benchmarks/bench_motion.py [--write]

One thread; the figures of a row are taken in one run, interleaved, best of the repetitions, in microseconds of this
program's processor time a pair (on a shared machine the clock on the wall also counts the others). ``rules``: one pair
at a time, ``chi = outer(dx, x)``, settling, ``W += 2 eta (z chi' - W)``, ``M += (eta/tau) (z z' - M)``; rectified
neurons settle by coordinate descent to 1e-6, free ones with Sherman-Morrison. ``Jacobi``: the same with the 200 Jacobi
iterations that a public reproduction settles by. ``explicit``: our own engine on the rows written out. Floor: 4 k p^2
flops at the matrix-product rate measured here. ``--write`` stores benchmarks/results/bench_motion.json and fills
docs/papers/motion.md.
"""

from __future__ import annotations

import os

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[pool] = "1"

import argparse
from collections.abc import Callable

import numpy as np
from plain import clock, descent, store

from similis.circuit import Outer, init
from similis.datasets import moved_patches, shifted_textures
from similis.engine import stream
from similis.estimators._frames import Frames
from similis.networks import motion_detection

#: pixels of a frame, neurons, rectified, pairs, goal for rules / ours
ROWS = [
    ((5,), 2, True, 20_000, 10), ((5,), 1, False, 20_000, 10), ((5, 5), 4, True, 10_000, 10),
    ((10, 10), 4, True, 2_000, 10), ((15, 15), 2, True, 1_024, 20), ((15, 15), 4, True, 1_024, 20),
    ((15, 15), 4, False, 1_024, 20), ((15, 15), 8, True, 1_024, 20),
]  # fmt: skip


def products(shape: tuple[int, ...], T: int) -> Outer:
    """Products of whitened frames of textures that move, as the estimator makes them, of RMS norm 1."""
    if len(shape) == 1:
        X = shifted_textures(T, shape[0], random_state=0)[0]
    else:
        X = moved_patches(None, T, shape, motion="cardinal", random_state=0)[0]
    return Frames(True, True, np.zeros(X.shape[1] // 2)).learn(X)[0]


def jacobi(M: np.ndarray, d: np.ndarray) -> np.ndarray:
    own, z = np.diag(M), np.zeros_like(d)
    for _ in range(200):
        z = np.maximum(0.0, (d - M @ z + own * z) / own)
    return z


def rules(chi: Outer, W: np.ndarray, rectify: bool, settle: Callable = descent) -> None:
    circuit, M, Minv = motion_detection(len(W)), np.eye(len(W)), np.eye(len(W))
    for t, (dx, x) in enumerate(zip(chi.left, chi.right, strict=True)):
        eta = circuit.step.eta0 / (1 + circuit.step.decay * t)
        row = np.outer(dx, x).ravel()
        d = W @ row
        if rectify:
            z = settle(M, d)
            M = M + 2 * eta * (np.outer(z, z) - M)
        else:
            z = Minv @ d
            Minv = Minv / (1 - 2 * eta)
            v = Minv @ z
            Minv = Minv - 2 * eta / (1 + 2 * eta * (v @ z)) * np.outer(v, v)
        W = W + 2 * eta * (np.outer(z, row) - W)


def measure(shape: tuple[int, ...], k: int, rectify: bool, T: int, goal: float, rate: float) -> dict:
    chi, circuit, p = products(shape, T), motion_detection(k, rectify=rectify), int(np.prod(shape))
    few = min(T, 1_000 if p < 100 else 100)
    first = {kind: init(circuit, {"chi": p * p}, 0, kind) for kind in (np.float64, np.float32)}
    single, W = chi.astype(np.float32), first[np.float64].W["chi"]
    explicit = chi[:few].toarray()
    jobs: dict[str, tuple[Callable[[], object], int]] = {
        "float64": (lambda: stream.run(circuit, first[np.float64], chi), T),
        "float32": (lambda: stream.run(circuit, first[np.float32], single), T),
        "rules": (lambda: rules(chi[:few], W, rectify), few),
        "explicit": (lambda: stream.run(circuit, first[np.float64], explicit), few),
    }
    if rectify:
        jobs["Jacobi"] = (lambda: rules(chi[:few], W, True, jacobi), few)
    for job, _ in jobs.values():
        job()  # compiled and warm
    us: dict[str, float] = {}
    for _ in range(7):
        for name, (job, samples) in jobs.items():
            us[name] = min(us.get(name, np.inf), clock(job) / samples * 1e6)
    floor = 4 * k * p * p / rate * 1e6
    row = {"pixels": list(shape), "features": p * p, "k": k, "rectified": rectify, "us": us, "floor": floor}
    ratio = {name: us[name] / us["float64"] for name in ("rules", "Jacobi", "explicit") if name in us}
    return row | {"ratio": ratio, "goal": goal}


def table(rows: list[dict]) -> str:
    timed, compared = ("float64", "float32", "rules", "Jacobi", "explicit"), ("rules", "Jacobi")
    names = ("pixels", "features", "neurons", *timed, "floor", *(f"{name}/ours" for name in compared), "goal")
    lines = ["| " + " | ".join(names) + " |", "|" + " ---: |" * len(names)]
    for r in rows:
        cells = [
            "x".join(map(str, r["pixels"])),
            f"{r['features']:,}",
            f"{r['k']}{'' if r['rectified'] else ' (free)'}",
        ]
        cells += [f"{r['us'][name]:.3g}" if name in r["us"] else "-" for name in timed] + [f"{r['floor']:.2g}"]
        cells += [f"{r['ratio'][name]:.1f}" if name in r["ratio"] else "-" for name in compared]
        lines.append("| " + " | ".join([*cells, str(r["goal"])]) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="store the result and put the table into the paper's page")
    options = parser.parse_args()
    A = np.random.default_rng(0).random((1024, 1024))
    rate = 2 * 1024**3 / min(clock(lambda: A @ A) for _ in range(7))
    rows = [measure(*row, rate) for row in ROWS]
    print(table(rows))
    if options.write:
        store("bench_motion", {"gemm flop/s": rate, "rows": rows}, table(rows), "docs/papers/motion.md")


if __name__ == "__main__":
    main()
