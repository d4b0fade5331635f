"""Estimators in scikit-learn's manner, one for each network, and one for a network of the user's own."""

from .cca import OnlineCCA
from .control import OptimalFeedbackController
from .conv import ConvSimilarityMatchingTransformer
from .custom import CircuitTransformer
from .denoise import EmpiricalBayesDenoiser, InContextDenoiser
from .duality import DualClassifier, DualRegressor
from .flexible import FlexibleSimilarityMatching
from .kalman import NeuralKalmanFilter
from .manifold import ManifoldClassifier
from .microcircuit import LocalSupervisionClassifier, LocalSupervisionRegressor
from .motion import MotionDetector
from .nomad import NOMAD
from .rrr import ReducedRankRegression
from .similarity import NonnegativeSimilarityMatching, SimilarityMatching
from .slow import SlowFeatureAnalysis
from .supervised import SupervisedSimilarityMatching
from .tc import CriticalTemperatureRegressor
from .tiling import ManifoldTiling

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
]
