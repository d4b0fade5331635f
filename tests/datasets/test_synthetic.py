"""Generators against the models they claim to draw from."""

from __future__ import annotations

import numpy as np
import pytest

from similis import metrics
from similis._errors import InputError
from similis.datasets import bars, correlated_views, gaussian_blobs, planted_partition, ring, spiked_covariance


def test_spiked_covariance_has_the_spectrum_and_subspace_it_states():
    X, U = spiked_covariance(200_000, 20, 3, spikes=(2.0, 1.0), noise=0.1, normalize=False, random_state=0)
    np.testing.assert_allclose(U @ U.T, np.eye(3), atol=1e-12)
    C = X.T @ X / len(X)
    expected = U.T @ np.diag([2.0, 1.5, 1.0]) @ U + 0.1 * np.eye(20)
    assert np.linalg.norm(C - expected) < 0.02
    assert metrics.subspace_error(np.linalg.eigh(C)[1].T[-3:], U) < 0.01


def test_spiked_covariance_is_scaled_to_unit_mean_norm_and_defaults_follow_the_reference_setting():
    X, U = spiked_covariance(random_state=1)
    assert X.shape == (10_000, 50)
    assert U.shape == (4, 50)
    assert np.linalg.norm(X, axis=1).mean() == pytest.approx(1)
    values = np.linalg.eigvalsh(X.T @ X / len(X))[::-1]
    assert values[0] / values[3] == pytest.approx(2, rel=0.1)
    assert values[4:].mean() / values[0] == pytest.approx(0.002, rel=0.1)


def test_correlated_views_have_the_covariances_they_state():
    views = correlated_views(100_000, random_state=3)
    n = len(views.X)
    assert views.X.shape == (n, 50)
    assert views.Y.shape == (n, 30)
    for sample, population in (
        (views.X.T @ views.X / n, views.Cxx),
        (views.Y.T @ views.Y / n, views.Cyy),
        (views.X.T @ views.Y / n, views.Cxy),
    ):
        assert np.linalg.norm(sample - population) < 0.02 * np.linalg.norm(population)
    rho = metrics.canonical_correlations(views.X, views.Y)
    assert (rho[:8] > 0.9).all()  # the eight shared dimensions
    assert (rho[8:] < 0.06).all()  # the rest is sampling noise


def test_noiseless_views_are_perfectly_correlated():
    views = correlated_views(1000, 6, 5, 2, noise=0.0, random_state=0)
    rho = metrics.canonical_correlations(views.X, views.Y)
    np.testing.assert_allclose(rho, [1, 1, 0, 0, 0], atol=1e-6)


def test_blobs_lie_around_centres_at_the_stated_distance():
    X, labels = gaussian_blobs(30_000, 4, 3, separation=20, random_state=0)
    assert set(labels) == {0, 1, 2}
    for j in range(3):
        assert np.linalg.norm(X[labels == j].mean(0)) == pytest.approx(20, abs=0.1)
        assert X[labels == j].std(0) == pytest.approx(1, abs=0.05)


def test_ring_lies_on_a_circle_at_the_stated_angles():
    X, angle = ring(500, 7, random_state=0)
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1)
    np.testing.assert_allclose(X @ X.T, np.cos(angle[:, None] - angle), atol=1e-12)
    flat, angle = ring(5, random_state=0)
    np.testing.assert_allclose(flat, np.column_stack([np.cos(angle), np.sin(angle)]))


def test_images_are_unions_of_independent_bars():
    X, parts = bars(20_000, 4, probability=0.25, noise=0.0, random_state=0)
    assert parts.shape == (8, 16)
    np.testing.assert_array_equal(parts.sum(1), 4)
    np.testing.assert_array_equal(parts @ parts.T - 4 * np.eye(8), np.kron([[0, 1], [1, 0]], np.ones((4, 4))))
    assert set(np.unique(X)) == {0, 1}
    assert X.mean() == pytest.approx(1 - 0.75**2, abs=0.01)  # a pixel lies on two bars
    present = (X @ parts.T == 4).mean(0)  # a full bar: its own, or all four that cross it
    np.testing.assert_allclose(present, 0.25 + 0.75 * 0.25**4, atol=0.01)


@pytest.mark.parametrize("draw", [spiked_covariance, correlated_views, gaussian_blobs, ring, bars, planted_partition])
def test_a_seed_repeats_and_the_global_state_is_untouched(draw):
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - it is the global state that is watched
    np.testing.assert_array_equal(draw(50, random_state=7)[0], draw(50, random_state=7)[0])
    assert not np.array_equal(draw(50, random_state=8)[0], draw(50, random_state=7)[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: spiked_covariance(0), "n_samples"),
        (lambda: spiked_covariance(5, 3, 4), "at most n_features = 3"),
        (lambda: spiked_covariance(noise=-1), "noise"),
        (lambda: spiked_covariance(spikes=(1, -1)), "spikes"),
        (lambda: correlated_views(n_latent=0), "n_latent"),
        (lambda: correlated_views(noise=np.nan), "noise"),
        (lambda: gaussian_blobs(n_clusters=0), "n_clusters"),
        (lambda: ring(5, 1), "plane"),
        (lambda: bars(0), "n_samples"),
        (lambda: bars(probability=2.0), "probability"),
    ],
)
def test_impossible_models_are_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()
