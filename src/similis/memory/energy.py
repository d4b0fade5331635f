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

from .._errors import DivergenceError, InputError
from ..metrics import squared_distances
from .admit import count, floats, positive
from .cloud import Kernel, check_range


@dataclass(frozen=True)
class AssociativeMemory:
    """Patterns stored in an energy; queries slide down it.

    Parameters
    ----------
    patterns : (N, n) array of real numbers, the context; kept in float64
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
        object.__setattr__(self, "patterns", floats("patterns", self.patterns).astype(float))
        for name in ("beta", "alpha"):
            object.__setattr__(self, name, positive(name, getattr(self, name)))
        if self.kernel not in ("dot", "gaussian"):
            raise InputError(f"kernel={self.kernel!r}; expected 'dot' or 'gaussian'")
        check_range("patterns", self.patterns, self.beta**0.5)

    def energy(self, query: ArrayLike) -> np.ndarray:
        """E of queries (..., n), without the last axis."""
        rows, shape = self._rows(query)
        free = -logsumexp(self._scores(rows), axis=1) / self.beta
        square = np.square(rows).sum(1) / (2 * self.alpha) if self.kernel == "dot" else 0.0
        return (free + square).reshape(shape[:-1])[()]

    def gradient(self, query: ArrayLike) -> np.ndarray:
        """Gradient of E at queries (..., n)."""
        rows, shape = self._rows(query)
        return (rows / self._unit - self._mean(rows)).reshape(shape)

    def mean(self, query: ArrayLike) -> np.ndarray:
        """Mean of the patterns by how much each query (..., n) attends to them."""
        rows, shape = self._rows(query)
        return self._mean(rows).reshape(shape)

    def step(self, query: ArrayLike, size: float | None = None) -> np.ndarray:
        """One gradient step; by default of size alpha (1 for the Gaussian), which is an attention layer."""
        rows, shape = self._rows(query)
        return self._step(rows, size if size is None else positive("size", size)).reshape(shape)

    @property
    def _unit(self) -> float:
        """The step that is an attention layer."""
        return self.alpha if self.kernel == "dot" else 1.0

    def _step(self, rows: np.ndarray, size: float | None) -> np.ndarray:
        return rows - (self._unit if size is None else size) * (rows / self._unit - self._mean(rows))

    def _mean(self, rows: np.ndarray) -> np.ndarray:
        return softmax(self._scores(rows), axis=1) @ self.patterns

    def _scores(self, rows: np.ndarray) -> np.ndarray:
        if self.kernel == "dot":
            return self.beta * (rows @ self.patterns.T)
        return -0.5 * self.beta * squared_distances(rows, self.patterns)

    def _rows(self, query: ArrayLike) -> tuple[np.ndarray, tuple[int, ...]]:
        """Queries as the rows of a matrix, and their shape."""
        found, n = floats("query", query, None), self.patterns.shape[1]
        if not found.ndim or found.shape[-1] != n:
            raise InputError(f"query of shape {found.shape}; expected numbers (..., n) with n={n}")
        rows = found.reshape(-1, n).astype(float, copy=False)
        check_range("query", rows, self.beta**0.5)
        return rows, found.shape


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
    DivergenceError
        When the step is so large that queries diverge (NaN or inf).

    References
    ----------
    Smart, Bietti & Sengupta 2025, arXiv 2502.05164; Ramsauer et al. 2021, "Hopfield networks is all you need".

    Examples
    --------
    >>> import numpy as np
    >>> retrieve(np.eye(2), [0.9, 0.2], beta=100.0, n_steps=None).round(3) + 0.0
    array([1., 0.])
    """
    memory = AssociativeMemory(np.asarray(patterns), beta, alpha, kernel)
    if np.ndim(query) not in (1, 2):
        raise InputError(f"query of shape {np.shape(query)}; expected (n,) or (M, n)")
    state, shape = memory._rows(query)
    step, tol = None if step is None else positive("step", step), positive("tol", tol, zero=True)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(count("max_steps", max_steps) if n_steps is None else count("n_steps", n_steps)):
            state, before = memory._step(state, step), state
            if n_steps is None and np.abs(state - before).max(initial=0.0) <= tol:
                break
    if not np.isfinite(state).all():
        raise DivergenceError(f"step={step}: queries diverged (NaN or inf); use a step below {2 * memory._unit:g}")
    return state.reshape(shape)
