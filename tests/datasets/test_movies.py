"""Frames whose motion is known: what moved is found again by another road."""

from __future__ import annotations

import numpy as np
import pytest

from similis._errors import InputError
from similis.datasets import dataset, load_natural_images, load_photographs, moved_patches, shifted_textures


def test_a_texture_has_unit_variance_and_the_correlation_of_its_blur():
    X, shift = shifted_textures(30_000, 4, random_state=0)
    before, after = np.split(X, 2, axis=1)
    assert X.shape == (30_000, 8)
    np.testing.assert_allclose(np.cov(before.T), np.exp(-((np.subtract.outer(range(4), range(4))) ** 2) / 4), atol=0.03)
    for step in (-0.5, 0.0, 0.25):  # a blur of sigma correlates as exp(-distance^2 / (4 sigma^2))
        moved = np.isclose(shift, step)
        expected = np.exp(-((np.arange(4) - 1 - step) ** 2) / 4)
        np.testing.assert_allclose((before[moved, 1:2] * after[moved]).mean(0), expected, atol=0.1)
    # one product over all rows, one over some: the order of summation is the BLAS' choice
    np.testing.assert_allclose(before[shift == 0], after[shift == 0], atol=1e-12)
    assert set(np.round(20 * shift).astype(int)) == set(range(-10, 11))


def ramp(down: float, right: float) -> np.ndarray:
    y, x = np.indices((80, 90))
    return down * y + right * x


@pytest.mark.parametrize("slope", [(1.0, 0.0), (0.0, 1.0), (0.6, -0.8)])
def test_a_slope_that_moves_changes_by_what_it_moved(slope):
    """A ramp keeps its slope under any blur, away from its edges: x' - x = -slope . shift."""
    picture = ramp(*slope)
    X, moved = moved_patches([picture], 200, (3, 3), pitch=2.0, random_state=0)
    before, after = np.split(X, 2, axis=1)
    inner = np.abs((before[:, 8] - before[:, 0]) - 4 * sum(slope) / picture.std()) < 1e-3  # patches the edges spare
    assert inner.sum() > 40 or abs(sum(slope)) < 0.5
    change = (after - before).mean(1) * picture.std() / 2.0
    expected = -(moved @ slope)
    assert np.median(np.abs(change - expected)) < 0.02
    assert np.corrcoef(change, expected)[0, 1] > 0.99


def test_a_turned_patch_is_the_picture_read_on_a_turned_grid():
    """On a ramp to the right, the pixel below the centre moves right by sin(angle) of the picture it reads."""
    picture = ramp(0.0, 1.0)
    X, angle = moved_patches([picture], 300, (3, 3), motion="rotation", pitch=2.0, random_state=0)
    before, after = np.split(X, 2, axis=1)
    below = (after[:, 7] - after[:, 4]) - (before[:, 7] - before[:, 4])
    np.testing.assert_allclose(np.median(below / -np.sin(angle)), 2.0 / picture.std(), rtol=0.05)
    still = (after - before)[:, 4]
    np.testing.assert_allclose(still, 0, atol=1e-9)


@pytest.mark.parametrize(("motion", "axes"), [("horizontal", {1}), ("cardinal", {0, 1}), ("translation", {0, 1})])
def test_motions_are_what_they_are_called(motion, axes):
    X, moved = moved_patches(None, 400, (2, 3), motion=motion, random_state=3)
    assert X.shape == (400, 12)
    assert np.abs(moved).max() <= 0.5
    used = np.abs(moved) > 1e-12
    assert {axis for axis in (0, 1) if used[:, axis].any()} == axes
    assert used.all(axis=1).any() == (motion == "translation")
    again = moved_patches(None, 400, (2, 3), motion=motion, random_state=3)[0]
    np.testing.assert_array_equal(again, X)


def test_bundled_photographs_are_two_grey_pictures():
    one, two = load_photographs()
    assert one.shape == two.shape == (427, 640)
    assert 0 <= one.min() < one.max() <= 1


@pytest.mark.data
@pytest.mark.skipif(not dataset("natural-images").available, reason="natural images are not below SIMILIS_DATA")
def test_natural_images_are_thirteen_grey_pictures():
    images = load_natural_images()
    assert [image.shape for image in images] == [(256, 512)] * 13
    assert all(0 <= image.min() < image.max() <= 1 for image in images)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: shifted_textures(0), "n_samples=0"),
        (lambda: shifted_textures(5, smoothing=0.0), "smoothing=0.0"),
        (lambda: moved_patches(None, 5, motion="zoom"), "'zoom'"),
        (lambda: moved_patches([np.ones((9, 9))], 5), "no room"),
    ],
)
def test_what_cannot_be_drawn_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
