"""Losses of supervised learning, each with its dual: what the error neuron computes and where its output may lie.

``l(z; y) = max_a -a z - l*(-a; y)``: for each sample the loss is fought for by one variable a, the error neuron. At the
maximum a = -dl/dz.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit, xlogy

from .._errors import InputError

#: how far beyond its domain rounding may carry a dual variable
_SLACK = 1e-12


@dataclass(frozen=True)
class Loss(ABC):
    """A convex loss l(z; y) of the output z; targets of a loss with ``labels`` are -1 and +1.

    The class attributes are its equations: ``value``, the ``domain`` of the dual variable, its ``cost`` l*(-a; y) and
    the ``neuron`` a = -dl/dz, each as text and as LaTeX.
    """

    name: ClassVar[str]
    code: ClassVar[int]  # in `similis.kernels.dual`
    labels: ClassVar[bool] = False
    value: ClassVar[tuple[str, str]]
    domain: ClassVar[tuple[str, str]]
    cost: ClassVar[tuple[str, str]]
    neuron: ClassVar[tuple[str, str]]

    @abstractmethod
    def of(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """l(z; y), elementwise."""

    @abstractmethod
    def error(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The error neuron, -dl/dz (0 at a kink)."""

    @abstractmethod
    def conjugate(self, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """l*(-a; y), infinite outside the dual domain."""


class Squared(Loss):
    name, code = "squared", 0
    value = "(y - z)^2 / 2", r"\frac{1}{2} (y - z)^2"
    domain = "a in R", r"a \in \mathbb{R}"
    cost = "a^2 / 2 - a y", r"\frac{1}{2} a^2 - a y"
    neuron = "y - z", "y - z"

    def of(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 0.5 * (y - z) ** 2

    def error(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return y - z

    def conjugate(self, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 0.5 * a**2 - a * y


class Logistic(Loss):
    name, code, labels = "logistic", 1, True
    value = "log(1 + exp(-y z))", r"\log(1 + e^{-y z})"
    domain = "0 <= y a <= 1", r"0 \leq y a \leq 1"
    cost = "b log b + (1 - b) log(1 - b), b = y a", r"b \log b + (1 - b) \log(1 - b), \; b = y a"
    neuron = "y / (1 + exp(y z))", r"y / (1 + e^{y z})"

    def of(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.logaddexp(0.0, -y * z)

    def error(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return y * expit(-y * z)

    def conjugate(self, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        b = np.clip(y * a, 0.0, 1.0)
        return _within(y * a, 0.0, 1.0, xlogy(b, b) + xlogy(1.0 - b, 1.0 - b))


class Hinge(Loss):
    name, code, labels = "hinge", 2, True
    value = "[1 - y z]+", r"[1 - y z]_+"
    domain = "0 <= y a <= 1", r"0 \leq y a \leq 1"
    cost = "-y a", "-y a"
    neuron = "y 1[y z < 1]", r"y \, 1[y z < 1]"

    def of(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.maximum(1.0 - y * z, 0.0)

    def error(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return y * (y * z < 1.0)

    def conjugate(self, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        return _within(y * a, 0.0, 1.0, -y * a)


@dataclass(frozen=True)
class EpsilonInsensitive(Loss):
    name, code = "epsilon-insensitive", 3
    value = "[|y - z| - epsilon]+", r"[|y - z| - \epsilon]_+"
    domain = "-1 <= a <= 1", r"-1 \leq a \leq 1"
    cost = "epsilon |a| - a y", r"\epsilon |a| - a y"
    neuron = "sign(y - z) 1[|y - z| > epsilon]", r"\mathrm{sign}(y - z) \, 1[|y - z| > \epsilon]"

    epsilon: float = 0.1

    def __post_init__(self) -> None:
        if not self.epsilon >= 0.0:
            raise InputError(f"epsilon={self.epsilon!r}; expected a number >= 0, in units of the target")

    def of(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.maximum(np.abs(y - z) - self.epsilon, 0.0)

    def error(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.sign(y - z) * (np.abs(y - z) > self.epsilon)

    def conjugate(self, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        return _within(a, -1.0, 1.0, self.epsilon * np.abs(a) - a * y)


LOSSES: dict[str, type[Loss]] = {kind.name: kind for kind in (Squared, Logistic, Hinge, EpsilonInsensitive)}


def _within(a: np.ndarray, low: float, high: float, cost: np.ndarray) -> np.ndarray:
    return np.where((a >= low - _SLACK) & (a <= high + _SLACK), cost, np.inf)
