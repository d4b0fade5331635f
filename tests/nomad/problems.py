"""Small problems of every kind that real data bring, and an interior-point solver as their oracle."""

from __future__ import annotations

import numpy as np
import pytest

from similis.nomad import Similarity

#: name: rows from a generator
KINDS = {
    "cloud": lambda rng: rng.standard_normal((11, 3)),
    "line": lambda rng: rng.standard_normal((10, 1)) * np.ones(4),
    "repeated": lambda rng: rng.standard_normal((4, 3))[np.arange(11) % 4],
    "one far": lambda rng: rng.standard_normal((9, 2)) * np.where(np.arange(9) == 4, 30, 1)[:, None],
    "far off": lambda rng: rng.standard_normal((9, 2)) + 1e6,
    "wide": lambda rng: rng.standard_normal((8, 20)),
    "ring": lambda _: np.stack([np.cos(np.arange(12) * np.pi / 6), np.sin(np.arange(12) * np.pi / 6)], 1),
}  # fmt: skip


def rows(kind: str, seed: int = 0) -> np.ndarray:
    return KINDS[kind](np.random.default_rng(seed))


def interior_point(D: Similarity, K: float) -> tuple[float, np.ndarray]:
    """Clarabel's optimum, of D divided by its scale, and multipliers S >= 0 of ``Q >= 0`` in those units."""
    cp = pytest.importorskip("cvxpy", reason="cvxpy is the oracle of this test")
    n, dense = D.n, D.normal.rows(slice(0, D.n))
    Q = cp.Variable((n, n), PSD=True)
    nonnegative = Q >= 0
    problem = cp.Problem(
        cp.Maximize(cp.sum(cp.multiply(dense, Q))), [nonnegative, cp.sum(Q, axis=1) == 1, cp.trace(Q) == K]
    )
    problem.solve(solver="CLARABEL")
    return float(problem.value), np.maximum(nonnegative.dual_value, 0)
