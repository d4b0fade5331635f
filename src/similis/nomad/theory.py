"""Instances whose solution is known: the ring, a linear program; separated clusters, blocks."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

from .._errors import InputError


def ring_optimum(n: int, K: float) -> tuple[float, np.ndarray]:
    """The solution on the regular n-gon of radius 1: optimum, and the first row of the circulant Q.

    D and Q are circulant, so the Fourier coefficients q of a row of Q solve ``max d.q, q_0 = 1, sum q = K, q >= 0``
    with every entry ``sum_k q_k cos(2 pi k t / n) >= 0``.
    """
    phase = 2 * np.pi * np.outer(np.arange(n), np.arange(n)) / n
    d = np.real(np.fft.fft(np.cos(phase[1])))
    found = linprog(
        -d, A_ub=-np.cos(phase), b_ub=np.zeros(n), A_eq=np.stack([np.eye(n)[0], np.ones(n)]), b_eq=[1.0, K],
        bounds=(0, None), method="highs",
    )  # fmt: skip
    if not found.success:
        raise InputError(f"n={n}, K={K}: {found.message}; expected 1 <= K <= n")
    return float(-found.fun), np.cos(phase) @ found.x / n


def blocks_of(labels: np.ndarray) -> np.ndarray:
    """(n, n) the solution for separated clusters: 1 over a cluster's size inside it, 0 elsewhere."""
    same = labels[:, None] == labels
    return same / same.sum(1)
