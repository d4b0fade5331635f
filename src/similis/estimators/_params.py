"""Parameters are what the signature of the constructor says they are."""

from __future__ import annotations

from functools import cache
from inspect import signature
from numbers import Integral, Real
from typing import Any

import numpy as np

from .._errors import InputError

#: annotations that are held to, and how a message says them
KINDS = {"int": "an integer", "float": "a number", "bool": "True or False", "str": "text", "None": "None"}
#: the least of counts
LEAST = {"n_replays": 0, "trace_every": 1, "batch_size": 1, "iterations": 1, "n_episodes": 1, "max_iter": 1}
#: and the most: what a network settles in has an end
MOST = {"iterations": 10_000}
#: no number is larger
LARGEST = float(np.finfo(float).max)


def check_kinds(estimator: Any) -> None:
    """Refuse parameters of another kind than the signature's, numbers that are NaN, and counts that are too small.

    Raises
    ------
    InputError
        For the first of them.
    """
    least = LEAST | {"n_epochs": estimator._least_epochs}
    for name, kinds in _kinds(type(estimator)):  # type: ignore[arg-type]
        value = getattr(estimator, name)
        within = not isinstance(value, Integral) or least.get(name, value) <= value <= MOST.get(name, value)
        if not within or not any(_is(value, kind) for kind in kinds):
            bound = (f" >= {least[name]}" if name in least else "") + (f" and <= {MOST[name]}" if name in MOST else "")
            said = " or ".join(KINDS[kind] + (bound if kind == "int" else "") for kind in kinds)
            raise InputError(f"{name}={value!r}; expected {said}")


@cache
def _kinds(kind: Any) -> tuple[tuple[str, list[str]], ...]:
    """Parameters all of whose annotation is among ``KINDS``."""
    found = {name: str(p.annotation).split(" | ") for name, p in signature(kind).parameters.items()}
    return tuple((name, kinds) for name, kinds in found.items() if set(kinds) <= set(KINDS))


def _is(value: Any, kind: str) -> bool:
    if kind == "None":
        return value is None
    if kind == "str":
        return isinstance(value, str)
    if kind == "float" and isinstance(value, Integral):
        return -LARGEST <= int(value) <= LARGEST
    if kind == "float":
        return isinstance(value, Real) and bool(value == value)
    return isinstance(value, Integral) or (kind == "bool" and isinstance(value, np.bool_))
