"""Interpreters of a circuit: ``reference`` (obviously right), ``stream`` (fast, the same), ``batch`` (mini-batches)."""

from . import batch, offline, reference, stream
from .stream import run
from .trace import Trace

__all__ = ["Trace", "batch", "offline", "reference", "run", "stream"]
