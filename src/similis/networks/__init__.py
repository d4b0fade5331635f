"""The catalogue: each network is a short function that returns a :class:`similis.circuit.Circuit`."""

from ._card import Card, catalogue
from .cca import canonical_correlation
from .microcircuit import local_supervision
from .rrr import reduced_rank_regression
from .similarity import nonnegative_similarity, principal_subspace

__all__ = [
    "Card",
    "canonical_correlation",
    "catalogue",
    "local_supervision",
    "nonnegative_similarity",
    "principal_subspace",
    "reduced_rank_regression",
]
