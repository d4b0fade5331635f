"""How far every passing comparison stands from failing: a pytest plugin (``-p tests.margins --margins=FILE``).

A comparison of two numbers, an ``approx`` and NumPy's and PyTorch's tolerances are written down as the share of the
bound that is left: 1 for nothing used, 0 for a hair. ``tests/portable.py`` compares the shares of several machines.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from numbers import Real
from typing import Any

import _pytest.assertion.rewrite as rewrite
import numpy as np

_found: dict[str, float] = {}
_seen: Counter[str] = Counter()
_test = ""


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--margins", metavar="FILE", help="write what is left of every bound, as JSON")


def pytest_configure(config: Any) -> None:
    if config.getoption("--margins"):
        rewrite._call_reprcompare = _noted(rewrite._call_reprcompare)
        np.testing.assert_allclose = _close(np.testing.assert_allclose)


def pytest_runtest_setup(item: Any) -> None:
    global _test
    _test = item.nodeid


def pytest_assertion_pass(item: Any, lineno: int, orig: str, expl: str) -> None:
    """That somebody listens is why pytest explains what passes, and so calls what ``_noted`` wraps."""


def pytest_unconfigure(config: Any) -> None:
    path = config.getoption("--margins")
    if path and _found:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        with open(f"{path}.{worker}.json" if worker else f"{path}.json", "w") as file:
            json.dump(_found, file)


def _note(left: float) -> None:
    """Each comparison of a test by its place in the order, which is the same on every machine."""
    _seen[_test] += 1
    _found[f"{_test} #{_seen[_test]}"] = left


def _noted(original: Any) -> Any:
    def compare(ops: Any, results: Any, expls: Any, each_obj: Any) -> Any:
        for op, a, b in zip(ops, each_obj, each_obj[1:], strict=False):
            left = _left(op, a, b)
            if left is not None:
                _note(left)
        return original(ops, results, expls, each_obj)

    return compare


def _left(op: str, a: Any, b: Any) -> float | None:
    """The share of a bound that is left; None for what is no bound on a float."""
    if op == "==" and hasattr(b, "tolerance") and isinstance(b.expected, Real) and isinstance(a, Real):
        return 1 - abs(float(a) - float(b.expected)) / b.tolerance if b.tolerance else None
    if op not in ("<", "<=", ">", ">=") or not (isinstance(a, Real) and isinstance(b, Real)):
        return None
    if isinstance(a, int | np.integer) and isinstance(b, int | np.integer):
        return None
    a, b = (float(a), float(b)) if op in ("<", "<=") else (float(b), float(a))
    size = max(abs(a), abs(b))
    return (b - a) / size if size else 0.0


def _close(original: Any) -> Any:
    def assert_allclose(actual: Any, desired: Any, rtol: float = 1e-7, atol: float = 0, **more: Any) -> None:
        original(actual, desired, rtol=rtol, atol=atol, **more)
        expected = np.asarray(desired, float) if not np.iscomplexobj(desired) else np.asarray(desired)
        bound = atol + rtol * np.abs(expected)
        with np.errstate(all="ignore"):
            used = np.abs(np.asarray(actual) - expected) / bound
        used = used[np.isfinite(used)]
        if used.size:
            _note(1 - float(used.max()))

    return assert_allclose
