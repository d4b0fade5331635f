"""Interpreters of a circuit: ``reference`` (obviously right) and ``stream`` (fast, the same trajectory)."""

from . import reference, stream
from .stream import run
from .trace import Trace

__all__ = ["Trace", "reference", "run", "stream"]
