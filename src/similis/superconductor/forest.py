"""The rivals that a user would pick: a random forest and nearest neighbours on atomic fractions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.neighbors import KNeighborsRegressor

from .table import Table, folds


class Forest:
    """Random forests for Tc and the two classes, and an interval: Tc +- q (spread of the trees + 1 K).

    q is the conformal quantile of ``error / (spread + 1 K)`` on the same held-out quarters as the networks': one at
    random, one by element system.
    """

    def __init__(self, data: Table, *, threshold: float, seed: int) -> None:
        words = {"n_estimators": 150, "random_state": seed}
        superconducting = data.where(data.tc > 0)

        def learn(rows: NDArray) -> RandomForestRegressor:
            return RandomForestRegressor(max_features=0.33, **words).fit(
                superconducting.fractions[rows], superconducting.tc[rows]
            )

        scores = []
        for kind in ("random", "system"):
            kept, held = next(folds(superconducting, kind, 4, seed))
            tc, spread = _trees(learn(kept), superconducting.fractions[held])
            scores.append(abs(tc - superconducting.tc[held]) / (spread + 1))
        self._scores = np.concatenate(scores)
        self._regressor = learn(np.arange(len(superconducting.tc)))
        self._classifiers = [
            RandomForestClassifier(**words).fit(data.fractions, data.tc > limit) for limit in (0, threshold)
        ]

    def __call__(self, X: NDArray) -> NDArray[np.float64]:
        """(n, 3): Tc in kelvin, P(a Tc is reported), P(Tc above the threshold)."""
        found = [forest.predict_proba(X)[:, list(forest.classes_).index(True)] for forest in self._classifiers]
        return np.stack([self._regressor.predict(X), *found], 1)

    def half_width(self, X: NDArray, coverage: float) -> NDArray[np.float64]:
        """(n,) kelvin."""
        q = np.quantile(self._scores, min(1.0, coverage * (1 + 1 / len(self._scores))))
        return q * (_trees(self._regressor, X)[1] + 1)


def neighbours(data: Table, X: NDArray) -> NDArray[np.float64]:
    """(n,) Tc of the three nearest superconductors in L1, weighed by inverse distance."""
    superconducting = data.where(data.tc > 0)
    return (
        KNeighborsRegressor(3, weights="distance", metric="manhattan")
        .fit(superconducting.fractions, superconducting.tc)
        .predict(X)
    )


def _trees(forest: RandomForestRegressor, X: NDArray) -> tuple[NDArray, NDArray]:
    each = np.stack([tree.predict(X.astype(np.float32)) for tree in forest.estimators_])
    return each.mean(0), each.std(0)
