"""What do two workers buy? The same fit on one worker process and on two, and without any cluster.

    python benchmarks/bench_distributed.py [--quick] [--write]

Wall time (processes are waited for, not counted), one thread a process, best of the repetitions, which are interleaved;
the data are in the workers' memory before the clock starts, start-up of the cluster is not counted. Weights of all rows
are compared. ``--write`` stores benchmarks/results/bench_distributed.json.
"""

from __future__ import annotations

import os

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[pool] = "1"

import argparse
import time
from contextlib import ExitStack

import dask
import dask.array as da
import numpy as np
import torch
from distributed import Client, LocalCluster, wait
from plain import store

from similis import NonnegativeSimilarityMatching, SimilarityMatching
from similis.distributed import fit

torch.set_num_threads(1)


def seconds(client: Client | None, estimator, X: np.ndarray, round_rows: int) -> tuple[float, np.ndarray]:
    rows = da.from_array(X, chunks=(round_rows // 4, -1))
    with dask.config.set(scheduler="synchronous"):
        if client is not None:
            with client.as_current():
                rows = rows.persist()
                wait(rows)
        start = time.perf_counter()
        fit(estimator, rows, round_rows=round_rows, client=client)
        return time.perf_counter() - start, estimator.state_.W["x"]


def measure(kind: type, k: int, d: int, round_rows: int, quick: bool) -> dict:
    rng, T = np.random.default_rng(0), 10_000 if quick else 40_000
    X = np.maximum(rng.standard_normal((T, 32)) @ rng.random((32, d)), 0).astype(np.float32)
    times: dict[str, float] = {}
    weights = {}
    with ExitStack() as stack:
        clients: dict[str, Client | None] = {"in this process": None}
        for n in (1, 2):
            cluster = stack.enter_context(LocalCluster(n_workers=n, threads_per_worker=1, dashboard_address=None))
            clients[f"{n} worker{'s' * (n > 1)}"] = stack.enter_context(Client(cluster, set_as_default=False))
        for turn in range(2 if quick else 4):
            for name, client in clients.items():
                took, weights[name] = seconds(client, kind(k, random_state=0), X, round_rows)
                if turn:  # the first turn warms up imports
                    times[name] = min(times.get(name, np.inf), took)
    gap = max(np.abs(W - weights["in this process"]).max() for W in weights.values())
    row = {"estimator": kind.__name__, "k": k, "d": d, "round_rows": round_rows, "rows": T, "seconds": times}
    return row | {"ratio": times["1 worker"] / times["2 workers"], "gap": float(gap)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a quarter of the rows, one repetition")
    parser.add_argument("--write", action="store_true", help="store the result")
    options = parser.parse_args()
    settings = (
        (SimilarityMatching, 16, 784, 4000), (NonnegativeSimilarityMatching, 64, 784, 4000),
        (NonnegativeSimilarityMatching, 64, 784, 400),
    )  # fmt: skip
    rows = [measure(*each, options.quick) for each in settings]
    names = list(rows[0]["seconds"])
    print("| estimator | k | d | rows a round | " + " | ".join(f"{n}, s" for n in names) + " | 1/2 workers | gap |")
    print("|---" + "| ---: " * (5 + len(names)) + "|")
    for row in rows:
        cells = [f"{row['seconds'][name]:.2f}" for name in names]
        head = f"| {row['estimator']} | {row['k']} | {row['d']} | {row['round_rows']} | "
        print(head + " | ".join(cells) + f" | {row['ratio']:.2f} | {row['gap']:.0e} |")
    if options.write:
        result = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "rows": rows}
        versions = {"dask": dask.__version__, "torch": torch.__version__}
        store("bench_distributed", result | {"versions": versions})


if __name__ == "__main__":
    main()
