"""City-block distances and their gradient against the obvious way."""

from __future__ import annotations

import numpy as np
import pytest

from similis.kernels.cityblock import cityblock, cityblock_gradient

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sparse", [0, 0.9])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1100, 5), (700, 2, 40)])
def test_distances_and_gradient(dtype, shape, sparse):
    n, m, d = shape
    a, b = (RNG.integers(-2, 3, (k, d)).astype(dtype) for k in (n, m))  # with ties
    a[:, : d // 3] = 0  # and columns that all rows share
    for rows in (a, b):
        rows[RNG.random(rows.shape) < sparse] = -2  # the least value, as most amounts of an element are
    weight = RNG.standard_normal((n, m)).astype(dtype)
    difference = a[:, None] - b
    np.testing.assert_array_equal(cityblock(a, b), abs(difference).sum(2))
    gradient = np.einsum("ij,ije->ie", weight.astype(float), np.sign(difference))
    np.testing.assert_allclose(cityblock_gradient(a, b, weight), gradient, atol=1e-3 if dtype == np.float32 else 1e-12)
