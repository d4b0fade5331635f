"""Interpreters of a circuit: ``reference`` (obviously right) and ``stream`` (fast, the same trajectory)."""

from . import offline, reference, stream
from .stream import run
from .trace import Trace

__all__ = ["Trace", "offline", "reference", "run", "stream"]
