"""Networks by their names, the estimators that learn them, and their parameters as text."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import numpy as np
    from sklearn.base import BaseEstimator

    from ..networks import Card
    from ._views import Views

#: parameters that a fit from a stream decides elsewhere
_ELSEWHERE = {
    "n_components": "use --n-components",
    "n_epochs": "use --epochs",
    "random_state": "use --seed",
    "shuffle": "a stream is learned in the order of the file",
}


def card(name: str) -> Card:
    """The catalogue's card of a network, or a usage error that lists the names."""
    from ..networks import catalogue

    cards = catalogue()
    if name not in cards:
        raise typer.BadParameter(f"unknown network {name!r}; choose one of {', '.join(cards)}", param_hint="NETWORK")
    return cards[name]


def build(name: str, n_components: int | None, seed: int, given: list[str]) -> BaseEstimator:
    """The estimator for a network's name, with parameters from ``name=value`` texts (values in JSON, or bare words)."""
    from .. import estimators

    estimator = getattr(estimators, card(name).estimator)(random_state=seed)
    valid = sorted(set(estimator.get_params()) - set(_ELSEWHERE))
    if n_components is not None and "n_components" not in estimator.get_params():
        raise typer.BadParameter(f"{name} has no number of components", param_hint="--n-components")
    params: dict[str, Any] = {} if n_components is None else {"n_components": n_components}
    for text in given:
        key, equals, value = text.partition("=")
        if key in _ELSEWHERE:
            raise typer.BadParameter(f"{key}: {_ELSEWHERE[key]}", param_hint="--param")
        if not equals or key not in valid:
            raise typer.BadParameter(f"{text!r} is no name=value; names: {', '.join(valid)}", param_hint="--param")
        try:
            params[key] = json.loads(value)
        except ValueError:
            params[key] = value
    return estimator.set_params(**params)


def beside_x(estimator: BaseEstimator) -> str | None:
    """What the estimator learns from beside X: "view", "target" (numbers), "labels" (classes), or None."""
    return getattr(estimator, "beside_x", None)


def named_classes(estimator: BaseEstimator, views: Views) -> dict[str, np.ndarray]:
    """``classes=`` for the first ``partial_fit`` of a classifier: all labels, from one pass over them.

    Nothing where no labels are asked for, where they are known already, or where stdin can be read only once: then the
    first block has to hold every class.
    """
    import numpy as np

    source = views.y_data or views.data
    if beside_x(estimator) != "labels" or hasattr(estimator, "classes_") or source == "-":
        return {}
    labels = replace(views, data=source, columns=views.y_columns, y_data=None, y_columns=None)
    found = [np.unique(block[0]) for block in labels.blocks()]
    return {"classes": np.unique(np.concatenate(found))} if found else {}


def shaped(estimator: BaseEstimator, views: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """A block as the estimator takes it: labels in one column, one target as a plain row of numbers."""
    kind = beside_x(estimator)
    if kind in (None, "view"):
        return views
    X, y = views
    if kind == "labels" and y.shape[1] != 1:
        raise typer.BadParameter(f"labels are one column, got {y.shape[1]}", param_hint="--y-columns")
    return X, y[:, 0] if y.shape[1] == 1 else y
