"""The command line, called in this process, and small data for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from similis.cli._app import app


@pytest.fixture(scope="session")
def similis() -> Callable[..., Any]:
    """Run ``similis ARGS``; ``.json`` holds what it printed if --json was asked."""

    def run(*args: object, status: int = 0, stdin: str | None = None) -> Any:
        result = CliRunner().invoke(app, [str(arg) for arg in args], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == status, result.output
        assert "Traceback" not in result.output
        result.json = json.loads(result.stdout) if "--json" in args and status == 0 else None
        return result

    return run


@pytest.fixture
def X() -> np.ndarray:
    """(300, 6): two strong directions."""
    return np.random.default_rng(0).standard_normal((300, 6)) * [3, 2, 0.5, 0.5, 0.5, 0.5] + 1.0


@pytest.fixture
def npy(tmp_path, X) -> str:
    np.save(tmp_path / "x.npy", X)
    return str(tmp_path / "x.npy")


@pytest.fixture
def model(similis, tmp_path, npy) -> str:
    """A model of two neurons fitted to ``X``."""
    path = tmp_path / "model.safetensors"
    similis("fit", "psp", npy, "-o", path, "-k", 2, "--epochs", 1)
    return str(path)
