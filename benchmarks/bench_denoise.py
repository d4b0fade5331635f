"""How fast is a layer of attention over a cloud? similis beside the plain n x n softmax in NumPy.

    python benchmarks/bench_denoise.py [--quick] [--write]

One thread, 16 dimensions, nanoseconds a pair of tokens, best of the repetitions, interleaved in one run. ``plain``
forms the n x n scores, shifts, exponentiates, normalises and multiplies; at 50,000 tokens each such matrix takes 10 GB
(float32) or 20 GB (float64), so it is timed at 12,288 tokens and, at its time a pair there, compared with ours at
50,000. ``blocked`` is similis without torch, ``fused`` with it. ``memory`` is the largest resident size (Linux) of a
process that imports similis and torch and runs one layer at 50,000 tokens. ``--write`` stores
benchmarks/results/bench_denoise.json and puts the table into docs/papers/denoise.md.
"""

from __future__ import annotations

import os

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[pool] = "1"

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from plain import clock, store

from similis.memory import kernel_mean

DIM, MANY, SIZES = 16, 50_000, (1024, 4096, 12_288)
GOAL, MEMORY = 5, 1.0  # times faster, GB


def plain(tokens: np.ndarray, beta: float) -> np.ndarray:
    """The layer as one writes it in NumPy: all scores at once."""
    scores = beta * (tokens @ tokens.T - np.square(tokens).sum(1) / 2)
    scores = scores - scores.max(1, keepdims=True)
    weights = np.exp(scores)
    return weights / weights.sum(1, keepdims=True) @ tokens


def cloud(n: int, dtype: str) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, DIM)).astype(dtype)


def measure(dtype: str, quick: bool) -> dict:
    rows = []
    for n in SIZES[:2] if quick else SIZES:
        X, best = cloud(n, dtype), {}
        jobs = {
            "plain": lambda X=X: plain(X, X.dtype.type(1.0)),
            "blocked": lambda X=X: kernel_mean(X, X, 1.0, engine="numpy"),
            "fused": lambda X=X: kernel_mean(X, X, 1.0, engine="torch"),
        }
        for _ in range(2 if n > 10_000 else 5):
            for name, job in jobs.items():
                best[name] = min(best.get(name, np.inf), clock(job) / n**2 * 1e9)
        rows.append({"tokens": n, **best, "ratio": best["plain"] / min(best["fused"], best["blocked"])})
    if not quick:
        command = [sys.executable, __file__, "--one", dtype]
        one = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        fused = one["seconds"] / MANY**2 * 1e9
        rows.append({"tokens": MANY, "plain": None, "blocked": None, "fused": fused, "seconds": one["seconds"],
                     "ratio": rows[-1]["plain"] / fused, "memory": one["memory"]})  # fmt: skip
    return {"dtype": dtype, "rows": rows}


def one(dtype: str) -> None:
    """One layer at 50,000 tokens, and the largest resident size of this process."""
    X = cloud(MANY, dtype)
    kernel_mean(X[:100], X[:100], 1.0, engine="torch")
    seconds = clock(lambda: kernel_mean(X, X, 1.0))
    status = Path("/proc/self/status").read_text()  # of this program alone; ru_maxrss keeps what its parent had
    print(json.dumps({"seconds": seconds, "memory": int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 2**20}))


def table(results: list[dict]) -> str:
    head = ("dtype", "tokens", "plain", "blocked", "fused", "plain/ours", "goal", "seconds a layer", "memory, GB")
    lines = ["| " + " | ".join(head) + " |", "|---|" + " ---: |" * (len(head) - 1)]
    for result in results:
        for row in result["rows"]:
            times = ["-" if row[name] is None else f"{row[name]:.2f}" for name in ("plain", "blocked", "fused")]
            last = [f"{row['seconds']:.1f}", f"{row['memory']:.2f}"] if "memory" in row else ["-", "-"]
            cells = [result["dtype"], f"{row['tokens']:,}", *times, f"{row['ratio']:.1f}",
                     str(GOAL) if row["tokens"] == MANY else "-", *last]  # fmt: skip
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small clouds only")
    parser.add_argument("--write", action="store_true", help="store the result and put the table into the page")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return one(options.one)
    results = [measure(dtype, options.quick) for dtype in ("float32", "float64")]
    text = table(results)
    print(text)
    if options.write:
        store("bench_denoise", {"results": results}, text, "docs/papers/denoise.md")
    return None


if __name__ == "__main__":
    main()
