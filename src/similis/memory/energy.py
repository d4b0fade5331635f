"""The energy landscape of a context: a dense associative memory whose one unit step is an attention layer.

``dot``:      ``E(s) = |s|^2/(2 alpha) - (1/beta) log sum_t exp(beta x_t.s)``,   ``grad E = s/alpha - sum_t w_t x_t``

``gaussian``: ``E(s) = -(1/beta) log sum_t exp(-beta |s - x_t|^2 / 2)``,         ``grad E = s - sum_t w_t x_t``

A step of size alpha (1 for the Gaussian) from a query gives ``alpha sum_t w_t x_t``: attention over the context.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp, softmax

from .._errors import InputError
from .cloud import Kernel


@dataclass(frozen=True)
class AssociativeMemory:
    """Patterns stored in an energy; queries slide down it.

    Parameters
    ----------
    patterns : (N, n) array, the context
    beta : float > 0, inverse temperature; 1 / noise variance makes one step the posterior mean
    alpha : float > 0, of the dot kernel: scale of what is retrieved
    kernel : "dot" (softmax attention) or "gaussian" (attention with the keys' bias ``-beta |x|^2/2``; the same wherever
        all patterns have one norm)
    """

    patterns: np.ndarray
    beta: float
    alpha: float = 1.0
    kernel: Kernel = "dot"

    def __post_init__(self) -> None:
        if self.patterns.ndim != 2 or not self.patterns.size or not np.isfinite(self.patterns).all():
            raise InputError(f"patterns of shape {self.patterns.shape}; expected finite numbers, (N, n) with N, n > 0")
        for name in ("beta", "alpha"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise InputError(f"{name}={getattr(self, name)}; expected a positive finite number")
        if self.kernel not in ("dot", "gaussian"):
            raise InputError(f"kernel={self.kernel!r}; expected 'dot' or 'gaussian'")

    def energy(self, query: np.ndarray) -> np.ndarray:
        """E of queries (..., n), without the last axis."""
        free = -logsumexp(self._scores(query), axis=-1) / self.beta
        square = np.square(query).sum(-1) / 2
        return free + square * (1 / self.alpha if self.kernel == "dot" else 1.0)

    def gradient(self, query: np.ndarray) -> np.ndarray:
        """Gradient of E at queries (..., n)."""
        return query / (self.alpha if self.kernel == "dot" else 1.0) - self.mean(query)

    def mean(self, query: np.ndarray) -> np.ndarray:
        """Mean of the patterns by how much each query (..., n) attends to them."""
        return softmax(self._scores(query), axis=-1) @ self.patterns

    def step(self, query: np.ndarray, size: float | None = None) -> np.ndarray:
        """One gradient step; by default of size alpha (1 for the Gaussian), which is an attention layer."""
        size = (self.alpha if self.kernel == "dot" else 1.0) if size is None else size
        return query - size * self.gradient(query)

    def _scores(self, query: np.ndarray) -> np.ndarray:
        scores = self.beta * (query @ self.patterns.T)
        return scores - self.beta * np.square(self.patterns).sum(-1) / 2 if self.kernel == "gaussian" else scores


def retrieve(
    patterns: ArrayLike, query: ArrayLike, *, beta: float, alpha: float = 1.0, kernel: Kernel = "dot",
    n_steps: int | None = 1, step: float | None = None, tol: float = 1e-6, max_steps: int = 10_000,
) -> np.ndarray:  # fmt: skip
    """Slide queries down the energy of stored patterns: one step denoises, many retrieve.

    ``s <- s - step grad E(s)``; with ``n_steps=1`` (and the default step) this is an attention layer, the posterior
    mean of a clean query at noise variance 1/beta; with ``n_steps=None`` the fixed point, a stored pattern or a mean of
    some.

    Parameters
    ----------
    patterns : (N, n) array
    query : (n,) or (M, n) array
    beta, alpha, kernel : as in :class:`AssociativeMemory`
    n_steps : int >= 0, or None until no coordinate moves by more than ``tol``
    step : float > 0 or None, size of a step
    max_steps : int, bound for ``n_steps=None``

    Returns
    -------
    array of the shape of ``query``

    Raises
    ------
    InputError
        For values that are not finite, shapes that do not fit or parameters out of range.

    References
    ----------
    Smart, Bietti & Sengupta 2025, arXiv 2502.05164; Ramsauer et al. 2021, "Hopfield networks is all you need".

    Examples
    --------
    >>> import numpy as np
    >>> retrieve(np.eye(2), [0.9, 0.2], beta=100.0, n_steps=None).round(3) + 0.0
    array([1., 0.])
    """
    memory = AssociativeMemory(np.asarray(patterns, float), beta, alpha, kernel)
    state = np.asarray(query, float)
    if state.ndim not in (1, 2) or state.shape[-1] != memory.patterns.shape[1] or not np.isfinite(state).all():
        expected = memory.patterns.shape[1]
        raise InputError(f"query of shape {state.shape}; expected finite numbers, (n,) or (M, n) with n={expected}")
    for _ in range(max_steps if n_steps is None else n_steps):
        state, before = memory.step(state, step), state
        if n_steps is None and np.abs(state - before).max(initial=0.0) <= tol:
            break
    return state
