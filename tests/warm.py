"""Compile every kernel once, side by side, before the workers of the tests would each compile their own.

The compiled code is kept on disk (``similis.kernels._compile``); where it is there already, this takes seconds.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from tests.laws.circuits import CASES

from similis.circuit.table import compile_circuit
from similis.engine import run
from similis.kernels.stream import workspace


def kinds() -> dict[tuple, str]:
    """One circuit for each way of settling, which is what decides what is compiled, in each precision."""
    found: dict[tuple, str] = {}
    for name, case in CASES.items():
        for dtype in ("float64", "float32"):
            table = compile_circuit(case.circuit, np.dtype(dtype))
            found.setdefault((workspace(table, 2) is None, table.constrained, dtype), name)
    return found


def compiled(name: str, dtype: str) -> str:
    case = CASES[name]
    start = case.start(np.dtype(dtype).type)
    for block in (None, 8):
        _, state = run(case.circuit, start, case.data(20), block=block)
    run(case.circuit, state, case.data(20), learn=False)
    return f"{name} {dtype}"


if __name__ == "__main__":
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(compiled, name, kind[-1]) for kind, name in kinds().items()]
        for job in jobs:
            print("compiled", job.result(), flush=True)
