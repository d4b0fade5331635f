"""The catalogue: each network is a short function that returns a :class:`similis.circuit.Circuit`."""

from ._card import Card, catalogue
from .cca import canonical_correlation
from .manifold import label_propagation, soft_tiles, tiles_on
from .similarity import nonnegative_similarity, principal_subspace
from .supervised import supervised_similarity
from .tiling import manifold_tiling, ring_half_width

__all__ = [
    "Card",
    "canonical_correlation",
    "catalogue",
    "label_propagation",
    "manifold_tiling",
    "nonnegative_similarity",
    "principal_subspace",
    "ring_half_width",
    "soft_tiles",
    "supervised_similarity",
    "tiles_on",
]
