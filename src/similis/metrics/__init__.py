"""How close a learned answer is to the exact one.

Components are the rows of a (k, d) matrix, samples the rows of a (n, d) matrix; all arithmetic is float64. No metric
depends on the order, the rotation or the common sign of the components: the networks are free to choose them.
"""

from __future__ import annotations

from .correlation import canonical_correlations, cca_objective_error, held_out_correlations, whitening_error
from .distance import squared_distances
from .drift import DriftDetector
from .fields import field_widths, similarity_width
from .lags import LagScan, lag_scan
from .motion import (
    antisymmetry,
    barlow_levick,
    direction_accuracy,
    direction_selectivity,
    hassenstein_reichardt,
    rao_ruderman,
)
from .similarity import alignment, similarity_error
from .subspace import captured_variance, subspace_error

__all__ = [
    "DriftDetector",
    "LagScan",
    "alignment",
    "antisymmetry",
    "barlow_levick",
    "canonical_correlations",
    "captured_variance",
    "cca_objective_error",
    "direction_accuracy",
    "direction_selectivity",
    "field_widths",
    "hassenstein_reichardt",
    "held_out_correlations",
    "lag_scan",
    "rao_ruderman",
    "similarity_error",
    "similarity_width",
    "squared_distances",
    "subspace_error",
    "whitening_error",
]
