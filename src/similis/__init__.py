"""Learning from similarities: online networks with local learning rules, exact and fast.

Estimators are importable from here (``from similis import SimilarityMatching``); the rooms are ``similis.circuit``,
``engine``, ``networks``, ``nomad``, ``memory``, ``control``, ``superconductor``, ``nn``, ``distributed``, ``metrics``,
``datasets`` and ``experiments``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .estimators import (
        NOMAD,
        CircuitTransformer,
        ConvSimilarityMatchingTransformer,
        CriticalTemperatureRegressor,
        DualClassifier,
        DualRegressor,
        EmpiricalBayesDenoiser,
        FlexibleSimilarityMatching,
        InContextDenoiser,
        LocalSupervisionClassifier,
        LocalSupervisionRegressor,
        ManifoldClassifier,
        ManifoldTiling,
        MotionDetector,
        NeuralKalmanFilter,
        NonnegativeSimilarityMatching,
        OnlineCCA,
        OptimalFeedbackController,
        ReducedRankRegression,
        SimilarityMatching,
        SlowFeatureAnalysis,
        SupervisedSimilarityMatching,
    )
    from .estimators.persist import load, save

_ESTIMATORS = (
    "CircuitTransformer",
    "CriticalTemperatureRegressor",
    "ConvSimilarityMatchingTransformer",
    "LocalSupervisionClassifier",
    "LocalSupervisionRegressor",
    "MotionDetector",
    "DualClassifier",
    "DualRegressor",
    "EmpiricalBayesDenoiser",
    "FlexibleSimilarityMatching",
    "InContextDenoiser",
    "ManifoldClassifier",
    "ManifoldTiling",
    "NeuralKalmanFilter",
    "NOMAD",
    "NonnegativeSimilarityMatching",
    "OnlineCCA",
    "OptimalFeedbackController",
    "ReducedRankRegression",
    "SimilarityMatching",
    "SlowFeatureAnalysis",
    "SupervisedSimilarityMatching",
)
_HOMES = dict.fromkeys(_ESTIMATORS, "estimators") | dict.fromkeys(("load", "save"), "estimators.persist")
_ROOMS = (
    "circuit",
    "control",
    "datasets",
    "distributed",
    "engine",
    "estimators",
    "experiments",
    "memory",
    "metrics",
    "networks",
    "nn",
    "nomad",
    "superconductor",
)

__all__ = [
    "NOMAD",
    "CircuitTransformer",
    "ConvSimilarityMatchingTransformer",
    "CriticalTemperatureRegressor",
    "DualClassifier",
    "DualRegressor",
    "EmpiricalBayesDenoiser",
    "FlexibleSimilarityMatching",
    "InContextDenoiser",
    "LocalSupervisionClassifier",
    "LocalSupervisionRegressor",
    "ManifoldClassifier",
    "ManifoldTiling",
    "MotionDetector",
    "NeuralKalmanFilter",
    "NonnegativeSimilarityMatching",
    "OnlineCCA",
    "OptimalFeedbackController",
    "ReducedRankRegression",
    "SimilarityMatching",
    "SlowFeatureAnalysis",
    "SupervisedSimilarityMatching",
    "__version__",
    "load",
    "save",
]


def __getattr__(name: str) -> object:
    """Import late, so that ``import similis`` costs nothing."""
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS])
