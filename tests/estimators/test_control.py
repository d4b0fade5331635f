"""The controller and the filter as a user meets them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from similis import NeuralKalmanFilter, OptimalFeedbackController, load, save
from similis._errors import InputError
from similis.control import Plant, RandomStreams, double_integrator, optimal_cost, predict, tracking

ORDER = "a filter predicts a row from the rows before it: what it says depends on their order, as it must"


def _reasons(estimator):
    return {"check_methods_sample_order_invariance": ORDER, "check_methods_subset_invariance": ORDER}


@parametrize_with_checks([NeuralKalmanFilter()], expected_failed_checks=_reasons)
def test_scikit_learn(estimator, check):
    check(estimator)


def swing(delay=1):
    """A damped oscillator, pushed."""
    A = 0.97 * np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    return Plant(
        A=A, B=np.array([[0.0], [0.3]]), C=np.eye(2), V=0.05 * np.eye(2), W=np.diag([0.2, 0.4]), Q=np.eye(2),
        R=np.eye(1), start=np.zeros(2), n_steps=10, sensing=delay,
    )  # fmt: skip


def stream(plant, T, seed, missing=0.2):
    rng = np.random.default_rng(seed)
    x, Y, U = np.zeros(plant.n_states), np.empty((T, plant.n_observations)), rng.standard_normal((T, plant.n_actions))
    for t in range(T):
        Y[t] = plant.C @ x + plant.sensor_spread @ rng.standard_normal(plant.n_observations)
        x = plant.step(x, U[t], plant.spread @ rng.standard_normal(plant.n_states))
    seen = Y.copy()
    seen[rng.random(T) < missing] = np.nan
    return Y, seen, U


@pytest.mark.parametrize("delay", [1, 3])
def test_filter_with_gaps_is_nearly_the_exact_one(delay):
    plant = swing(delay)
    Y, seen, U = stream(plant, 20_000, 0)
    model = NeuralKalmanFilter(delay=delay, random_state=0).fit(seen, actions=U)
    last = slice(-5000, None)
    exact = np.mean((predict(plant, seen, U) - Y)[last] ** 2)
    assert exact * 0.995 < np.mean((model.predictions_ - Y)[last] ** 2) < 1.1 * exact
    assert np.mean((model.predict(seen, actions=U) - Y)[last] ** 2) < 1.1 * exact


def test_pieces_of_a_stream_are_the_stream():
    _, seen, U = stream(swing(), 1000, 1)
    whole = NeuralKalmanFilter(delay=2, random_state=0).fit(seen, actions=U)
    parts, said, start = NeuralKalmanFilter(delay=2, random_state=0), [], 0
    for stop in (1, 3, 200, 256, 700, 1000):
        parts.partial_fit(seen[start:stop], actions=U[start:stop])
        said.append(parts.predictions_)
        start = stop
    np.testing.assert_array_equal(np.concatenate(said), whole.predictions_)
    np.testing.assert_array_equal(parts.L_, whole.L_)


def test_units_of_the_stream_do_not_matter():
    Y, _, _ = stream(swing(), 2000, 2)
    plain = NeuralKalmanFilter(random_state=0).fit(Y).predictions_
    moved = NeuralKalmanFilter(random_state=0).fit(1e3 * Y + 7e3).predictions_
    np.testing.assert_allclose((moved[1:] - 7e3) / 1e3, plain[1:], rtol=1e-5, atol=1e-7)


def test_filter_of_awkward_streams():
    with pytest.raises(ValueError, match="infinity"):
        NeuralKalmanFilter().fit([[1.0], [np.inf]])
    with pytest.raises(InputError, match="actions have shape"):
        NeuralKalmanFilter().fit(np.ones((5, 2)), actions=np.ones((4, 1)))
    with pytest.raises(InputError, match="delay=0"):
        NeuralKalmanFilter(delay=0).fit(np.ones((5, 2)))
    model = NeuralKalmanFilter(random_state=0).fit(np.ones((500, 2)))
    np.testing.assert_allclose(model.predict(np.ones((3, 2))), 1.0)
    before = model.L_
    with pytest.raises(InputError, match=r"\(1, 0\)"):
        model.partial_fit(np.ones((1, 2)), actions=np.ones((1, 1)))
    np.testing.assert_array_equal(model.L_, before)
    nothing = NeuralKalmanFilter(random_state=0).fit(np.full((50, 2), np.nan))
    assert np.isfinite(nothing.predictions_).all()
    hidden = NeuralKalmanFilter(n_latent=3, random_state=0).fit(stream(swing(), 3000, 3)[0][:, :1])
    assert hidden.A_.shape == (3, 3)


def test_filter_saved_and_loaded_goes_on_bit_for_bit(tmp_path):
    _, seen, U = stream(swing(), 600, 4)
    model = NeuralKalmanFilter(delay=2, random_state=0).partial_fit(seen[:400], actions=U[:400])
    save(model, tmp_path / "filter")
    again = load(tmp_path / "filter")
    for each in (model, again):
        each.partial_fit(seen[400:], actions=U[400:])
    np.testing.assert_array_equal(model.predictions_, again.predictions_)
    np.testing.assert_array_equal(model.predict(seen, actions=U), again.predict(seen, actions=U))


def test_controller_learns_and_goes_on_bit_for_bit(tmp_path):
    plant = double_integrator(2)
    model = OptimalFeedbackController(random_state=0).partial_fit(plant, n_episodes=3000)
    save(model, tmp_path / "controller")
    again = load(tmp_path / "controller")
    whole = OptimalFeedbackController(n_episodes=5000, random_state=0).fit(plant)
    for each in (model, again):
        each.partial_fit(plant, n_episodes=2000)
        np.testing.assert_array_equal(each.costs_, whole.costs_)
        np.testing.assert_array_equal(each.K_, whole.K_)
    assert optimal_cost(plant) < -whole.score(plant) < 1.2 * optimal_cost(plant)
    assert clone(whole).get_params() == whole.get_params()
    assert again.n_episodes_seen_ == 5000


def test_controller_of_an_environment():
    gym = pytest.importorskip("gymnasium")
    from similis.control.envs import DelayObservation, PlantEnv

    env = PlantEnv(tracking(2, n_steps=30))
    model = OptimalFeedbackController(n_episodes=60, sigma=0.1, random_state=0).fit(env)
    assert model.delay_ == (2, 0)
    assert np.isfinite(model.score(env))
    same = OptimalFeedbackController(n_episodes=60, sigma=0.1, random_state=0).fit(env)
    np.testing.assert_array_equal(model.costs_, same.costs_)
    pendulum = gym.make("Pendulum-v1", max_episode_steps=40)
    learner = OptimalFeedbackController(n_episodes=5, sigma=0.5, random_state=0).fit(pendulum)
    assert learner.delay_ == (1, 0)
    assert OptimalFeedbackController(n_episodes=2, random_state=0).fit(DelayObservation(pendulum, 3)).delay_ == (3, 0)
    before = learner.K_
    for bad in (env, DelayObservation(pendulum, 3), "Pendulum-v1", gym.make("CartPole-v1")):
        with pytest.raises(InputError):
            learner.partial_fit(bad)
    np.testing.assert_array_equal(learner.K_, before)
    assert learner.partial_fit(pendulum, n_episodes=2).n_episodes_seen_ == 7


def test_controller_in_a_loop_of_ones_own():
    plant = double_integrator(1)
    model = OptimalFeedbackController(n_episodes=2000, random_state=0).fit(plant)
    agent = model.agent(n_steps=plant.n_steps)
    chance, costs = RandomStreams.of(3), []
    starts, V, W, _ = chance.draw(plant, 0, 300, plant.n_steps)
    for x, v, w in zip(starts, V, W, strict=True):
        seen = plant.C @ x
        agent.reset(seen, plant.cost(x, np.zeros(1)))
        for t in range(plant.n_steps):
            u = agent.act()
            x, late = plant.step(x, u, v[t]), seen
            seen = plant.C @ x + w[t + 1]
            agent.observe(late, plant.cost(x, u))
        costs.append(agent.finish()[0])
    assert np.mean(costs) < 1.2 * optimal_cost(plant)
    assert model.n_episodes_seen_ == 2000


@pytest.mark.parametrize("off", [0.0, 7.0, np.nan])
def test_a_sensor_that_was_off_while_the_filter_learned_is_left_out_of_the_score(off):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        C, x, rows = rng.standard_normal((4, 3)), np.zeros(3), []
        for _ in range(3000):
            x = np.array([[0.93, 0.2, 0], [-0.2, 0.93, 0], [0, 0, 0.88]]) @ x + 0.3 * rng.standard_normal(3)
            rows.append(C @ x + 0.3 * rng.standard_normal(4) + 2)
        learned, held = np.array(rows[:2000]), np.array(rows[2000:])
        others = [0, 2, 3]
        alone = NeuralKalmanFilter().fit(learned[:, others]).score(held[:, others])
        learned[:, 1] = off
        model = NeuralKalmanFilter().fit(learned)
        with pytest.warns(UserWarning, match=r"observations \[1\] never varied"):
            assert model.score(held) == pytest.approx(alone, abs=0.02)
