"""Attention over a cloud of tokens with a Gaussian kernel, in memory linear in the number of tokens.

``m(q) = sum_j w_j x_j``, ``w_j ~ exp(-beta |q - x_j|^2 / 2)``: softmax attention, scores ``beta (q.x_j - |x_j|^2/2)``.
It is the posterior mean of x given ``q = x + N(0, I / beta)`` where x is drawn from the tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Literal

import numpy as np

from .._errors import InputError
from .._optional import require

Engine = Literal["auto", "numpy", "torch"]
Kernel = Literal["gaussian", "dot"]

#: scores held at a time by the NumPy path
PIECE = 1 << 20
#: pairs of query and token from which on torch is worth its import
MANY = 1 << 22


def kernel_mean(
    queries: np.ndarray, tokens: np.ndarray, beta: float, *, kernel: Kernel = "gaussian", exclude_self: bool = False,
    engine: Engine = "auto",
) -> np.ndarray:  # fmt: skip
    """Posterior mean of each query under a cloud of tokens.

    ``m(q) = sum_j x_j exp(-beta |q - x_j|^2/2) / sum_j exp(-beta |q - x_j|^2/2)``

    Parameters
    ----------
    queries : (M, n) array
    tokens : (N, n) array, both in float64 or float32
    beta : float > 0, precision of the kernel, in inverse squared units of the tokens
    kernel : "gaussian", or "dot" for plain softmax attention, scores ``beta q.x_j`` (the same where all ``|x_j|`` are)
    exclude_self : bool, query i does not attend to token i (queries are noisy or clean versions of the first M tokens)
    engine : "numpy" (blocks of queries), "torch" (fused attention, several times faster) or "auto": torch where it is
        installed and there are many pairs

    Returns
    -------
    (M, n) array

    Raises
    ------
    InputError
        For a precision that is not a positive finite number, or shapes that do not fit.
    """
    queries, tokens, middle = _checked(queries, tokens, beta, exclude_self)
    bias = -0.5 * beta * np.square(tokens).sum(1)
    if kernel == "dot":
        bias = beta * (tokens @ middle)
    elif kernel != "gaussian":
        raise InputError(f"kernel={kernel!r}; expected 'gaussian' or 'dot'")
    bias = bias.astype(tokens.dtype, copy=False)
    if _chosen(engine, len(queries) * len(tokens)) == "torch" and not exclude_self:
        return _fused(queries, tokens, beta, bias) + middle
    out = np.empty_like(queries)
    for at, scores, _ in _scores(queries, tokens, beta, bias, exclude_self):
        out[at] = scores @ tokens / scores.sum(1, keepdims=True)
    return out + middle


def log_density(
    queries: np.ndarray, tokens: np.ndarray, beta: float, *, exclude_self: bool = False
) -> np.ndarray:  # fmt: skip
    """Logarithm of the density at each query of the tokens blurred with the kernel, (M,).

    ``log (1/N) sum_j N(q; x_j, I / beta)``; parameters as in :func:`kernel_mean`.
    """
    queries, tokens, _ = _checked(queries, tokens, beta, exclude_self)
    out, bias = np.empty(len(queries)), -0.5 * beta * np.square(tokens).sum(1)
    for at, scores, top in _scores(queries, tokens, beta, bias, exclude_self):
        out[at] = np.log(scores.sum(1)) + top - 0.5 * beta * np.square(queries[at]).sum(1)
    n = len(tokens) - exclude_self
    return out - np.log(n) + 0.5 * tokens.shape[1] * np.log(beta / (2 * np.pi))


def _checked(
    queries: np.ndarray, tokens: np.ndarray, beta: float, exclude_self: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Queries and tokens about the tokens' mean, which is returned too: large offsets cost no digits then."""
    if not (np.isfinite(beta) and beta > 0):
        raise InputError(f"beta={beta}; expected a positive finite precision, such as 1 / noise variance")
    fits = queries.ndim == tokens.ndim == 2 and queries.shape[1] == tokens.shape[1] and len(tokens) > exclude_self
    if not fits or (exclude_self and len(queries) > len(tokens)):
        raise InputError(f"queries {queries.shape} and tokens {tokens.shape}; expected (M, n) and (N, n), N > 0")
    middle = tokens.mean(0)
    return queries - middle, tokens - middle, middle


def _scores(
    queries: np.ndarray, tokens: np.ndarray, beta: float, bias: np.ndarray, exclude_self: bool
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Rows of queries, their kernels up to a factor exp(top) of each row, and top."""
    rows = max(1, PIECE // len(tokens))
    for start in range(0, len(queries), rows):
        at = slice(start, start + rows)
        scores = (queries[at] * beta) @ tokens.T
        scores += bias
        if exclude_self:
            mine = np.arange(len(scores))
            scores[mine, start + mine] = -np.inf
        top = scores.max(1)
        scores -= top[:, None]
        np.exp(scores, out=scores)
        yield at, scores, top


def _chosen(engine: Engine, pairs: int) -> str:
    if engine not in ("auto", "numpy", "torch"):
        raise InputError(f"engine={engine!r}; expected 'auto', 'numpy' or 'torch'")
    return engine if engine != "auto" else "torch" if pairs >= MANY and find_spec("torch") else "numpy"


def _fused(queries: np.ndarray, tokens: np.ndarray, beta: float, bias: np.ndarray) -> np.ndarray:
    """The key's bias rides in one more coordinate, where the query is 1: torch never forms the (M, N) scores."""
    torch = require("torch", extra="torch")
    keys = np.c_[tokens, bias]
    asks = np.c_[queries * queries.dtype.type(beta), np.ones(len(queries), queries.dtype)]
    parts = (torch.from_numpy(np.ascontiguousarray(part, queries.dtype))[None, None] for part in (asks, keys, keys))
    with torch.no_grad():
        out = torch.nn.functional.scaled_dot_product_attention(*parts, scale=1.0)
    return out[0, 0, :, :-1].numpy()
