"""Where the workers of one run meet."""

from __future__ import annotations

import os

import pytest
from tests.laws import shared


@pytest.fixture(scope="session", autouse=True)
def _folder(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    shared.folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
