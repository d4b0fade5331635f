"""Metrics against closed forms, invariances and bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from similis import metrics
from similis._errors import InputError


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("angle", [1e-9, 1e-3, 0.3, np.pi / 2])
def test_subspace_error_of_two_lines_is_root_two_sine(angle):
    line, turned = [[1.0, 0.0]], [[np.cos(angle), np.sin(angle)]]
    assert metrics.subspace_error(turned, line) == pytest.approx(np.sqrt(2) * np.sin(angle), rel=1e-6)


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 5), extra=st.integers(0, 6))
def test_subspace_error_equals_its_definition_and_ignores_mixing(seed, k, extra):
    V, U = rng(seed).standard_normal((2, k, k + extra))
    P, Q = np.linalg.pinv(V) @ V, np.linalg.pinv(U) @ U
    error = metrics.subspace_error(V, U)
    assert error == pytest.approx(np.linalg.norm(P - Q) / np.sqrt(k), abs=1e-9)
    assert metrics.subspace_error(
        ortho_group.rvs(k, random_state=seed) @ V * 7 if k > 1 else -3 * V, U
    ) == pytest.approx(error, abs=1e-9)


def test_subspace_error_counts_a_missing_direction():
    V, U = np.eye(5)[[0, 0]], np.eye(5)[:2]  # V has two rows but rank one
    assert metrics.subspace_error(V, U) == pytest.approx(np.sqrt(1 / 2))


def test_captured_variance_of_eigenvectors_is_their_share():
    C = np.diag([4.0, 3.0, 2.0, 1.0])
    assert metrics.captured_variance(np.eye(4)[:2] * 9, C) == pytest.approx(0.7)
    assert metrics.captured_variance(np.eye(4), C) == pytest.approx(1.0)


def views(n=4000, seed=0):
    r = rng(seed)
    S = r.standard_normal((n, 2))
    X = S @ r.standard_normal((2, 6)) + 0.4 * r.standard_normal((n, 6))
    Y = S @ r.standard_normal((2, 4)) + 0.7 * r.standard_normal((n, 4))
    return X - X.mean(0), Y - Y.mean(0)


def exact_cca(Cxx, Cyy, Cxy, k):
    """Another road than the code's: the generalised symmetric eigenproblem."""
    from scipy.linalg import block_diag, eigh

    m = len(Cxx)
    A, B = np.block([[Cxx, Cxy], [Cxy.T, Cyy]]), block_diag(Cxx, Cyy)
    values, vectors = eigh(A, B)
    V = vectors[:, ::-1][:, :k].T
    return V[:, :m], V[:, m:], values[::-1][:k] - 1


def test_canonical_correlations_agree_with_the_generalised_eigenproblem():
    X, Y = views()
    n = len(X)
    _, _, rho = exact_cca(X.T @ X / n, Y.T @ Y / n, X.T @ Y / n, 4)
    np.testing.assert_allclose(metrics.canonical_correlations(X, Y), rho, rtol=1e-10)
    _, _, shrunk = exact_cca(X.T @ X / n + np.eye(6) / 2, Y.T @ Y / n + np.eye(4) / 2, X.T @ Y / n, 4)
    np.testing.assert_allclose(metrics.canonical_correlations(X + 3, Y, ridge=0.5), shrunk, rtol=1e-10)


def test_canonical_correlations_ignore_linear_maps_and_constant_columns():
    X, Y = views()
    mixed = np.hstack([X @ rng(5).standard_normal((6, 6)), np.ones((len(X), 2))])
    np.testing.assert_allclose(
        metrics.canonical_correlations(mixed, Y), metrics.canonical_correlations(X, Y), rtol=1e-8
    )


def test_cca_objective_error_is_zero_at_the_optimum_and_two_when_mirrored():
    X, Y = views()
    n, k = len(X), 2
    C = X.T @ X / n, Y.T @ Y / n, X.T @ Y / n
    Vx, Vy, rho = exact_cca(*C, k)
    mix = rng(1).standard_normal((k, k))  # a rotation is in it, and a scale: both are normalised away
    assert metrics.cca_objective_error(mix @ Vx, mix @ Vy, *C) == pytest.approx(0, abs=1e-10)
    assert metrics.cca_objective_error(-Vx, Vy, *C) == pytest.approx(2, abs=1e-10)
    assert metrics.cca_objective_error(Vx[:1], Vy[:1], *C) == pytest.approx(0, abs=1e-10)
    assert metrics.cca_objective_error(Vx[1:], Vy[1:], *C) == pytest.approx(1 - rho[1] / rho[0], abs=1e-10)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 4))
def test_no_projection_beats_the_optimum(seed, k):
    X, Y = views(300)
    C = X.T @ X, Y.T @ Y, X.T @ Y
    Vx, Vy = rng(seed).standard_normal((k, 6)), rng(seed + 1).standard_normal((k, 4))
    assert -1e-12 <= metrics.cca_objective_error(Vx, Vy, *C) <= 2 + 1e-12


def test_whitening_error_is_the_distance_from_so_many_ones_and_zeros():
    assert metrics.whitening_error([1, 0, 1], 2) == 0.0
    assert metrics.whitening_error([2, 0, 0, 0], 0) == 1.0
    assert metrics.whitening_error([0.5, 0.0], 1) == pytest.approx(0.125)
    for eigenvalues, rank in (([1.0], 2), ([np.nan], 1), ([[1.0]], 1)):
        with pytest.raises(InputError):
            metrics.whitening_error(eigenvalues, rank)


def test_held_out_correlations_undo_a_mixing():
    X, Y = views()
    Zx, Zy = X[:, :2], Y[:, :2]
    mix = np.array([[2.0, 1.0], [-1.0, 3.0]])
    rho = metrics.held_out_correlations(Zx @ mix, -Zy)
    np.testing.assert_allclose(rho, metrics.held_out_correlations(Zx, Zy), rtol=1e-9)
    assert rho[0] >= abs(np.corrcoef(Zx[:, 0], Zy[:, 0])[0, 1])


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 30), d=st.integers(1, 30), k=st.integers(1, 30))
def test_alignment_and_similarity_error_equal_the_gram_definitions(seed, n, d, k):
    X, Y = rng(seed).standard_normal((n, d)), rng(seed + 1).standard_normal((n, k))
    K, L = X @ X.T, Y @ Y.T
    assert metrics.alignment(Y, X) == pytest.approx(np.sum(K * L) / np.linalg.norm(K) / np.linalg.norm(L), rel=1e-9)
    assert metrics.similarity_error(Y, X) == pytest.approx(
        np.linalg.norm(K - L) ** 2 / np.linalg.norm(K) ** 2, rel=1e-9, abs=1e-12
    )


def test_best_rank_k_similarity_error_is_the_tail_of_the_spectrum():
    X = rng(3).standard_normal((200, 9))
    U, s, _ = np.linalg.svd(X, full_matrices=False)
    assert metrics.similarity_error(U[:, :4] * s[:4], X) == pytest.approx(np.sum(s[4:] ** 4) / np.sum(s**4))


def test_grams_of_many_samples_are_never_formed():
    X = np.ones((400_000, 3))  # its Gram would take 1.3 TB
    assert metrics.alignment(X[:, :1], X) == pytest.approx(1.0)
    assert metrics.similarity_error(X, X) == pytest.approx(0.0)


I2 = np.eye(2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: metrics.subspace_error(np.ones((2, 3)), np.ones((2, 4))), "features"),
        (lambda: metrics.subspace_error([1.0, 2.0], I2), "V: expected"),
        (lambda: metrics.subspace_error([["a", "b"]], I2), "V: expected"),
        (lambda: metrics.subspace_error(np.array([[None, 1]]), I2), "dtype object"),
        (lambda: metrics.subspace_error([[np.nan, 1.0]], I2), "nan at row 0, column 0"),
        (lambda: metrics.subspace_error(I2, np.zeros((2, 2))), "U: every component is zero"),
        (lambda: metrics.subspace_error(np.empty((0, 2)), I2), "non-empty"),
        (lambda: metrics.captured_variance(I2, [[1, 2], [0, 1]]), "symmetric"),
        (lambda: metrics.captured_variance(I2, np.zeros((2, 2))), "positive trace"),
        (lambda: metrics.cca_objective_error(np.ones((2, 2)), np.ones((2, 2)), I2, I2, I2), "linearly dependent"),
        (lambda: metrics.cca_objective_error(I2, I2, I2, I2, np.zeros((2, 2))), "uncorrelated"),
        (lambda: metrics.cca_objective_error(np.ones((3, 2)), np.ones((3, 2)), I2, I2, I2), "at most 2"),
        (lambda: metrics.cca_objective_error(I2, I2, I2, I2, np.ones((2, 3))), "second view"),
        (lambda: metrics.canonical_correlations(I2, np.ones((3, 2))), "samples"),
        (lambda: metrics.canonical_correlations(I2[:1], I2[:1]), "two paired samples"),
        (lambda: metrics.canonical_correlations(I2, I2, ridge=-1), "ridge"),
        (lambda: metrics.held_out_correlations(I2, np.ones((2, 1))), "components"),
        (lambda: metrics.alignment(I2, np.zeros((2, 2))), "X: all zeros"),
        (lambda: metrics.similarity_error(I2, [[np.inf, 0], [0, 0]]), "inf at row 0"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_field_widths_and_similarity_width_of_triangular_fields():
    """Fields [w/2 - |angle|]_+ are w wide; their similarity is the autocorrelation of a triangle, a cubic spline whose
    half maximum lies where 2/3 - x^2 + x^3/2 = 1/3 for x in units of w/2."""
    angle, width = np.arange(3600) / 10, 60.0
    distance = np.abs((angle[:, None] - np.arange(0, 360, 10) + 180) % 360 - 180)
    Z = np.maximum(width / 2 - distance, 0)
    np.testing.assert_allclose(metrics.field_widths(Z), width, atol=0.2)
    x = np.roots([0.5, -1, 0, 1 / 3])
    half = float(x[(x > 0) & (x < 1)][0].real) * width / 2
    assert metrics.similarity_width(Z) == pytest.approx(2 * half, rel=1e-3)
    assert metrics.similarity_width(7 * np.roll(Z, 5, axis=0)) == pytest.approx(2 * half, rel=1e-3)
    assert metrics.similarity_width(np.ones((9, 2))) == 360
    assert metrics.field_widths(np.zeros((4, 1)))[0] == 0


@pytest.mark.parametrize("Z", [-np.eye(3), np.zeros((3, 2))])
def test_widths_need_outputs(Z):
    with pytest.raises(InputError, match="output"):
        metrics.similarity_width(Z)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, np.uint8])
def test_squared_distances_are_exact_wherever_the_rows_lie(dtype):
    """Whole numbers, so that every road that keeps all digits gives the same; far from the origin where they can be."""
    near = rng().integers(0, 100, (40, 5))
    far = 0 if np.dtype(dtype).itemsize == 1 else 2**23 if dtype == np.float32 else 2**51
    rows = (near + far).astype(dtype)
    expected = np.array([[sum((int(x) - int(y)) ** 2 for x, y in zip(a, b, strict=True)) for b in near] for a in near])
    np.testing.assert_array_equal(metrics.squared_distances(rows, rows), expected)
    with pytest.raises(InputError, match="features"):
        metrics.squared_distances(rows, rows[:, :4])
