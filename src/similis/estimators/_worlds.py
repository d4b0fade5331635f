"""What a controller can learn from: a plant, in the compiled loop, or an environment, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..control import Agent, Agents, Plant, RandomStreams, Rule, diverged, run


@dataclass(frozen=True)
class World:
    """Sizes and delays of a plant or environment, and episodes in it."""

    env: Any
    n_observations: int
    n_actions: int
    sensing: int
    acting: int
    n_steps: int

    @classmethod
    def of(cls, env: Any) -> World:
        """The world of a Plant or of a gymnasium environment.

        Raises
        ------
        InputError
            If it is neither, or its spaces are not one-dimensional boxes.
        """
        if isinstance(env, Plant):
            return cls(env, env.n_observations, env.n_actions, env.sensing, env.acting, env.n_steps)
        from ..control.play import measure, n_steps

        return cls(env, *measure(env), n_steps(env))

    def play(self, agents: Agents, rule: Rule, n_episodes: int, chance: RandomStreams) -> tuple[np.ndarray, np.ndarray]:
        """Costs and prediction errors of episodes; the agents change as the rule says.

        Raises
        ------
        DivergenceError
            If numbers left the finite.
        """
        if isinstance(self.env, Plant):
            record = run(self.env, agents, rule, n_episodes, [chance])
            if not record.alive[0]:
                raise diverged(rule, int(np.flatnonzero(np.isfinite(record.cost[0]))[-1:].sum()) + 1)
            return record.cost[0], record.error[0]
        from ..control.play import play

        agent = Agent(agents, rule, sensing=self.sensing, acting=self.acting, n_steps=self.n_steps, rng=chance.action)
        return play(self.env, agent, n_episodes, int(chance.start.integers(2**31)))
