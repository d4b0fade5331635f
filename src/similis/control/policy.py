"""Policy gradient with eligibility traces: exploration that was followed by a high cost is undone.

::

    Z = trace Z + noise xh' along the episode,   G = mu G + (cost - baseline) Z,   K = K + eta_K G

A synapse needs its own trace and one number told to all. With ``natural`` steps the cost is divided by its RMS and the
trace by its mean square over sigma^2, so that eta_K has no unit.
"""

from __future__ import annotations

import numpy as np

from .rule import Agents, Rule


class Policy:
    """The memory of K's synapses: traces along an episode, momentum and baselines beyond it."""

    def __init__(self, agents: Agents, rule: Rule, which: int, n_steps: int, acting: int) -> None:
        width = n_steps if rule.baseline == "moment" else 1
        agents.widen(width)
        self.momentum, self.baseline, self.power = agents.momentum[which], agents.baseline[which], agents.power[which]
        self.rule, self.acting, self.n_steps = rule, acting, n_steps

    def reset(self) -> None:
        self.traces = [np.zeros_like(self.momentum)]

    def explored(self, noise: np.ndarray, xh: np.ndarray) -> None:
        self.traces.append(self.rule.trace * self.traces[-1] + np.outer(noise, xh))
        if len(self.traces) > self.acting + 1:
            self.traces.pop(0)

    def learn(self, K: np.ndarray, eta: float, sigma: float, cost: float, t: int, xh: np.ndarray) -> None:
        """One step of K; the cost blames the noise of ``acting`` steps ago and before."""
        rule, power = self.rule, self.power
        if rule.clip > 0:
            if power[3] > 0:
                cost = min(cost, rule.clip * power[2] / power[3])
            power[2:4] += cost, 1.0
        blame = cost
        if rule.baseline == "mean":
            blame -= self.baseline[0]
        elif rule.baseline == "moment" and t < len(self.baseline):
            blame -= self.baseline[t]
            self.baseline[t] += rule.memory * (cost - self.baseline[t])
        trace = self.traces[0] if t >= self.acting else np.zeros_like(self.momentum)
        pace = blame * (t >= self.acting)
        if rule.natural:
            size = float(np.sum(trace * trace))
            power[6] += 1.0
            w = max(rule.memory / self.n_steps, 1.0 / power[6])
            power[4:6] += w * (np.array([blame * blame, size]) - power[4:6])
            size = np.sqrt(power[4]) * max(power[5], size)
            known = size > 0 and power[6] > self.n_steps  # the first episode only measures
            pace = (1 - rule.momentum) * sigma**2 * pace / size if known else 0.0
        self.momentum *= rule.momentum
        self.momentum += pace * trace
        if rule.clip > 0 and not rule.natural:
            self._trust(eta, sigma, xh)
        K += eta * self.momentum

    def _trust(self, eta: float, sigma: float, xh: np.ndarray) -> None:
        """Shorten G so that a step changes no action by more than a hundredth of the exploring noise.

        Actions are those for estimates of the RMS norm so far, and for the present one.
        """
        power, size = self.power, float(xh @ xh)
        power[5] += min(size, self.rule.clip**2 * power[5] / power[6]) if power[5] > 0 else size
        power[6] += 1.0
        change = eta * np.sqrt(np.sum(self.momentum**2) * max(size, power[5] / power[6]))
        most = 0.01 * sigma
        if change > most:
            self.momentum *= most / change

    def finish(self, paid: float, n_steps: int) -> None:
        if self.rule.baseline == "mean":
            self.baseline[0] += self.rule.memory * (paid / (n_steps + 1) - self.baseline[0])
