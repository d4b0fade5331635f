"""Scores of motion and hand-made detectors against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from similis._errors import InputError
from similis.metrics import (
    antisymmetry,
    barlow_levick,
    direction_accuracy,
    direction_selectivity,
    hassenstein_reichardt,
    rao_ruderman,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_antisymmetry_is_the_share_of_power():
    S, A = np.diag([1.0, 2.0]), np.array([[0.0, 1.0], [-1.0, 0.0]])
    assert antisymmetry(A) == pytest.approx(1)
    assert antisymmetry(S) == 0
    assert antisymmetry(3 * A + S) == pytest.approx(18 / 23)
    assert antisymmetry(rng().standard_normal((300, 300))) == pytest.approx(0.5, abs=0.01)
    assert antisymmetry(np.zeros((2, 2))) == 0


def test_selectivity_and_accuracy_of_known_responses():
    shift = np.array([1.0, 2.0, -1.0, -1.0, 0.0])
    Z = np.array([[3.0, 0, 0], [3, 0, 0], [1, 2, 0], [1, 2, 0], [9, 9, 9]])
    np.testing.assert_allclose(direction_selectivity(Z, shift), [0.5, -1.0, 0.0])
    assert direction_accuracy([1, 1, -1, -1, 5], shift) == 1
    assert direction_accuracy([-1, -1, 1, 1, 5], shift) == 1  # the sign of the signal is free
    assert direction_accuracy([1, -1, -1, 1, 5], shift) == 0.5
    assert direction_accuracy([1, 1, -1, 0, 5], shift) == pytest.approx(0.875)


def wave(shift: np.ndarray, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Sine waves across the last axis, of random phase, before and after a move."""
    phase = rng(seed).uniform(0, 2 * np.pi, (len(shift), 1))
    at = np.broadcast_to(np.arange(shape[-1]), shape).reshape(1, -1)
    return np.concatenate([np.sin(at - phase), np.sin(at - shift[:, None] - phase)], axis=1)


def test_correlators_of_a_wave_give_the_sine_of_its_shift():
    """sin(a)' sin(b) - sin(b)' sin(a) = sin(shift) sin(1) for pixels one radian apart, whatever the phase."""
    shift = rng(1).uniform(-0.4, 0.4, 50)
    for shape in ((4,), (3, 4)):
        signal = hassenstein_reichardt(wave(shift, shape), shape)
        pairs = 3 * (1 if len(shape) == 1 else 3)
        np.testing.assert_allclose(signal[:, -1], -pairs * np.sin(1) * np.sin(shift), atol=1e-12)
    np.testing.assert_allclose(signal[:, 0], 0, atol=1e-12)  # nothing moves down


def test_a_veto_prefers_motion_towards_higher_pixels():
    X = wave(np.repeat([0.3, -0.3], 400), (5,))
    signal = barlow_levick(X)[:, 0]
    assert signal[:400].mean() > 0.5
    assert signal[400:].mean() < -0.5
    mirrored = np.concatenate([X[:, 4::-1], X[:, :4:-1]], axis=1)
    np.testing.assert_allclose(barlow_levick(mirrored)[:, 0], -signal, atol=1e-12)


def test_least_squares_finds_the_generator_it_was_given():
    A = rng(2).standard_normal((5, 5))
    x, theta = rng(3).standard_normal((3000, 5)), rng(4).uniform(-1, 1, 3000)
    X = np.concatenate([x, x + 0.1 * theta[:, None] * (x @ A.T)], axis=1)
    found, amounts = rao_ruderman(X)
    assert abs(np.sum(found * A)) / np.linalg.norm(A) == pytest.approx(1, abs=1e-6)
    assert abs(np.corrcoef(amounts, theta)[0, 1]) > 1 - 1e-9


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: antisymmetry(np.ones((2, 3))), "rows and columns"),
        (lambda: direction_selectivity(np.ones((3, 1)), [1, 2, 0]), "both signs"),
        (lambda: direction_accuracy([1, 2], [1, -1, 1]), "samples"),
        (lambda: hassenstein_reichardt(np.ones((3, 5))), "5 columns"),
        (lambda: barlow_levick(np.ones((3, 8)), (3,)), r"two frames of \(3,\)"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
