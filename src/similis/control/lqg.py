"""The exact optimum: linear-quadratic-Gaussian control with delayed observations, by Riccati equations."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_discrete_are, solve_discrete_lyapunov

from .._errors import InputError
from .covariance import inverse
from .plant import Plant


def regulator(plant: Plant) -> tuple[np.ndarray, np.ndarray]:
    """Gains K (T, p, d) of the optimal actions u(t) = -K(t) x, and values P (T + 1, d, d) of the state.

    ``P(T) = Q, K = (R + B'PB)^-1 B'PA, P(t) = Q + A'P(t+1)(A - B K(t))``. Where an action neither costs nor changes
    anything that does (R + B'PB is singular), it is the smallest of the optimal ones.
    """
    T = plant.n_steps
    K, P = np.zeros((T, plant.n_actions, plant.n_states)), np.zeros((T + 1, plant.n_states, plant.n_states))
    P[T] = plant.Q
    for t in reversed(range(T)):
        K[t] = _act(plant.A, plant.B, plant.R, P[t + 1])
        P[t] = plant.Q + plant.A.T @ P[t + 1] @ (plant.A - plant.B @ K[t])
    return K, P


def steady_regulator(plant: Plant) -> np.ndarray:
    """(p, d) gain of the optimal action far from the end of an episode."""
    return _act(plant.A, plant.B, plant.R, _settled("regulator", plant.A, plant.B, plant.Q, plant.R))


def steady_gain(plant: Plant) -> np.ndarray:
    """(d, n) gain L = A S C'(C S C' + W)^-1 of the one-step predictor after many observations."""
    S = _settled("filter", plant.A.T, plant.C.T, plant.V, plant.W)
    return _act(plant.A.T, plant.C.T, plant.W, S).T


def _act(A: np.ndarray, B: np.ndarray, R: np.ndarray, P: np.ndarray) -> np.ndarray:
    """K = (R + B'PB)^-1 B'PA, by the pseudo-inverse: 0 where R + B'PB is."""
    toward = B.T @ P
    scale = float(np.linalg.norm(R) + np.linalg.norm(B) ** 2 * np.linalg.norm(P))
    return inverse(R + toward @ B, scale) @ toward @ A


def _settled(what: str, A: np.ndarray, B: np.ndarray, Q: np.ndarray, R: np.ndarray) -> np.ndarray:
    """P = Q + A'P(A - B K): the stable solution, or where R is singular the limit of the recursion from Q."""

    def step(P: np.ndarray) -> np.ndarray:
        new = Q + A.T @ P @ (A - B @ _act(A, B, R, P))
        return (new + new.T) / 2

    try:
        P = solve_discrete_are(A, B, Q, R)
        if np.abs(step(P) - P).max() <= 1e-8 * np.abs(P).max():
            return P
    except (np.linalg.LinAlgError, ValueError):
        pass  # scipy wants R + B'PB regular
    P = Q
    for _ in range(10_000):
        with np.errstate(over="ignore", invalid="ignore"):
            new = step(P)
        if not np.isfinite(new).all():
            break
        if np.abs(new - P).max() <= 1e-12 * np.abs(new).max():
            return new
        P = new
    raise InputError(
        f"the {what} of this plant does not settle: what grows in A must be {STEADY[what]}. Change A, B or C, or use "
        f"the gains of an episode"
    )


STEADY = {"regulator": "moved by B and weighted by Q", "filter": "seen by C and moved by V"}


def stable_gain(A: np.ndarray, C: np.ndarray, L: np.ndarray, R: np.ndarray) -> np.ndarray:
    """(m, n) gain of the stable predictor of x(t+1) = A x + L e, y = C x + e, e of covariance R: L itself if it is.

    Where A - L C is not stable another gain tells the same stream; the Riccati recursion from a large uncertainty
    ends in it.
    """
    if np.abs(np.linalg.eigvals(A - L @ C)).max() < 1:
        return L
    P, drive, gain = np.trace(R) * np.eye(len(A)), L @ R @ L.T, L
    for _ in range(200):
        both = A @ P @ C.T + L @ R
        gain = both @ np.linalg.pinv(C @ P @ C.T + R, hermitian=True)
        P = A @ P @ A.T + drive - gain @ both.T
        P = (P + P.T) / 2
    return gain


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
    """Expected cost of an episode under the optimal controller, which knows the plant; the plant's delay by default.

    ``x0'P(0)x0 + sum_t tr P(t+1)V + tr K'(R + B'P(t+1)B)K S(t)`` with S(t) the uncertainty of the delayed filter.

    Raises
    ------
    InputError
        If the cost is not quadratic, noise grows with the action, or actions (not observations) are late.
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


def predict(plant: Plant, Y: np.ndarray, U: np.ndarray | None = None) -> np.ndarray:
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
        noise = plant.W[np.ix_(there, there)]
        gain = _act(np.eye(len(S)), H.T, noise, S).T
        x, S = x + gain @ (Y[at, there] - H @ x), S - gain @ H @ S
        x, S = A @ x + B @ U[at], A @ S @ A.T + plant.V
    return out


def quadratic_only(plant: Plant) -> None:
    """Refuse plants without a closed form."""
    if plant.root or plant.signal or plant.acting:
        raise InputError(
            "the exact optimum is for quadratic costs, noise that does not grow with the action, and late "
            "observations (not actions). Give a plant with root=False, signal=0, acting=0"
        )


def _heard(plant: Plant, S: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Covariance after one more observation."""
    return S - _act(np.eye(len(S)), plant.C.T, W, S).T @ plant.C @ S


def some_starts(plant: Plant) -> np.ndarray:
    """(N, d) states that episodes begin in: the one there is, or 4,096 of those drawn."""
    return plant.starts(np.random.default_rng(0), 0, 4096 if callable(plant.start) else 1)


def _resting(plant: Plant) -> np.ndarray:
    if np.abs(np.linalg.eigvals(plant.A)).max() >= 1:
        raise InputError("A has an eigenvalue of size 1 or more: without a controller the stream has no bounds")
    return solve_discrete_lyapunov(plant.A, plant.V)
