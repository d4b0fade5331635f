"""Clusters and manifolds by a nonnegative semidefinite program, with a certificate."""

from .certificate import Feasible, upper_bound
from .convex import Solution, convex
from .embed import components, embedding, rounded
from .frank_wolfe import conditional_gradient
from .low_rank import low_rank, spread
from .problem import Similarity, check_memory, feasibility
from .solve import SOLVERS, solve
from .system import nomad
from .theory import blocks_of, ring_optimum

__all__ = [
    "SOLVERS",
    "Feasible",
    "Similarity",
    "Solution",
    "blocks_of",
    "check_memory",
    "components",
    "conditional_gradient",
    "convex",
    "embedding",
    "feasibility",
    "low_rank",
    "nomad",
    "ring_optimum",
    "rounded",
    "solve",
    "spread",
    "upper_bound",
]
