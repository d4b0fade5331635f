"""OnlineCCA(rank="adaptive"): as many outputs as there are correlations above a threshold, white, the rest silent."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import linalg

from similis import OnlineCCA
from similis._errors import InputError, ModelFileError
from similis._schema import Stored
from similis.circuit import Step, init, saddle_gradients
from similis.datasets import correlated_views
from similis.engine import reference, run
from similis.estimators._moments import WINDOW, Recent
from similis.estimators.persist import load, save
from similis.metrics import canonical_correlations, held_out_correlations, whitening_error
from similis.networks import adaptive_canonical_correlation

SHARED = 3
X, Y, *_ = correlated_views(12_000, n_x=12, n_y=9, n_latent=SHARED, random_state=0)
RHO = canonical_correlations(X, Y)


def adaptive(k: int = 6, **changes) -> OnlineCCA:
    return OnlineCCA(k, rank="adaptive", random_state=0, **changes)


def output_spectrum(model: OnlineCCA) -> np.ndarray:
    Zx, Zy = model.transform(X, Y)
    return np.linalg.eigvalsh(np.cov((Zx + Zy).T))[::-1]


@pytest.fixture(scope="module")
def learned() -> OnlineCCA:
    return adaptive().fit(X, Y)


def test_outputs_above_the_threshold_are_white_and_the_others_silent(learned):
    assert (RHO > 0.5).sum() == SHARED
    assert learned.rank_ == SHARED
    assert whitening_error(output_spectrum(learned), SHARED) < 0.01
    np.testing.assert_allclose(output_spectrum(learned)[SHARED:], 0, atol=0.01)
    np.testing.assert_allclose(learned.canonical_correlations_, RHO[:SHARED], atol=0.05)
    assert learned.score(X, Y) == pytest.approx(RHO[:SHARED].mean(), abs=5e-3)


@pytest.mark.parametrize(("threshold", "k"), [(0.5, 6), (0.0, 6), (0.98, 6), (0.5, 2), (0.999, 4)])
def test_the_exact_solver_counts_the_correlations(threshold, k):
    model = adaptive(k, threshold=threshold, solver="exact", ridge=0.0).fit(X, Y)
    rank = min(k, int((threshold < RHO).sum()))
    assert model.rank_ == rank
    np.testing.assert_allclose(output_spectrum(model), [1.0] * rank + [0.0] * (k - rank), atol=1e-3)
    np.testing.assert_allclose(model.canonical_correlations_, RHO[:rank], atol=1e-9)
    np.testing.assert_array_equal(model.output_eigenvalues_, [1.0] * rank + [0.0] * (k - rank))
    assert model.score(X, Y) == pytest.approx(RHO[:rank].mean() if rank else 0.0)


def test_the_exact_state_is_a_fixed_point_of_the_rules():
    model = adaptive(solver="exact", ridge=0.0).fit(X, Y)
    circuit = adaptive_canonical_correlation(6, ridge=0.0)
    rows = {"x": (X - model.x_mean_) / model.x_scale_, "y": (Y - model.y_mean_) / model.y_scale_}
    Z = reference.run(circuit, model.state_, rows, learn=False)[0]
    gradients = saddle_gradients(circuit, model.state_, rows, Z)
    resting = 2 * circuit.lateral.weight_offset * np.eye(6)
    for gradient in (gradients["x"], gradients["y"], gradients["P"] - resting):
        np.testing.assert_allclose(gradient, 0, atol=1e-9)


def growth(tau: float, power: float, rho: float, threshold: float) -> float:
    """Largest real part of the eigenvalues of the averaged rules about the state of one survivor and one silent pair.

    Both views have one column of variance ``power`` with correlation rho, so that both directions have b = power.
    """
    B, cross, alpha = power * np.eye(2), power * np.array([[1.0, rho], [rho, 1.0]]), 1 + threshold
    W = np.array([[1.0, 1.0], [0.0, 0.0]]) * np.sqrt((1 + rho) / (2 * power))
    P = np.diag([np.sqrt(rho - threshold), 0.0])

    def flow(flat: np.ndarray) -> np.ndarray:
        W, P = flat[:4].reshape(2, 2), flat[4:].reshape(2, 2)
        N = np.linalg.inv(P @ P.T + alpha * np.eye(2))
        C = N @ W @ cross @ W.T @ N
        return np.concatenate([2 * (N @ W @ cross - W @ B).ravel(), (C @ P - P).ravel() / tau])

    here, h = np.concatenate([W.ravel(), P.ravel()]), 1e-6
    np.testing.assert_allclose(flow(here), 0, atol=1e-12)
    jacobian = np.array([(flow(here + h * e) - flow(here - h * e)) / (2 * h) for e in np.eye(8)]).T
    return float(linalg.eigvals(jacobian).real.max())


@pytest.mark.parametrize("power", [0.5, 0.05])
@pytest.mark.parametrize(("rho", "threshold"), [(0.95, 0.5), (0.6, 0.5), (0.9, 0.1), (0.99, 0.0)])
def test_silence_is_stable_below_the_predicted_tau_and_not_above(power, rho, threshold):
    border = (1 + rho) / (2 * power * (rho - threshold))
    assert growth(0.97 * border, power, rho, threshold) < 1e-6
    assert growth(1.03 * border, power, rho, threshold) > 1e-4
    assert adaptive_canonical_correlation(2, threshold=threshold).lateral.tau <= border  # power <= 1 once scaled


def test_surplus_outputs_never_fall_silent_when_tau_is_too_large():
    """One latent carries nearly all of both views: b is near 1/2, and the border near 3."""
    A, B, *_ = correlated_views(20_000, n_x=6, n_y=6, n_latent=1, noise=0.05, random_state=1)
    powers = [OnlineCCA(4, rank="adaptive", eta0=0.05, decay=0.0, tau=tau, random_state=0).fit(A, B).output_eigenvalues_
              for tau in (2.0, 30.0)]  # fmt: skip
    assert powers[0].sum() == pytest.approx(1.0, abs=0.15)
    assert powers[1].sum() > 1.5


def test_a_pair_that_was_silent_for_long_wakes_without_a_shock():
    """Interneurons that had decayed to nothing let the output grow tenfold too far before they answer."""
    random = np.random.default_rng(2)
    noise = random.standard_normal((10_000, 12)), random.standard_normal((10_000, 9))
    quiet, loud = ({name: view / np.sqrt((view**2).sum(1).mean()) for name, view in zip("xy", views, strict=True)}
                   for views in (noise, (X, Y)))  # fmt: skip
    peaks = []
    for rest in (1e-3, 0.0):
        circuit = adaptive_canonical_correlation(3, step=Step(0.04))
        circuit = replace(circuit, lateral=replace(circuit.lateral, weight_offset=rest))
        state = run(circuit, init(circuit, {"x": 12, "y": 9}, 0), quiet)[1]
        assert np.abs(state.P).max() < 2e-3
        Z = run(circuit, state, loud)[0]
        assert np.linalg.eigvalsh(np.cov(Z[-2000:].T))[-1] == pytest.approx(1.0, abs=0.1)  # it wakes
        peaks.append(np.abs(Z).max())
    assert peaks[0] < 10
    assert peaks[1] > 40


def test_the_rank_follows_a_stream_that_changes():
    other, twin, *_ = correlated_views(12_000, n_x=12, n_y=9, n_latent=1, random_state=5)
    model = adaptive(eta0=0.03, decay=0.0).fit(X, Y)
    assert model.rank_ == SHARED
    assert model.partial_fit(other, twin).rank_ == 1
    assert model.partial_fit(X, Y).rank_ == SHARED


def test_the_second_moment_of_the_outputs_is_a_running_average_however_it_is_cut():
    Z = np.random.default_rng(0).standard_normal((2500, 3)) * [1, 2, 3]
    expected = np.zeros((3, 3))
    for t, z in enumerate(Z):
        share = max(1 / (t + 1), 1 / WINDOW)
        expected += share * (np.outer(z, z) - expected)
    for cuts in ([], [1, 2, 900], [1000, 1001, 2000]):
        recent = Recent.empty(3)
        for piece in np.split(Z, cuts):
            recent = recent.follow(piece)
        np.testing.assert_allclose(recent.second, expected, rtol=1e-10)
        assert recent.count == 2500
    np.testing.assert_allclose(Recent.empty(3).follow(Z[:WINDOW]).second, Z[:WINDOW].T @ Z[:WINDOW] / WINDOW)


def test_outputs_are_the_sum_of_the_projections_and_stay_in_their_precision(learned, tmp_path):
    Zx, Zy = learned.transform(X, Y)
    assert held_out_correlations(Zx[:, :2], Zy[:, :2]).shape == (2,)
    single = adaptive().fit(X[:500].astype(np.float32), Y[:500].astype(np.float32))
    assert single.transform(X[:5].astype(np.float32)).dtype == np.float32
    save(learned, tmp_path / "m")
    again = load(tmp_path / "m")
    assert again.rank_ == learned.rank_
    np.testing.assert_array_equal(again.output_eigenvalues_, learned.output_eigenvalues_)
    arrays, meta = learned._pack()
    with pytest.raises(ModelFileError, match="outputs is missing"):
        adaptive()._unpack(
            Stored({key: A for key, A in arrays.items() if key != "outputs"}, json.loads(json.dumps(meta)))
        )


@pytest.mark.parametrize("bad", [{"rank": "automatic"}, {"threshold": 1.0}, {"threshold": -0.1}])
def test_a_word_or_threshold_without_meaning_is_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        OnlineCCA(2, **{"rank": "adaptive"} | bad).fit(X[:50], Y[:50])


def test_no_correlation_no_output():
    rng = np.random.default_rng(0)
    model = adaptive(3).fit(rng.standard_normal((5000, 6)), rng.standard_normal((5000, 5)))
    assert model.rank_ == 0
    assert model.canonical_correlations_.shape == (0,)
    assert model.score(X[:20, :6], Y[:20, :5]) == 0.0
