"""Learning curves of an estimator, and its weights over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import InputError
from .._optional import require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: weights that are drawn at most, spread evenly over all
LINES = 200


def plot_history(
    estimator: Any, *, weights: Sequence[tuple[int, Any]] | None = None, figure: Figure | None = None
) -> Figure:
    """Draw what an estimator noted while it learned, one panel a quantity, against the samples seen.

    Parameters
    ----------
    estimator : fitted, with ``history_``, a dict of lists of one length with ``"n_samples"`` among them: give
        ``trace_every`` before the fit
    weights : list of (samples seen, array), optional
        Weights over time, such as ``components_`` noted after each ``partial_fit``; each entry becomes a line.
    figure : matplotlib Figure, optional
        To draw into; a new one by default.

    Returns
    -------
    figure : matplotlib Figure

    Raises
    ------
    InputError
        If there is nothing to draw, or arrays of weights differ in shape.
    MissingDependencyError
        Without matplotlib.

    Examples
    --------
    >>> from similis import SimilarityMatching
    >>> from similis.datasets import load_digits
    >>> from similis.display import plot_history
    >>> X, seen = load_digits()[0], []
    >>> model = SimilarityMatching(3, trace_every=50, random_state=0)
    >>> for start in range(0, 1700, 100):
    ...     model.partial_fit(X[start : start + 100])
    ...     seen.append((model.n_samples_seen_, model.components_))
    >>> plot_history(model, weights=seen).savefig("history.png")  # doctest: +SKIP
    """
    history = getattr(estimator, "history_", None)
    history = history if isinstance(history, dict) else {}
    at = history.get("n_samples", ())
    curves = {name: values for name, values in history.items() if name != "n_samples" and len(at)}
    if not curves and not weights:
        raise InputError(
            f"this {type(estimator).__name__} has noted nothing. Fix: give trace_every, such as 100, before it learns, "
            "or weights"
        )
    shapes = {np.shape(array) for _, array in weights or ()}
    if len(shapes) > 1:
        raise InputError(f"weights of the shapes {sorted(shapes)}; expected one shape")
    if figure is None:
        n_panels = len(curves) + bool(weights)
        figure = require("matplotlib.figure", extra="plot").Figure(figsize=(6, 2.2 * n_panels), layout="constrained")
    panels = figure.subplots(len(curves) + bool(weights), sharex=True, squeeze=False)[:, 0]
    for axes, (name, values) in zip(panels, curves.items(), strict=False):
        axes.plot(at, values)
        axes.set_ylabel(name.replace("_", " "))
    if weights:
        table = np.array([np.ravel(array) for _, array in weights])
        every = np.unique(np.linspace(0, table.shape[1] - 1, min(LINES, table.shape[1])).astype(int))
        panels[-1].plot([n for n, _ in weights], table[:, every], linewidth=0.7)
        panels[-1].set_ylabel("weights")
    panels[-1].set_xlabel("samples seen")
    return figure
