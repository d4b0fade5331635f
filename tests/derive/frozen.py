"""The catalogue's circuits as they were declared by hand, before they were derived: calls, and where they are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from similis.circuit import Box, Step
from similis.networks import (
    adaptive_canonical_correlation,
    canonical_correlation,
    local_supervision,
    manifold_tiling,
    motion_detection,
    nonnegative_similarity,
    principal_subspace,
    reduced_rank_regression,
    row_sum_similarity,
    soft_tiles,
    supervised_similarity,
)

FILE = Path(__file__).with_name("circuits.json")
STEP = Step(0.02, 0.001, 0.0001)

_OPTIONS: dict[Any, tuple[dict[str, Any], ...]] = {
    principal_subspace: ({}, {"whiten": True}, {"whiten": 0.3}, {"tau": 0.7, "step": STEP}, {"whiten": 0.0}),
    nonnegative_similarity: ({}, {"l1": 0.05}, {"tau": 2.0, "step": STEP}),
    canonical_correlation: (
        {},
        {"ridge": 0.02},
        {"views": ("a", "b", "c"), "ridge": (0.0, 0.01, 0.1), "tau": 1.0, "step": STEP},
    ),
    adaptive_canonical_correlation: (
        {},
        {"threshold": 0.2, "ridge": (0.0, 0.1)},
        {"views": ("left", "right"), "tau": 0.3, "step": STEP},
    ),
    reduced_rank_regression: ({}, {"metric": 0.4}, {"metric": 1.0, "target_rate": 2.0, "tau": 0.5, "step": STEP}),
    local_supervision: (
        {},
        {"linear": True},
        {"decoupled": True, "mean_rate": 0.0},
        {"target_rate": 0.5, "tau": 3.0, "step": STEP},
    ),
    motion_detection: ({}, {"rectify": False}, {"tau": 0.1, "step": STEP}),
    supervised_similarity: (
        {},
        {"alpha": 0.37, "whiten": True},
        {"domain": Box()},
        {"domain": Box(-0.2, 0.9, l1=0.01), "tau": 3.0, "step": STEP},
        {"alpha": 0.0},
    ),
    manifold_tiling: ({}, {"threshold": 0.0}, {"threshold": 0.71, "step": STEP}),
    row_sum_similarity: (
        {},
        {"trace": 1.5},
        {"gamma": 0.4, "tau": 0.3},
        {"total": 0.7, "stiffness": 2.0, "mu": 0.2},
        {"gamma": 0.1, "mu": 0.0},
        {"trace": 1.7, "gamma": 0.2, "step": STEP},
    ),
    soft_tiles: ({}, {"sharpness": 0.9}),
}
#: function and its arguments, by the line that calls it
CALLS = {
    f"{build.__name__}({k}, {options})": (build, k, options)
    for build, several in _OPTIONS.items()
    for k in (2, 5, 17)
    for options in several
}


def circuits() -> dict[str, dict[str, Any]]:
    """What the catalogue says today."""
    return {call: build(k, **options).to_dict() for call, (build, k, options) in CALLS.items()}
