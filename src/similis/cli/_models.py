"""Networks by their names, the estimators that learn them, and their parameters as text."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

import typer

from .._errors import InputError
from ._output import printable

if TYPE_CHECKING:
    import numpy as np
    from sklearn.base import BaseEstimator

    from ..networks import Card
    from ._views import Names, Views

#: where an estimator has the names of the columns of X, and of the second view or the targets
_NAMES = ("feature_names_in_", "feature_names_in_y_")

#: parameters that a fit from a stream decides elsewhere
_ELSEWHERE = {
    "n_components": "use --n-components",
    "n_epochs": "use --epochs",
    "random_state": "use --seed",
}


def card(name: str) -> Card:
    """The catalogue's card of a network, or a usage error that lists the names."""
    from ..networks import catalogue

    cards = catalogue()
    if name not in cards:
        raise typer.BadParameter(f"unknown network {name!r}; choose one of {', '.join(cards)}", param_hint="NETWORK")
    return cards[name]


def card_of(estimator: BaseEstimator) -> Card | None:
    """The catalogue's card of a fitted estimator; None for those that stand for no paper of their own."""
    from ..networks import catalogue

    name = type(estimator).__name__
    return next((entry for entry in catalogue().values() if name in (entry.estimator, entry.classifier)), None)


def admit(estimator: BaseEstimator, model: object, method: str) -> None:
    """Refuse, as wrong usage, a model that rows of a file cannot be given to, or that has no such method."""
    name = type(estimator).__name__
    streams = getattr(getattr(estimator, "circuit", None), "names", ())
    if name == "OptimalFeedbackController" or len(streams) > 1:
        hears = f"hears {', '.join(streams)}" if streams else "acts in an environment"
        raise typer.BadParameter(f"{model} holds a {name}, which {hears}: use it in Python, by similis.load")
    if not hasattr(estimator, method):
        other = next((m for m in ("transform", "predict") if hasattr(estimator, m)), "score")
        raise typer.BadParameter(f"{model} holds a {name}, which cannot {method}: use `{other}`")


def in_order(estimator: BaseEstimator) -> bool:
    """Whether answers or scores depend on the order of rows, so that these are neither drawn nor asked in blocks."""
    return type(estimator).__name__ in ("NeuralKalmanFilter", "SlowFeatureAnalysis")


def begin_pass(estimator: BaseEstimator) -> None:
    """Say that the data begin again, to an estimator that compares a row with the one before it."""
    begin = getattr(estimator, "new_stream", None)
    if begin is not None:
        begin()


def allows_missing(estimator: BaseEstimator) -> bool:
    """Whether NaN, where nothing was observed, is among what the estimator takes."""
    from sklearn.utils import get_tags

    return bool(get_tags(estimator).input_tags.allow_nan)


def at_once(name: str) -> bool:
    """Whether a network learns from the whole table at once."""
    from .. import estimators

    return not hasattr(getattr(estimators, card(name).estimator), "partial_fit")


def checkpointed(estimator: BaseEstimator) -> bool:
    """Whether a fit of the whole table keeps its state in a file."""
    return "checkpoint" in signature(type(estimator).fit).parameters


def class_of(name: str, *, labels: bool) -> str:
    """Name of a network's estimator: of its classifier where the target holds class labels and it has one."""
    entry = card(name)
    if entry.data == "episodes":
        raise typer.BadParameter(f"{name} learns by acting: use {entry.estimator} with an environment in Python")
    if labels and entry.classifier is None:
        raise typer.BadParameter(f"{name} has one estimator, {entry.estimator}", param_hint="--labels")
    return entry.classifier if labels and entry.classifier else entry.estimator


def build(name: str, n_components: int | None, seed: int, given: list[str], *, labels: bool = False) -> BaseEstimator:
    """The estimator for a network's name, with parameters from ``name=value`` texts (values in JSON, or bare words)."""
    from .. import estimators
    from .._values import check, parse
    from ..estimators._params import allowed

    estimator = getattr(estimators, class_of(name, labels=labels))()
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=seed)
    valid = sorted(set(estimator.get_params()) - set(_ELSEWHERE))
    if n_components is not None and "n_components" not in estimator.get_params():
        raise typer.BadParameter(f"{name} has no number of components", param_hint="--n-components")
    kinds = allowed(type(estimator))  # type: ignore[arg-type]
    params: dict[str, Any] = {} if n_components is None else {"n_components": n_components}
    for text in given:
        key, equals, value = text.partition("=")
        if key in _ELSEWHERE:
            raise typer.BadParameter(f"{key}: {_ELSEWHERE[key]}", param_hint="--param")
        if not equals:
            raise typer.BadParameter(f"{text!r}; expected name=value, e.g. eta0=0.01", param_hint="--param")
        if key not in valid:
            known = ", ".join(valid)
            raise typer.BadParameter(f"unknown parameter {key!r} of {name}; known are {known}", param_hint="--param")
        try:
            params[key] = check(key, parse(value, kinds[key]), kinds[key])
        except InputError as error:
            raise typer.BadParameter(printable(str(error)), param_hint="--param") from error
    return estimator.set_params(**params)


def learns_formulas(estimator: BaseEstimator) -> bool:
    """Whether rows are chemical formulas."""
    own = card_of(estimator)
    return own is not None and own.data == "formulas"


def beside_x(estimator: BaseEstimator) -> str | None:
    """What the estimator learns from beside X: "view", "target" (numbers), "labels" (classes), or None."""
    return getattr(estimator, "beside_x", None)


def classes_of(estimator: BaseEstimator, views: Views) -> dict[str, np.ndarray]:
    """What a first ``partial_fit`` must know beside its rows: all labels, where it asks for ``classes``."""
    if hasattr(estimator, "classes_"):
        views.numeric = numeric_labels(estimator)
        return {}
    if "classes" not in signature(estimator.partial_fit).parameters:
        return {}
    import numpy as np

    texts = views.label_texts()
    try:
        classes = np.unique(np.array(texts).astype(float))
    except ValueError:
        classes = np.array(texts)
    views.numeric = classes.dtype.kind == "f"
    return {"classes": classes}


def numeric_labels(estimator: BaseEstimator) -> bool | None:
    """Whether the classes that an estimator knows are numbers; None where it knows none."""
    known = getattr(estimator, "classes_", None)
    return None if known is None else known.dtype.kind not in "OUS"


def means_of(estimator: BaseEstimator) -> list[np.ndarray] | None:
    """Means of the columns of each view that a model has learned, None where it learned none."""
    import numpy as np

    if not getattr(estimator, "center", True) or not getattr(estimator, "n_samples_seen_", 0):
        return None
    for names in (("mean_",), ("x_mean_", "y_mean_")):
        found = [np.asarray(getattr(estimator, name, ())) for name in names]
        if all(mean.ndim == 1 and mean.size for mean in found) and len(found[0]) == estimator.n_features_in_:
            return found
    return None


def names_of(estimator: BaseEstimator) -> Names:
    """Names of the columns that a model was fitted with, X and what is beside it; None where it knows none.

    A single target may be called anything.
    """
    known = [getattr(estimator, attribute, None) for attribute in _NAMES]
    beside = known[1] if known[1] is not None and (beside_x(estimator) == "view" or len(known[1]) > 1) else None
    return [None if names is None else [str(name) for name in names] for names in (known[0], beside)]


def keep_names(estimator: BaseEstimator, views: Views) -> None:
    """Note the names of the columns that an estimator has learned from, for :func:`names_of` and the model file."""
    import numpy as np

    for attribute, names in zip(_NAMES, views.names or [], strict=False):
        if names is not None:
            setattr(estimator, attribute, np.array(names, object))


def shaped(estimator: BaseEstimator, views: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """A block as the estimator takes it: labels in one column, one target as a plain row of numbers."""
    kind = beside_x(estimator)
    if kind in (None, "view"):
        return views
    X, y = views
    if kind == "labels" and y.shape[1] != 1:
        raise typer.BadParameter(f"labels are one column, got {y.shape[1]}", param_hint="--y-columns")
    return X, y[:, 0] if y.shape[1] == 1 else y
