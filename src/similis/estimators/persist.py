"""Models on disk: one safetensors file, arrays plus a JSON header, every byte of it checked before it is believed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from .._atomic import new_file
from .._errors import InputError, ModelFileError
from ._admit import NAMES, column_names
from ._estimator import check_is_fitted
from ._modelfile import number, read, to_bytes

#: classes a file may name; nothing is ever imported by a name read from a file
CLASSES = (
    "SimilarityMatching",
    "NonnegativeSimilarityMatching",
    "OnlineCCA",
    "ReducedRankRegression",
    "SupervisedSimilarityMatching",
    "ManifoldTiling",
    "ManifoldClassifier",
    "CircuitTransformer",
    "ConvSimilarityMatchingTransformer",
    "LocalSupervisionClassifier",
    "LocalSupervisionRegressor",
    "MotionDetector",
    "DualClassifier",
    "DualRegressor",
    "FlexibleSimilarityMatching",
    "InContextDenoiser",
    "EmpiricalBayesDenoiser",
    "NOMAD",
    "OptimalFeedbackController",
    "NeuralKalmanFilter",
    "CriticalTemperatureRegressor",
)


def save(
    estimator: BaseEstimator, path: str | os.PathLike, *, force: bool = False, progress: dict[str, Any] | None = None
) -> None:
    """Write a fitted estimator to one file, whole or not at all.

    Loading it back gives an estimator that continues learning bit for bit.

    Parameters
    ----------
    estimator : one of the estimators named in ``CLASSES``, fitted
    path : file to write, usually ``*.safetensors``
    force : whether an existing file may be replaced
    progress : JSON-able, how far an unfinished fit has come (see ``similis fit --checkpoint-every``)

    Raises
    ------
    InputError
        If the class is not one of ours, a parameter is not plain data, or the file exists and ``force`` is False.
    sklearn.exceptions.NotFittedError
        If there is nothing to save yet.
    """
    from .. import __version__

    name = type(estimator).__name__
    if name not in CLASSES or type(estimator) is not _class(name):
        raise InputError(f"cannot save a {name}; expected one of {', '.join(CLASSES)}")
    check_is_fitted(estimator)
    arrays, meta = estimator._pack()
    meta |= column_names(estimator)
    header = {
        "class": name,
        "version": __version__,
        "params": {key: _plain(key, value) for key, value in estimator.get_params(deep=False).items()},
        "meta": meta,
        "progress": progress,
    }
    content = to_bytes(header, arrays)
    with new_file(path, force=force) as draft:
        draft.write_bytes(content)


def load(path: str | os.PathLike) -> BaseEstimator:
    """Read an estimator written by :func:`save`.

    Raises
    ------
    ModelFileError
        If the file is missing, cut short, altered, not ours, of an unknown class or of an unknown schema.
    """
    return load_with_progress(path)[0]


def load_with_progress(path: str | os.PathLike) -> tuple[BaseEstimator, dict[str, Any] | None]:
    """Read an estimator and, for a checkpoint, how far its fit had come (None for a finished model).

    Raises
    ------
    ModelFileError
        As :func:`load`.
    """
    header, arrays = read(Path(path))
    name, params = header.get("class"), header.get("params", {})
    if name not in CLASSES:
        raise ModelFileError(f"{path} holds a {name!r}; expected one of {', '.join(CLASSES)}. Upgrade similis")
    kind = _class(name)
    try:
        if name == "CircuitTransformer":
            from ..circuit import Circuit

            params["circuit"] = Circuit.from_dict(params["circuit"])
        estimator = kind(**params)
        estimator._unpack(arrays, header["meta"])
        for key in [key for key in header["meta"] if key.startswith(NAMES)]:
            setattr(estimator, key, np.array(header["meta"][key], object))
        estimator._keep_params()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:  # the last: torch's
        raise ModelFileError(f"{path} does not describe a {name} ({error}). Fit and save the model again") from error
    return estimator, header.get("progress")


def _class(name: str) -> type[BaseEstimator]:
    from .. import estimators

    return getattr(estimators, name)


def _plain(key: str, value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    try:
        return json.loads(json.dumps(value, default=number))
    except TypeError:
        raise InputError(f"cannot save {key}={value!r}: not plain data. Give a number, a string or None") from None
