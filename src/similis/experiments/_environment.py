"""Where the numbers were made: machine, threads and versions, without anything that names a user or a folder."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from pathlib import Path

PACKAGES = ("similis", "numpy", "scipy", "scikit-learn", "numba", "matplotlib", "jinja2")


def environment() -> dict[str, str]:
    """Processor, cores, BLAS and its threads, operating system."""
    from threadpoolctl import threadpool_info

    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    blas = ", ".join(sorted({f"{pool['internal_api']} {pool['version']}" for pool in pools}))
    threads = max((pool["num_threads"] for pool in pools), default=1)
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "BLAS": f"{blas or 'unknown'}, {threads} thread{'s' * (threads > 1)}",
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Version of Python and of each package that shapes the numbers or the pictures."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.exists() else None
    return model[1] if model else platform.processor() or platform.machine()
