"""Estimators in scikit-learn's manner, one for each network, and one for a network of the user's own."""

from .cca import OnlineCCA
from .custom import CircuitTransformer
from .microcircuit import LocalSupervisionClassifier, LocalSupervisionRegressor
from .rrr import ReducedRankRegression
from .similarity import NonnegativeSimilarityMatching, SimilarityMatching

__all__ = [
    "CircuitTransformer",
    "LocalSupervisionClassifier",
    "LocalSupervisionRegressor",
    "NonnegativeSimilarityMatching",
    "OnlineCCA",
    "ReducedRankRegression",
    "SimilarityMatching",
]
