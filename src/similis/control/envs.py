"""Gymnasium environments: every plant, and wrappers that make the observations or actions of any environment late.

Importing this module registers ``similis/DoubleIntegrator-v0``, ``similis/Reaching-v0``, ``similis/Tracking-v0`` and
``similis/WingedFlight-v0``. The reward is minus the cost of the step; an episode is cut off after the plant's steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from .._errors import InputError
from .._optional import require
from . import tasks
from .episodes import RandomStreams
from .gate import whole
from .plant import Plant

gym: Any = require("gymnasium", extra="control")

TASKS: dict[str, Callable[..., Plant]] = {
    "DoubleIntegrator": tasks.double_integrator,
    "Reaching": tasks.reaching,
    "Tracking": tasks.tracking,
    "WingedFlight": tasks.flight,
}


class PlantEnv(gym.Env):
    """A plant as an environment. The plant's delays are inside: observations come late and actions act late.

    Until the first late observation has arrived the one of the start is repeated. ``info`` holds the ``cost`` of the
    step (at the reset: of the start) and the ``state``.

    Parameters
    ----------
    plant : Plant
    dtype : of the spaces; with float64 the numbers are those of the compiled loop
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012  (gymnasium's own)

    def __init__(self, plant: Plant, *, dtype: Any = np.float32) -> None:
        if not isinstance(plant, Plant):
            raise InputError(f"got {type(plant).__name__}; expected a similis.control.Plant")
        self.plant, self.dtype, self.render_mode = plant, dtype, None
        self.sensing, self.acting = plant.sensing, plant.acting
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, (plant.n_observations,), dtype)
        self.action_space = gym.spaces.Box(-np.inf, np.inf, (plant.n_actions,), dtype)
        self.chance: RandomStreams | None = None
        self.episode, self.t = 0, plant.n_steps

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """Start an episode; a seed fixes everything that happens by chance from now on."""
        super().reset(seed=seed)
        if seed is not None or self.chance is None:
            self.chance = RandomStreams.of(int(self.np_random.integers(2**31)))
            self.episode = 0
        starts, V, W, _ = self.chance.draw(self.plant, self.episode, 1, self.plant.n_steps)
        self.x, self.V, self.W, self.t = starts[0], V[0], W[0], 0
        self.episode += 1
        nothing = np.zeros(self.plant.n_actions)
        self.actions = deque([nothing] * self.acting)
        self.seen = [self.plant.C @ self.x]
        return self._info(self.plant.cost(self.x, nothing))

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        """One step of the plant under the action of ``acting`` steps ago."""
        u = np.array(action, np.float64)  # a copy: it may wait
        if u.shape != (self.plant.n_actions,) or not np.isfinite(u).all():
            raise InputError(f"action={action!r}; expected {self.plant.n_actions} finite numbers")
        if self.t >= self.plant.n_steps:
            raise InputError(f"no episode is under way: one has {self.plant.n_steps} steps. Call reset() first")
        self.actions.append(u)
        u = self.actions.popleft()
        self.x = self.plant.step(self.x, u, self.V[self.t])
        self.t += 1
        self.seen.append(self.plant.C @ self.x + self.W[self.t])
        cost = self.plant.cost(self.x, u)
        observation, info = self._info(cost)
        return observation, -cost, False, self.t >= self.plant.n_steps, info

    def _info(self, cost: float) -> tuple[np.ndarray, dict]:
        observation = self.seen[max(0, self.t - self.sensing)]
        return observation.astype(self.dtype), {"cost": cost, "state": self.x.copy()}


class DelayObservation(gym.Wrapper):
    """Observations of any environment, ``delay`` steps late; the first is repeated until the second arrives."""

    def __init__(self, env: Any, delay: int) -> None:
        self.delay = _checked(env, delay)
        super().__init__(env)
        self.sensing, self.acting = _late(env, "sensing") + delay, _late(env, "acting")

    def reset(self, **words: Any) -> tuple[Any, dict]:
        observation, info = self.env.reset(**words)
        self.waiting = deque(deepcopy(observation) for _ in range(self.delay))
        return observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict]:
        _begun(self)
        observation, *rest = self.env.step(action)
        self.waiting.append(deepcopy(observation))  # an environment may write the next one into the same array
        return self.waiting.popleft(), *rest


class DelayAction(gym.Wrapper):
    """Actions reach any environment with continuous actions ``delay`` steps late; before the first it receives 0."""

    def __init__(self, env: Any, delay: int) -> None:
        self.delay = _checked(env, delay)
        if not isinstance(env.action_space, gym.spaces.Box):
            raise InputError(f"actions are {env.action_space}; only a Box has an action 0 to begin with")
        super().__init__(env)
        self.sensing, self.acting = _late(env, "sensing"), _late(env, "acting") + delay

    def reset(self, **words: Any) -> tuple[Any, dict]:
        space = self.env.action_space
        idle = np.clip(np.zeros(space.shape, space.dtype), space.low, space.high)
        self.waiting = deque([idle] * self.delay)
        return self.env.reset(**words)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict]:
        _begun(self)
        self.waiting.append(deepcopy(action))
        return self.env.step(self.waiting.popleft())


def delays(env: Any) -> tuple[int, int]:
    """Steps by which the observations and the actions of an environment are late, as far as it says so."""
    return _late(env, "sensing"), _late(env, "acting")


def _late(env: Any, name: str) -> int:
    return int(env.get_wrapper_attr(name)) if env.has_wrapper_attr(name) else 0


def _begun(env: Any) -> None:
    if "waiting" not in vars(env):
        raise InputError("no episode is under way. Call reset() first")


def _checked(env: Any, delay: int) -> int:
    if not isinstance(env, gym.Env):
        raise InputError(f"got {type(env).__name__}; expected a gymnasium environment")
    delay = whole("delay", delay, 0)
    steps = getattr(env.spec, "max_episode_steps", None) if env.spec is not None else None
    if steps is not None and delay > steps:
        raise InputError(f"delay={delay} of an environment with episodes of {steps} steps; expected 0 to that number")
    return delay


def make(task: str, **words: Any) -> PlantEnv:
    """The environment of a task; ``words`` are those of the function in :mod:`similis.control.tasks`."""
    if task not in TASKS:
        raise InputError(f"task={task!r}; expected one of {', '.join(TASKS)}")
    dtype = words.pop("dtype", np.float32)
    return PlantEnv(TASKS[task](**words), dtype=dtype)


for _task in TASKS:
    if f"similis/{_task}-v0" not in gym.registry:
        gym.register(f"similis/{_task}-v0", entry_point="similis.control.envs:make", kwargs={"task": _task})
