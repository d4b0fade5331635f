"""Depth as particle dynamics, against the mean field, closed forms and other denoisers."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import nnls

from similis._errors import InputError
from similis.memory import (
    MixturePrior,
    balance,
    calibrate,
    depth,
    diagnose,
    flow,
    gaussian_variance,
    horizon,
    james_stein,
    kde_tweedie,
    kernel_mean,
    mean_shift,
    npmle,
    one_step,
    refine,
    symmetric_mixture,
    two_stage,
)
from similis.memory.baselines import GRID
from similis.memory.calibrate import largest_noise

GAUSS = MixturePrior(np.zeros((1, 1)), 1.0)


def mse(a: np.ndarray, b: np.ndarray) -> float:
    return float(((a - b) ** 2).sum(1).mean())


@pytest.mark.parametrize("beta", [0.5, 4.0, 1e4])
def test_the_mean_field_variance_solves_its_equation(beta):
    times = np.linspace(0, 0.9, 7)
    ode = solve_ivp(lambda t, v: -2 * v / (v + 1 / beta), (0, 0.9), [3.0], t_eval=times, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(gaussian_variance(3.0, beta, times), ode.y[0], rtol=1e-6)


@pytest.mark.parametrize("beta", [1.0, 8.0, np.inf])
def test_at_the_horizon_the_prior_is_back(beta):
    noise, prior = 0.5, 0.7
    if np.isfinite(beta):
        assert gaussian_variance(prior + noise, beta, horizon(noise, beta, prior)) == pytest.approx(prior)
    assert horizon(noise, 1e9, prior) == pytest.approx(horizon(noise))


def test_particles_follow_the_mean_field():
    """Many tokens, small steps: at times T the variance is that of the equation, at eta = 1 that of the recursion."""
    noisy, _ = GAUSS.sample(4000, 1.0, 0)
    start = float(noisy.var())
    cloud = refine(noisy, 2.0, 20, 0.05)
    assert float(cloud.var()) == pytest.approx(float(gaussian_variance(start, 2.0, 20 * 0.05 / 2.0)), rel=0.03)
    v = start * (start / (start + 0.5)) ** 2
    assert float(refine(noisy, 2.0, 1, 1.0).var()) == pytest.approx(v, rel=0.03)


def test_stage_one_alone_is_a_transport_map_and_the_long_skip_repairs_it():
    """Gaussian t2 = 1, noise 2: map sqrt(1/3) y, loss 2 (1 - sqrt(1/3)) = 0.845; Bayes 2/3."""
    noisy, clean = GAUSS.sample(6000, 2.0, 0)
    T = horizon(2.0, 1.0, 1.0)
    cloud = refine(noisy, 1.0, depth(T, 1.0, 0.05), 0.05)
    bayes = mse(GAUSS.posterior_mean(noisy, 2.0), clean)
    assert mse(cloud, clean) == pytest.approx(2 * (1 - np.sqrt(1 / 3)), rel=0.04)
    assert mse(kernel_mean(noisy, cloud, 0.5), clean) < 1.01 * bayes
    shrunk = (1 + 2) / (1 + 2 * 2) * noisy  # one step behaves as if the prior were noisy: (t2 + s2)/(t2 + 2 s2)
    np.testing.assert_allclose(mse(one_step(noisy, 2.0), clean), mse(shrunk, clean), rtol=0.02)


def test_two_stages_recover_the_posterior_mean_as_the_cloud_grows():
    prior, losses = symmetric_mixture(), []
    for n in (50, 400, 3200):
        excess = []
        for seed in range(3200 // n):
            noisy, _ = prior.sample(n, 0.5, seed)
            out = two_stage(noisy, 0.5, beta=4.0, horizon=horizon(0.5, 4.0, 0.09))
            excess.append(mse(out, prior.posterior_mean(noisy, 0.5)))
        losses.append(np.mean(excess))
    assert losses[0] > 2 * losses[1] > 4 * losses[2]
    assert losses[2] < 0.005


def test_the_grid_finds_the_posterior_means_of_a_mixture():
    for n in (1, 2):
        prior = symmetric_mixture(n)
        noisy, clean = prior.sample(1500, 0.5, 0)
        bayes, single = (mse(f, clean) for f in (prior.posterior_mean(noisy, 0.5), one_step(noisy, 0.5)))
        assert mse(npmle(noisy, 0.5, n_iter=200), clean) < bayes + 0.1 * (single - bayes)
    with pytest.raises(InputError, match="two_stage"):
        npmle(np.zeros((5, 3)), 1.0)


def exact_npmle(noisy, noise):
    """Kiefer-Wolfowitz on the same grid by another road: Newton steps as nonnegative least squares (Wang 2007)."""
    grid = np.linspace(noisy.min(), noisy.max(), GRID[1])[:, None]
    L, p = np.exp(-((noisy - grid.T) ** 2) / (2 * noise)), np.full(len(grid), 1 / len(grid))
    for _ in range(60):
        S = L / (L @ p)[:, None] / np.sqrt(len(L))
        toward = nnls(np.vstack([S, np.full(len(p), 1e3)]), np.r_[np.full(len(S), 2 / np.sqrt(len(S))), 1e3])[0]
        t = 1.0
        while t > 1e-8 and np.log(L @ (p + t * (toward / toward.sum() - p))).mean() < np.log(L @ p).mean():
            t /= 2
        p = p + t * (toward / toward.sum() - p)
    assert (L / (L @ p)[:, None]).mean(0).max() < 1 + 1e-9  # no cell could gain: the maximum, certified
    return (L * p) @ grid / (L @ p)[:, None]


@pytest.mark.parametrize("n", [60, 200])
def test_the_grid_s_maximum_likelihood_is_reached(n):
    noisy, _ = symmetric_mixture().sample(n, 0.5, 3)
    exact = exact_npmle(noisy, 0.5)
    assert np.abs(npmle(noisy, 0.5) - exact).mean() < 0.025
    assert np.abs(npmle(noisy, 0.5, n_iter=5) - exact).mean() > 0.1


def test_a_grid_coarser_than_the_noise_is_refused():
    noisy, _ = symmetric_mixture().sample(50, 0.5, 0)
    with pytest.raises(InputError, match="far rows"):
        npmle(np.concatenate([noisy, [[1e4]]]), 0.5)


def test_james_stein_has_its_degrees_of_freedom():
    """p = n (N - 1) deviations from the mean, factor 1 - (p - 2) noise / |deviations|^2."""
    np.testing.assert_allclose(
        james_stein(np.array([[-3.0], [-1], [1], [3]]), 2.0), 0.9 * np.array([[-3.0], [-1], [1], [3]])
    )
    rows = np.array([[2.0, 0], [-2, 0], [0, 2], [0, -2]]) + 7  # p = 6, |deviations|^2 = 16
    np.testing.assert_allclose(james_stein(rows, 1.0), 7 + 0.75 * (rows - 7))
    np.testing.assert_allclose(james_stein(rows[:2], 5.0), rows[:2])  # p - 2 = 0: nothing can be gained
    np.testing.assert_allclose(james_stein(rows[:1], 5.0), rows[:1])


def test_the_other_baselines_do_what_they_say():
    noisy, clean = GAUSS.sample(3000, 1.0, 0)
    np.testing.assert_allclose(james_stein(noisy, 1.0), noisy.mean() + 0.5 * (noisy - noisy.mean()), atol=0.1)
    assert mse(kde_tweedie(noisy, 1.0, 4.0), clean) < 1.15 * mse(GAUSS.posterior_mean(noisy, 1.0), clean)
    modes = mean_shift(symmetric_mixture().sample(300, 0.1, 0)[0], 2.0)
    assert np.abs(np.abs(modes) - 2).max() < 0.2
    assert (james_stein(noisy, 100.0) == noisy.mean(0)).all()


@pytest.mark.parametrize(("noise", "n"), [(0.5, 1), (2.0, 1), (0.5, 2)])
def test_settings_chosen_without_clean_tokens_are_as_good_as_the_derived(noise, n):
    prior, losses = symmetric_mixture(n), []
    for seed in range(6):
        noisy, clean = prior.sample(400, noise, seed)
        own = calibrate(noisy, noise, random_state=0)
        best = two_stage(noisy, noise, beta=2 / noise, horizon=horizon(noise, 2 / noise, 0.09))
        losses.append([mse(two_stage(noisy, noise, beta=own.beta, horizon=own.horizon), clean), mse(best, clean)])
    chosen, derived = np.mean(losses, axis=0)
    assert chosen < 1.05 * derived


def cloud_of(kind, d, n, rng):
    """Clusters, a circle, a swiss roll and a subspace in d dimensions."""
    if kind == "clusters":
        return rng.standard_normal((20, d))[rng.integers(20, size=n)]
    t = rng.uniform(0, 1, (2, n))
    turn = {"circle": 2 * np.pi * t[0], "roll": np.pi * (1.5 + 3 * t[0]), "subspace": 0 * t[0]}[kind]
    flat = {
        "circle": np.stack([3 * np.cos(turn), 3 * np.sin(turn)], 1),
        "roll": np.stack([turn * np.cos(turn), turn * np.sin(turn), 10 * t[1]], 1) / 4,
        "subspace": 2 * rng.standard_normal((n, 1 if d == 2 else 3)),
    }[kind][:, :d]
    return flat @ np.linalg.qr(rng.standard_normal((d, flat.shape[1])))[0].T


@pytest.mark.parametrize(("kind", "d"), [("clusters", 64), ("circle", 64), ("roll", 16), ("subspace", 256)])
def test_the_choice_is_as_good_as_the_best_of_a_scan(kind, d):
    """A scan that sees the clean tokens, over precisions and depths, wins by a tenth at most, in both types."""
    rng, noise = np.random.default_rng(70), 0.05
    clean = cloud_of(kind, d, 200, rng)
    noisy, losses = clean + rng.normal(0, noise**0.5, clean.shape), []
    for ratio in 2.0 ** np.arange(1, 1 - np.log2(2 * d), -1):
        for cloud in islice(flow(noisy, ratio / noise, 0.1), 0, 61, 5):
            losses.append(mse(kernel_mean(noisy, cloud, 1 / noise), clean))
    for dtype in (np.float64, np.float32):
        own = calibrate(noisy.astype(dtype), noise, random_state=0)
        chosen = mse(two_stage(noisy.astype(dtype), noise, beta=own.beta, horizon=own.horizon), clean)
        assert chosen < min(1.1 * min(losses), 0.6 * d * noise)


def test_the_choice_knows_no_unit_and_no_copies():
    rng = np.random.default_rng(3)
    noisy = cloud_of("circle", 3, 160, rng) + rng.normal(0, 0.3, (160, 3))
    for noise in (0.09, None):
        own = calibrate(noisy, noise, random_state=0)
        for unit in (1e-8, 1e8):
            other = calibrate(noisy * unit, None if noise is None else noise * unit**2, random_state=0)
            found = (other.noise / unit**2, other.beta * unit**2, other.horizon / unit**2)
            np.testing.assert_allclose(found, (own.noise, own.beta, own.horizon), rtol=1e-3)
    for more in (noisy, [[1e6, 0, 0]]):
        assert 0.6 * 0.09 < largest_noise(rng.permutation(np.concatenate([noisy, more]))) < 1.6 * 0.09


def test_an_unknown_noise_is_found_where_the_prior_is_thin():
    rng = np.random.default_rng(0)
    turn = rng.uniform(0, 2 * np.pi, (600, 1))
    noisy = 3 * np.hstack([np.cos(turn), np.sin(turn)]) + rng.normal(0, 0.4, (600, 2))
    assert 0.7 * 0.16 < calibrate(noisy, random_state=0).noise < 1.3 * 0.16


def test_the_two_failure_regions_are_told_apart():
    prior = symmetric_mixture(2)
    noisy, _ = prior.sample(400, 1.5, 0)
    for beta, found in ((12 / 1.5, "frozen"), (2 / 1.5, "sound"), (0.5 / 1.5, "merged")):
        cloud = refine(noisy, beta, depth(horizon(1.5, beta, 0.09), beta, 0.1))
        assert diagnose(noisy, cloud, 1.5) == found
    assert balance(noisy, noisy, 1.5) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: horizon(0.0), lambda: horizon(1.0, -1.0), lambda: horizon(1.0, 2.0), lambda: horizon(1.0, 2.0, 0.0),
        lambda: depth(np.inf, 1.0, 0.1), lambda: depth(-1.0, 1.0, 0.1), lambda: refine(np.ones((2, 1)), 1.0, 1, 1.5),
        lambda: refine(np.ones((2, 1)), 0.0, 1), lambda: calibrate(np.ones((9, 2))), lambda: calibrate(np.eye(2)),
    ],
)  # fmt: skip
def test_bad_settings_are_refused(call):
    with pytest.raises(InputError):
        call()
