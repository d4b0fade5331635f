"""Agents in an environment that is no plant of ours, one step at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._errors import InputError
from .agent import Agent
from .gate import whole


def play(env: Any, agent: Agent, n_episodes: int, seed: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Let an agent act, and learn as its rule says, in a gymnasium environment.

    What the environment does not delay the agent's model does: where neither observations nor actions are late, an
    observation is heard one step after it came. An episode ends where the environment ends it, and at the latest after
    ``agent.n_steps`` steps.

    Parameters
    ----------
    env : gymnasium.Env with one-dimensional Box spaces
    agent : Agent
    n_episodes : int
    seed : int, of the first reset

    Returns
    -------
    costs, errors : (n_episodes,) minus the sum of rewards, and mean square of the prediction errors, of each episode
    """
    n_observations, n_actions, sensing, acting = measure(env)
    if (agent.sensing, agent.acting) != (sensing, acting) or (len(agent.C), len(agent.K)) != (
        n_observations,
        n_actions,
    ):
        raise InputError(
            f"the environment has {n_observations} observations, {n_actions} actions and delays {sensing}, {acting}; "
            f"the agent {len(agent.C)}, {len(agent.K)} and {agent.sensing}, {agent.acting}. Make an agent for it"
        )
    held, space = _held(env), env.action_space
    whole("n_episodes", n_episodes)
    costs, errors = np.empty(n_episodes), np.empty(n_episodes)
    for episode in range(n_episodes):
        observation, info = _answer("reset", env.reset(seed=seed if episode == 0 else None), 2)
        waiting = [_copied(observation)] * (held + 1)
        agent.reset(waiting[0], (info or {}).get("cost", 0.0))
        for _ in range(agent.n_steps):
            action = np.clip(agent.act(), space.low, space.high).astype(space.dtype)
            observation, reward, terminated, truncated, _ = _answer("step", env.step(action), 5)
            waiting.append(_copied(observation))
            waiting.pop(0)
            agent.observe(waiting[0], -_reward(reward), action)
            if terminated or truncated:
                break
        costs[episode], errors[episode] = agent.finish()
    return costs, errors


def _copied(observation: Any) -> np.ndarray:
    """An environment may write the next observation into the same array."""
    return np.array(observation, np.float64)


def _reward(reward: Any) -> float:
    if np.size(reward) != 1 or not np.issubdtype(np.asarray(reward).dtype, np.number):
        raise InputError(f"the environment gave the reward {reward!r}; expected a number")
    return float(np.reshape(reward, ()))


def _answer(name: str, answer: Any, length: int) -> tuple:
    """What an environment returned; the older interface of gym returns less."""
    if not isinstance(answer, tuple) or len(answer) != length:
        raise InputError(
            f"{name}() of the environment did not return {length} things, as gymnasium's does. Wrap an older one "
            f"(gymnasium.make('GymV21Environment-v0', env=...))"
        )
    return answer


def measure(env: Any) -> tuple[int, int, int, int]:
    """Numbers of observations and actions of an environment, and the delays that an agent needs for it.

    Raises
    ------
    InputError
        If it is not an environment with one-dimensional Box spaces.
    """
    from .envs import delays, gym

    if not isinstance(env, gym.Env):
        raise InputError(f"got {type(env).__name__}; expected a similis.control.Plant or a gymnasium environment")
    for name, space in (("observations", env.observation_space), ("actions", env.action_space)):
        if not isinstance(space, gym.spaces.Box) or len(space.shape) != 1:
            raise InputError(f"{name} are {space}; expected a Box of one dimension. Flatten them with a wrapper")
    sensing, acting = delays(env)
    return env.observation_space.shape[0], env.action_space.shape[0], sensing + _held(env), acting


def n_steps(env: Any) -> int:
    """Steps of an episode, as far as the environment says so; 1,000 where it does not."""
    if env.has_wrapper_attr("plant"):
        return int(env.get_wrapper_attr("plant").n_steps)
    said = env.spec.max_episode_steps if env.spec is not None else None
    if said is None and env.has_wrapper_attr("_max_episode_steps"):  # a TimeLimit put on by hand
        said = env.get_wrapper_attr("_max_episode_steps")
    return int(said or 1000)


def _held(env: Any) -> int:
    from .envs import delays

    return int(sum(delays(env)) == 0)
