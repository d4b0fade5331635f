"""The compiled kernels: one compilation a kind of settling and precision, and the same bits now or from the disk."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from tests.laws.circuits import CASES, Case

from similis.engine import run
from similis.kernels.stream import learn
from similis.networks import principal_subspace

PROGRAM = """
import hashlib
from similis.circuit.table import compile_circuit
from similis.engine import run
from similis.kernels.stream import workspace
from tests.laws.circuits import CASES
for name, case in CASES.items():
    table = compile_circuit(case.circuit, "float64")
    if workspace(table, 2) is not None and not table.constrained:
        continue  # a part of what settles densely under a total
    for block in (None, 32):
        Z, state = run(case.circuit, case.start(), case.data(100), block=block)
        print(name, block, hashlib.sha256(Z.tobytes() + state.M.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_a_kernel_from_the_disk_gives_the_bits_of_one_compiled_now(tmp_path):
    """A fit that is resumed by another process ends where the unbroken one ends only if this holds."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    runs = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=300, cwd="."
        )
        assert done.returncode == 0, done.stderr[-1000:]
        runs.append(done.stdout.splitlines())
    assert any(tmp_path.rglob("*.nbc"))
    assert len(runs[0]) > len(CASES)  # two lines a circuit
    assert runs[0] == runs[1]


def test_no_circuit_and_no_length_is_compiled_anew():
    """Four kinds of settling: under a total or not, with dense laterals that are not inverted along the way or not."""
    for name in ("psp", "nsm", "row-sum", "row-sum-gram"):
        run(CASES[name].circuit, CASES[name].start(), CASES[name].data(10))
    before = list(learn.signatures)
    assert len(before) <= 4 * 2  # and two precisions, where other tests ran before
    for case in CASES.values():
        for T in (1, 5, 65):
            data = case.data(T)
            for block in (None, 32):
                _, state = run(case.circuit, case.start(), data, block=block)
            run(case.circuit, state, data, learn=False)
    assert learn.signatures == before


@pytest.mark.parametrize("k", range(1, 12))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_inverse_that_is_followed_stays_symmetric_to_the_bit(k, dtype):
    """A skew error in it would grow as (1 - eta/tau)^-t: reassociated sums are not allowed here."""
    case = Case(principal_subspace(k), {"x": 30})
    state = run(case.circuit, case.start(dtype), case.data(300))[1]
    np.testing.assert_array_equal(state.Minv, state.Minv.T)
