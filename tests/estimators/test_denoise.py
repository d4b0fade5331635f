"""The denoisers as estimators: Bayes bounds, chosen settings, the two failure regions, and what users feed them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from similis import EmpiricalBayesDenoiser, InContextDenoiser, load, save
from similis._errors import InputError
from similis.memory import LinearTask, MixturePrior, SphereTask, kernel_mean, one_step, symmetric_mixture, two_stage

NOISY, CLEAN = symmetric_mixture(2).sample(400, 0.5, 0)


def mse(a: np.ndarray, b: np.ndarray) -> float:
    return float(((a - b) ** 2).mean())


@parametrize_with_checks(
    [
        InContextDenoiser(),
        InContextDenoiser(attention="softmax", weights="context"),
        InContextDenoiser(attention="linear"),
        EmpiricalBayesDenoiser(),
        EmpiricalBayesDenoiser(1.0),
    ]
)
@pytest.mark.filterwarnings("ignore:stage 1 is")
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("task", "attention", "weights", "most"),
    [
        (LinearTask(), "linear", "theory", 1.08),
        (LinearTask(), "linear", "context", 1.08),
        (LinearTask(), "softmax", "context", 1.25),
        (SphereTask(), "softmax", "theory", 1.14),
        (SphereTask(), "gaussian", "theory", 1.14),
        (SphereTask(), "softmax", "context", 1.09),
    ],
)
def test_one_layer_is_near_the_bayes_bound(task, attention, weights, most):
    prompts, losses = task.sample(80, 500, 0), []
    for x, q, target in zip(prompts.context, prompts.noisy, prompts.clean, strict=True):
        model = InContextDenoiser(task.noise, attention=attention, weights=weights, random_state=0).fit(x)
        losses.append(mse(model.transform(q[None])[0], target))
    assert np.mean(losses) < most * mse(task.posterior_mean(prompts), prompts.clean)


def test_a_context_grows_by_partial_fit():
    whole = InContextDenoiser(0.5).fit(CLEAN)
    parts = InContextDenoiser(0.5).partial_fit(CLEAN[:1]).partial_fit(CLEAN[1:])
    np.testing.assert_array_equal(parts.transform(NOISY), whole.transform(NOISY))
    np.testing.assert_allclose(whole.transform(NOISY), kernel_mean(NOISY, CLEAN, 2.0))
    assert parts.n_samples_seen_ == 400


def test_given_weights_are_used():
    model = InContextDenoiser(0.5, attention="softmax", alpha=1.6, beta=0.2).fit(CLEAN)
    np.testing.assert_allclose(model.transform(NOISY), 1.6 * kernel_mean(NOISY, CLEAN, 0.2, kernel="dot"))


def test_a_cloud_is_denoised_without_a_clean_token():
    prior = symmetric_mixture(2)
    model = EmpiricalBayesDenoiser(0.5, random_state=0).fit(NOISY)
    assert model.diagnosis_ == "sound"
    bayes, single = (mse(f, CLEAN) for f in (prior.posterior_mean(NOISY, 0.5), one_step(NOISY, 0.5)))
    assert bayes < mse(model.transform(NOISY), CLEAN) < bayes + 0.15 * (single - bayes)
    new, truth = prior.sample(2000, 0.5, 1)
    bayes, single = (mse(f, truth) for f in (prior.posterior_mean(new, 0.5), one_step(new, 0.5)))
    assert mse(model.transform(new), truth) < bayes + 0.15 * (single - bayes)


def test_given_settings_are_used():
    model = EmpiricalBayesDenoiser(0.5, beta=4.0, prior_variance=0.09).fit(NOISY)
    assert np.isnan(model.log_likelihood_)
    np.testing.assert_allclose(
        model.transform(NOISY), two_stage(NOISY, 0.5, beta=4.0, horizon=model.horizon_), atol=1e-12
    )
    none = EmpiricalBayesDenoiser(0.5, beta=4.0, horizon=0.0).fit(NOISY)
    np.testing.assert_allclose(none.transform(NOISY), one_step(NOISY, 0.5), atol=1e-12)


@pytest.mark.parametrize(("beta", "word"), [(24.0, "frozen"), (0.33, "merged")])
def test_both_failure_regions_are_warned_of(beta, word):
    noisy, _ = symmetric_mixture(2).sample(400, 1.5, 0)
    with pytest.warns(UserWarning, match=f"{word}.*Try"):
        EmpiricalBayesDenoiser(1.5, beta=beta, prior_variance=0.09).fit(noisy)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        EmpiricalBayesDenoiser(1.5, random_state=0).fit(noisy)


def test_the_limits():
    one = np.array([[1.0, -2.0]])
    np.testing.assert_array_equal(EmpiricalBayesDenoiser(1.0).fit(one).transform([[7.0, 7.0]]), one)
    np.testing.assert_array_equal(InContextDenoiser(1.0).fit(one).transform([[7.0, 7.0]]), one)
    constant = np.full((50, 2), 3.0)
    np.testing.assert_allclose(EmpiricalBayesDenoiser(1.0).fit_transform(constant), constant)
    np.testing.assert_allclose(EmpiricalBayesDenoiser(1e-8, random_state=0).fit_transform(NOISY), NOISY, atol=1e-3)
    gaussian, _ = MixturePrior(np.zeros((1, 2)), 1e-6).sample(400, 1.0, 0)  # all is noise: towards the mean
    assert mse(EmpiricalBayesDenoiser(1.0, random_state=0).fit_transform(gaussian), 0 * gaussian) < 0.03


@pytest.mark.parametrize("kind", [InContextDenoiser, EmpiricalBayesDenoiser])
def test_inputs_as_users_have_them(kind):
    expected = kind(0.5, random_state=0).fit(NOISY).transform(NOISY)
    mixed = [np.asfortranarray(NOISY), np.repeat(NOISY, 2, axis=0)[::2], NOISY.tolist()]
    for same in mixed:
        np.testing.assert_allclose(kind(0.5, random_state=0).fit(same).transform(same), expected, atol=1e-9)
    low = kind(0.5, random_state=0).fit(NOISY.astype(np.float32))
    assert low.transform(NOISY.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(low.transform(NOISY), expected, atol=0.02)
    frame = kind(0.5, random_state=0).set_output(transform="pandas").fit_transform(NOISY)
    assert list(frame.columns) == ["x0", "x1"]
    bad = (np.array([[1.0, np.nan]]), np.empty((0, 2)), np.array([["a", "b"]]), np.ones(3), np.ones((2, 2, 2)))
    for rows in bad:
        with pytest.raises((ValueError, TypeError)):
            kind(0.5).fit(rows)
    with pytest.raises(ValueError, match="features"):
        low.transform(np.ones((2, 3)))


@pytest.mark.parametrize(
    "model",
    [
        InContextDenoiser(0.0), InContextDenoiser(-1.0), InContextDenoiser(np.nan), InContextDenoiser(None),
        InContextDenoiser(beta=-1.0), InContextDenoiser(alpha=0.0), InContextDenoiser(attention="cosine"),
        InContextDenoiser(weights="search"), EmpiricalBayesDenoiser(0.0), EmpiricalBayesDenoiser(-1.0),
        EmpiricalBayesDenoiser(np.inf), EmpiricalBayesDenoiser(1.0, beta=0.0), EmpiricalBayesDenoiser(1.0, beta=np.inf),
        EmpiricalBayesDenoiser(1.0, horizon=-1.0), EmpiricalBayesDenoiser(1.0, eta=0.0),
        EmpiricalBayesDenoiser(1.0, prior_variance=-1.0), EmpiricalBayesDenoiser(1.0, engine="jax"),
    ],
    ids=str,
)  # fmt: skip
def test_parameters_out_of_range_are_refused(model):
    with pytest.raises(InputError, match="expected"):
        model.fit(NOISY)


def test_an_unknown_noise_needs_tokens_that_differ():
    with pytest.raises(InputError, match="give the variance of the noise"):
        EmpiricalBayesDenoiser().fit(NOISY[:1])
    with pytest.raises(InputError, match="give the variance of the noise"):
        EmpiricalBayesDenoiser().fit(np.ones((50, 2)))


def test_the_score_is_a_likelihood_that_prefers_the_right_noise():
    scores = [EmpiricalBayesDenoiser(s, random_state=0).fit(NOISY[:200]).score(NOISY[200:]) for s in (0.05, 0.5)]
    assert scores[0] < scores[1]
    truth = symmetric_mixture(2).log_density(NOISY[200:], 0.5).mean()
    assert scores[1] == pytest.approx(truth, abs=0.1)


@pytest.mark.parametrize(
    "model", [InContextDenoiser(0.5, attention="softmax", weights="context", random_state=0),
              EmpiricalBayesDenoiser(random_state=0)], ids=lambda m: type(m).__name__,
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:stage 1 is")
def test_a_saved_model_is_the_same_bit_for_bit(model, tmp_path):
    model.fit(NOISY)
    save(model, tmp_path / "m")
    again = load(tmp_path / "m")
    np.testing.assert_array_equal(again.transform(NOISY), model.transform(NOISY))
    assert vars(again).keys() == vars(model).keys()
    if hasattr(model, "partial_fit"):
        np.testing.assert_array_equal(
            again.partial_fit(CLEAN).transform(NOISY), model.partial_fit(CLEAN).transform(NOISY)
        )
