"""What a fixed linear controller pays on average, exactly: no episode is drawn.

An episode is a linear map of its start and of every noise, all independent. The expected cost of an episode is
therefore the sum of the costs of many episodes in each of which one of them alone is there, with its own deviation.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .covariance import root
from .lqg import quadratic_only, some_starts
from .plant import Plant
from .rule import Agents


class Controller(Protocol):
    """Rows are episodes side by side: ``begin`` hears y(0), ``act`` gives u(t), ``observe`` what arrives after it."""

    def reset(self, Y: np.ndarray) -> None: ...
    def act(self) -> np.ndarray: ...
    def observe(self, Y: np.ndarray | None) -> None: ...


class Innovations:
    """Bio-OFC with synapses that do not learn: late errors correct the present estimate."""

    def __init__(self, agents: Agents, delay: int, which: int = 0) -> None:
        self.A, self.B, self.C, self.L, self.K = (getattr(agents, n)[which] for n in "ABCLK")
        self.delay = delay

    def reset(self, Y: np.ndarray) -> None:
        self.past = [Y @ np.linalg.pinv(self.C).T]

    def act(self) -> np.ndarray:
        self.u = -self.past[-1] @ self.K.T
        return self.u

    def observe(self, Y: np.ndarray | None) -> None:
        new = self.past[-1] @ self.A.T + self.u @ self.B.T
        if Y is not None:
            new = new + (Y - self.past[-self.delay] @ self.C.T) @ self.L.T
        self.past.append(new)


class Rollout:
    """Filters the past with the model, then runs the model forward through the actions since ("ANN" of the paper)."""

    def __init__(self, plant: Plant, L: np.ndarray, K: np.ndarray) -> None:
        self.plant, self.L, self.K = plant, L, K

    def reset(self, Y: np.ndarray) -> None:
        self.late = self.now = Y @ np.linalg.pinv(self.plant.C).T
        self.waiting: list[np.ndarray] = []

    def act(self) -> np.ndarray:
        self.waiting.append(-self.now @ self.K.T)
        return self.waiting[-1]

    def observe(self, Y: np.ndarray | None) -> None:
        A, B = self.plant.A, self.plant.B
        if Y is not None:
            error = Y - self.late @ self.plant.C.T
            self.late = self.late @ A.T + self.waiting.pop(0) @ B.T + error @ self.L.T
        self.now = self.late
        for u in self.waiting:
            self.now = self.now @ A.T + u @ B.T


class Reflex:
    """No model: the action is a gain on the last observation that has arrived, zero before the first."""

    def __init__(self, K: np.ndarray) -> None:
        self.K = K

    def reset(self, Y: np.ndarray) -> None:
        self.heard = np.zeros_like(Y)

    def act(self) -> np.ndarray:
        return -self.heard @ self.K.T

    def observe(self, Y: np.ndarray | None) -> None:
        self.heard = self.heard if Y is None else Y


def expected_cost(plant: Plant, controller: Controller) -> float:
    """Expected cost of an episode under a linear controller without memory of other episodes.

    Raises
    ------
    InputError
        Where the cost is not quadratic, or noise depends on the action.
    """
    quadratic_only(plant)
    T, d, n = plant.n_steps, plant.n_states, plant.n_observations
    X0 = root(_second_moment(plant))
    r, q = plant.spread.shape[1], plant.sensor_spread.shape[1]
    N = d + T * (r + q)
    x, V, W = np.zeros((N, d)), np.zeros((N, T, d)), np.zeros((N, T + 1, n))
    x[:d] = X0
    for t in range(T):
        V[d + t * r : d + (t + 1) * r, t] = plant.spread.T
        at = d + T * r + t * q
        W[at : at + q, t + 1] = plant.sensor_spread.T
    Y = np.zeros((N, T + 1, n))
    Y[:, 0] = x @ plant.C.T
    controller.reset(Y[:, 0])
    total = np.sum((x @ plant.Q) * x)
    for t in range(T):
        u = controller.act()
        x = x @ plant.A.T + u @ plant.B.T + V[:, t]
        Y[:, t + 1] = x @ plant.C.T + W[:, t + 1]
        total += np.sum((x @ plant.Q) * x) + np.sum((u @ plant.R) * u)
        at = t + 1 - plant.sensing
        controller.observe(Y[:, at] if at >= 0 else None)
    return float(total)


def _second_moment(plant: Plant) -> np.ndarray:
    X = some_starts(plant)
    return X.T @ X / len(X)
