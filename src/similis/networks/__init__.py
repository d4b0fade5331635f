"""The catalogue: each network is a short function that returns a :class:`similis.circuit.Circuit`."""

from ._card import Card, catalogue
from .cca import canonical_correlation
from .motion import motion_detection
from .similarity import nonnegative_similarity, principal_subspace

__all__ = [
    "Card",
    "canonical_correlation",
    "catalogue",
    "motion_detection",
    "nonnegative_similarity",
    "principal_subspace",
]
