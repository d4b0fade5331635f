"""Models on disk: one safetensors file, arrays plus a JSON header, every byte of it checked before it is believed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from .._atomic import new_file
from .._errors import InputError, MissingDependencyError, ModelFileError
from .._modelfile import number, read, to_bytes
from .._random import generator
from .._schema import Stored
from ._admit import NAMES, column_names
from ._estimator import check_is_fitted
from ._params import check_kinds

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
    "SlowFeatureAnalysis",
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


#: attributes that are computed from what a file holds
SHOWN = ("coef_", "intercept_", "components_")


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
        "params": {key: plain(key, value) for key, value in estimator.get_params(deep=False).items()},
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
        If the file is missing, cut short, altered, not ours, of an unknown class or schema, or if anything in it is not
        what a model of its class holds.
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
    name = header["class"]
    if name not in CLASSES:
        raise ModelFileError(f"{path} holds a {name!r:.80}; expected one of {', '.join(CLASSES)}. Upgrade similis")
    kind = _class(name)
    try:
        file = Stored(arrays, header["meta"])
        estimator = kind(**_params(kind, header["params"]))
        check_kinds(estimator)
        generator(getattr(estimator, "random_state", None))
        estimator._unpack(file)
        for key in [key for key in header["meta"] if key.startswith(NAMES)]:
            setattr(estimator, key, np.array(file.texts(key, _width(estimator, file, key)), object))
        file.done()
        estimator._keep_params()
        _check_shown(estimator)
    except (MissingDependencyError, MemoryError):
        raise
    except Exception as error:  # whatever a part of the file does to what is made of it
        raise ModelFileError(f"{path} does not describe a {name} ({error}). Fit and save the model again") from error
    return estimator, header["progress"]


def _params(kind: type[BaseEstimator], params: Any) -> dict[str, Any]:
    """Arguments of the constructor: all of them, and no others."""
    from ..circuit import Circuit

    names = kind._get_param_names()
    if not isinstance(params, dict) or sorted(params) != sorted(names):
        odd = sorted(set(params) ^ set(names)) if isinstance(params, dict) else params
        raise ModelFileError(f"its parameters are not those of the class: {odd!r:.80}")
    return params | ({"circuit": Circuit.from_dict(params["circuit"])} if "circuit" in params else {})


def _check_shown(estimator: BaseEstimator) -> None:
    """Refuse a model whose weights, as they are shown, leave the range of floats."""
    for name in SHOWN:
        with np.errstate(all="ignore"):
            shown = getattr(estimator, name, 0.0)
            if not all(np.isfinite(part).all() for part in (shown.values() if isinstance(shown, dict) else (shown,))):
                raise ModelFileError(f"{name} is not finite")


def _width(estimator: BaseEstimator, file: Stored, key: str) -> int:
    """Columns of the stream whose names are kept under this key."""
    stream = key.removeprefix(NAMES).removesuffix("_")
    if stream == "y" and getattr(estimator, "beside_x", None) == "labels":
        return 1
    own = "n_features_in_" if not stream else {"y": "n_features_y_"}.get(stream, "")
    if hasattr(estimator, own):
        return getattr(estimator, own)
    return file.sizes[f"features.{stream}" if f"features.{stream}" in file.sizes else "K"]  # targets of the dual


def _class(name: str) -> type[BaseEstimator]:
    from .. import estimators

    return getattr(estimators, name)


def plain(key: str, value: Any) -> Any:
    """A parameter as JSON holds it."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    try:
        return json.loads(json.dumps(value, default=number))
    except TypeError:
        raise InputError(f"cannot save {key}={value!r}: not plain data. Give a number, a string or None") from None
