"""Data and state before anything is learned: whole sparse rows, labels that are there, nothing changed by a failure."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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


@contextmanager
def all_or_nothing(estimator: Any) -> Iterator[None]:
    """If what is done here fails, the estimator has the attributes that it had before."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


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


def check_unchanged(estimator: Any, made_with: Mapping[str, Any]) -> None:
    """Refuse to go on, or to read outputs, with other parameters than those that the weights were made for."""
    for name, value in made_with.items():
        now = getattr(estimator, name)
        if now != value:
            raise InputError(
                f"{name}={now!r}, but this {type(estimator).__name__} was fitted with {name}={value!r}; call fit "
                f"again, or set_params({name}={value!r})"
            )


def whole(X: Any, name: str = "X") -> Any:
    """Sparse rows as CSR with every index in bounds, sorted, each once (a copy where they are not); no masked values.

    A dense array is returned as it is. scipy believes what a matrix says of its own indices, and so would a kernel.
    """
    if np.ma.is_masked(X):
        raise InputError(
            f"{name} has {np.ma.count_masked(X)} masked values; fill or drop them, for instance X.filled(0)"
        )
    if not sparse.issparse(X) or X.ndim != 2:
        return X
    try:
        if X.format in ("csr", "csc", "bsr"):
            X = type(X)((X.data, X.indices, X.indptr), shape=X.shape)
            X.check_format(full_check=True)
        elif X.format == "coo":
            X = type(X)((X.data, (X.row, X.col)), shape=X.shape)
    except ValueError as error:
        raise InputError(f"{name} is a damaged {X.format.upper()} matrix: {error}. Build it again") from error
    X = X.tocsr()
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


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
    spread = rows.std(axis=0)
    if spread.max() < UNEVEN * np.median(spread):  # which one row can only make larger: the sizes need a closer look
        return
    sizes = np.median(np.abs(rows - np.median(rows, axis=0)), axis=0)
    spoken = np.sort(sizes[sizes > 0.0])
    ratio = float(spoken[-1] / spoken[(len(spoken) - 1) // 2]) if len(spoken) else 1.0
    needed = len(spoken) * ratio**2 / eta0
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


def known_labels(y: Any) -> Any:
    """Class labels, all present and of one kind: text, or numbers, -1 a class like any other."""
    if y is None:
        return y
    y = whole(y, "y")
    values = np.asarray(y, object if getattr(y, "dtype", None) is None else None)
    if values.dtype != object or values.ndim != 1:
        return y if hasattr(y, "dtype") else np.asarray(y)
    absent = [i for i, value in enumerate(values) if _absent(value)]
    if absent:
        raise InputError(
            f"y has {len(absent)} missing labels, the first in row {absent[0]} ({values[absent[0]]!r}); every sample "
            "needs one: drop those rows"
        )
    kinds = {isinstance(value, str) for value in values}
    if len(kinds) > 1:
        raise InputError(
            "y has labels that are text and labels that are numbers; expected one kind, such as y.astype(str)"
        )
    return np.array([*values])


def _absent(value: Any) -> bool:
    """None, NaN, or pandas' NA and NaT, of which no comparison is true."""
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )
