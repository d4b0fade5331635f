"""The exact optimum: linear-quadratic-Gaussian control with delayed observations, by Riccati equations."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_discrete_are, solve_discrete_lyapunov

from .._errors import InputError
from .plant import Plant


def regulator(plant: Plant) -> tuple[np.ndarray, np.ndarray]:
    """Gains K (T, p, d) of the optimal actions u(t) = -K(t) x, and values P (T + 1, d, d) of the state.

    ``P(T) = Q, K = (R + B'PB)^-1 B'PA, P(t) = Q + A'P(t+1)(A - B K(t))``.
    """
    T = plant.n_steps
    K, P = np.zeros((T, plant.n_actions, plant.n_states)), np.zeros((T + 1, plant.n_states, plant.n_states))
    P[T] = plant.Q
    for t in reversed(range(T)):
        toward = plant.B.T @ P[t + 1]
        K[t] = np.linalg.solve(plant.R + toward @ plant.B, toward @ plant.A)
        P[t] = plant.Q + plant.A.T @ P[t + 1] @ (plant.A - plant.B @ K[t])
    return K, P


def steady_regulator(plant: Plant) -> np.ndarray:
    """(p, d) gain of the optimal action far from the end of an episode."""
    P = solve_discrete_are(plant.A, plant.B, plant.Q, plant.R)
    return np.linalg.solve(plant.R + plant.B.T @ P @ plant.B, plant.B.T @ P @ plant.A)


def steady_gain(plant: Plant) -> np.ndarray:
    """(d, n) gain L = A S C'(C S C' + W)^-1 of the one-step predictor after many observations."""
    S = solve_discrete_are(plant.A.T, plant.C.T, plant.V, plant.W)
    return plant.A @ S @ plant.C.T @ np.linalg.inv(plant.C @ S @ plant.C.T + plant.W)


def uncertainty(plant: Plant, delay: int | None = None) -> np.ndarray:
    """(T + 1, d, d) covariance of x(t) given y(0), exactly, and y(1) ... y(t - delay): that of the exact filter."""
    delay = plant.delay if delay is None else delay
    X = some_starts(plant)
    S = np.atleast_2d(np.cov(X.T, bias=True)) if callable(plant.start) else np.zeros_like(plant.A)
    S, out = _heard(plant, S, 0 * plant.W), []
    for t in range(plant.n_steps + 1):
        late = max(0, t - delay)
        if late > 0:
            S = _heard(plant, plant.A @ S @ plant.A.T + plant.V, plant.W)
        ahead = S
        for _ in range(t - late):
            ahead = plant.A @ ahead @ plant.A.T + plant.V
        out.append(ahead)
    return np.array(out)


def optimal_cost(plant: Plant, delay: int | None = None) -> float:
    """Expected price of an episode under the optimal controller, which knows the plant; the plant's delay by default.

    ``x0'P(0)x0 + sum_t tr P(t+1)V + tr K'(R + B'P(t+1)B)K S(t)`` with S(t) the uncertainty of the delayed filter.

    Raises
    ------
    InputError
        If the price is not quadratic, noise grows with the action, or actions (not observations) are late.
    """
    quadratic_only(plant)
    K, P = regulator(plant)
    S = uncertainty(plant, delay)
    X = some_starts(plant)
    total = float(np.einsum("ni,ij,nj->", X, P[0], X)) / len(X)
    for t in range(plant.n_steps):
        effort = K[t].T @ (plant.R + plant.B.T @ P[t + 1] @ plant.B) @ K[t]
        total += float(np.trace(P[t + 1] @ plant.V) + np.trace(effort @ S[t]))
    return total


def innovation_error(plant: Plant) -> float:
    """Mean of |y - its prediction|^2 by the exact filter, over the observations that arrive in an episode."""
    S = uncertainty(plant)
    heard = range(0, plant.n_steps + 1 - plant.sensing + (plant.sensing == 0))
    return float(np.mean([np.trace(plant.C @ S[t] @ plant.C.T) + (t > 0) * np.trace(plant.W) for t in heard]))


def foretell(plant: Plant, Y: np.ndarray, U: np.ndarray | None = None) -> np.ndarray:
    """(T, n) exact predictions of Y[t] from Y[: t - delay + 1] and U[:t], with NaN for what is missing.

    The state before the stream is that of a plant left to its noise: the plant must be stable.
    """
    T, A, B, C = len(Y), plant.A, plant.B, plant.C
    U = np.zeros((T, plant.n_actions)) if U is None else U
    x, S = np.zeros(plant.n_states), _resting(plant)
    out = np.empty_like(Y)
    for t in range(T):  # x, S: of the state at time t - delay + 1, given what was heard before it
        ahead = x
        for s in range(max(0, t - plant.delay + 1), t):
            ahead = A @ ahead + B @ U[s]
        out[t] = C @ ahead
        at = t - plant.delay + 1
        if at < 0:
            continue
        there = ~np.isnan(Y[at])
        H = C[there]
        gain = np.linalg.solve(H @ S @ H.T + plant.W[np.ix_(there, there)], H @ S).T
        x, S = x + gain @ (Y[at, there] - H @ x), S - gain @ H @ S
        x, S = A @ x + B @ U[at], A @ S @ A.T + plant.V
    return out


def quadratic_only(plant: Plant) -> None:
    """Refuse plants without a closed form."""
    if plant.root or plant.signal or plant.acting:
        raise InputError(
            "the exact optimum is for quadratic prices, noise that does not grow with the action, and late "
            "observations (not actions). Give a plant with root=False, signal=0, acting=0"
        )


def _heard(plant: Plant, S: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Covariance after one more observation."""
    C = plant.C
    return S - S @ C.T @ np.linalg.pinv(C @ S @ C.T + W, hermitian=True) @ C @ S


def some_starts(plant: Plant) -> np.ndarray:
    """(N, d) states that episodes begin in: the one there is, or 4,096 of those drawn."""
    return plant.starts(np.random.default_rng(0), 0, 4096 if callable(plant.start) else 1)


def _resting(plant: Plant) -> np.ndarray:
    if np.abs(np.linalg.eigvals(plant.A)).max() >= 1:
        raise InputError("A has an eigenvalue of size 1 or more: without a controller the stream has no bounds")
    return solve_discrete_lyapunov(plant.A, plant.V)
