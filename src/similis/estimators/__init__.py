"""Estimators in scikit-learn's manner, one for each network, and one for a network of the user's own."""

from .cca import OnlineCCA
from .custom import CircuitTransformer
from .manifold import ManifoldClassifier
from .similarity import NonnegativeSimilarityMatching, SimilarityMatching
from .supervised import SupervisedSimilarityMatching
from .tiling import ManifoldTiling

__all__ = [
    "CircuitTransformer",
    "ManifoldClassifier",
    "ManifoldTiling",
    "NonnegativeSimilarityMatching",
    "OnlineCCA",
    "SimilarityMatching",
    "SupervisedSimilarityMatching",
]
