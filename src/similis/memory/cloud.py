"""Attention over a cloud of tokens with a Gaussian kernel, in memory linear in the number of tokens.

``m(q) = sum_j w_j x_j``, ``w_j ~ exp(-beta |q - x_j|^2 / 2)``: softmax attention, scores ``beta (q.x_j - |x_j|^2/2)``.
It is the posterior mean of x given ``q = x + N(0, I / beta)`` where x is drawn from the tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple

import numpy as np

from .._errors import InputError
from .._optional import require
from ..metrics import squared_distances
from .admit import floats, positive

Engine = Literal["auto", "numpy", "torch"]
Kernel = Literal["gaussian", "dot"]

#: scores held at a time by the NumPy path
PIECE = 1 << 20
#: pairs of query and token from which on torch is worth its import
MANY = 1 << 22
#: the largest rounding error of a score that a matrix product may bring; beyond it distances come from differences
ROUNDING = {np.dtype(np.float32): 4e-3, np.dtype(np.float64): 1e-8}
#: the largest number, in widths of the kernel, whose square and the sum of such squares are finite
FARTHEST = 1e150


def kernel_mean(
    queries: np.ndarray, tokens: np.ndarray, beta: float, *, kernel: Kernel = "gaussian", exclude_self: bool = False,
    engine: Engine = "auto",
) -> np.ndarray:  # fmt: skip
    """Posterior mean of each query under a cloud of tokens.

    ``m(q) = sum_j x_j exp(-beta |q - x_j|^2/2) / sum_j exp(-beta |q - x_j|^2/2)``

    Parameters
    ----------
    queries : (M, n) array
    tokens : (N, n) array; float64 where either is or holds integers, float32 where both are or are float16
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
        For a precision that is not a positive finite number, shapes that do not fit, or numbers that are not finite or
        more than 1e150 widths of the kernel.
    """
    if kernel not in ("gaussian", "dot"):
        raise InputError(f"kernel={kernel!r}; expected 'gaussian' or 'dot'")
    placed, dtype = _placed(queries, tokens, beta, exclude_self, dot=kernel == "dot")
    if _chosen(engine, len(placed.asks) * len(placed.keys)) == "torch" and not (exclude_self or placed.exact):
        out = _fused(placed)
    else:
        out = np.empty_like(placed.asks)
        for at, scores, _ in _scores(placed, exclude_self):
            out[at] = scores @ placed.keys / scores.sum(1, keepdims=True)
    return (out / out.dtype.type(placed.scale) + placed.middle).astype(dtype, copy=False)


def log_density(
    queries: np.ndarray, tokens: np.ndarray, beta: float, *, exclude_self: bool = False
) -> np.ndarray:  # fmt: skip
    """Logarithm of the density at each query of the tokens blurred with the kernel, (M,).

    ``log (1/N) sum_j N(q; x_j, I / beta)``; parameters as in :func:`kernel_mean`.
    """
    placed, _ = _placed(queries, tokens, beta, exclude_self)
    out = np.empty(len(placed.asks))
    for at, scores, top in _scores(placed, exclude_self):
        out[at] = np.log(scores.sum(1, dtype=float)) + top
    n = len(tokens) - exclude_self
    return out - np.log(n) + 0.5 * placed.keys.shape[1] * np.log(beta / (2 * np.pi))


class _Placed(NamedTuple):
    """Queries and tokens in widths of the kernel, about ``middle``, and how their scores are found.

    ``scale`` is the power of 2 next to the square root of beta, so that scaling is exact, and ``precision`` what beta
    is then. Where products would round too much (``exact``), distances are differences and nothing is centred.
    """

    asks: np.ndarray
    keys: np.ndarray
    bias: np.ndarray
    own: np.ndarray
    middle: np.ndarray
    scale: float
    precision: float
    exact: bool


def _placed(
    queries: Any, tokens: Any, beta: float, exclude_self: bool, *, dot: bool = False
) -> tuple[_Placed, np.dtype]:  # fmt: skip
    """The rows ready for scores, and the type of the answer."""
    beta = positive("beta", beta)
    alone = queries is tokens
    tokens = floats("tokens", tokens)
    queries = tokens if alone else floats("queries", queries, empty=True)
    if queries.shape[1] != tokens.shape[1] or len(tokens) <= exclude_self:
        raise InputError(f"queries {queries.shape} and tokens {tokens.shape}; expected (M, n) and (N, n), N > 0")
    if exclude_self and len(queries) > len(tokens):
        raise InputError(f"{len(queries)} queries, {len(tokens)} tokens; expected a token for each query")
    scale = math.ldexp(1.0, round(math.log2(beta) / 2))
    check_range("tokens", tokens, scale)
    if not alone:
        check_range("queries", queries, scale)
    dtype = np.result_type(queries, tokens)
    for kind in (np.float32, np.float64) if dtype == np.float32 and 1e-18 < scale < 1e18 else (np.float64,):
        placed = _products(queries, tokens, scale, beta / scale**2, np.dtype(kind), dot)
        if placed is not None:
            return placed, dtype
    asks, keys = (rows.astype(float) * scale for rows in (queries, tokens))
    nothing = np.zeros(1)
    return _Placed(asks, keys, nothing, nothing, nothing, scale, beta / scale**2, True), dtype


def _products(
    queries: np.ndarray, tokens: np.ndarray, scale: float, precision: float, dtype: np.dtype, dot: bool
) -> _Placed | None:
    """Rows about the tokens' mean, for scores by a matrix product; None where these would round too much."""
    size = dtype.type(scale)
    with np.errstate(over="ignore", invalid="ignore"):
        rows = tokens.astype(dtype, copy=False)
        middle = rows.mean(0)
        keys = (rows - middle) * size
        asks = keys if queries is tokens else (queries.astype(dtype, copy=False) - middle) * size
        squares = -0.5 * precision * np.square(keys).sum(1)
        own = squares if asks is keys else -0.5 * precision * np.square(asks).sum(1)
        loss = -np.finfo(dtype).eps * min(squares.min(initial=0.0), own.min(initial=0.0))
    if dot and dtype == np.float64:  # scores are products: there is nothing better
        loss = 0.0
    elif dot:
        loss += np.finfo(dtype).eps * precision * float(np.square(middle * size).sum())
    if not loss <= ROUNDING[dtype]:
        return None
    bias = (precision * (keys @ (middle * size)) if dot else squares).astype(dtype, copy=False)
    return _Placed(asks, keys, bias, own, middle, scale, precision, False)


def check_range(name: str, rows: np.ndarray, scale: float) -> None:
    """Refuse numbers whose squares, in widths of the kernel, would overflow; the message names the farthest."""
    if rows.size and not max(float(rows.max()), -float(rows.min())) * scale <= FARTHEST:
        at = np.unravel_index(int(np.abs(rows).argmax()), rows.shape)
        raise InputError(
            f"{name}{[int(i) for i in at]} is {rows[at]:.3g}, more than {FARTHEST:g} widths of the kernel; expected "
            "numbers nearer to 0. Drop that row, or scale it"
        )


def _scores(placed: _Placed, exclude_self: bool) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Rows of queries, their kernels up to a factor exp(top) of each row, and top."""
    asks, keys, precision = placed.asks, placed.keys, placed.precision
    rows = max(1, PIECE // len(keys))
    for start in range(0, len(asks), rows):
        at = slice(start, start + rows)
        if placed.exact:
            scores = squared_distances(asks[at], keys)
            scores *= -0.5 * precision
        else:
            scores = (asks[at] * asks.dtype.type(precision)) @ keys.T
            scores += placed.bias
        if exclude_self:
            mine = np.arange(len(scores))
            scores[mine, start + mine] = -np.inf
        top = scores.max(1)
        scores -= top[:, None]
        np.exp(scores, out=scores)
        yield at, scores, top if placed.exact else top + placed.own[at]


def _chosen(engine: Engine, pairs: int) -> str:
    if engine not in ("auto", "numpy", "torch"):
        raise InputError(f"engine={engine!r}; expected 'auto', 'numpy' or 'torch'")
    return engine if engine != "auto" else "torch" if pairs >= MANY and find_spec("torch") else "numpy"


def _fused(placed: _Placed) -> np.ndarray:
    """The key's bias rides in one more coordinate, where the query is 1: torch never forms the (M, N) scores."""
    torch = require("torch", extra="torch")
    asks, dtype = placed.asks, placed.asks.dtype
    keys = np.c_[placed.keys, placed.bias]
    asks = np.c_[asks * dtype.type(placed.precision), np.ones(len(asks), dtype)]
    parts = (torch.from_numpy(np.ascontiguousarray(part, dtype))[None, None] for part in (asks, keys, keys))
    with torch.no_grad():
        out = torch.nn.functional.scaled_dot_product_attention(*parts, scale=1.0)
    return out[0, 0, :, :-1].numpy()
