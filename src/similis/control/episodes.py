"""Run agents on a plant, many seeds and episodes in one compiled loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .._errors import InputError
from ..kernels import control as kernel
from .gate import entering, whole
from .plant import Plant, normal
from .rule import BASELINES, SYNAPSES, Agents, Rule

#: numbers of noise drawn at a time
PIECE = 1 << 20


#: what chance gives to an episode
NOISE = ("starts", "process noise", "sensor noise", "exploration")


@dataclass(frozen=True)
class Record:
    """What episodes came to, (S, E) each: cost of an episode and mean square of its prediction errors.

    ``alive`` (S,) is False where numbers left the finite. ``states`` (S, E, T + 1, d) and ``actions`` (S, E, T, p)
    are kept on demand.
    """

    cost: np.ndarray
    error: np.ndarray
    alive: np.ndarray
    states: np.ndarray
    actions: np.ndarray


@dataclass
class RandomStreams:
    """What chance does to one seed: four generators, so that it does not matter how episodes are cut into runs."""

    start: np.random.Generator
    plant: np.random.Generator
    sensor: np.random.Generator
    action: np.random.Generator

    @classmethod
    def of(cls, seed: int | np.random.SeedSequence) -> RandomStreams:
        sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
        return cls(*(np.random.default_rng(child) for child in sequence.spawn(4)))

    def draw(
        self, plant: Plant, first: int, number: int, n_steps: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Starts (E, d), process noise (E, T, d), sensor noise (E, T + 1, n) and exploration (E, T, p)."""
        V = plant.noise(self.plant, number, n_steps)
        W = normal(self.sensor, (number, n_steps + 1, plant.n_observations)) @ plant.sensor_spread.T
        W[:, 0] = 0.0
        return plant.starts(self.start, first, number), V, W, normal(self.action, (number, n_steps, plant.n_actions))


def run(
    plant: Plant, agents: Agents, rule: Rule, n_episodes: int, chances: list[RandomStreams], *,
    lengths: Callable[[np.ndarray], np.ndarray] | None = None, keep: bool = False,
) -> Record:  # fmt: skip
    """Let the agents act and learn for some more episodes; they change in place.

    Parameters
    ----------
    plant : Plant
    agents : Agents
    rule : Rule; with eta = eta_K = sigma = 0 agents act and do not learn
    n_episodes : int
    chances : list of RandomStreams, one for each agent
    lengths : function (numbers of episodes) -> steps of each, at most ``plant.n_steps``, which they are by default
    keep : bool, whether to keep the states and actions

    Raises
    ------
    InputError
        If agents, chances, the plant and what its functions return do not fit each other.
    """
    if len(chances) != len(agents):
        raise InputError(f"{len(chances)} chances for {len(agents)} agents; give one for each")
    agents.must_fit(plant)
    whole("n_episodes", n_episodes)
    S, T, kind = len(agents), plant.n_steps, BASELINES.index(rule.baseline)
    agents.widen(T if rule.baseline == "moment" else 1)
    cost, error, alive = np.empty((S, n_episodes)), np.empty((S, n_episodes)), agents.finite.astype(np.int64)
    room = n_episodes if keep else 0
    states, actions = np.zeros((S, room, T + 1, plant.n_states)), np.zeros((S, room, T, plant.n_actions))
    piece = max(1, PIECE // (S * T * (plant.n_states + plant.n_observations + plant.n_actions)))
    for begin in range(0, n_episodes, piece):
        number = min(piece, n_episodes - begin)
        first, at = agents.n_episodes, slice(begin, begin + number)
        drawn = [np.stack(parts) for parts in zip(*(c.draw(plant, first, number, T) for c in chances), strict=True)]
        which = np.arange(first, first + number)
        steps = np.full(number, T) if lengths is None else _lengths(lengths(which), number, T)
        shapes = plant.n_states, plant.n_observations, plant.n_actions
        entering({
            name: (array, (S, number, *where))
            for name, array, where in zip(NOISE, drawn, _room(T, *shapes), strict=True)
        })  # fmt: skip
        eta, eta_K, sigma = rule.rates(first, number)
        share = (rule.average + 1) / (which + rule.average + 1) if rule.average else np.zeros(number)
        kernel.episodes(
            plant.A, plant.B, plant.C, plant.low, plant.high, plant.signal, plant.Q, plant.R, plant.goal, plant.root,
            plant.sensing, plant.acting, *drawn, steps, *(getattr(agents, name) for name in SYNAPSES),
            agents.momentum, agents.baseline, agents.power, *(agents.mean[name] for name in SYNAPSES),
            eta, eta_K, sigma, share, rule.trace, rule.momentum, kind, rule.memory, rule.clip, rule.damp,
            rule.bias, rule.ridge, rule.free, rule.natural, cost[:, at], error[:, at], alive, states[:, at],
            actions[:, at],
        )  # fmt: skip
        agents.n_episodes += number
    return Record(cost, error, alive.astype(bool), states, actions)


def _room(T: int, d: int, n: int, p: int) -> tuple[tuple[int, ...], ...]:
    """Shapes of what chance gives to one episode."""
    return (d,), (T, d), (T + 1, n), (T, p)


def _lengths(given: np.ndarray, number: int, T: int) -> np.ndarray:
    steps = np.minimum(given, T).astype(np.int64)
    if steps.shape != (number,) or (steps < 1).any() or (steps != np.minimum(given, T)).any():
        raise InputError(f"lengths returns {given!r}; expected {number} integers >= 1")
    return steps
