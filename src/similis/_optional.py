"""Optional dependencies, imported late."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ._errors import MissingDependencyError


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
            f"{module!r} is needed here and could not be imported ({error}). Fix: pip install 'similis[{extra}]'"
        ) from error
