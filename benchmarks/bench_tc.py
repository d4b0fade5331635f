"""Critical temperatures: seconds to train, microseconds a formula, compositions screened a second, beside a forest.

    python benchmarks/bench_tc.py            # prints; reads SuperCon through SIMILIS_DATA or a download
    python benchmarks/bench_tc.py --write    # also stores benchmarks/results/bench_tc.json and the page's table

One thread, processor seconds, all from one run; one row is wall time with members side by side. The forest has 150
trees on fractions, as in the full run.
"""

from __future__ import annotations

import argparse
import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

from importlib.metadata import version

import joblib
from plain import clock, store

from similis import CriticalTemperatureRegressor
from similis.datasets import load_supercon
from similis.superconductor import fractions, read, supercon
from similis.superconductor.forest import Forest


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="store the result and the page's table")
    write = parser.parse_args().write

    data, _ = supercon(*load_supercon())
    asked = data.formulas[:5000]
    model, forests = CriticalTemperatureRegressor(random_state=0), []
    parse = clock(lambda: read(asked))
    fit = clock(lambda: model.fit(data.formulas, data.tc))
    began = time.perf_counter()
    CriticalTemperatureRegressor(random_state=0, n_jobs=-1).fit(data.formulas, data.tc)
    wall, cores = time.perf_counter() - began, joblib.cpu_count()
    forest_fit = clock(lambda: forests.append(Forest(data, threshold=10, seed=0)))
    predict = clock(lambda: model.predict(asked))
    X = fractions([composition for composition in read(asked)[0] if composition])
    forest_predict = clock(lambda: forests[0](X))
    sizes = []
    screen = clock(lambda: sizes.append(len(model.screen(["Mo", "Re", "Si", "B"], 180).tc)))

    rows = [
        ("train on 15,831 compositions, s", fit, forest_fit),
        ("predict, us a formula", 1e6 * predict / len(asked), 1e6 * forest_predict / len(asked)),
    ]
    text = "\n".join(
        ["| | networks | forest, with its interval |", "| --- | ---: | ---: |"]
        + [f"| {name} | {ours:.3g} | {other:.3g} |" for name, ours, other in rows]
        + [
            f"| train with n_jobs=-1 on {cores} cores, s on the clock | {wall:.3g} | |",
            f"| read formulas, us each | {1e6 * parse / len(asked):.3g} | |",
            f"| screen {sizes[0]:,} compositions of Mo-Re-Si-B, a second | {sizes[0] / screen:,.0f} | |",
        ]
    )
    print(text)
    if write:
        versions = {name: version(name) for name in ("torch", "scikit-learn")}
        result = {
            "train": [fit, forest_fit], "wall": wall, "cores": cores,
            "predict": [predict / len(asked), forest_predict / len(asked)], "read": parse / len(asked),
            "screened": sizes[0], "screen": screen, "versions": versions,
        }  # fmt: skip
        store("bench_tc", result, text, "docs/papers/tc.md")


if __name__ == "__main__":
    main()
