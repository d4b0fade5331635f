"""Neighbours by true distances: far from the origin, beside a far row, by any kernel, by a matrix alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics.pairwise import pairwise_kernels

from similis._errors import InputError
from similis.nomad.near import Given, first_of_rows, first_of_similar, nearest_rows, nearest_similar, weights

RNG = np.random.default_rng(0)


def exactly(Q: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Squared distances in extended precision."""
    return ((Q[:, None].astype(np.longdouble) - X[None].astype(np.longdouble)) ** 2).sum(2).astype(np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [3, 40])
@pytest.mark.parametrize("kind", ["near", "off", "one far", "repeated", "two far groups"])
def test_nearest_rows_are_those_of_the_differences(kind, p, dtype):
    X, Q = RNG.standard_normal((80, p)), RNG.standard_normal((30, p))
    if kind == "off":
        X, Q = X + 1e6, Q + 1e6
    if kind == "one far":
        X[7], Q[3] = 1e12, -1e12
    if kind == "repeated":
        X = X[np.arange(80) % 5]
        Q[:5] = X[:5]
    if kind == "two far groups":
        X[::2] += 1e9
        Q[::2] += 1e9
    X, Q = X.astype(dtype), Q.astype(dtype)
    index, squared = nearest_rows(Q, X, 4)
    exact = exactly(Q, X)
    np.testing.assert_allclose(squared, np.sort(exact, 1)[:, :4], rtol=1e-12)
    np.testing.assert_allclose(np.take_along_axis(exact, index, 1), squared, rtol=1e-12)


def test_a_row_beyond_all_squares_is_refused():
    with pytest.raises(InputError, match="row 1"):
        nearest_rows(np.array([[0.0], [1e200]]), np.array([[0.0], [1.0]]), 1)


def test_weights_are_one_over_the_square_and_the_same_sample_has_all():
    np.testing.assert_allclose(weights(np.array([[1.0, 4.0], [1e-320, 1e-320], [1e-300, 1e300]])),
                               [[0.8, 0.2], [0.5, 0.5], [1, 0]])  # fmt: skip
    np.testing.assert_array_equal(weights(np.array([[0.0, 0.0, 3.0]])), [[0.5, 0.5, 0]])


KERNELS = {
    "linear": {}, "polynomial": {"degree": 2, "gamma": 1.0, "coef0": 0.5}, "rbf": {"gamma": 0.1}, "laplacian": {},
    "cosine": {},
}  # fmt: skip


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_matrix_alone_places_rows_as_its_kernel_does(kernel):
    """Of polynomials the training samples span the feature space; the other kernels have a constant diagonal."""
    X, Q = RNG.standard_normal((60, 3)), RNG.standard_normal((20, 3))
    K, S = (pairwise_kernels(A, X, metric=kernel, **KERNELS[kernel]) for A in (X, Q))
    own = np.diagonal(pairwise_kernels(Q, metric=kernel, **KERNELS[kernel]))
    index, squared = nearest_similar(S, own, np.diagonal(K), 5)
    alone, apart = Given(K).nearest(S, 5)
    np.testing.assert_array_equal(alone, index)
    np.testing.assert_allclose(apart, squared, rtol=1e-6)
    if kernel == "linear":
        np.testing.assert_allclose(squared, np.sort(exactly(Q, X), 1)[:, :5], rtol=1e-9)
    np.testing.assert_allclose(weights(Given(K).nearest(K, 5)[1])[:, 0], 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_coordinates_of_similarities_have_their_distances(dtype):
    X, Q = (RNG.standard_normal((n, 4)).astype(dtype) + 2 for n in (50, 12))
    Z, _ = Given(X @ X.T).coordinates(Q @ X.T)
    tol = 1e-9 if dtype == np.float64 else 1e-3
    np.testing.assert_allclose(exactly(Z, Z), exactly(Q, Q), rtol=tol, atol=tol)


def test_the_same_samples_are_found():
    X = RNG.standard_normal((6, 2))[[3, 1, 3, 2, 1, 5]]
    np.testing.assert_array_equal(first_of_rows(X), [0, 1, 0, 3, 1, 5])
    for dtype in (np.float32, np.float64):
        K = pairwise_kernels(X, metric="rbf").astype(dtype)
        np.testing.assert_array_equal(first_of_similar(K), [0, 1, 0, 3, 1, 5])
