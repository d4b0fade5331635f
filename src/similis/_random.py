"""Randomness is explicit: a seed in, a generator out; the global state is never touched."""

from __future__ import annotations

import numbers

import numpy as np

Seed = int | np.random.Generator | np.random.RandomState | None


def generator(seed: Seed) -> np.random.Generator:
    """Return a ``numpy.random.Generator`` for an int, None, Generator or (scikit-learn's) RandomState."""
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, np.random.RandomState):
        return np.random.default_rng(seed.randint(2**31))
    if seed is None or isinstance(seed, numbers.Integral):
        return np.random.default_rng(seed)
    raise TypeError(f"random_state must be None, an int or a numpy generator, got {seed!r}")
