"""Scores against targets that came with column names, and perhaps a mask."""

from __future__ import annotations

from typing import Any

from sklearn.base import ClassifierMixin, RegressorMixin

from .._masks import unmasked
from ._admit import check_columns


class Regressor(RegressorMixin):
    """R2, of targets in the order of the fit."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Coefficient of determination R2 of ``predict(X)``; columns of y have the names and order of the fit."""
        y = unmasked(y, "y")
        check_columns(self, "y", y)
        return super().score(X, y, sample_weight)


class Classifier(ClassifierMixin):
    """Accuracy, of labels none of which is masked."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of the rows of X whose label is predicted."""
        return super().score(X, unmasked(y, "y"), sample_weight)
