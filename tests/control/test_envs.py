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
    total, over, steps = info["cost"], False, 0
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
    inside = envs.PlantEnv(plant.replace(sensing=3), **words)
    outside = envs.DelayObservation(envs.PlantEnv(plant, **words), 2)
    acting = envs.PlantEnv(plant.replace(sensing=1, acting=2), **words)
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


class Reused(gym.Env):
    """Writes every observation into the same array, and has no end of its own."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space = gym.spaces.Box(-1, 1, (1,), np.float32)

    def __init__(self):
        self.buffer = np.zeros(1, np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.buffer[:] = 0.0
        return self.buffer, {}

    def step(self, action):
        self.buffer += 1.0
        return self.buffer, 0.0, False, False, {}


def test_a_reused_buffer_is_late_all_the_same():
    env = envs.DelayObservation(Reused(), 2)
    env.reset()
    assert [float(env.step(np.zeros(1))[0][0]) for _ in range(5)] == [0, 0, 1, 2, 3]
    late = envs.DelayAction(envs.PlantEnv(tracking(1, n_steps=9), dtype=np.float64), 1)
    inside = envs.PlantEnv(tracking(1, n_steps=9).replace(acting=1), dtype=np.float64)
    for each in (late, inside):
        each.reset(seed=0)
    action = np.zeros(1)
    for t in range(5):
        action[0] = t
        one, two = late.step(action)[0], inside.step(action)[0]
        np.testing.assert_array_equal(one, two)
    assert abs(inside.x[1]) > 0.1


def test_a_learner_hears_a_reused_buffer_late():
    from similis.control import Agent, Agents, Rule
    from similis.control.play import play

    class Listener(Agent):
        heard = ()

        def observe(self, y, cost, action=None):
            self.heard = (*self.heard, float(y[0]))
            super().observe(y, cost, action)

    listener = Listener(Agents.new(1, 1, 1, [np.random.default_rng(0)]), Rule.frozen(), n_steps=6)
    play(Reused(), listener, 1)
    assert listener.heard == (0, 1, 2, 3, 4, 5)


def test_an_environment_without_an_end_is_left_after_a_thousand_steps():
    from similis import OptimalFeedbackController

    model = OptimalFeedbackController(n_episodes=1, random_state=0).fit(Reused())
    assert len(model.costs_) == 1
    short = gym.wrappers.TimeLimit(Reused(), 7)
    assert OptimalFeedbackController(n_episodes=2, random_state=0).fit(short).n_episodes_seen_ == 2


def test_steps_outside_an_episode_are_refused():
    env = envs.PlantEnv(double_integrator(1, n_steps=2))
    with pytest.raises(InputError, match=r"Call reset\(\)"):
        env.step(np.zeros(1))
    env.reset(seed=0)
    assert [env.step(np.zeros(1))[3] for _ in range(2)] == [False, True]
    with pytest.raises(InputError, match=r"Call reset\(\)"):
        env.step(np.zeros(1))
    for wrap in (envs.DelayObservation, envs.DelayAction):
        with pytest.raises(InputError, match=r"Call reset\(\)"):
            wrap(Reused(), 1).step(np.zeros(1))
        for delay in (1.5, -1, True):
            with pytest.raises(InputError, match="delay="):
                wrap(Reused(), delay)
        with pytest.raises(InputError, match="expected a gymnasium environment"):
            wrap("Pendulum-v1", 1)


def habits():
    """Environments with other habits: name -> (environment, what the error says)."""

    class Old(Reused):
        def reset(self, *, seed=None, options=None):
            return self.buffer

    class OldStep(Reused):
        def step(self, action):
            return super().step(action)[:4]

    class Silent(Reused):
        def step(self, action):
            return self.buffer, None, False, False, {}

    class Broken(Reused):
        def step(self, action):
            return self.buffer * np.nan, 0.0, False, False, {}

    class Wide(Reused):
        def step(self, action):
            return np.zeros((1, 1)), 0.0, False, False, {}

    def spaces(name, space):
        return type("Other", (Reused,), {name: space})()

    box = gym.spaces.Box(0, 1, (1,))
    return {
        "old reset": (Old(), "return 2 things"), "old step": (OldStep(), "return 5 things"),
        "no reward": (Silent(), "reward None"), "not finite": (Broken(), "not finite"),
        "shape": (Wide(), r"shape \(1, 1\)"),
        "dict": (spaces("observation_space", gym.spaces.Dict(a=box)), "observations are Dict"),
        "discrete": (spaces("action_space", gym.spaces.Discrete(3)), r"actions are Discrete"),
        "tuple": (spaces("observation_space", gym.spaces.Tuple([box])), "observations are Tuple"),
        "no environment": (object(), "got object"),
    }  # fmt: skip


@pytest.mark.parametrize("name", habits())
def test_other_habits_are_refused_and_leave_the_controller_alone(name):
    from similis import OptimalFeedbackController

    env, words = habits()[name]
    fresh = OptimalFeedbackController(n_episodes=1, random_state=0)
    with pytest.raises(InputError, match=words):
        fresh.fit(env)
    assert not [attribute for attribute in vars(fresh) if attribute.endswith("_")]
    model = OptimalFeedbackController(n_episodes=1, random_state=0).fit(gym.wrappers.TimeLimit(Reused(), 5))
    before = vars(model.agents_.copy())
    with pytest.raises(InputError, match=words):
        model.partial_fit(env)
    for key in "ABCLK":
        np.testing.assert_array_equal(getattr(model.agents_, key), before[key])
    assert model.n_episodes_seen_ == 1
