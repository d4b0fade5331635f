"""What an agent is made of: its synapses, and how fast they learn."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np

from .._errors import InputError
from .gate import entering, finite, number, whole
from .plant import Plant

Baseline = Literal["none", "mean", "moment"]
BASELINES: tuple[Baseline, ...] = ("none", "mean", "moment")
#: numbers of a rule that are at least 0
_POSITIVE = ("eta", "eta_K", "decay", "decay_K", "decay_sigma", "sigma", "damp", "ridge", "average")
SYNAPSES = ("A", "B", "C", "L", "K")


@dataclass(frozen=True)
class Rule:
    """How fast and from what the synapses learn.

    Parameters
    ----------
    eta, eta_K : float, steps of the filter (A, B, C, L) and of the controller (K)
    decay, decay_K, decay_sigma : float, steps, or the noise, in episode i are divided by 1 + decay i
    half_life : float, and those of the filter halved every so many episodes
    warmup : int, episodes in which the step of the controller grows from 0: first the filter, then the actions
    sigma : float, size of the exploring noise
    trace : float, what is left of the eligibility trace Z after a step; 1 within an episode in the paper
    momentum : float, mu in G = mu G + cost Z, K = K + eta_K G; Z is the eligibility trace
    baseline : "none", "mean" (of the cost of a step, over episodes) or "moment" (of the cost at this moment)
    memory : float, share of an episode in the baseline
    natural : bool, whether eta_K has no unit: costs are divided by their RMS, traces by their mean square / sigma^2
    clip : float, errors are at most so many RMS norms of the observations, costs so many means, traces (where not
        natural) so many RMS norms; 0 for no limit
    damp : float, steps are divided by 1 + damp eta times the squared presynaptic activity; 0 for plain steps
    bias : float, activity of a last neuron that never changes; 0 for none
    ridge : float, the first estimate is the smallest |y(0) - C x|^2 + ridge |x|^2, ridge a share of the mean power of
        C's columns: where C is nearly singular its inverse would throw the estimate far away
    average : float, synapses are averaged over episodes, episode i with a weight that grows as i^average; 0 for none
    learned : which of A, B, C and L learn
    """

    eta: float = 0.015
    eta_K: float = 0.024
    decay: float = 3e-4
    decay_K: float = 3e-4
    half_life: float = math.inf
    warmup: int = 0
    sigma: float = 0.4
    decay_sigma: float = 0.0
    trace: float = 1.0
    momentum: float = 0.9
    baseline: Baseline = "moment"
    memory: float = 0.05
    natural: bool = True
    clip: float = 10.0
    damp: float = 5.0
    bias: float = 0.0
    ridge: float = 1e-3
    average: float = 3.0
    learned: str = "ABCL"

    @classmethod
    def published(cls, eta: float, eta_K: float, **changes: Any) -> Rule:
        """The plain rules of the paper: nothing is limited, damped, divided by anything or averaged."""
        plain: dict[str, Any] = {
            "decay": 0.0, "decay_K": 0.0, "decay_sigma": 0.0, "sigma": 0.2, "trace": 1.0, "momentum": 0.99,
            "baseline": "none", "memory": 0.005,
            "natural": False, "clip": 0.0, "damp": 0.0, "ridge": 1e-9, "average": 0.0,
        }  # fmt: skip
        return cls(eta, eta_K, **plain | changes)

    @classmethod
    def frozen(cls, **changes: Any) -> Rule:
        """Nothing learns and nothing explores."""
        return cls(0.0, 0.0, **{"sigma": 0.0, "clip": 0.0, "average": 0.0} | changes)

    def __post_init__(self) -> None:
        if self.baseline not in BASELINES:
            raise InputError(f"baseline={self.baseline!r}; expected one of {BASELINES}")
        if not set(self.learned) <= set("ABCL"):
            raise InputError(f"learned={self.learned!r}; expected some of the letters 'ABCL'")
        checked: dict[str, Any] = {name: finite(name, getattr(self, name)) for name in _POSITIVE}
        checked |= {"clip": number("clip", self.clip), "half_life": number("half_life", self.half_life, open_=True)}
        checked |= {name: finite(name, getattr(self, name), high=1.0) for name in ("memory", "trace", "momentum")}
        if checked["momentum"] == 1.0:
            raise InputError("momentum=1; expected 0 <= momentum < 1: what was learned first would never fade")
        checked["bias"] = finite("bias", self.bias, -np.inf)
        checked["natural"] = bool(self.natural)
        for name, value in checked.items():  # as floats: the loop is compiled for them
            object.__setattr__(self, name, value)
        whole("warmup", self.warmup, 0)

    def replace(self, **changes: Any) -> Rule:
        """The same rule with some choices changed."""
        return replace(self, **changes)

    @property
    def free(self) -> np.ndarray:
        """(4,) 1 where A, B, C, L learn."""
        return np.array([float(name in self.learned) for name in "ABCL"])

    def rates(self, first: int, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Steps of the filter and of the controller, and exploring noise, in the episodes from ``first`` on."""
        i = np.arange(first, first + number)
        fade = 0.5 ** (i / self.half_life)
        return (
            self.eta * fade / (1 + self.decay * i),
            self.eta_K / (1 + self.decay_K * i) * np.minimum(1.0, (i + 1) / max(self.warmup, 1)),
            self.sigma / (1 + self.decay_sigma * i),
        )


@dataclass
class Agents:
    """The synapses of S agents, and what they remember between episodes; all arrays have S in front.

    A (m, m) predicts, B (m, p) hears a copy of the action, C (n, m) predicts observations, L (m, n) corrects, K (p, m)
    acts: ``xh(t+1) = A xh + B u + L e, u = -K xh + noise``. ``mean`` holds averages over episodes.
    """

    A: np.ndarray
    B: np.ndarray
    C: np.ndarray
    L: np.ndarray
    K: np.ndarray
    momentum: np.ndarray = field(default_factory=lambda: np.empty(0))
    baseline: np.ndarray = field(default_factory=lambda: np.empty(0))
    power: np.ndarray = field(default_factory=lambda: np.empty(0))
    mean: dict[str, np.ndarray] = field(default_factory=dict)
    n_episodes: int = 0

    def __post_init__(self) -> None:
        for name in SYNAPSES:
            setattr(self, name, np.array(getattr(self, name), np.float64, order="C"))
        S = len(self.A)
        for name, shape in self._shapes().items():
            if getattr(self, name).shape != shape:
                raise InputError(f"{name} has shape {getattr(self, name).shape}; beside the other synapses: {shape}")
        if not self.n_episodes:
            self._check_C()
        self.momentum = self.momentum if self.momentum.size else np.zeros_like(self.K)
        self.baseline = self.baseline if self.baseline.size else np.zeros((S, 1))
        self.power = self.power if self.power.size else np.zeros((S, 7))
        self.mean = self.mean or {name: getattr(self, name).copy() for name in SYNAPSES}

    def _check_C(self) -> None:
        for i, C in enumerate(self.C):
            values = np.linalg.svd(C, compute_uv=False) if np.isfinite(C).all() else np.zeros(1)
            if values[-1] <= 1e-9 * values[0]:
                raise InputError(f"C of agent {i} is singular: y(0) does not tell where to begin. Give another C")

    def must_fit(self, plant: Plant) -> None:
        """Refuse a plant with other numbers of observations or actions, and what :meth:`must_be_sound` refuses."""
        p, n = self.B.shape[2], self.C.shape[1]
        if (n, p) != (plant.n_observations, plant.n_actions):
            raise InputError(
                f"the agents have {n} observations and {p} actions, the plant {plant.n_observations} and "
                f"{plant.n_actions}. Make agents for this plant"
            )
        self.must_be_sound(finite=False)  # some of many may have diverged: they stay so, the others go on

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        S, n, m, p = len(self.A), self.C.shape[1], self.A.shape[2], self.B.shape[2]
        return {"A": (S, m, m), "B": (S, m, p), "C": (S, n, m), "L": (S, m, n), "K": (S, p, m)}

    @property
    def finite(self) -> np.ndarray:
        """(S,) whether an agent has not diverged."""
        return np.all([np.isfinite(getattr(self, name)).all((1, 2)) for name in SYNAPSES], axis=0)

    def must_be_sound(self, finite: bool = True) -> None:
        """Refuse arrays of other shapes than the synapses ask for and, if ``finite``, agents that have diverged."""
        shapes, S = self._shapes(), len(self)
        arrays = {name: (getattr(self, name), shape) for name, shape in shapes.items()}
        arrays |= {f"mean {name}": (self.mean[name], shape) for name, shape in shapes.items()}
        arrays |= {"momentum": (self.momentum, shapes["K"]), "power": (self.power, (S, 7))}
        entering(arrays | {"baseline": (self.baseline, (S, self.baseline.shape[-1]))}, finite=finite)

    def widen(self, width: int) -> None:
        """Make room for a baseline of so many moments."""
        if self.baseline.shape[1] < width:
            self.baseline = np.hstack([self.baseline, np.zeros((len(self), width - self.baseline.shape[1]))])

    @classmethod
    def new(cls, n_observations: int, n_actions: int, n_latent: int, rngs: list[np.random.Generator]) -> Self:
        """Agents that know nothing, one for each generator.

        A, B ~ 0.1 N(0, 1). Where there are as many neurons as observations C, L = (I + U[0, 1]) / 2 (as in the paper);
        else C is 3/4 of a random matrix of orthonormal rows or columns and L its transpose: corrections must point the
        right way from the beginning, which holds where the eigenvalues of L C are positive.
        """
        n, m = n_observations, n_latent
        parts: dict[str, list[np.ndarray]] = {name: [] for name in SYNAPSES}
        for rng in rngs:
            parts["A"].append(0.1 * rng.standard_normal((m, m)))
            parts["B"].append(0.1 * rng.standard_normal((m, n_actions)))
            if n == m:
                C, L = (0.5 * np.eye(n) + 0.5 * rng.random((n, n)) for _ in range(2))
            else:
                U, _, Vt = np.linalg.svd(rng.standard_normal((n, m)), full_matrices=False)
                C, L = 0.75 * U @ Vt, 0.75 * Vt.T @ U.T
            parts["C"].append(C)
            parts["L"].append(L)
            parts["K"].append(np.zeros((n_actions, m)))
        A, B, C, L, K = (np.array(parts[name]) for name in SYNAPSES)
        return cls(A, B, C, L, K)

    @classmethod
    def from_plant(cls, plant: Plant, L: np.ndarray, K: np.ndarray, number: int = 1) -> Self:
        """Agents that know the plant and its sensors, with a gain L (d, n) and a policy K (p, d)."""
        parts = {"A": plant.A, "B": plant.B, "C": plant.C, "L": L, "K": K}
        A, B, C, L, K = (np.tile(parts[name], (number, 1, 1)) for name in SYNAPSES)
        return cls(A, B, C, L, K)

    def averaged(self) -> Agents:
        """Agents with the averages of the synapses over episodes."""
        A, B, C, L, K = (self.mean[name].copy() for name in SYNAPSES)
        return Agents(A, B, C, L, K, n_episodes=self.n_episodes)

    def copy(self) -> Agents:
        """Agents that share nothing with these."""
        A, B, C, L, K = (getattr(self, name) for name in SYNAPSES)  # the constructor copies
        mean = {name: array.copy() for name, array in self.mean.items()}
        memory = self.momentum.copy(), self.baseline.copy(), self.power.copy()
        return Agents(A, B, C, L, K, *memory, mean, self.n_episodes)

    def __len__(self) -> int:
        return len(self.A)
