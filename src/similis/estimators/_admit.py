"""Data at the door: no mask is lost, sparse rows are well formed, columns keep their names in every stream."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import validation

from .._errors import InputError
from .._masks import unmasked

#: attributes that hold column names: of X, and with a name and an underscore more of a stream beside X
NAMES = "feature_names_in_"
#: sizes of numbers whose squares, summed, are floats
SMALLEST, LARGEST = 1e-140, 1e140
#: names that a message lists
LISTED = 5


def validate_data(
    estimator: BaseEstimator, X: Any, y: Any = "no_validation", *, reset: bool = True, **words: Any
) -> Any:
    """:func:`sklearn.utils.validation.validate_data`, which ignores masks and takes sparse rows as they come.

    Raises
    ------
    InputError
        For masked values, where missing ones are not allowed, for sparse indices out of range, and for data to begin
        with (``reset``) all of which are too large or too small to be squared.
    """
    X = _well_formed(unmasked(X, "X", missing=words.get("ensure_all_finite") == "allow-nan"), "X")
    y = y if isinstance(y, str) else unmasked(y, "y")
    found = validation.validate_data(estimator, X, y, reset=reset, **words)
    if reset:
        for name, values in zip("Xy", found if isinstance(found, tuple) else (found,), strict=False):
            _check_scale(name, values)
    return (_canonical(found[0]), found[1]) if isinstance(found, tuple) else _canonical(found)


def admit_stream(estimator: BaseEstimator, name: str, values: Any, *, reset: bool, **words: Any) -> Any:
    """A stream beside X, as an array; its columns have the names they had in the first call.

    Raises
    ------
    InputError
        As :func:`validate_data`, and for columns of other names or in another order.
    """
    values = _well_formed(unmasked(values, name), name)
    check_columns(estimator, name, values, reset=reset)
    found = validation.check_array(values, input_name=name, estimator=estimator, **words)
    if reset:
        _check_scale(name, found)
    return _canonical(found)


def check_columns(estimator: BaseEstimator, name: str, values: Any, *, reset: bool = False) -> None:
    """Keep the column names of a stream beside X as ``feature_names_in_<name>_``, or compare them with those kept.

    A stream without names is taken as it comes, as scikit-learn takes X.
    """
    given, key = _names(values), f"{NAMES}{name}_"
    if reset:
        estimator.__dict__.pop(key, None)
        if given is not None:
            setattr(estimator, key, given)
        return
    kept = getattr(estimator, key, None)
    if given is None or kept is None or np.array_equal(given, kept):
        return
    parts = {"unknown": [n for n in given if n not in set(kept)], "missing": [n for n in kept if n not in set(given)]}
    said = (
        "; ".join(f"{word}: {_listed(names)}" for word, names in parts.items() if names) or "they are in another order"
    )
    raise InputError(
        f"the columns of {name} should be those {type(estimator).__name__} was fitted with ({_listed(kept)}); {said}. "
        f"Give {name}[model.{key}]"
    )


def column_names(estimator: BaseEstimator) -> dict[str, list[str]]:
    """The column names an estimator keeps, of X and of the streams beside it, by attribute."""
    return {key: [str(name) for name in names] for key, names in vars(estimator).items() if key.startswith(NAMES)}


def _well_formed(X: Any, name: str) -> Any:
    """A sparse matrix whose indices are in range, which scipy does not look at; anything else as it is."""
    if not sparse.issparse(X):
        return X
    try:
        if X.format in ("csr", "csc", "bsr"):
            X = type(X)((X.data, X.indices, X.indptr), shape=X.shape)  # nothing is believed of its order
            X.check_format(full_check=True)
        elif X.format == "coo" and X.ndim == 2:
            X = type(X)((X.data, (X.row, X.col)), shape=X.shape)
    except ValueError as error:
        raise InputError(f"{name} is a sparse matrix, not well formed: {error}. Build it from coordinates") from error
    return X


def _check_scale(name: str, values: Any) -> None:
    """Refuse data to begin with whose squares all leave the range of floats: there would be nothing to learn from."""
    numbers = values.data if sparse.issparse(values) else np.asarray(values)
    if numbers.dtype.kind != "f" or not numbers.size:
        return
    size = max(float(np.fmax.reduce(numbers, axis=None)), -float(np.fmin.reduce(numbers, axis=None)))
    if not size > 0 or SMALLEST <= size <= LARGEST:  # nothing is told by zeros, or where all is missing
        return
    if size < SMALLEST or np.nanmin(np.abs(numbers[numbers != 0])) > LARGEST:
        raise InputError(
            f"the numbers of {name} are up to {size:.3g}; expected {SMALLEST:.3g} to {LARGEST:.3g}, whose squares are "
            "in the range of floats. Multiply them by a constant"
        )


def _canonical(X: Any) -> Any:
    """Sparse rows with sorted indices, each once; anything else as it is."""
    if not sparse.issparse(X) or X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X


def _names(values: Any) -> np.ndarray | None:
    """Column names of a dataframe, if all are text, as scikit-learn reads them."""
    return None if getattr(values, "ndim", 2) != 2 else validation._get_feature_names(values)


def _listed(names: Any) -> str:
    return ", ".join(str(name) for name in names[:LISTED]) + (", ..." if len(names) > LISTED else "")
