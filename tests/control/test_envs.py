"""The environments as gymnasium wants them, and what is late is late."""

from __future__ import annotations

import numpy as np
import pytest

from similis._errors import InputError
from similis.control import double_integrator, flight, tracking

gym = pytest.importorskip("gymnasium")
envs = pytest.importorskip("similis.control.envs")
IDS = [f"similis/{task}-v0" for task in envs.TASKS]


@pytest.mark.parametrize("name", IDS)
@pytest.mark.filterwarnings("ignore:.*WARN")
def test_gymnasium_accepts_it(name):
    from gymnasium.utils.env_checker import check_env

    check_env(gym.make(name).unwrapped)


@pytest.mark.parametrize("name", IDS)
def test_side_by_side(name):
    many = gym.make_vec(name, num_envs=3, vectorization_mode="sync")
    first, _ = many.reset(seed=7)
    alone, _ = gym.make(name).reset(seed=8)
    np.testing.assert_allclose(first[1], alone, rtol=1e-6)  # single precision
    for _ in range(5):
        seen, reward, terminated, truncated, _ = many.step(np.zeros(many.action_space.shape, np.float32))
    assert seen.shape[0] == reward.shape[0] == 3
    assert not terminated.any()
    assert not truncated.any()


def test_an_episode_costs_what_it_costs_and_ends():
    env = envs.PlantEnv(double_integrator(2, n_steps=6), dtype=np.float64)
    _, info = env.reset(seed=0)
    total, over, steps = info["price"], False, 0
    assert total == 1.0
    while not over:
        before = env.x.copy()
        _, reward, terminated, over, info = env.step(np.array([0.5]))
        assert -reward == pytest.approx(env.x[0] ** 2 + 0.25)
        np.testing.assert_array_equal(info["state"], env.x)
        assert abs(env.x[0] - before.sum()) < 1.0
        assert not terminated
        steps += 1
    assert steps == 6
    for bad in (np.ones(2), np.array([np.nan])):
        with pytest.raises(InputError, match="expected 1 finite"):
            env.step(bad)


def test_observations_come_late_and_actions_act_late():
    plant = tracking(1, n_steps=20)
    words = {"dtype": np.float64}
    inside = envs.PlantEnv(plant.but(sensing=3), **words)
    outside = envs.DelayObservation(envs.PlantEnv(plant, **words), 2)
    acting = envs.PlantEnv(plant.but(sensing=1, acting=2), **words)
    wrapped = envs.DelayAction(envs.PlantEnv(plant, **words), 2)
    assert envs.delays(inside) == envs.delays(outside) == (3, 0)
    assert envs.delays(acting) == envs.delays(wrapped) == (1, 2)
    rng = np.random.default_rng(0)
    for env, other in ((inside, outside), (acting, wrapped)):
        np.testing.assert_array_equal(env.reset(seed=1)[0], other.reset(seed=1)[0])
        for _ in range(15):
            u = rng.standard_normal(1)
            for one, two in zip(env.step(u)[:2], other.step(u)[:2], strict=True):
                np.testing.assert_array_equal(one, two)


def test_any_environment_can_be_late():
    plain, late = gym.make("Pendulum-v1"), envs.DelayObservation(gym.make("Pendulum-v1"), 4)
    seen = [plain.reset(seed=3)[0]]
    assert np.array_equal(late.reset(seed=3)[0], seen[0])
    for t in range(1, 10):
        u = np.array([0.3], np.float32)
        seen.append(plain.step(u)[0])
        np.testing.assert_array_equal(late.step(u)[0], seen[max(0, t - 4)])
    with pytest.raises(InputError, match="delay=201"):
        envs.DelayObservation(gym.make("Pendulum-v1"), 201)
    with pytest.raises(InputError, match="only a Box"):
        envs.DelayAction(gym.make("CartPole-v1"), 1)


def test_flight_falls_without_wings():
    env = envs.PlantEnv(flight(n_steps=60))
    env.reset(seed=0)
    heights = [env.step(np.zeros(2))[4]["state"][3] for _ in range(60)]
    assert np.mean(np.diff(heights)) == pytest.approx(-0.2, abs=0.1)
