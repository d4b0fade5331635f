"""Answers in the type of the data, and their scores against targets that came with column names, perhaps a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_array

from .._masks import unmasked
from ._admit import check_columns


class Regressor(RegressorMixin):
    """R2, of targets in the order of the fit."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Coefficient of determination R2 of ``predict(X)``; columns of y have the names and order of the fit."""
        y = unmasked(y, "y")
        check_columns(self, "y", y)
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        unit = np.ldexp(1.0, np.frexp(np.abs(y).max(initial=0.0))[1])  # squares are floats then, in double precision
        first, said = y[:1].ravel() / unit, np.asarray(self.predict(X), float) / unit
        return float(r2_score(y / unit - first, said - first, sample_weight=sample_weight))  # constants are exactly 0


class Classifier(ClassifierMixin):
    """Accuracy, of labels none of which is masked."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of the rows of X whose label is predicted."""
        return super().score(X, unmasked(y, "y"), sample_weight)
