"""The memory of a fit does not grow with the file."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux only")
def test_a_large_file_is_fitted_in_little_memory(tmp_path):
    path, rows = tmp_path / "big.npy", 200_000
    block = np.random.default_rng(0).random((4_000, 784), dtype=np.float32)
    with path.open("wb") as file:
        header = {"descr": block.dtype.str, "fortran_order": False, "shape": (rows, 784)}
        np.lib.format.write_array_header_1_0(file, header)
        for shift in range(0, rows, len(block)):
            np.roll(block, shift // len(block), axis=1).tofile(file)
    args = [sys.executable, "-m", "similis", "fit", "psp", str(path), "-o", str(tmp_path / "m"), "-k", "16"]
    process = subprocess.Popen(args)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    peak = usage.ru_maxrss / 1024
    assert peak < 600, f"{peak:.0f} MiB"
