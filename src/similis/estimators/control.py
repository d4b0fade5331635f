"""A controller that learns while it acts."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator

from .._errors import InputError, ModelFileError
from .._random import Seed, generator
from .._schema import Stored
from .._values import FLAG, NONNEGATIVE, NOTHING, Number, OneOf, Whole
from ..control import Agent, Agents, Plant, RandomStreams, Rule, bio_ofc
from ..control.gate import whole
from ..control.rule import BASELINES, SYNAPSES
from ..display import System
from ._estimator import Estimator, check_is_fitted
from ._worlds import World

if TYPE_CHECKING:
    from gymnasium import Env

_MEMORY = ("momentum", "baseline", "power")
_GENERATORS = tuple(field.name for field in fields(RandomStreams))


class OptimalFeedbackController(Estimator):
    """Filter and controller learned together, in one phase, from late and noisy observations (Bio-OFC).

    ::

        u = -K xh + noise,   e = y(t+1-delay) - C xh(t+1-delay),   xh(t+1) = A xh + B u + L e
        dA ~ (L e) xh(t-delay)',  dB ~ (L e) u(t-delay)',  dL ~ (L e) e(t-delay)',  dC ~ e xh(t+1-delay)'
        Z = trace Z + noise xh',  G = momentum G + (cost - baseline) Z,  dK ~ G

    Nothing is known of the plant but how late it is. Learns from a :class:`similis.control.Plant` in a compiled loop,
    or from any gymnasium environment step by step; the two do the same.

    Parameters
    ----------
    n_latent : int, neurons of the filter; as many as there are observations by default
    eta, eta_K, decay, decay_K, half_life, warmup, sigma, decay_sigma, trace, momentum, baseline, memory, natural, clip,
        damp, bias, ridge, average : as in :class:`similis.control.Rule`. By default errors and costs are limited by
        their own scale, steps are damped by the activity, and costs and traces divided by their size, so that the
        steps have no unit; sigma, the exploring noise, has the unit of the actions
    n_episodes : int, of ``fit``
    random_state : int, Generator, RandomState or None: first synapses, exploration, and what a Plant does by chance

    Attributes
    ----------
    agents_ : Agents, the synapses as they are
    A_, B_, C_, L_, K_ : (m, m), (m, p), (n, m), (m, n), (p, m) synapses averaged over episodes
    delay_ : (sensing, acting), steps by which observations and actions were late
    costs_, errors_ : cost of each episode, and mean square of its prediction errors
    n_episodes_seen_ : int

    Raises
    ------
    InputError
        If the environment does not fit; nothing has changed then.
    DivergenceError
        If learning diverged (NaN or inf); the agent is as it was before the call.

    References
    ----------
    Friedrich, Golkar, Farashahi, Genkin, Sengupta & Chklovskii 2021 (NeurIPS 34; arXiv 2111.06920).

    Examples
    --------
    >>> from similis import OptimalFeedbackController
    >>> from similis.control import double_integrator, optimal_cost
    >>> plant = double_integrator(delay=2)
    >>> model = OptimalFeedbackController(n_episodes=5000, random_state=0).fit(plant)
    >>> bool(-model.score(plant) < 1.2 * optimal_cost(plant))
    True
    """

    _free = (
        Estimator._free
        | {"n_episodes"}
        | ({field.name for field in fields(Rule)} - {"bias", "average", "baseline", "natural"})
    )
    circuit_: System
    agents_: Agents
    delay_: tuple[int, int]
    costs_: np.ndarray
    errors_: np.ndarray
    n_episodes_seen_: int
    _chance: RandomStreams

    _allowed: ClassVar = {
        "n_latent": (Whole(1), NOTHING), "eta": (NONNEGATIVE,), "eta_K": (NONNEGATIVE,), "decay_K": (NONNEGATIVE,),
        "half_life": (Number(0, open_="low", infinite=True),), "warmup": (Whole(0),), "sigma": (NONNEGATIVE,),
        "decay_sigma": (NONNEGATIVE,), "trace": (Number(0, 1),), "momentum": (Number(0, 1, open_="high"),),
        "baseline": (OneOf(BASELINES),), "memory": (Number(0, 1),), "natural": (FLAG,),
        "clip": (Number(0, infinite=True),), "damp": (NONNEGATIVE,), "bias": (Number(),), "average": (NONNEGATIVE,),
        "n_episodes": (Whole(1),),
    }  # fmt: skip

    def __init__(
        self, *, n_latent: int | None = None, eta: float = 0.015, eta_K: float = 0.024, decay: float = 3e-4,
        decay_K: float = 3e-4, half_life: float = np.inf, warmup: int = 0, sigma: float = 0.4,
        decay_sigma: float = 0.0, trace: float = 1.0, momentum: float = 0.9, baseline: str = "moment",
        memory: float = 0.05, natural: bool = True, clip: float = 10.0, damp: float = 5.0,
        bias: float = 0.0, ridge: float = 1e-3, average: float = 3.0, n_episodes: int = 1000,
        random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_latent = n_latent
        self.eta = eta
        self.eta_K = eta_K
        self.decay = decay
        self.decay_K = decay_K
        self.half_life = half_life
        self.warmup = warmup
        self.sigma = sigma
        self.decay_sigma = decay_sigma
        self.trace = trace
        self.momentum = momentum
        self.baseline = baseline
        self.memory = memory
        self.natural = natural
        self.clip = clip
        self.damp = damp
        self.bias = bias
        self.ridge = ridge
        self.average = average
        self.n_episodes = n_episodes
        self.random_state = random_state

    @property
    def rule(self) -> Rule:
        """How fast and from what the synapses learn."""
        return _rule(self)

    def fit(self, env: Plant | Env, y: Any = None) -> Self:
        """Learn by acting for ``n_episodes`` episodes, from the beginning."""
        world = World.of(env)
        chance, agents = self._begin(world)
        return self._go_on(world, agents, chance, self.n_episodes, [], [])

    def partial_fit(self, env: Plant | Env, y: Any = None, *, n_episodes: int = 1) -> Self:
        """Go on learning for some more episodes."""
        world = World.of(env)
        if not hasattr(self, "agents_"):
            chance, agents = self._begin(world)
            return self._go_on(world, agents, chance, n_episodes, [], [])
        self._fits(world)
        chance = RandomStreams(*(_copied(getattr(self._chance, name)) for name in _GENERATORS))
        return self._go_on(world, self.agents_.copy(), chance, n_episodes, self.costs_, self.errors_)

    def _begin(self, world: World) -> tuple[RandomStreams, Agents]:
        n, p = world.n_observations, world.n_actions
        m = self._size(self.rule, n)
        rng = generator(self.random_state)
        chance = RandomStreams(*(np.random.default_rng(int(rng.integers(2**63))) for _ in _GENERATORS))
        return chance, Agents.new(n, p, m, [rng])

    def _size(self, rule: Rule, n: int) -> int:
        """Neurons of the filter for n observations."""
        m = n if self.n_latent is None else self.n_latent
        return whole("n_latent", m, 1 + (rule.bias != 0))

    def _go_on(
        self, world: World, agents: Agents, chance: RandomStreams, n_episodes: int, costs: Any, errors: Any
    ) -> Self:  # fmt: skip
        paid, squares = world.play(agents, self.rule, whole("n_episodes", n_episodes), chance)
        self.agents_, self._chance, self.delay_ = agents, chance, (world.sensing, world.acting)
        self.costs_, self.errors_ = np.append(costs, paid), np.append(errors, squares)
        self.n_episodes_seen_, self.circuit_ = agents.n_episodes, bio_ofc()
        return self

    def _fits(self, world: World) -> None:
        check_is_fitted(self)
        own = self.agents_.C.shape[1], self.agents_.B.shape[2], *self.delay_
        given = world.n_observations, world.n_actions, world.sensing, world.acting
        if own != given:
            words = ("observations", "actions", "steps of late observations", "steps of late actions")
            said = "; ".join(f"{g} {w}, not {o}" for o, g, w in zip(own, given, words, strict=True) if o != g)
            raise InputError(f"the environment has {said}: it is not like the one learned from. Use fit to start anew")

    def play(self, env: Plant | Env, *, n_episodes: int = 1, random_state: Seed = 0) -> np.ndarray:
        """(n_episodes,) costs of episodes without exploring and without learning, with the averaged synapses."""
        world = World.of(env)
        self._fits(world)
        rng = generator(random_state)
        chance = RandomStreams(*(np.random.default_rng(int(rng.integers(2**63))) for _ in _GENERATORS))
        still = Rule.frozen(bias=self.bias, ridge=self.ridge)
        return world.play(self._readout, still, whole("n_episodes", n_episodes), chance)[0]

    def score(self, env: Plant | Env, y: Any = None) -> float:
        """Minus the mean cost of 200 episodes without exploring (20 of a gymnasium environment)."""
        return -float(self.play(env, n_episodes=200 if isinstance(env, Plant) else 20).mean())

    def agent(self, *, learn: bool = False, n_steps: int, missing: bool = False) -> Agent:
        """The controller as an agent for a loop of your own: ``begin(y)``, ``act()``, ``hear(y, cost)``, ``finish()``.

        Parameters
        ----------
        learn : bool, whether it explores and learns; this model learns with it
        n_steps : int, steps of an episode
        missing : bool, whether observations may hold NaN
        """
        check_is_fitted(self)
        agents, rule = self.agents_, self.rule
        if not learn:
            agents, rule = self._readout, Rule.frozen(bias=self.bias, ridge=self.ridge)
        sensing, acting = self.delay_
        rng = self._chance.action if learn else None
        return Agent(agents, rule, sensing=sensing, acting=acting, n_steps=n_steps, rng=rng, missing=missing)

    @property
    def _readout(self) -> Agents:
        return self.agents_.averaged() if self.average else self.agents_.copy()

    @property
    def n_samples_seen_(self) -> int:
        return self.n_episodes_seen_

    @property
    def A_(self) -> np.ndarray:
        return self._readout.A[0]

    @property
    def B_(self) -> np.ndarray:
        return self._readout.B[0]

    @property
    def C_(self) -> np.ndarray:
        return self._readout.C[0]

    @property
    def L_(self) -> np.ndarray:
        return self._readout.L[0]

    @property
    def K_(self) -> np.ndarray:
        return self._readout.K[0]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "agents_")

    def _pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays = {name: getattr(self.agents_, name) for name in (*SYNAPSES, *_MEMORY)}
        arrays |= {f"mean.{name}": self.agents_.mean[name] for name in SYNAPSES}
        arrays |= {"costs": self.costs_, "errors": self.errors_}
        chance = {name: getattr(self._chance, name).bit_generator.state for name in _GENERATORS}
        return arrays, {"n_episodes": self.agents_.n_episodes, "delay": list(self.delay_), "chance": chance}

    def _unpack(self, file: Stored) -> None:
        shapes = {"A": "mm", "B": "mp", "C": "nm", "L": "mn", "K": "pm"}
        parts = {name: file.array(name, 1, *sizes, dtype=np.float64) for name, sizes in shapes.items()}
        parts["momentum"] = file.array("momentum", 1, "p", "m", dtype=np.float64)
        parts["baseline"] = file.array("baseline", 1, "moments", dtype=np.float64)
        parts["power"] = file.array("power", 1, 7, dtype=np.float64, low=0)
        mean = {name: file.array(f"mean.{name}", 1, *sizes, dtype=np.float64) for name, sizes in shapes.items()}
        if self._size(self.rule, file.sizes["n"]) != file.sizes["m"] or not file.sizes["moments"]:
            raise ModelFileError(f"{file.sizes['m']} neurons do not fit n_latent={self.n_latent}")
        parts = {name: np.require(array, requirements="C") for name, array in parts.items()}
        self.agents_ = Agents(**parts, mean=mean, n_episodes=file.integer("n_episodes"))
        self.agents_.must_be_sound()
        sensing, acting = file.numbers("delay", 2, low=0)
        self.delay_, chance = (whole("sensing", sensing, 0), whole("acting", acting, 0)), file.part("chance")
        self._chance = RandomStreams(*(_generator(chance.plain(name)) for name in _GENERATORS))
        self.costs_, self.errors_ = (file.array(name, "episodes", dtype=np.float64) for name in ("costs", "errors"))
        self.n_episodes_seen_, self.circuit_ = self.agents_.n_episodes, bio_ofc()


def _rule(estimator: BaseEstimator) -> Rule:
    params = estimator.get_params(deep=False)
    return Rule(**{field.name: params[field.name] for field in fields(Rule) if field.name in params})


def _generator(state: Any) -> np.random.Generator:
    """A generator in a state as NumPy gives it."""
    found = np.random.Generator(np.random.PCG64())
    found.bit_generator.state = state
    if found.bit_generator.state != state:
        raise ModelFileError("a generator's state is not one")
    return found


def _copied(rng: np.random.Generator) -> np.random.Generator:
    twin = np.random.Generator(type(rng.bit_generator)())
    twin.bit_generator.state = rng.bit_generator.state
    return twin
