"""Class labels beside a stream: which classes there are, who is unlabelled, one-hot rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from .._errors import InputError

#: the label of a sample that has none
UNLABELLED = -1


def admit_labels(y: Any, X: Any, name: str) -> np.ndarray:
    """A column of labels, as many as rows of X; numbers are whole."""
    if y is None:
        raise InputError(f"requires y to be passed, but the target y is None: {name} learns from class labels")
    y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise InputError("Input y contains NaN or infinity; expected class labels, -1 for a sample without one")
    check_classification_targets(y)
    return y


def labelled(y: np.ndarray) -> np.ndarray:
    """(n,) bool: which samples have a label. Text is always a label."""
    return np.ones(len(y), bool) if y.dtype.kind in "USb" else np.asarray(y != UNLABELLED, bool)


def merged(known: np.ndarray | None, y: np.ndarray, announced: Sequence | None = None) -> np.ndarray:
    """The sorted classes: those known, those announced and those in y."""
    parts = [y[labelled(y)], *([] if announced is None else [np.asarray(announced)])]
    parts = [part for part in (*parts, known) if part is not None and len(part)]
    if not parts:
        return y[:0]
    if len({part.dtype.kind in "USO" for part in parts}) > 1:
        raise InputError("labels are text here and numbers there; expected one kind of label in all calls")
    return np.unique(np.concatenate(parts))


def one_hot(y: np.ndarray, classes: np.ndarray, dtype: np.dtype | type) -> np.ndarray:
    """(n, n_classes) rows, all zero where there is no label or one of another class."""
    rows, spoken = np.zeros((len(y), len(classes)), dtype), labelled(y) & np.isin(y, classes)
    rows[spoken, np.searchsorted(classes, y[spoken])] = 1
    return rows


def pack_classes(classes: np.ndarray) -> dict[str, Any]:
    """Classes as plain JSON-able data."""
    return {"values": classes.tolist(), "dtype": classes.dtype.str}


def unpack_classes(packed: dict[str, Any]) -> np.ndarray:
    """Inverse of :func:`pack_classes`."""
    return np.array(packed["values"], np.dtype(packed["dtype"]))
