"""The catalogue: each network is a short function that returns a :class:`similis.circuit.Circuit`."""

from ._card import Card, catalogue
from .cca import canonical_correlation
from .flexible import move_origin, row_sum_similarity, row_sum_start
from .similarity import nonnegative_similarity, principal_subspace

__all__ = [
    "Card",
    "canonical_correlation",
    "catalogue",
    "move_origin",
    "nonnegative_similarity",
    "principal_subspace",
    "row_sum_similarity",
    "row_sum_start",
]
