"""Plants: what a controller acts on and hears from, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from .._errors import InputError
from .covariance import root, semidefinite
from .gate import entering, finite, whole

Shocks = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
Start = Callable[[np.random.Generator, int, int], np.ndarray]


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Independent standard normal numbers."""
    return rng.standard_normal(shape)


@dataclass(frozen=True, eq=False)
class Plant:
    """A linear plant with noise, delays and a cost.

    ::

        x(t+1) = A x(t) + B u(t - acting) + v(t),     y(t) = C x(t) + w(t),  heard ``sensing`` steps later
        cost  = x(t+1)'Q x(t+1) + u'R u              an episode pays x(0)'Q x(0) and the cost of every step

    Parameters
    ----------
    A, B, C : (d, d), (d, p), (n, d) arrays
    V, W : (d, d) and (n, n) covariances of v and w; y(0) is heard without noise
    Q, R : (d, d) and (p, p) weights of the cost
    start : (d,) array, or a function (generator, first episode, number) -> (number, d) array
    n_steps : int, steps of an episode
    sensing, acting : int, steps by which observations and actions are late; ``delay`` is their sum
    goal : (d,) array, where the cost of the state is 0
    root : bool, whether the cost is the sum of the roots of the two terms: distance and size of the action
    low, high : (d,) arrays, states are kept between
    signal : float, if > 0 the noise v grows with the action: v is multiplied by signal |u|
    spread : (d, r) array, v = spread @ shocks; the symmetric root of V where it is None
    shocks : function (generator, shape) -> independent numbers of variance 1, the last axis r; normal by default

    Raises
    ------
    InputError
        If the shapes do not fit each other, something is not finite, V, W, Q or R is not symmetric or has a negative
        eigenvalue (beyond rounding), ``spread`` is no root of V, or a delay is negative.
    """

    A: np.ndarray
    B: np.ndarray
    C: np.ndarray
    V: np.ndarray
    W: np.ndarray
    Q: np.ndarray
    R: np.ndarray
    start: np.ndarray | Start
    n_steps: int
    sensing: int = 1
    acting: int = 0
    goal: np.ndarray = None  # type: ignore[assignment]  # 0, filled in like the next ones
    root: bool = False
    low: np.ndarray = None  # type: ignore[assignment]
    high: np.ndarray = None  # type: ignore[assignment]
    signal: float = 0.0
    spread: np.ndarray = None  # type: ignore[assignment]
    shocks: Shocks = normal
    sensor_spread: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in "ABC":
            if np.ndim(getattr(self, name)) != 2:
                raise InputError(f"{name} has {np.ndim(getattr(self, name))} dimensions; a plant needs a matrix")
        d, p, n = len(self.A), np.shape(self.B)[1], len(self.C)
        shapes = {
            "A": (d, d), "B": (d, p), "C": (n, d), "V": (d, d), "W": (n, n), "Q": (d, d), "R": (p, p), "goal": (d,),
            "low": (d,), "high": (d,),
        }  # fmt: skip
        defaults = {"goal": 0.0, "low": -np.inf, "high": np.inf}
        for name, shape in shapes.items():
            given = getattr(self, name)
            self._hold(name, np.full(d, defaults[name]) if given is None else given, shape)
            if name in "VWQR":
                self._hold(name, semidefinite(name, given), shape)
        if not (self.low <= self.high).all():
            raise InputError(f"low={self.low}, high={self.high}; expected low <= high")
        if not callable(self.start):
            self._hold("start", self.start, (d,))
        self._spread()
        object.__setattr__(self, "sensor_spread", root(self.W))
        finite("signal", self.signal)
        for name, least in (("n_steps", 1), ("sensing", 0), ("acting", 0)):
            whole(name, getattr(self, name), least)
        if self.delay < 1:
            raise InputError(
                f"sensing={self.sensing}, acting={self.acting}; expected delays >= 0 whose sum is at least 1: an "
                f"observation cannot change the action taken before it"
            )
        if self.delay > self.n_steps:
            raise InputError(
                f"a delay of {self.delay} steps in episodes of {self.n_steps}: nothing would be heard. Shorten the "
                f"delay or lengthen the episode"
            )

    def _hold(self, name: str, given: Any, shape: tuple[int, ...]) -> None:
        array = np.array(given, np.float64, order="C")
        if array.shape != shape or np.isnan(array).any() or (name not in ("low", "high") and np.isinf(array).any()):
            raise InputError(f"{name} has shape {array.shape}; a plant needs finite {name} of shape {shape}")
        array.setflags(write=False)
        object.__setattr__(self, name, array)

    def _spread(self) -> None:
        """The root of V, or what was given, which must be one: simulation and optimum have the same noise."""
        if self.spread is None:
            return self._hold("spread", root(self.V), self.V.shape)
        self._hold("spread", self.spread, (self.n_states, np.shape(self.spread)[-1] if np.ndim(self.spread) else 0))
        off = float(np.abs(self.spread @ self.spread.T - self.V).max())
        if off > 1e-7 * max(float(self.V.max()), float((self.spread**2).max())):
            raise InputError(
                f"spread @ spread.T differs from V by {off:.2g}: simulation and optimum would have different noise. "
                f"Give V=spread @ spread.T, or spread=None for the root of V"
            )

    @property
    def delay(self) -> int:
        """Steps from an action to the first observation that can show it, less one."""
        return self.sensing + self.acting

    @property
    def n_states(self) -> int:
        return len(self.A)

    @property
    def n_actions(self) -> int:
        return self.B.shape[1]

    @property
    def n_observations(self) -> int:
        return len(self.C)

    def replace(self, **changes: Any) -> Plant:
        """The same plant with some fields changed; another V has its own root as ``spread``, unless one is given."""
        unknown = sorted(set(changes) - {each.name for each in fields(self) if each.init})
        if unknown:
            raise InputError(f"a plant has no {', '.join(unknown)}; see the parameters of Plant")
        return replace(self, **({"spread": None} if "V" in changes else {}) | changes)

    def coloured(self, memory: float) -> Plant:
        """The plant with noise v that remembers: v(t+1) = memory v(t) + fresh, of the same variance.

        The noise becomes a part of the state, so that exact filters know it.
        """
        if not 0 <= memory < 1:
            raise InputError(f"memory={memory}; expected 0 <= memory < 1")
        d, none, one = self.n_states, np.zeros_like(self.A), np.eye(self.n_states)
        begin = self.start

        def start(rng: np.random.Generator, first: int, number: int) -> np.ndarray:
            noise = self.noise(rng, number)
            return np.hstack([begin(rng, first, number) if callable(begin) else np.tile(begin, (number, 1)), noise])

        return self.replace(
            A=np.block([[self.A, one], [none, memory * one]]), B=np.vstack([self.B, 0 * self.B]),
            C=np.hstack([self.C, 0 * self.C]), V=np.block([[none, none], [none, (1 - memory**2) * self.V]]),
            Q=np.block([[self.Q, none], [none, none]]), goal=np.append(self.goal, np.zeros(d)), start=start,
            low=np.append(self.low, np.full(d, -np.inf)), high=np.append(self.high, np.full(d, np.inf)),
            spread=(1 - memory**2) ** 0.5 * np.vstack([0 * self.spread, self.spread]),
        )  # fmt: skip

    def starts(self, rng: np.random.Generator, first: int, number: int) -> np.ndarray:
        """(number, d) states that the episodes from ``first`` on begin in."""
        if not callable(self.start):
            return np.tile(self.start, (number, 1))
        X = np.asarray(self.start(rng, first, number), np.float64, order="C")
        entering({"what start returns": (X, (number, self.n_states))})
        return X

    def noise(self, rng: np.random.Generator, *shape: int) -> np.ndarray:
        """(*shape, d) process noise v."""
        whole_shape = *shape, self.spread.shape[1]
        shocks = np.asarray(self.shocks(rng, whole_shape), np.float64, order="C")
        entering({"what shocks returns": (shocks, whole_shape)})
        return shocks @ self.spread.T

    def cost(self, x: np.ndarray, u: np.ndarray) -> float:
        """What the state x and the action that led to it cost."""
        gap = x - self.goal
        state, effort = max(float(gap @ self.Q @ gap), 0.0), max(float(u @ self.R @ u), 0.0)
        return state**0.5 + effort**0.5 if self.root else state + effort

    def step(self, x: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The next state, for noise v = spread @ shocks."""
        factor = 1.0 if self.signal == 0 else self.signal * float(np.sqrt(u @ u))
        return np.clip(self.A @ x + self.B @ u + factor * v, self.low, self.high)
