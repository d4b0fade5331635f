"""The compiled loop follows the agent that takes one step at a time, and nothing bad gets into an agent."""

from __future__ import annotations

import numpy as np
import pytest

from similis._errors import DivergenceError, InputError
from similis.control import (
    Agent,
    Agents,
    RandomStreams,
    Rule,
    double_integrator,
    flight,
    reaching,
    run,
    steady_regulator,
    tracking,
)

CASES = {
    "defaults": (double_integrator(2), Rule(), 2),
    "published": (double_integrator(1), Rule.published(0.005, 1e-5), 2),
    "three sensors": (double_integrator(3, system=1), Rule(), 2),
    "hidden neuron": (double_integrator(1, system=1), Rule(), 3),
    "mean baseline": (reaching(n_steps=20), Rule.published(4e-5, 2e-3, baseline="mean", momentum=0.0, sigma=5e-4), 6),
    "noise of action": (reaching(n_steps=20, signal=200.0), Rule(eta=1e-4), 6),
    "late actions": (flight(3, n_steps=25), Rule(bias=0.2, sigma=0.1), 6),
    "mixed delays": (double_integrator(2).replace(acting=1), Rule(), 2),
    "tracking": (tracking(), Rule(average=0.0), 3),
}


def new(plant, n_latent, seeds):
    if plant.n_states == 6 and not plant.acting:  # reaching, as in the paper, starts from what is known
        return Agents.from_plant(plant, 0.1 * np.eye(6), steady_regulator(plant), len(seeds))
    rngs = [np.random.default_rng([seed, 9]) for seed in seeds]
    return Agents.new(plant.n_observations, plant.n_actions, n_latent, rngs)


def step_by_step(plant, agents, rule, n_episodes, chance, which=0):
    """What the compiled loop does, in plain NumPy."""
    words = {"sensing": plant.sensing, "acting": plant.acting, "n_steps": plant.n_steps}
    agent = Agent(agents, rule, rng=chance.action, which=which, **words)
    costs, errors = [], []
    for episode in range(n_episodes):
        starts, V, W, _ = RandomStreams(chance.start, chance.plant, chance.sensor, np.random.default_rng()).draw(
            plant, episode, 1, plant.n_steps
        )
        x, Y, queue = starts[0], [], [np.zeros(plant.n_actions)] * plant.acting
        Y.append(plant.C @ x + W[0, 0])
        agent.reset(Y[0], plant.cost(x, np.zeros(plant.n_actions)))
        for t in range(plant.n_steps):
            queue.append(agent.act())
            u = queue.pop(0)
            x = plant.step(x, u, V[0, t])
            Y.append(plant.C @ x + W[0, t + 1])
            agent.observe(Y[max(0, t + 1 - plant.sensing)], plant.cost(x, u))
        paid, error = agent.finish()
        costs.append(paid)
        errors.append(error)
    return np.array(costs), np.array(errors)


@pytest.mark.parametrize("name", CASES)
def test_compiled_episodes_follow_the_steps(name):
    plant, rule, n_latent = CASES[name]
    fast, slow = new(plant, n_latent, [3]), new(plant, n_latent, [3])
    record = run(plant, fast, rule, 12, [RandomStreams.of(5)])
    costs, errors = step_by_step(plant, slow, rule, 12, RandomStreams.of(5))
    np.testing.assert_allclose(record.cost[0], costs, rtol=1e-10)
    np.testing.assert_allclose(record.error[0], errors, rtol=1e-10)
    for part in "ABCLK":
        np.testing.assert_allclose(getattr(fast, part), getattr(slow, part), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(fast.mean[part], slow.mean[part], rtol=1e-9, atol=1e-12)
    assert not np.array_equal(fast.K, 0 * fast.K)


def test_an_environment_gives_what_the_plant_gives():
    pytest.importorskip("gymnasium")
    from similis.control.envs import PlantEnv
    from similis.control.play import play

    plant, rule = double_integrator(2), Rule()
    fast, slow = new(plant, 2, [3]), new(plant, 2, [3])
    record = run(plant, fast, rule, 20, [RandomStreams.of(5)])
    env = PlantEnv(plant, dtype=np.float64)
    env.chance = RandomStreams.of(5)
    costs, _ = play(env, Agent(slow, rule, sensing=2, n_steps=10, rng=RandomStreams.of(5).action), 20)
    np.testing.assert_allclose(costs, record.cost[0] - 0.0, rtol=1e-10)
    np.testing.assert_allclose(slow.K, fast.K, rtol=1e-9)


def test_seeds_side_by_side_are_seeds_alone():
    plant, rule = double_integrator(2), Rule()
    both = new(plant, 2, [1, 2])
    record = run(plant, both, rule, 50, [RandomStreams.of(1), RandomStreams.of(2)])
    alone = new(plant, 2, [2])
    pieces = [run(plant, alone, rule, n, [chance]) for chance in [RandomStreams.of(2)] for n in (20, 30)]
    np.testing.assert_array_equal(record.cost[1], np.concatenate([piece.cost[0] for piece in pieces]))
    np.testing.assert_array_equal(both.mean["K"][1], alone.mean["K"][0])


def test_bad_input_leaves_the_agent_as_it_was():
    plant = double_integrator(1)
    agents = new(plant, 2, [0])
    agent = Agent(agents, Rule(), sensing=1, n_steps=10, rng=np.random.default_rng(0))
    with pytest.raises(InputError, match=r"begin\(y\)"):
        agent.act()
    agent.reset([-1.0, 0.0])
    agent.act()
    before = [getattr(agents, name).copy() for name in "ABCLK"]
    for bad in ([np.nan, 0.0], [np.inf, 0.0], [0.0], "xy"):
        with pytest.raises(ValueError):  # noqa: PT011
            agent.observe(bad, 1.0)
    with pytest.raises(InputError, match="cost"):
        agent.observe([0.0, 0.0], np.nan)
    with pytest.raises(InputError, match=r"expected 1 finite"):
        agent.observe([0.0, 0.0], 1.0, action=[1.0, 2.0])
    for name, array in zip("ABCLK", before, strict=True):
        np.testing.assert_array_equal(getattr(agents, name), array)
    agent.observe([-1.0, 0.1], 1.0)
    assert agent.act().shape == (1,)


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="nothing would be heard"):
        double_integrator(11)
    with pytest.raises(InputError, match="at most the steps"):
        Agent(new(double_integrator(1), 2, [0]), Rule(), sensing=11, n_steps=10)
    with pytest.raises(InputError, match="singular"):
        Agents(np.zeros((1, 2, 2)), np.zeros((1, 2, 1)), np.ones((1, 2, 2)), np.zeros((1, 2, 2)), np.zeros((1, 1, 2)))
    with pytest.raises(InputError, match="W has a negative eigenvalue"):
        double_integrator(1).replace(W=-np.eye(2))
    with pytest.raises(InputError, match="shape"):
        double_integrator(1).replace(B=np.ones((3, 1)))


def test_a_missing_observation_is_no_error():
    agent = Agent(new(double_integrator(1), 2, [0]), Rule(), sensing=1, n_steps=10, missing=True)
    agent.reset([-1.0, 0.0])
    agent.act()
    agent.observe([np.nan, np.nan], 1.0)
    np.testing.assert_array_equal(agent.errors[-1], [0.0, 0.0])
    np.testing.assert_allclose(agent.xh[-1], agent.A @ agent.xh[-2] + agent.B @ agent.u[-1])


def test_divergence_is_an_error_and_limits_prevent_it():
    from similis import OptimalFeedbackController

    wild = {"eta": 0.5, "clip": 0.0, "damp": 0.0, "natural": False, "eta_K": 1e-2, "random_state": 0}
    model = OptimalFeedbackController(n_episodes=200, **wild)
    with pytest.raises(DivergenceError, match=r"eta=0\.5"):
        model.fit(double_integrator(1))
    assert not hasattr(model, "agents_")
    seeds = range(40)
    plant = double_integrator(3)
    record = run(plant, new(plant, 2, seeds), Rule(), 1000, [RandomStreams.of(seed) for seed in seeds])
    assert record.alive.all()
    assert record.cost[:, -100:].mean(1).max() < 60
