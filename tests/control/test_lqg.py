"""The exact optimum: against other roads to the same numbers, and against episodes that were drawn."""

from __future__ import annotations

import numpy as np
import pytest

from similis._errors import InputError
from similis.control import (
    Agents,
    Innovations,
    RandomStreams,
    Reflex,
    Rollout,
    Rule,
    double_integrator,
    expected_cost,
    flight,
    innovation_error,
    optimal_cost,
    predict,
    regulator,
    run,
    steady_gain,
    steady_regulator,
    tracking,
    uncertainty,
)
from similis.control.lqg import stable_gain

#: an independent vectorised simulation of 20,000 episodes, made before this library
KNOWN = {1: 5.593, 2: 6.948, 3: 8.376, 4: 9.69, 5: 10.68, 6: 11.18, 9: 11.35}


@pytest.mark.parametrize(("delay", "known"), KNOWN.items())
def test_optimal_cost_of_the_double_integrator(delay, known):
    assert optimal_cost(double_integrator(delay)) == pytest.approx(known, rel=0.005)


def test_without_noise_the_optimum_is_a_quadratic_programme():
    plant = double_integrator(1).replace(V=np.zeros((2, 2)), W=np.zeros((2, 2)))
    T, A, B = plant.n_steps, plant.A, plant.B
    x0 = np.array([-1.0, 0.0])
    free = [np.linalg.matrix_power(A, t + 1) @ x0 for t in range(T)]
    forced = np.zeros((T, 2, T))
    for t in range(T):
        for s in range(t + 1):
            forced[t, :, s] = (np.linalg.matrix_power(A, t - s) @ B)[:, 0]
    H = np.eye(T) + sum(F.T @ plant.Q @ F for F in forced)
    g = sum(F.T @ plant.Q @ x for F, x in zip(forced, free, strict=True))
    u = -np.linalg.solve(H, g)
    cost = (
        x0 @ plant.Q @ x0 + u @ u + sum((x + F @ u) @ plant.Q @ (x + F @ u) for x, F in zip(free, forced, strict=True))
    )
    assert optimal_cost(plant) == pytest.approx(cost)


def test_long_episodes_end_in_the_steady_solutions():
    plant = double_integrator(1, n_steps=200)
    np.testing.assert_allclose(regulator(plant)[0][0], steady_regulator(plant), rtol=1e-9)
    S = uncertainty(plant)[-1]
    gain = plant.A @ S @ plant.C.T @ np.linalg.inv(plant.C @ S @ plant.C.T + plant.W)
    np.testing.assert_allclose(gain, steady_gain(plant), rtol=1e-9)


def test_no_controller_beats_the_optimum_and_the_model_of_the_past_comes_near():
    for delay in (1, 2, 3):
        plant = double_integrator(delay)
        K, L = steady_regulator(plant), steady_gain(plant)
        best = optimal_cost(plant)
        assert best < expected_cost(plant, Rollout(plant, L, K)) < 1.06 * best
        assert best < expected_cost(plant, Innovations(Agents.from_plant(plant, 0.5 * L, K), delay)) < 1.3 * best
        assert expected_cost(plant, Reflex(0.1 * K)) > 1.5 * best


def test_expectations_are_means_of_episodes():
    for plant in (double_integrator(2), double_integrator(1, system=1), tracking()):
        agents = Agents.from_plant(plant, 0.3 * steady_gain(plant), 0.7 * steady_regulator(plant))
        record = run(plant, agents, Rule.frozen(ridge=1e-12), 20_000, [RandomStreams.of(1)])
        error = record.cost.std() / np.sqrt(record.cost.size)
        assert expected_cost(plant, Innovations(agents, plant.delay)) == pytest.approx(
            record.cost.mean(), abs=4 * error
        )


def test_filter_with_gaps_is_the_conditional_mean():
    rng = np.random.default_rng(0)
    A = 0.9 * np.array([[0.8, -0.6], [0.6, 0.8]])
    for delay in (1, 3):
        plant = tracking(delay).replace(
            A=A, B=np.eye(2), C=np.array([[1.0, 0.0]]), V=0.3 * np.eye(2), W=0.2 * np.eye(1), Q=np.eye(2), R=np.eye(2),
            start=np.zeros(2), goal=None, low=None, high=None, spread=None,
        )  # fmt: skip
        T = 8
        S = np.eye(2)
        for _ in range(500):
            S = A @ S @ A.T + plant.V
        joint = np.zeros((2 * T, 2 * T))  # covariance of the states, long-hand
        for s in range(T):
            for t in range(s, T):
                block = np.linalg.matrix_power(A, t - s) @ S
                joint[2 * t : 2 * t + 2, 2 * s : 2 * s + 2], joint[2 * s : 2 * s + 2, 2 * t : 2 * t + 2] = (
                    block,
                    block.T,
                )
        H = np.kron(np.eye(T), plant.C)
        cov = H @ joint @ H.T + 0.2 * np.eye(T)
        Y = np.linalg.cholesky(cov) @ rng.standard_normal((T, 1))
        Y[[2, 3]] = np.nan
        seen = [t for t in range(T - delay) if not np.isnan(Y[t, 0])]
        expected = (H @ joint @ H.T)[T - 1, seen] @ np.linalg.solve(cov[np.ix_(seen, seen)], Y[seen, 0])
        assert predict(plant, Y)[-1, 0] == pytest.approx(expected, rel=1e-9)


def test_coloured_noise_has_the_variance_and_memory_asked_for():
    plant = double_integrator(1, n_steps=4000).coloured(0.8)
    rng = np.random.default_rng(0)
    x, states = plant.starts(rng, 0, 1)[0], []
    for _ in range(plant.n_steps):
        x = plant.step(x, np.zeros(1), plant.spread @ plant.shocks(rng, (plant.spread.shape[1],)))
        states.append(x[2:])
    noise = np.array(states)
    assert noise.var() == pytest.approx(0.01, rel=0.15)
    assert np.corrcoef(noise[1:, 0], noise[:-1, 0])[0, 1] == pytest.approx(0.8, abs=0.05)
    assert optimal_cost(double_integrator(1).coloured(0.8)) > optimal_cost(double_integrator(1))


def test_white_noise_is_noise_without_memory():
    plant = double_integrator(2)
    assert optimal_cost(plant.coloured(0.0)) == pytest.approx(optimal_cost(plant), rel=0.005)


def test_flight_is_the_point_mass():
    plant, dt, mass = flight(), 0.02, 0.661875
    x, a = np.array([5.0, 6.0, 1.0, -2.0, 0.5, 1.0]), np.array([0.3, 0.1])
    v = x[2:4] + np.array([1.25 * (a[0] - a[1]), 2.5 * a.sum()]) / mass + dt * np.array([0.5 / mass, -10.0])
    new = plant.step(x, a, np.zeros(6))
    np.testing.assert_allclose(new, [*(x[:2] + dt * v), *v, 0.5, 1.0], rtol=1e-12)
    o = plant.C @ new
    np.testing.assert_allclose(o[:2], [(new[0] - 7.5) / 7.5, new[1] / 10 - 0.5])
    expected = 10 * np.hypot(o[0], o[1] - 0.05) + 2 * np.linalg.norm(a)
    assert plant.cost(new, a) == pytest.approx(expected)
    with pytest.raises(InputError, match="quadratic"):
        optimal_cost(plant)


def test_innovation_error_is_that_of_the_exact_filter():
    plant = double_integrator(1).replace(B=np.zeros((2, 1)))
    rng = np.random.default_rng(1)
    S = uncertainty(plant)
    squares = []
    for _ in range(4000):
        x = np.array([-1.0, 0.0])
        xh, P = x.copy(), np.zeros((2, 2))
        for t in range(plant.n_steps):
            y = x + (plant.sensor_spread @ rng.standard_normal(2) if t else 0)
            squares.append(np.sum((y - xh) ** 2))
            G = P @ np.linalg.pinv(P + plant.W * (t > 0) + 1e-15 * np.eye(2))
            xh, P = plant.A @ (xh + G @ (y - xh)), plant.A @ (P - G @ P) @ plant.A.T + plant.V
            np.testing.assert_allclose(P, S[t + 1], atol=1e-9)
            x = plant.A @ x + plant.spread @ rng.standard_normal(2)
    assert np.mean(squares) == pytest.approx(innovation_error(plant), rel=0.03)


@pytest.mark.parametrize("theta", [1.25, -3.0])
def test_an_unstable_gain_has_a_stable_twin(theta):
    """y = e + theta e(t-1) is, for |theta| > 1, also the stream of 1 / theta."""
    gain = stable_gain(np.zeros((1, 1)), np.eye(1), np.array([[theta]]), 0.3 * np.eye(1))
    np.testing.assert_allclose(gain, [[1 / theta]], rtol=1e-9)
    kept = np.array([[1 / theta]])
    np.testing.assert_array_equal(stable_gain(np.zeros((1, 1)), np.eye(1), kept, np.eye(1)), kept)
