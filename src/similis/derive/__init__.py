"""Objective in, circuit out: similarity objectives, the substitutions that make them local, and what no rule covers."""

from .constraints import (
    Constraint,
    at_most_white,
    ball,
    centred,
    feedforward,
    nonnegative,
    row_sums,
    soft_white,
    sparse,
    trace,
    white,
    within,
)
from .problem import Problem, align, match
from .streams import Signal, lagged
from .terms import Expression, constant, identity, output, similarity

__all__ = [
    "Constraint",
    "Expression",
    "Problem",
    "Signal",
    "align",
    "at_most_white",
    "ball",
    "centred",
    "constant",
    "feedforward",
    "identity",
    "lagged",
    "match",
    "nonnegative",
    "output",
    "row_sums",
    "similarity",
    "soft_white",
    "sparse",
    "trace",
    "white",
    "within",
]  # fmt: skip
