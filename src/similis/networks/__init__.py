"""The catalogue: each network is a short function that returns a :class:`similis.circuit.Circuit`, or its own kind."""

from .._card import Card, catalogue
from . import rules as _rules  # noqa: F401  (a Representer in words,)
from . import sketch as _sketch  # noqa: F401  (and as a picture)
from .beyond import minimum_noise, shared_parts, slow_features, slowest_features
from .cca import adaptive_canonical_correlation, canonical_correlation
from .convolutional import convolutional_similarity
from .flexible import move_origin, row_sum_similarity, row_sum_start
from .manifold import label_propagation, soft_tiles
from .microcircuit import local_supervision
from .motion import motion_detection
from .representer import Representer, duality
from .rrr import reduced_rank_regression
from .similarity import nonnegative_similarity, principal_subspace
from .supervised import supervised_similarity
from .tiling import manifold_tiling, ring_half_width

__all__ = [
    "Card",
    "Representer",
    "adaptive_canonical_correlation",
    "canonical_correlation",
    "catalogue",
    "convolutional_similarity",
    "duality",
    "label_propagation",
    "local_supervision",
    "manifold_tiling",
    "minimum_noise",
    "motion_detection",
    "move_origin",
    "nonnegative_similarity",
    "principal_subspace",
    "reduced_rank_regression",
    "ring_half_width",
    "row_sum_similarity",
    "row_sum_start",
    "shared_parts",
    "slow_features",
    "slowest_features",
    "soft_tiles",
    "supervised_similarity",
]
