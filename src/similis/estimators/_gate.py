"""Data and state before anything is learned: whole sparse rows, labels that are there, nothing changed by a failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse

from .._errors import InputError


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
        if not (isinstance(value, Real) and np.isfinite(value) and (value > least or (allowed and value == least))):
            bound = "" if np.isinf(least) else f" {'>=' if allowed else '>'} {least:g}"
            raise InputError(f"{name}={value!r}; expected a finite number{bound}")


def check_unchanged(estimator: Any, made_with: Mapping[str, Any]) -> None:
    """Refuse to go on, or to read outputs, with other parameters than those that the weights were made for."""
    for name, value in made_with.items():
        now = getattr(estimator, name)
        if now != value:
            raise InputError(
                f"{name}={now!r}, but this {type(estimator).__name__} was fitted with {name}={value!r}; call fit again, "
                f"or set_params({name}={value!r})"
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


def known_labels(y: Any) -> np.ndarray:
    """Class labels, all present and of one kind: text, or numbers, -1 a class like any other."""
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
