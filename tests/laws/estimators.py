"""Every estimator the laws are held to, with rows that it learns from in a moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from similis import (
    NOMAD,
    CircuitTransformer,
    ConvSimilarityMatchingTransformer,
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
    ReducedRankRegression,
    SimilarityMatching,
    SlowFeatureAnalysis,
    SupervisedSimilarityMatching,
)
from similis.networks import principal_subspace

_rng = np.random.default_rng(0)
#: latents, three graded directions in X and two in Y, and labels
S = _rng.standard_normal((120, 3)) * [2.0, 1.5, 1.0]
X = S @ _rng.standard_normal((3, 6)) + 0.3 * _rng.standard_normal((120, 6)) + 1.0
Y = S[:, :2] @ _rng.standard_normal((2, 4)) + 0.3 * _rng.standard_normal((120, 4)) - 2.0
LABELS = (S[:, 0] > 0).astype(int) + (S[:, 1] > 0)


@dataclass(frozen=True)
class Case:
    """An estimator, what it learns from beside X ("view", "target", "labels", "partly" labelled, or None)."""

    make: Callable[[], BaseEstimator]
    beside: str | None = None

    @property
    def y(self) -> np.ndarray | None:
        return {None: None, "view": Y, "target": Y, "labels": LABELS, "partly": LABELS}[self.beside]

    def rows(self, at: slice = slice(None)) -> tuple[np.ndarray, ...]:
        """X, and what is beside it."""
        return (X[at],) if self.y is None else (X[at], self.y[at])

    def fitted(self) -> BaseEstimator:
        return self.make().fit(*self.rows())


CASES = {
    "psp": Case(lambda: SimilarityMatching(2, random_state=0)),
    "psp-white": Case(lambda: SimilarityMatching(2, whiten=True, random_state=0)),
    "psp-principal": Case(lambda: SimilarityMatching(2, basis="principal", random_state=0)),
    "psp-exact": Case(lambda: SimilarityMatching(2, solver="exact")),
    "psp-uncentred": Case(lambda: SimilarityMatching(2, center=False, random_state=0)),
    "nsm": Case(lambda: NonnegativeSimilarityMatching(3, random_state=0)),
    "tiling": Case(lambda: ManifoldTiling(4, random_state=0)),
    "flexible": Case(lambda: FlexibleSimilarityMatching(4, random_state=0)),
    "motion": Case(lambda: MotionDetector(2, random_state=0)),
    "circuit": Case(lambda: CircuitTransformer(principal_subspace(2), random_state=0)),
    "in-context": Case(lambda: InContextDenoiser(0.5, random_state=0)),
    "empirical-bayes": Case(lambda: EmpiricalBayesDenoiser(0.5, beta=4.0, random_state=0)),
    "slow": Case(lambda: SlowFeatureAnalysis(2, random_state=0)),
    "slow-exact": Case(lambda: SlowFeatureAnalysis(2, solver="exact")),
    "nomad": Case(lambda: NOMAD(3, random_state=0)),
    "conv": Case(lambda: ConvSimilarityMatchingTransformer(3, kernel_size=2, image_shape=(2, 3), random_state=0)),
    "conv-labels": Case(
        lambda: ConvSimilarityMatchingTransformer(3, kernel_size=2, image_shape=(2, 3), alpha=0.1, random_state=0),
        "partly",
    ),
    "kalman": Case(lambda: NeuralKalmanFilter(random_state=0)),
    "kalman-published": Case(lambda: NeuralKalmanFilter(rule="published", random_state=0)),
    "cca": Case(lambda: OnlineCCA(2, random_state=0), "view"),
    "cca-adaptive": Case(lambda: OnlineCCA(2, rank="adaptive", random_state=0), "view"),
    "cca-exact": Case(lambda: OnlineCCA(2, solver="exact"), "view"),
    "rrr": Case(lambda: ReducedRankRegression(2, random_state=0), "target"),
    "rrr-exact": Case(lambda: ReducedRankRegression(2, solver="exact"), "target"),
    "local-regressor": Case(lambda: LocalSupervisionRegressor(8, random_state=0), "target"),
    "local-read": Case(lambda: LocalSupervisionRegressor(8, readout="least-squares", random_state=0), "target"),
    "local-classifier": Case(lambda: LocalSupervisionClassifier(8, random_state=0), "labels"),
    "dual-regressor": Case(lambda: DualRegressor(random_state=0), "target"),
    "dual-online": Case(lambda: DualRegressor(solver="online", random_state=0), "target"),
    "dual-kernel": Case(lambda: DualRegressor(kernel="rbf", alpha=0.1, random_state=0), "target"),
    "dual-classifier": Case(lambda: DualClassifier(alpha=0.1, random_state=0), "labels"),
    "supervised": Case(lambda: SupervisedSimilarityMatching(3, random_state=0), "partly"),
    "manifold": Case(lambda: ManifoldClassifier(6, random_state=0), "partly"),
}
#: methods that learn, and that read
LEARN = ("fit", "partial_fit", "refit")
READ = ("transform", "predict", "predict_proba", "decision_function")


def calls(model: BaseEstimator, names: tuple[str, ...]) -> list[str]:
    """The methods of these that the estimator has."""
    return [name for name in names if hasattr(model, name)]


def first(model: BaseEstimator, name: str, y: Any) -> dict[str, Any]:
    """What a first ``partial_fit`` of a classifier asks for."""
    asks = name == "partial_fit" and isinstance(model, DualClassifier | LocalSupervisionClassifier)
    return {"classes": np.unique(LABELS)} if asks and not hasattr(model, "classes_") else {}
