"""The agent one step at a time, in NumPy: the rules as they are written, for any environment."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from .._errors import DivergenceError, InputError
from .filter import FAR, correct, guess, limit, plasticity
from .gate import whole
from .policy import Policy
from .rule import SYNAPSES, Agents, Rule


class Agent:
    """A controller that learns while it acts. The compiled loop (:func:`similis.control.run`) does the same.

    ::

        agent.reset(y0)
        while ...: u = agent.act(); ...; agent.observe(y, cost)
        agent.finish()

    Parameters
    ----------
    agents : Agents, whose synapses change in place
    rule : Rule
    sensing, acting : int, steps by which observations, and actions, are late; at least 1 together
    n_steps : int, steps of an episode, which the baselines remember by
    rng : Generator of the exploring noise; None explores nothing
    which : int, which of the agents
    missing : bool, whether observations may be missing (NaN)
    """

    def __init__(
        self, agents: Agents, rule: Rule, *, sensing: int = 1, acting: int = 0, n_steps: int,
        rng: np.random.Generator | None = None, which: int = 0, missing: bool = False,
    ) -> None:  # fmt: skip
        for name, value in (("sensing", sensing), ("acting", acting), ("n_steps", n_steps)):
            whole(name, value, 0)
        if not 1 <= sensing + acting <= n_steps:
            raise InputError(
                f"sensing={sensing}, acting={acting} in episodes of {n_steps} steps; expected delays whose sum is at "
                f"least 1 and at most the steps of an episode"
            )
        self.agents, self.rule, self.rng, self.missing = agents, rule, rng, missing
        self.sensing, self.acting, self.delay, self.n_steps = sensing, acting, sensing + acting, n_steps
        self.A, self.B, self.C, self.L, self.K = (getattr(agents, name)[which] for name in SYNAPSES)
        self.power, self.which = agents.power[which], which
        self.policy = Policy(agents, rule, which, n_steps, acting)
        self.begun = False

    def reset(self, y: Any, cost: float = 0.0) -> None:
        """Start an episode with the first observation, which is heard at once, and the cost of the start."""
        y, cost, m, d = self._observed(y), self._cost(cost, "the start"), self.A.shape[0], self.delay
        self.xh = [np.zeros(m) for _ in range(d + 1)]  # row r is time r - delay, as in all histories
        self.u = [np.zeros(self.B.shape[1]) for _ in range(d)]
        self.errors = [np.zeros(len(self.C)) for _ in range(d)]
        first = d - self.acting
        self.xh[first] = guess(self.C, np.nan_to_num(y), self.rule.bias, self.rule.ridge)
        for row in range(first, d):
            self.xh[row + 1] = self._fixed(self.A @ self.xh[row])
        self.t, self.paid, self.squares, self.seen, self.begun, self.acted = 0, cost, 0.0, 0, True, False
        self.eta, self.eta_K, self.sigma = (float(rate[0]) for rate in self.rule.rates(self.agents.n_episodes, 1))
        self.policy.reset()

    def act(self) -> np.ndarray:
        """The next action, u = -K xh + noise.

        Raises
        ------
        DivergenceError
            If it is not finite.
        """
        if not self.begun or self.acted:
            raise InputError("act() comes after begin(), and once before each hear(). Call begin(y) first")
        xh, p = self.xh[-1], self.B.shape[1]
        noise = np.zeros(p) if self.rng is None else self.sigma * self.rng.standard_normal(p)
        self.policy.explored(noise, xh)
        u = -self.K @ xh + noise
        if not np.isfinite(u).all():
            raise diverged(self.rule, self.agents.n_episodes)
        self.u.append(u)
        self.acted = True
        return self.u[-1].copy()

    def observe(self, y: Any, cost: float, action: Any = None) -> None:
        """Learn from the observation that arrived after the action, and from the cost of the step.

        Parameters
        ----------
        y : (n,) array
        cost : float
        action : (p,) array, what was done, where it is not quite what ``act`` asked for

        Raises
        ------
        InputError
            If something is not finite or of another shape; nothing has changed then, and the call can be repeated.
        """
        if not self.begun or not self.acted:
            raise InputError("hear() comes after act(). Call act() first")
        y, cost = self._observed(y), self._cost(cost, f"step {self.t}")
        if action is not None:
            action = np.array(action, np.float64)
            if action.shape != self.u[-1].shape or not np.isfinite(action).all():
                raise InputError(f"action={action}; expected {len(self.K)} finite numbers. The agent is as it was")
            self.u[-1] = action
        old, e, Le = self.t + 1, np.zeros(len(self.C)), np.zeros(len(self.A))
        back, u = self.xh[old], self.u[-1]
        if old >= self.sensing:
            longest = limit(y, self.power, self.rule.clip)
            e, Le, square = correct(self.C, self.L, y, back, longest)
            self.squares, self.seen = self.squares + square, self.seen + 1
        new = self._fixed(self.A @ self.xh[-1] + self.B @ u + Le)
        if old >= self.sensing and self.eta > 0:
            before = self.xh[old - 1], self.u[old - 1], self.errors[old - 1]
            plasticity((self.A, self.B, self.C, self.L), self.rule, self.eta, e, self._fixed(Le, 0.0), back, *before)
        self.xh.append(new)
        self.errors.append(e)
        if self.eta_K > 0:
            self.policy.learn(self.K, self.eta_K, self.sigma, cost, self.t, self.xh[-2])
        self.paid += cost
        self.t, self.acted = self.t + 1, False

    def finish(self) -> tuple[float, float]:
        """End the episode: cost paid, and mean square of the prediction errors.

        Raises
        ------
        DivergenceError
            If the synapses have diverged (NaN or inf).
        """
        if self.eta_K > 0:
            self.policy.finish(self.paid, self.t)
        self.begun = False
        i, share = self.agents.n_episodes, 0.0
        if self.rule.average:
            share = (self.rule.average + 1) / (i + self.rule.average + 1)
        for name in SYNAPSES:
            mean = self.agents.mean[name][self.which]
            mean += share * (getattr(self, name) - mean)
        self.agents.n_episodes += 1
        size = sum(float(np.abs(getattr(self, name)).sum()) for name in SYNAPSES)
        if not (abs(self.paid) < FAR**2 and self.squares < FAR**2 and size < FAR):
            raise diverged(self.rule, i)
        return self.paid, self.squares / max(self.seen, 1)

    def _fixed(self, x: np.ndarray, value: float | None = None) -> np.ndarray:
        """With a bias the last neuron never changes."""
        if self.rule.bias:
            x = x.copy()
            x[-1] = self.rule.bias if value is None else value
        return x

    def _cost(self, cost: Any, when: str) -> float:
        known = np.asarray(cost) if isinstance(cost, Real | np.ndarray) else np.zeros(0)
        if known.size != 1 or not np.isfinite(known).all():
            raise InputError(f"cost={cost!r} of {when}; expected a finite number. Check the environment")
        return float(known.reshape(()))

    def _observed(self, y: Any) -> np.ndarray:
        y = np.asarray(y, np.float64)
        if y.shape != (len(self.C),):
            raise InputError(f"an observation of shape {y.shape}; expected ({len(self.C)},). Check the environment")
        if not (np.isfinite(y) | (np.isnan(y) & self.missing)).all():
            raise InputError(
                f"an observation is not finite: {y}. Leave it out, or mark it NaN and allow missing=True; the agent is "
                f"as it was"
            )
        return y


def diverged(rule: Rule, episode: int) -> DivergenceError:
    """The error for synapses that diverged (NaN or inf)."""
    return DivergenceError(
        f"the agent diverged (NaN or inf) in episode {episode}: eta={rule.eta}, eta_K={rule.eta_K}, "
        f"clip={rule.clip}, damp={rule.damp}. Lower the steps, limit errors (clip=10) or damp the steps (damp=1)"
    )
