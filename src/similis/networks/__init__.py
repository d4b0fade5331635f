"""The catalogue: each network is a short function that returns a :class:`similis.circuit.Circuit`."""

from ._card import Card, catalogue
from .cca import adaptive_canonical_correlation, canonical_correlation
from .similarity import nonnegative_similarity, principal_subspace

__all__ = [
    "Card",
    "adaptive_canonical_correlation",
    "canonical_correlation",
    "catalogue",
    "nonnegative_similarity",
    "principal_subspace",
]
