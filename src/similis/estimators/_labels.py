"""Class labels beside a stream: one kind of them, which classes there are, who is unlabelled, one-hot rows."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from .._errors import InputError
from .._masks import unmasked

#: the label of a sample that has none, where an estimator learns from such samples too
UNLABELLED = -1
#: what missing labels become where they are turned into text
ARTEFACTS = ("nan", "None", "<NA>", "NaT")


def admit_labels(y: Any, X: Any, name: str) -> np.ndarray:
    """A column of labels, as many as rows of X; -1 for a sample without one, also among text (then dtype object)."""
    if y is None:
        raise InputError(f"requires y to be passed, but the target y is None: {name} learns from class labels")
    y = _of_one_kind(y, unlabelled=True)
    check_consistent_length(X, y)
    if _is_text(y) and (spelt := y == str(UNLABELLED)).any():
        raise InputError(
            f"{int(spelt.sum())} labels are the text '-1': a class, or no label? Give text in an array of dtype object "
            "with the number -1 where there is no label, or rename the class"
        )
    return y


def class_labels(y: Any) -> np.ndarray:
    """A column of labels in which every sample has one; -1 is a class as any other."""
    if y is None:
        raise InputError("requires y to be passed, but the target y is None: a classifier learns from class labels")
    return _of_one_kind(y, unlabelled=False)


def classes_of(y: Any) -> np.ndarray:
    """The sorted classes of labels in which every sample has one."""
    classes = np.unique(class_labels(y))
    others = classes[[str(name) not in ("-1", "-1.0") for name in classes]]
    if 1 < len(others) < len(classes):
        warnings.warn(
            f"the label -1 is learned as a class beside {_some(others)}. If it says 'no label', leave these rows out, "
            "or use an estimator that learns from them, such as ManifoldClassifier",
            UserWarning, stacklevel=2,
        )  # fmt: skip
    return classes


def places(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """(n,) the number of each label among the sorted classes.

    Raises
    ------
    InputError
        For labels that are not among the classes.
    """
    found = np.unique(y)
    strange = found[~np.isin(found, classes)] if _is_text(y) == _is_text(classes) else found
    if len(strange):
        raise InputError(
            f"y has labels {_some(strange)} that are not among the classes {_some(classes)}; name all classes in the "
            "first partial_fit(X, y, classes=...)"
        )
    return np.searchsorted(classes, y)


def labelled(y: np.ndarray) -> np.ndarray:
    """(n,) bool: which samples have a label. Text is always a label."""
    return np.ones(len(y), bool) if y.dtype.kind in "USb" else np.asarray(y != UNLABELLED, bool)


def merged(known: np.ndarray | None, y: np.ndarray, announced: Sequence | None = None) -> np.ndarray:
    """The sorted classes: those known, those announced and those in y."""
    new = [] if announced is None or not len(announced) else [class_labels(announced)]
    parts = [part[labelled(part)] for part in (y, *new)] + ([] if known is None else [known])
    parts = [part for part in parts if len(part)]
    if not parts:
        return np.asarray(y[:0])
    if len({_is_text(part) for part in parts}) > 1:
        raise InputError("labels are text here and numbers there; expected one kind of label in all calls")
    classes = np.unique(np.concatenate(parts))
    if not _is_text(classes) and np.array_equal(classes, [1]) and not labelled(y).all():
        warnings.warn(
            "the labels are 1 and -1, and -1 says 'no label' here: there is one class. If -1 is a class, give other "
            "labels, such as 0 and 1",
            UserWarning, stacklevel=2,
        )  # fmt: skip
    return classes


def one_hot(y: np.ndarray, classes: np.ndarray, dtype: np.dtype | type) -> np.ndarray:
    """(n, n_classes) rows, all zero where there is no label or one of another class."""
    rows, spoken = np.zeros((len(y), len(classes)), dtype), np.flatnonzero(labelled(y))
    spoken = spoken[np.isin(y[spoken], classes)]
    rows[spoken, np.searchsorted(classes, y[spoken])] = 1
    return rows


def pack_classes(classes: np.ndarray) -> dict[str, Any]:
    """Labels as plain JSON-able data, which ``Stored.labels`` reads."""
    text = classes.dtype.kind in "US"
    values = classes.astype(str) if text else classes
    return {"values": values.tolist(), "dtype": classes.dtype.kind if text else classes.dtype.newbyteorder("<").str}


def _of_one_kind(y: Any, *, unlabelled: bool) -> np.ndarray:
    """A column of whole numbers, booleans or text, nothing missing."""
    if isinstance(y, list | tuple) and any(_is_missing(label) for label in y):
        y = np.array(y, object)  # NumPy would make the text 'nan' of a NaN among text
    y = column_or_1d(unmasked(y, "y"), warn=True)
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise InputError("Input y contains NaN or infinity; expected class labels. " + _way_out(unlabelled))
    spoken = np.ones(len(y), bool)
    if y.dtype.kind == "O":
        missing = np.flatnonzero([_is_missing(label) for label in y])
        if len(missing):
            raise InputError(
                f"y has {len(missing)} missing labels (None, NaN or NA), the first in row {missing[0]}. "
                + _way_out(unlabelled)
            )
        if unlabelled:
            spoken = np.array([not (isinstance(label, Integral) and label == UNLABELLED) for label in y], bool)
        kinds = {type(label) if isinstance(label, str | bytes) else float for label in y[spoken]}
        if len(kinds) > 1:
            raise InputError("y mixes text and numbers; expected labels of one kind. " + _way_out(unlabelled))
        if kinds != {str} and all(isinstance(label, Real | np.bool_ | bytes) for label in y):
            y = np.array(y.tolist())
    if _is_text(y):
        if (lost := np.isin(y[spoken], ARTEFACTS)).any():
            warnings.warn(
                f"{int(lost.sum())} labels are the text {str(y[spoken][lost][0])!r}, which is learned as a class. If "
                "it was a missing value, leave these rows out",
                UserWarning, stacklevel=2,
            )  # fmt: skip
    else:
        check_classification_targets(y)
    return y


def _way_out(unlabelled: bool) -> str:
    return "Give -1 where there is no label" if unlabelled else "Leave rows without a label out"


def _is_missing(label: Any) -> bool:
    return (
        label is None or type(label).__name__ in ("NAType", "NaTType") or (isinstance(label, float) and label != label)
    )


def _is_text(y: np.ndarray) -> bool:
    return y.dtype.kind in "US" or (y.dtype.kind == "O" and any(isinstance(label, str | bytes) for label in y))


def _some(values: np.ndarray) -> str:
    """The first few, for a message."""
    return f"{values[:5].tolist()}"[:-1] + (", ...]" if len(values) > 5 else "]")
