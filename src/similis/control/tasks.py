"""The plants of the paper: a double integrator, reaching in a force field, winged flight; and tracking with a delay."""

from __future__ import annotations

import numpy as np

from .._errors import InputError
from .plant import Plant

#: A[velocity, velocity] of a curl field, in 1/step (Shadmehr & Mussa-Ivaldi 1994)
FIELD = 2e-3 * np.array([[-10.1, -11.2], [-11.2, 11.1]])
SENSORS = {
    0: (np.eye(2), np.diag([0.04, 0.25])),
    1: (np.array([[1, 0], [0, -1], [0.5, 0.5]]), np.array([[0.04, 0.09, 0], [0.09, 0.25, 0], [0, 0, 0.04]])),
}


def double_integrator(delay: int = 1, *, system: int = 0, n_steps: int = 10) -> Plant:
    """A mass on a line, pushed to rest: x = (position, velocity) from (-1, 0).

    ``system`` 0 sees both with noise, 1 three mixtures of them.
    """
    if system not in SENSORS:
        raise InputError(f"system={system!r}; expected 0 (two observations) or 1 (three)")
    C, W = SENSORS[system]
    return Plant(
        A=np.array([[1.0, 1.0], [0.0, 1.0]]), B=np.array([[0.0], [1.0]]), C=C, V=0.01 * np.eye(2), W=W,
        Q=np.diag([1.0, 0.0]), R=np.eye(1), start=np.array([-1.0, 0.0]), n_steps=n_steps, sensing=delay,
    )  # fmt: skip


def tracking(delay: int = 3, *, n_steps: int = 60, memory: float = 0.9) -> Plant:
    """Follow a target that wanders: x = (own position, own velocity, target), seen late and noisily."""
    A = np.array([[1.0, 0.3, 0.0], [0.0, 0.8, 0.0], [0.0, 0.0, memory]])
    gap = np.array([[1.0, 0.0, -1.0]])
    return Plant(
        A=A, B=np.array([[0.0], [0.3], [0.0]]), C=np.eye(3), V=np.diag([1e-4, 1e-3, 0.04]), W=0.01 * np.eye(3),
        Q=gap.T @ gap, R=0.05 * np.eye(1), start=np.zeros(3), n_steps=n_steps, sensing=delay,
    )  # fmt: skip


def reaching(delay: int = 5, *, field: np.ndarray | None = None, signal: float = 0.0, n_steps: int = 110) -> Plant:
    """Reach 10 cm to a point in the plane from eight sides in turn; a step is 10 ms.

    The state is position, velocity and a force-like acceleration; ``field`` (2, 2) is a force that grows with the
    velocity, such as ``FIELD``; ``signal`` > 0 makes the noise grow with the action (200 in the paper).
    """
    A, zero, one = np.eye(6), np.zeros((4, 2)), np.eye(2)
    A[:2, 2:4] = A[2:4, 4:] = one
    if field is not None:
        A[2:4, 2:4] += field
    angles = np.arange(8) * np.pi / 4
    rim = np.zeros((8, 6))
    rim[:, 0], rim[:, 1] = 10 * np.cos(angles), 10 * np.sin(angles)
    noise = 1e-4 * np.diag([1, 1, 0.1, 0.1, 0.01, 0.01])
    return Plant(
        A=A, B=np.vstack([zero, one]), C=np.eye(6), V=noise, W=noise, Q=1e-5 * np.diag([1, 1, 200, 200, 0, 0]), R=one,
        start=lambda rng, first, number: rim[(first + np.arange(number)) % 8], n_steps=n_steps, sensing=delay,
        signal=signal,
    )  # fmt: skip


MASS = 0.661875  # kg
STEP = 0.02  # s


def flight(delay: int = 5, *, n_steps: int = 1000) -> Plant:
    """Two wings hold a body in the wind at a point of the plane; actions reach the wings ``delay`` steps late.

    The state is (px, py, vx, vy, wind, 1); the body starts anywhere, thrown. Its cost is ten times the distance from
    the point, in units of the frame, and twice the size of the action. Seven observations, of which two are always 0.
    """
    one, move = np.eye(6), np.eye(6)  # velocities and wind change first, then the position moves at the new velocity
    move[2, 4], move[3, 5] = STEP / MASS, -10.0 * STEP
    drift = one.copy()
    drift[[0, 1], [2, 3]] = STEP
    B, spread, C, gap = np.zeros((6, 2)), np.zeros((6, 3)), np.zeros((7, 6)), np.zeros((2, 6))
    B[2:4] = np.array([[1.25, -1.25], [2.5, 2.5]]) / MASS
    spread[[2, 3, 4], [0, 1, 2]] = 0.1 * 1.25 / MASS / 3**0.5, 0.1 * 2.5 / MASS / 3**0.5, 0.03 * (2 / 3) ** 0.5
    B, spread = drift @ B, drift @ spread
    C[[0, 1, 2, 3, 6], [0, 1, 2, 3, 4]] = 1 / 7.5, 0.1, 0.15, 0.1, 1.0
    C[[0, 1], 5] = -1.0, -0.5
    gap[[0, 1], [0, 1]], gap[[0, 1], 5] = (1 / 7.5, 0.1), (-1.0, -0.55)
    bound = np.array([np.inf, np.inf, 100.0, 100.0, 1.5, np.inf])
    return Plant(
        A=drift @ move, B=B, C=C, V=spread @ spread.T, W=np.zeros((7, 7)), Q=100 * gap.T @ gap, R=4 * np.eye(2),
        start=_thrown, n_steps=n_steps, sensing=0, acting=delay, root=True, low=-bound, high=bound, spread=spread,
        shocks=_gusts,
    )  # fmt: skip


def _thrown(rng: np.random.Generator, first: int, number: int) -> np.ndarray:
    """Anywhere in the frame, after one step of a force of up to 500 N each way."""
    u = rng.random((number, 4))
    v = (2 * u[:, 2:] - 1) * 500 * STEP / MASS
    p = np.array([2.5, 6.67]) + u[:, :2] * np.array([10.0, 1.33]) + STEP * v
    return np.hstack([p, v, np.zeros((number, 1)), np.ones((number, 1))])


def _gusts(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform impulses of the wings, and a wind that rises, falls or stays: of variance 1 each."""
    u = rng.random(shape)
    wind = (np.floor(3 * u[..., 2:]) - 1) * 1.5**0.5
    return np.concatenate([(2 * u[..., :2] - 1) * 3**0.5, wind], axis=-1)
