"""Images of overlapping bars, the classic test for independent parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._errors import InputError
from .._random import Seed, generator

Matrix = NDArray[np.float64]


def bars(
    n_samples: int = 4000, side: int = 6, *, probability: float = 0.15, noise: float = 0.02,
    random_state: Seed | None = None,
) -> tuple[Matrix, Matrix]:  # fmt: skip
    """Square images, each the union of some of the horizontal and vertical bars.

        x = max_k s_k b_k + noise e,    s_k = 1 with the given probability, else 0,    e ~ N(0, I)

    Parameters
    ----------
    n_samples, side : int
        Images, and pixels along an edge.
    probability : float, default 0.15
        Of each bar.
    noise : float, default 0.02
        Standard deviation of the noise of a pixel.
    random_state : int, Generator or None

    Returns
    -------
    X : array (n_samples, side * side)
    parts : array (2 * side, side * side)
        The bars, horizontal ones first, 0 or 1.

    Raises
    ------
    InputError
        If a size is below one, the probability outside [0, 1] or the noise negative.

    References
    ----------
    Foldiak, 1990, Biological Cybernetics 64, 165-170.
    """
    if n_samples < 1 or side < 1:
        raise InputError(f"n_samples, side: got {n_samples}, {side}, expected at least 1.")
    if not (0 <= probability <= 1 and noise >= 0):
        raise InputError(f"probability, noise: got {probability}, {noise}, expected a number in [0, 1], one >= 0.")
    rng = generator(random_state)
    rows, columns = rng.random((2, n_samples, side)) < probability
    X = (rows[:, :, None] | columns[:, None, :]).reshape(n_samples, -1).astype(float)
    parts = np.concatenate([np.repeat(np.eye(side), side, axis=1), np.tile(np.eye(side), side)])
    return X + noise * rng.standard_normal(X.shape), parts
