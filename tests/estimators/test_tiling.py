"""Manifold tiling: widths of fields on the ring against theory, outputs of norm 1."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from sklearn.utils.estimator_checks import parametrize_with_checks

from similis import ManifoldTiling
from similis._errors import InputError
from similis.datasets import ring
from similis.networks import ring_half_width

ANGLES = np.linspace(0, 2 * np.pi, 1440, endpoint=False)
CIRCLE = np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])


@parametrize_with_checks([ManifoldTiling()])
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("alpha", "degrees"), [(0.0, 180.0), (0.1, 165.9), (0.3, 139.4), (0.6, 99.4), (0.9, 47.4)])
def test_fields_on_the_ring_are_as_wide_as_theory_says(alpha, degrees):
    psi = ring_half_width(alpha)
    assert np.degrees(2 * psi) == pytest.approx(degrees, abs=0.1)
    model = ManifoldTiling(16, threshold=alpha, n_epochs=6, shuffle=True, random_state=0).fit(
        ring(2000, random_state=0)[0]
    )
    Z = model.transform(CIRCLE)
    assert (Z.max(0) > 0).all()
    width = 360 * np.mean(Z / Z.max(0) > 0.05)
    assert width == pytest.approx(2 * np.degrees(np.arccos(np.cos(psi) + 0.05 * (1 - np.cos(psi)))), rel=0.1)


@pytest.mark.parametrize("alpha", [0.05, 0.4, 0.8])
def test_the_width_is_where_drive_and_threshold_balance(alpha):
    """A field [cos phi - cos psi]_+ reproduces itself: <cos phi f> cos psi = alpha <f>, by quadrature."""
    psi = ring_half_width(alpha)

    def field(phi: float) -> float:
        return np.cos(phi) - np.cos(psi)

    pull = quad(lambda phi: np.cos(phi) * field(phi), -psi, psi)[0]
    assert pull * np.cos(psi) == pytest.approx(alpha * quad(field, -psi, psi)[0], rel=1e-6)


def test_outputs_have_norm_one_or_are_silent():
    model = ManifoldTiling(12, threshold=0.8, n_epochs=3, random_state=0).fit(ring(2000, random_state=0)[0])
    norms = np.linalg.norm(model.transform(CIRCLE), axis=1)
    assert np.all(np.isclose(norms, 1) | (norms == 0))


def test_score_is_the_objective_over_all_pairs():
    X = ring(300, random_state=1)[0]
    model = ManifoldTiling(8, threshold=0.4, n_epochs=4, random_state=0).fit(X)
    Z, x = model.transform(X), (X - model.mean_) / model.scale_
    assert model.score(X) == pytest.approx(np.mean((x @ x.T - 0.4) * (Z @ Z.T)))


def test_a_negative_threshold_is_refused():
    with pytest.raises(InputError, match="threshold=-1"):
        ManifoldTiling(threshold=-1).fit(CIRCLE)
