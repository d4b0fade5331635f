"""Optional dependencies, imported late."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

from ._errors import MissingDependencyError


def pip_line(extra: str) -> str:
    """The command that installs an extra where this library is from: a source checkout, or the package index."""
    checkout = Path(__file__).resolve().parents[2]
    try:
        own = 'name = "similis"' in (checkout / "pyproject.toml").read_text(encoding="utf-8")
    except OSError:
        own = False
    return f"pip install -e '{checkout}[{extra}]'" if own else f"pip install 'similis[{extra}]'"


def require(module: str, *, extra: str) -> ModuleType:
    """Import ``module`` or say which extra brings it.

    Raises
    ------
    MissingDependencyError
        If the module cannot be imported; the message holds the pip line.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            f"{module!r} is needed here and could not be imported ({error}). Fix: {pip_line(extra)}"
        ) from error
