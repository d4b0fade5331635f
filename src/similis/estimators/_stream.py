"""One stream X, called "x" in the circuit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from .._schema import Stored
from ._admit import validate_data
from ._base import NetworkEstimator, _pieces


class OneStream(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetworkEstimator):
    """One stream X, called "x" in the circuit."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from the rows of X, from the beginning, ``n_epochs`` times.

        Parameters
        ----------
        X : (n_samples, n_features) array, or sparse matrix with ``center=False``
        y : ignored
        """
        self._restart()
        self._admit_and_learn(X, self.n_epochs, self.shuffle)._settled()
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Continue learning from one row or more, once, in their order, from where learning stands."""
        return self._admit_and_learn(X, 1, self._mixes)

    def _admit_and_learn(self, X: Any, epochs: int | str, shuffle: bool) -> Self:
        X = self._admit(X, reset=not hasattr(self, "n_samples_seen_"))
        self._learn({"x": X}, epochs, shuffle)
        self._n_features_out = self.circuit_.size
        return self

    def _admit(self, X: Any, *, reset: bool) -> Any:
        return validate_data(
            self, X, reset=reset, dtype=[np.float64, np.float32], accept_sparse=False if self.center else "csr"
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.center
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _unpack(self, file: Stored) -> None:
        super()._unpack(file)
        self._n_features_out = self.circuit_.size


class Scaled(OneStream):
    """One stream with its moments as plain attributes."""

    def _centred(self, X: Any) -> Iterator[Any]:
        """Rows about ``mean_`` in double precision, piece by piece; sparse ones stay sparse."""
        for piece in _pieces({"x": self._admit(X, reset=False)}):
            rows = piece["x"].astype(float)
            yield rows if sparse.issparse(rows) else rows - self.mean_

    @property
    def mean_(self) -> np.ndarray:
        """(n_features,) mean of the samples so far (zeros without centring)."""
        return self.running_["x"].mean

    @property
    def scale_(self) -> float:
        """RMS norm by which centred samples are divided (1 without scaling)."""
        return self.running_["x"].rms
