"""The catalogue: each network is a short function that returns a :class:`similis.circuit.Circuit`."""

from ._card import Card, catalogue
from .cca import canonical_correlation
from .similarity import nonnegative_similarity, principal_subspace
from .supervised import supervised_similarity

__all__ = [
    "Card",
    "canonical_correlation",
    "catalogue",
    "nonnegative_similarity",
    "principal_subspace",
    "supervised_similarity",
]
