"""What the benchmarks share: the clock, where results are kept, and coordinate descent in plain NumPy."""

from __future__ import annotations

import json
import platform
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def clock(action: Callable[[], object]) -> float:
    """Seconds of this program's processor time: on a shared machine the clock on the wall also counts the others."""
    start = time.process_time()
    action()
    return time.process_time() - start


def store(name: str, result: dict, text: str = "", page: str = "") -> None:
    """Keep a result as results/NAME.json with the command and the versions; its table goes between a page's marks."""
    versions = {"python": platform.python_version(), "numpy": np.__version__} | result.get("versions", {})
    kept = {"command": f"python benchmarks/{name}.py", "threads": 1} | result | {"versions": versions}
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    if page:
        path = HERE.parent / page
        marked = re.compile(r"(<!-- bench:start -->).*?(<!-- bench:end -->)", re.DOTALL)
        path.write_text(
            marked.sub(lambda m: f"{m[1]}\n{text}\n{m[2]}", path.read_text(encoding="utf-8")), encoding="utf-8"
        )


def descent(M: np.ndarray, d: np.ndarray) -> np.ndarray:
    """argmin_{z >= 0} z'Mz - 2 z'd, by coordinate descent to 1e-6."""
    z = np.zeros_like(d)
    for _ in range(100):
        change = 0.0
        for i in range(len(d)):
            new = max(0.0, (d[i] - M[i] @ z + M[i, i] * z[i]) / M[i, i])
            change, z[i] = max(change, abs(new - z[i])), new
        if change < 1e-6:
            break
    return z
