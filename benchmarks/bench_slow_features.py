"""SlowFeatureAnalysis: how near its network comes to the exact slow features, and what a row costs.

    SIMILIS_DATA=... python benchmarks/bench_slow_features.py [--write]      # movies need `pip install av`

Default settings, seeds that no setting was chosen with. Error: 1 - mean squared cosine of the angles between the spans
of outputs and of the solution of the generalised eigenproblem of all rows; in order by ``partial_fit``, else by
``fit``, which learns pairs of successive rows in random order. "95 %": the exact features of the first 95 % of the
rows. Movies: the patches of ``bench_slow.py``. Time: processor, one thread; sklearn-sfa, which is exact and sees
all rows at once, where it is installed.
"""

from __future__ import annotations

import os

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[pool] = "1"

import argparse
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np
from bench_slow import CLIPS, frames, stream
from plain import clock, store

from similis import SlowFeatureAnalysis
from similis.datasets import slow_signals
from similis.experiments.slow import _apart as apart
from similis.experiments.slow import _exact as exact
from similis.experiments.slow import _mixed as mixed

SEEDS, PLACES = (200, 201, 202, 203, 204), (200, 201, 202)
SIZES = ((10, 3), (50, 5), (200, 5))


def synthetic() -> Iterator[tuple[str, int, Callable[[int], np.ndarray]]]:
    """Names, numbers of features, and rows for a seed."""
    yield "12 columns", 3, lambda s: slow_signals(random_state=s)[0]
    yield "5 columns", 2, lambda s: slow_signals(n_features=5, n_slow=2, random_state=s)[0]
    yield "100 columns", 5, lambda s: slow_signals(n_features=100, n_slow=5, random_state=s)[0]
    yield "12 columns, noise as strong as the signals", 3, lambda s: slow_signals(noise=1.0, random_state=s)[0]
    yield "12 columns, mixed by condition 10,000", 3, lambda s: mixed(slow_signals(random_state=s)[0], 1e4, s)
    yield "10 columns, periods of 1,500 and 5,000 rows", 3, waving


def waving(seed: int) -> np.ndarray:
    """Two strong waves, so slow that a step forgets before they have passed once."""
    X, rng, t = slow_signals(n_features=10, random_state=seed)[0], np.random.default_rng(seed), np.arange(20_000)
    for period in (1500, 5000):
        X = X + np.outer(np.sin(2 * np.pi * t / period), 3 * rng.standard_normal(10))
    return X


def errors(X: np.ndarray, k: int, seed: int) -> list[float]:
    """In order, one pass, five passes, and of the exact features of most rows."""
    goal, make = exact(X, k), lambda n: SlowFeatureAnalysis(k, n_epochs=n, random_state=seed)
    found = [make(1).partial_fit(X).components_, make(1).fit(X).components_, make(5).fit(X).components_]
    return [apart(X, A, goal) for A in (*found, exact(X[: int(0.95 * len(X))], k))]


def row(name: str, k: int, found: list[list[float]]) -> dict:
    values = np.array(found)
    said = {"data": name, "k": k}
    for i, key in enumerate(("in order", "one pass", "five passes", "95 %")):
        said |= {key: round(float(np.median(values[:, i])), 5), f"{key}, worst": round(float(values[:, i].max()), 5)}
    print(said, flush=True)
    return said


def speeds() -> Iterator[dict]:
    """Microseconds a row."""
    for d, k in SIZES:
        X = slow_signals(50_000, d, k, random_state=SEEDS[0])[0]
        ways: dict[str, Callable[[], object]] = {
            "network": lambda X=X, k=k: SlowFeatureAnalysis(k, random_state=0).fit(X),
            "exact": lambda X=X, k=k: SlowFeatureAnalysis(k, solver="exact").fit(X).components_,
        }
        if find_spec("sksfa"):
            from sksfa import SFA

            ways["sklearn-sfa"] = lambda X=X, k=k: SFA(n_components=k).fit(X)
        said = {"columns": d, "k": k}
        for name, way in ways.items():
            way()
            said[name] = round(min(clock(way) for _ in range(3)) / len(X) * 1e6, 3)
        print(said, flush=True)
        yield said


def table(rows: list[dict]) -> str:
    """As Markdown; of errors median and worst together."""
    columns = [key for key in rows[0] if not key.endswith(", worst")]
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for said in rows:
        cells = [
            f"{said[c]:.2g} ({said[c + ', worst']:.2g})" if c + ", worst" in said else said.get(c, "-") for c in columns
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    rows = [row(name, k, [errors(make(seed), k, seed) for seed in SEEDS]) for name, k, make in synthetic()]
    for clip in CLIPS:
        movie = frames(clip)
        streams = [stream(movie, seed) for seed in PLACES]
        rows += [row(clip, k, [errors(X, k, s) for X, s in zip(streams, PLACES, strict=True)]) for k in (3, 5)]
    times = list(speeds())
    if write:
        text = f"{table(rows)}\n\nMicroseconds a row, 50,000 rows:\n\n{table(times)}"
        store("bench_slow_features", {"rows": rows, "seeds": SEEDS, "places": PLACES, "times": times}, text,
              "docs/papers/slow.md")  # fmt: skip


if __name__ == "__main__":
    main()
