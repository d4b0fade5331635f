"""Processes that share their batches learn what one process learns."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.laws.compare import gap

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'similis[torch]'")

from safetensors.numpy import load_file  # noqa: E402

from similis.nn import all_reduce, share  # noqa: E402

gloo = pytest.mark.skipif(not torch.distributed.is_available(), reason="this PyTorch has no torch.distributed")


def torchrun(world: int, script: Path, *arguments: str) -> str:
    """What a script prints that runs in so many processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(world)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(
        [*command, str(script), *arguments], env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@gloo
def test_two_processes_end_with_the_weights_of_one(tmp_path, monkeypatch):
    script, (alone, both) = Path(__file__).with_name("in_processes.py"), (tmp_path / "alone", tmp_path / "both")
    alone.mkdir()
    both.mkdir()
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}.items():
        monkeypatch.setenv(name, value)
    runpy.run_path(str(script))["main"](str(alone))  # a group of one needs no process of its own
    monkeypatch.undo()
    torchrun(2, script, str(both))
    one, *two = (load_file(path) for path in (alone / "0.safetensors", *sorted(both.iterdir())))
    assert len(two) == 2
    assert one.keys() == two[0].keys() == two[1].keys()
    for name, array in one.items():
        assert gap(two[0][name], array) < 1e-6, name
        np.testing.assert_array_equal(two[0][name], two[1][name])


@gloo
def test_the_example_runs():
    said = torchrun(2, Path(__file__).parents[2] / "examples" / "torchrun_conv.py")
    assert said.startswith("2 processes: objective -11.75"), said


def test_a_lone_process_needs_no_group():
    sums = {"yy": torch.eye(2), "count": torch.tensor(3.0)}
    assert all_reduce(sums) is sums
    assert share(sums["yy"]) is sums["yy"]
