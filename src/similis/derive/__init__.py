"""Objective in, circuit out: similarity objectives, the substitutions that make them local, and what no rule covers."""

from .constraints import Constraint
from .expression import Expression
from .outputs import constant, identity, output
from .problem import Problem, align, match
from .reader import read
from .recognise import objective_of
from .streams import Signal, lagged
from .terms import similarity
from .vocabulary import (
    at_most_white,
    ball,
    between,
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

__all__ = [
    "Constraint",
    "Expression",
    "Problem",
    "Signal",
    "align",
    "at_most_white",
    "ball",
    "between",
    "centred",
    "constant",
    "feedforward",
    "identity",
    "lagged",
    "match",
    "nonnegative",
    "objective_of",
    "output",
    "read",
    "row_sums",
    "similarity",
    "soft_white",
    "sparse",
    "trace",
    "white",
    "within",
]  # fmt: skip
