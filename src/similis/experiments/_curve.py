"""Watch an estimator learn: measure it at a few places of the stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np


def stops(n_samples: int, n_points: int = 24, first: int = 100) -> np.ndarray:
    """Places in a stream, evenly spaced on a logarithmic axis, the powers of ten and the last sample among them."""
    spaced = np.geomspace(first, n_samples, n_points).round().astype(int)
    decades = 10 ** np.arange(np.ceil(np.log10(first)), np.log10(n_samples) + 1e-9)
    return np.unique(np.concatenate([spaced, decades.astype(int), [n_samples]]))


def follow(
    estimator: Any, views: Sequence[np.ndarray], places: Iterable[int], measure: Callable[[Any], Any]
) -> np.ndarray:
    """Feed the rows of `views` once, in order, and call ``measure(estimator)`` at each place.

    Feeding in pieces changes nothing: ``partial_fit`` gives the same result however the stream is cut.
    """
    values, start = [], 0
    for stop in places:
        estimator.partial_fit(*(view[start:stop] for view in views))
        values.append(measure(estimator))
        start = stop
    return np.array(values)
