"""What enters a plant, an agent or a compiled loop is right, or refused with a sentence; the optimum at its limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from similis import OptimalFeedbackController
from similis._errors import InputError
from similis.control import (
    Agents,
    Innovations,
    RandomStreams,
    Rule,
    double_integrator,
    expected_cost,
    flight,
    optimal_cost,
    predict,
    regulator,
    run,
    steady_gain,
    steady_regulator,
    tracking,
)

ASYMMETRIC = np.array([[1.0, 0.5], [0.0, 1.0]])


def agents(plant, number=1):
    rngs = [np.random.default_rng(seed) for seed in range(number)]
    return Agents.new(plant.n_observations, plant.n_actions, plant.n_observations, rngs)


def test_another_covariance_is_simulated_too():
    plant = double_integrator(1)
    louder = plant.replace(V=100 * plant.V)
    np.testing.assert_allclose(louder.spread @ louder.spread.T, louder.V, rtol=1e-12)
    known = Agents.from_plant(louder, 0.3 * np.eye(2), 0.5 * steady_regulator(louder))
    record = run(louder, known, Rule.frozen(ridge=1e-12), 5000, [RandomStreams.of(0)])
    error = record.cost.std() / np.sqrt(record.cost.size)
    assert expected_cost(louder, Innovations(known, 1)) == pytest.approx(record.cost.mean(), abs=4 * error)
    calm = flight().replace(V=np.eye(6))
    np.testing.assert_allclose(calm.spread @ calm.spread.T, np.eye(6), atol=1e-12)
    with pytest.raises(InputError, match=r"spread @ spread.T differs from V"):
        replace(plant, V=100 * plant.V)
    with pytest.raises(InputError, match="no noise"):
        plant.replace(noise=1.0)


@pytest.mark.parametrize("name", ["V", "W", "Q", "R"])
def test_asymmetric_and_indefinite_matrices_are_refused(name):
    plant = double_integrator(1).replace(B=np.eye(2), R=np.eye(2))
    for size in (1e-13, 1.0, 1e9):
        with pytest.raises(InputError, match=f"{name} is not symmetric"):
            plant.replace(**{name: size * ASYMMETRIC})
        with pytest.raises(InputError, match=f"{name} has a negative eigenvalue"):
            plant.replace(**{name: size * np.diag([1.0, -5.0])})
        with pytest.raises(InputError, match=f"{name} has a negative eigenvalue"):
            plant.replace(**{name: size * np.diag([1.0, -1e-9])})


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("size", [1e-8, 1.0, 1e4])
def test_products_of_any_size_are_covariances(size, dtype):
    rng = np.random.default_rng(0)
    for _ in range(20):
        a = (size * rng.standard_normal((6, 2))).astype(dtype)
        b = a @ a.T
        b[0, 1] = np.nextafter(b[0, 1], np.inf, dtype=dtype)
        plant = tracking(1).replace(
            A=0.9 * np.eye(6), B=np.ones((6, 1)), C=np.eye(6), V=b, W=b, Q=b, start=np.zeros(6), goal=None, low=None,
            high=None,
        )  # fmt: skip
        np.testing.assert_array_equal(plant.V, plant.V.T)
        np.testing.assert_allclose(plant.V, a.astype(float) @ a.T, rtol=1e-4, atol=1e-5 * size**2)


WRONG = {
    "start a column": {"start": np.array([[-1.0], [0.0]])},
    "start a number": {"start": 1.0},
    "start returns a column": {"start": lambda rng, first, number: np.zeros((2 * number, 1))},
    "start returns nan": {"start": lambda rng, first, number: np.full((number, 2), np.nan)},
    "A a row": {"A": np.ones(2)},
    "B a row": {"B": np.ones(2)},
    "spread of three": {"spread": np.ones((3, 2))},
    "half a step": {"sensing": 1.5},
    "no steps": {"n_steps": 0},
    "steps of nan": {"n_steps": np.nan},
    "signal of nan": {"signal": np.nan},
    "low above high": {"low": np.ones(2), "high": np.zeros(2)},
    "low of nan": {"low": np.full(2, np.nan)},
    "shocks of three": {"shocks": lambda rng, shape: np.zeros((*shape[:-1], 3))},
    "shocks of nan": {"shocks": lambda rng, shape: np.full(shape, np.nan)},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_plant_is_refused_before_the_loop(case):
    plant = double_integrator(1)
    with pytest.raises(InputError):
        run(plant.replace(**WRONG[case]), agents(plant), Rule(), 3, [RandomStreams.of(0)])


def test_agents_of_another_plant_are_refused():
    plant, other = double_integrator(1), double_integrator(1, system=1)
    with pytest.raises(InputError, match="the agents have 3 observations and 1 actions, the plant 2 and 1"):
        run(plant, agents(other), Rule(), 3, [RandomStreams.of(0)])
    for name, value in (("momentum", np.zeros((1, 2, 1))), ("power", np.zeros((1, 2)))):
        wrong = agents(plant)
        setattr(wrong, name, value)
        with pytest.raises(InputError, match=name):
            run(plant, wrong, Rule(), 3, [RandomStreams.of(0)])
    wrong = agents(plant)
    wrong.A = np.zeros((2, 2, 1)).T
    with pytest.raises(InputError, match="A has shape"):
        run(plant, wrong, Rule(), 3, [RandomStreams.of(0)])
    for lengths in (lambda i: 0 * i, lambda i: i[:1], lambda i: 0 * i + 1.5):
        with pytest.raises(InputError, match="lengths returns"):
            run(plant, agents(plant), Rule(), 3, [RandomStreams.of(0)], lengths=lengths)
    with pytest.raises(InputError, match="n_episodes=0"):
        run(plant, agents(plant), Rule(), 0, [RandomStreams.of(0)])


def test_an_agent_that_has_diverged_stays_so_and_the_others_go_on():
    plant = double_integrator(1)
    many, alone = agents(plant, 2), agents(plant, 2)
    many.K[0, 0, 0] = np.nan
    record = run(plant, many, Rule(), 5, [RandomStreams.of(0), RandomStreams.of(1)])
    well = run(plant, alone, Rule(), 5, [RandomStreams.of(0), RandomStreams.of(1)])
    assert record.alive.tolist() == [False, True]
    assert np.isnan(record.cost[0]).all()
    np.testing.assert_array_equal(record.cost[1], well.cost[1])


def test_small_units_of_a_sensor_are_no_singularity():
    plant = double_integrator(1)
    small = plant.replace(C=1e-12 * plant.C, W=1e-24 * plant.W)
    Agents.from_plant(small, 0.3e12 * np.eye(2), steady_regulator(plant))
    np.testing.assert_allclose(steady_gain(small), 1e12 * steady_gain(plant), rtol=1e-6)
    assert optimal_cost(small) == pytest.approx(optimal_cost(plant), rel=1e-6)


def test_free_actions():
    """R = 0: the limit of small R, and the smallest of the optimal actions where they do not matter."""
    plant = double_integrator(2)
    free = plant.replace(R=np.zeros((1, 1)))
    assert optimal_cost(free) == pytest.approx(optimal_cost(plant.replace(R=1e-9 * np.eye(1))), rel=1e-5)
    assert regulator(free)[0][-1] == pytest.approx(np.zeros((1, 2)))  # the last push moves no position in time
    two = plant.replace(B=np.array([[0.0, 0.0], [1.0, 1.0]]), R=np.zeros((2, 2)))
    assert optimal_cost(two) == pytest.approx(optimal_cost(free), rel=1e-9)
    np.testing.assert_allclose(regulator(two)[0][0][0], regulator(free)[0][0][0] / 2, rtol=1e-9)
    steady = steady_regulator(free.replace(B=np.eye(2), R=np.zeros((2, 2)), Q=np.eye(2)))
    np.testing.assert_allclose(steady, plant.A, atol=1e-12)  # undo everything at once


def test_noiseless_and_duplicate_sensors():
    plant = double_integrator(1).replace(A=np.array([[0.9, 0.5], [0.0, 0.8]]), start=np.zeros(2))
    once = plant.replace(W=np.zeros((2, 2)))
    C = np.vstack([np.eye(2), np.eye(2)])
    twice = plant.replace(C=C, W=np.zeros((4, 4)))
    np.testing.assert_allclose(steady_gain(once), plant.A, atol=1e-12)  # what was seen is the state
    np.testing.assert_allclose(steady_gain(twice) @ C, plant.A, atol=1e-12)
    assert optimal_cost(twice) == pytest.approx(optimal_cost(once), rel=1e-9)
    Y = np.random.default_rng(0).standard_normal((30, 2))
    np.testing.assert_allclose(predict(twice, np.hstack([Y, Y]))[1:, :2], Y[:-1] @ plant.A.T, rtol=1e-6, atol=1e-9)
    with pytest.raises(InputError, match="the regulator of this plant does not settle"):
        steady_regulator(plant.replace(A=2 * np.eye(2), B=np.zeros((2, 1))))


def test_expected_costs_of_a_large_start():
    plant = double_integrator(1)
    known = Agents.from_plant(plant, 0.3 * np.eye(2), 0.5 * steady_regulator(plant))
    far = [expected_cost(plant.replace(start=s * np.array([1.0, 0.3])), Innovations(known, 1)) for s in (0.0, 1.0, 1e5)]
    assert (far[2] - far[0]) / (far[1] - far[0]) == pytest.approx(1e10, rel=1e-6)


BAD = {
    "eta": (np.nan, -1.0, np.inf, "x"), "eta_K": (np.nan,), "decay": (np.nan,), "decay_K": (-1.0,), "sigma": (np.inf,),
    "memory": (np.nan, 2.0), "momentum": (np.nan, 1.0), "trace": (np.nan, 2.0), "clip": (np.nan, -1.0),
    "damp": (np.nan,), "ridge": (np.nan, -1.0), "average": (np.nan,), "bias": (np.nan, np.inf),
    "half_life": (0.0, np.nan), "warmup": (-1, 0.5), "baseline": ("median",),
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_rules_that_cannot_be_are_refused(name, value):
    with pytest.raises(InputError, match=f"{name}="):
        Rule(**{name: value})
    with pytest.raises(InputError, match=f"{name}="):
        OptimalFeedbackController(n_episodes=1, **{name: value}).fit(double_integrator(1))


def test_rates_of_filter_and_controller_fade_on_their_own():
    eta, eta_K, sigma = Rule(eta=1.0, eta_K=2.0, sigma=3.0, decay=0.1, decay_K=0.5, decay_sigma=0.25).rates(4, 2)
    np.testing.assert_allclose(eta, [1 / 1.4, 1 / 1.5])
    np.testing.assert_allclose(eta_K, [2 / 3.0, 2 / 3.5])
    np.testing.assert_allclose(sigma, [3 / 2.0, 3 / 2.25])
    rates = OptimalFeedbackController(decay=0.1, decay_K=0.5, eta_K=2.0).rule.rates(4, 1)
    assert rates[1][0] == pytest.approx(2 / 3.0)


def test_what_the_fit_settled_stays():
    plant = double_integrator(1)
    model = OptimalFeedbackController(n_episodes=20, random_state=0).fit(plant)
    costs = model.costs_
    changed = {"n_latent": 3, "bias": 0.2, "baseline": "mean", "natural": False, "average": 0.0}
    for name, value in changed.items():
        before = model.get_params()[name]
        model.set_params(**{name: value})
        for call in (model.partial_fit, model.play, model.score):
            with pytest.raises(InputError, match=f"fitted with {name}="):
                call(plant)
        model.set_params(**{name: before})
    np.testing.assert_array_equal(model.costs_, costs)
    K = model.agents_.K.copy()
    model.set_params(eta_K=0.0).partial_fit(plant, n_episodes=5)  # honoured
    np.testing.assert_array_equal(model.agents_.K, K)
