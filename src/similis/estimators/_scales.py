"""What the dual's parameters and data must be for its steps: finite numbers, features of comparable size."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from .._errors import DivergenceError, InputError

#: rows from which the sizes of features can be told
SOME = 64
#: how much larger than half of the features one may be before that is said, and before it is an error
UNEVEN, HOPELESS = 100.0, 1e6


def check_numbers(estimator: Any, limits: Mapping[str, tuple[float, bool]]) -> None:
    """Refuse parameters that are not finite numbers above their limit, or at it where that is allowed; None may be."""
    for name, (least, allowed) in limits.items():
        value = getattr(estimator, name, None)
        if value is None:
            continue
        number = float(value) if isinstance(value, Real) else np.nan
        if not (np.isfinite(number) and (number > least or (allowed and number == least))):
            bound = "" if np.isinf(least) else f" {'>=' if allowed else '>'} {least:g}"
            raise InputError(f"{name}={value!r}; expected a finite number{bound}")


def largest(X: Any) -> float:
    """The largest size of a number."""
    return float(np.abs(X.data if sparse.issparse(X) else X).max(initial=0.0))


def diverged(count: int, eta0: float, power: float, X: Any, Y: np.ndarray) -> DivergenceError:
    """What to raise where learning from these rows left the finite numbers after ``count`` samples."""
    return DivergenceError(
        f"an output left the finite numbers at or before sample {count + 1}: eta0={eta0}, mean curvature of the rows "
        f"{power:.3g}, largest of these numbers {largest(X):.3g} in X, {largest(Y):.3g} in y. Remove such samples, or "
        "scale the data"
    )


def check_scales(X: Any, count: int, eta0: float) -> None:
    """Say so where one step for all features, on dense rows, cannot have learned from half of them.

    The size of a feature is its median distance from its median, over some of the rows: one row does not change it, and
    features that are mostly the same do not count.
    """
    if sparse.issparse(X) or len(X) < SOME:
        return
    rows = X[:: max(1, len(X) // SOME)]
    if _unevenness(rows.std(axis=0)) < UNEVEN:  # which one row can only make larger: then a closer look
        return
    sizes = np.median(np.abs(rows - np.median(rows, axis=0)), axis=0)
    ratio = _unevenness(sizes)
    needed = X.shape[1] * ratio**2 / eta0
    if ratio < UNEVEN or count > needed:
        return
    text = (
        f"feature {sizes.argmax()} is {ratio:.2g} times as large as half of the others, which one step for all learns "
        f"from after some {needed:.2g} samples; this is sample {count}. Scale the features, for instance with "
        "sklearn.preprocessing.StandardScaler, or use solver='dual'"
    )
    if ratio > HOPELESS:
        raise DivergenceError(text)
    warnings.warn(text, ConvergenceWarning, stacklevel=5)


def _unevenness(sizes: np.ndarray) -> float:
    """The largest size over the lower median of those that are not 0."""
    spoken = np.sort(sizes[sizes > 0.0])
    return float(spoken[-1] / spoken[(len(spoken) - 1) // 2]) if len(spoken) else 1.0
