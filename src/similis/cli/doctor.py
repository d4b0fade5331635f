"""``similis doctor``: is everything here that the library needs, and does it run?"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from importlib import import_module, metadata, util
from pathlib import Path
from typing import NamedTuple

import typer

from .._optional import pip_line
from .._text import table
from . import _options as opt
from ._output import emit

_REQUIRED = ("numpy", "scipy", "scikit-learn", "numba", "typer", "rich", "safetensors")
_EXTRAS = {
    "torch": ("torch",), "plot": ("matplotlib", "jinja2"), "control": ("gymnasium",),
    "data": ("pooch", "pyarrow", "pandas"), "distributed": ("dask", "distributed"),
    "sdp": ("cvxpy", "clarabel", "scs"),
}  # fmt: skip


class Check(NamedTuple):
    """One finding: ``ok``, ``note`` (works, but worth knowing) or ``broken``."""

    name: str
    status: str
    detail: str


def doctor(as_json: opt.Json = False) -> None:
    """Check the installation.

    Exits with 1 if something required is broken.
    """
    checks = [*_packages(), *_threads(), _cache(), _data(), _tiny_fit()]
    record = {"checks": [check._asdict() for check in checks]}
    emit(record, as_json=as_json, text=table(("check", "status", "detail"), checks))
    if any(check.status == "broken" for check in checks):
        raise typer.Exit(1)


def _packages() -> Iterator[Check]:
    from .. import __version__

    yield Check("similis", "ok", __version__)
    for package in _REQUIRED:
        try:
            import_module({"scikit-learn": "sklearn"}.get(package, package))
            yield Check(package, "ok", metadata.version(package))
        except ImportError as error:
            yield Check(package, "broken", f"{error}; pip install '{package}'")
    for extra, module in ((extra, module) for extra, modules in _EXTRAS.items() for module in modules):
        try:
            there = util.find_spec(module) is not None
            yield Check(module, "ok", f"{metadata.version(module)} ({extra})") if there else _absent(module, extra)
        except (ImportError, ValueError):
            yield _absent(module, extra)


def _absent(module: str, extra: str) -> Check:
    return Check(module, "note", f"absent ({extra}); {pip_line(extra)}")


def _threads() -> Iterator[Check]:
    from threadpoolctl import threadpool_info

    for pool in threadpool_info():
        yield Check(
            pool["user_api"], "ok", f"{pool['internal_api']} {pool['version'] or ''} with {pool['num_threads']} threads"
        )


def _cache() -> Check:
    from ..kernels import cityblock

    folder = vars(cityblock)["_add"].stats.cache_path
    if folder is not None and os.access(folder, os.W_OK):
        return Check("compiled code", "ok", f"cached in {folder}")
    where = "no folder can be written to" if folder is None else f"{folder} cannot be written to"
    return Check("compiled code", "note", f"{where}; set NUMBA_CACHE_DIR or each run may compile anew")


def _data() -> Check:
    folder = os.environ.get("SIMILIS_DATA")
    if not folder:
        return Check("SIMILIS_DATA", "note", "not set; data sets are downloaded where possible (see `similis data`)")
    if not Path(folder).is_dir():
        return Check("SIMILIS_DATA", "broken", f"{folder} is not a folder; correct or unset it")
    return Check("SIMILIS_DATA", "ok", folder)


def _tiny_fit() -> Check:
    import numpy as np

    from ..estimators import SimilarityMatching

    X = np.random.default_rng(0).standard_normal((200, 10))
    times = []
    for _ in range(2):  # the first may compile
        start = time.perf_counter()
        try:
            Z = SimilarityMatching(n_components=2, random_state=0).fit(X).transform(X)
        except Exception as error:  # whatever goes wrong is the finding
            return Check("a tiny fit", "broken", f"{type(error).__name__}: {error}")
        times.append(time.perf_counter() - start)
    status = "ok" if np.isfinite(Z).all() else "broken"
    return Check("a tiny fit", status, f"200 x 10 to 2: {times[0]:.3f} s at first, then {times[1] * 1e3:.1f} ms")
