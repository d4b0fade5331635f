"""The memory of a fit does not grow with the file."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/status is on Linux only")
def test_a_large_file_is_fitted_in_little_memory(tmp_path):
    path, rows = tmp_path / "big.npy", 200_000
    block = np.random.default_rng(0).random((4_000, 784), dtype=np.float32)
    with path.open("wb") as file:
        header = {"descr": block.dtype.str, "fortran_order": False, "shape": (rows, 784)}
        np.lib.format.write_array_header_1_0(file, header)
        for shift in range(0, rows, len(block)):
            np.roll(block, shift // len(block), axis=1).tofile(file)
    code = (
        "import sys, atexit; from similis.cli import main; "
        "atexit.register(lambda: print([r for r in open('/proc/self/status') if r.startswith('VmHWM')][0])); main()"
    )  # the peak since the program started: ru_maxrss would hold the size of the process that forked it
    args = [sys.executable, "-c", code, "fit", "psp", str(path), "-o", str(tmp_path / "m"), "-k", "16"]
    done = subprocess.run(args, capture_output=True, text=True, check=True)
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", done.stdout)[1]) / 1024
    assert 50 < peak < 600, f"{peak:.0f} MiB"
