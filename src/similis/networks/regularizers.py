"""Regularisers, each with its link: how the Hebbian sum of the dual becomes the synaptic weight.

At the optimum ``grad R(w) = h``, the Hebbian sum h = sum_t a_t x_t / (alpha T), hence ``w = grad R*(h)``: the
representer theorem for any R.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.optimize import brentq
from scipy.special import xlogy

from .._errors import InputError


@dataclass(frozen=True)
class Regularizer(ABC):
    """A convex R(w), strongly convex in some norm. Weights and Hebbian sums are rows of (n_outputs, d) arrays.

    The class attributes are its equations: ``value`` of R, ``link`` grad R*, ``rule`` and the ``kind`` of the update,
    each of the first three as text and as LaTeX.
    """

    name: ClassVar[str]
    code: ClassVar[int]  # in `similis.kernels.dual`
    value: ClassVar[tuple[str, str]]
    map: ClassVar[tuple[str, str]]
    rule: ClassVar[tuple[str, str]]
    kind: ClassVar[str]
    linked: ClassVar[bool] = False  # whether learning keeps h beside w

    @abstractmethod
    def of(self, W: np.ndarray) -> np.ndarray:
        """R of each row."""

    @abstractmethod
    def conjugate(self, H: np.ndarray) -> np.ndarray:
        """R* of each row."""

    @abstractmethod
    def link(self, H: np.ndarray) -> np.ndarray:
        """W = grad R*(H)."""

    @property
    def exponent(self) -> float:
        """q of the dual norm, where there is one to choose."""
        return 2.0

    @property
    def mass(self) -> float:
        """U, where the weights have a total."""
        return 1.0


class L2(Regularizer):
    name, code = "l2", 0
    value = "|w|^2 / 2", r"\frac{1}{2} |\mathbf{w}|^2"
    map = "w = h", r"\mathbf{w} = \mathbf{h}"
    rule = "dw = eta (a x - alpha w)", r"d\mathbf{w} = \eta (a \mathbf{x} - \alpha \mathbf{w})"
    kind = "additive: Hebb and decay"

    def of(self, W: np.ndarray) -> np.ndarray:
        return 0.5 * (W * W).sum(-1)

    def conjugate(self, H: np.ndarray) -> np.ndarray:
        return 0.5 * (H * H).sum(-1)

    def link(self, H: np.ndarray) -> np.ndarray:
        return H


@dataclass(frozen=True)
class Entropy(Regularizer):
    """Excitatory and inhibitory weights e, i >= 0 that sum to U, w = e - i, and their entropy relative to equal ones.

    R(w) is the least entropy of an e and an i that make w, those with e_j i_j the same for all j; finite where
    |w|_1 <= U.
    """

    name, code, linked = "entropy", 1, True
    value = (
        "sum u log(2 d u / U), u = (e, i) >= 0, sum u = U, w = e - i",
        r"\sum u \log(2 d u / U), \; u = (\mathbf{e}, \mathbf{i}) \geq 0, \; \sum u = U, \; "
        r"\mathbf{w} = \mathbf{e} - \mathbf{i}",
    )
    map = "w = U sinh(h) / sum cosh(h)", r"\mathbf{w} = U \sinh(\mathbf{h}) / \sum \cosh(\mathbf{h})"
    rule = (
        "e ~ e^(1 - eta alpha) exp(eta a x),  i ~ i^(1 - eta alpha) exp(-eta a x)",
        r"e \propto e^{1 - \eta \alpha} \exp(\eta a x), \; i \propto i^{1 - \eta \alpha} \exp(-\eta a x)",
    )
    kind = "multiplicative: no weight changes its sign"

    total: float = 10.0

    def __post_init__(self) -> None:
        if not self.total > 0.0:
            raise InputError(f"total_weight={self.total!r}; expected a number > 0, a bound on the sum of |w|")

    def of(self, W: np.ndarray) -> np.ndarray:
        return np.array([self._of(w) for w in np.atleast_2d(W)]).reshape(W.shape[:-1])

    def _of(self, w: np.ndarray) -> float:
        size = np.abs(w).sum()
        if size > self.total * (1.0 + 1e-9):
            return np.inf

        def surplus(c: float) -> float:
            return float(np.hypot(w, c).sum()) - self.total

        c = brentq(surplus, 0.0, self.total, xtol=1e-300, rtol=1e-15) if size < self.total else 0.0
        larger = 0.5 * (np.hypot(w, c) + np.abs(w))
        smaller = c * c / 4.0 / np.where(larger > 0.0, larger, 1.0)
        u = np.concatenate([larger, smaller])
        return float(xlogy(u, len(u) * u / self.total).sum())

    def conjugate(self, H: np.ndarray) -> np.ndarray:
        top = np.abs(H).max(-1, keepdims=True)
        mass = (np.exp(H - top) + np.exp(-H - top)).mean(-1) / 2.0
        return self.total * (top[..., 0] + np.log(mass))

    def link(self, H: np.ndarray) -> np.ndarray:
        up, down = self.parts(H)
        return up - down

    def parts(self, H: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The excitatory and the inhibitory weights, both positive."""
        top = np.abs(H).max(-1, keepdims=True)
        up, down = np.exp(H - top), np.exp(-H - top)
        scale = self.total / (up + down).sum(-1, keepdims=True)
        return scale * up, scale * down

    @property
    def mass(self) -> float:
        return self.total


@dataclass(frozen=True)
class PNorm(Regularizer):
    name, code, linked = "p-norm", 2, True
    value = "|w|_p^2 / 2, 1 < p <= 2", r"\frac{1}{2} |\mathbf{w}|_p^2, \; 1 < p \leq 2"
    map = (
        "w = sign(h) |h|^(q-1) / |h|_q^(q-2), 1/p + 1/q = 1",
        r"\mathbf{w} = \mathrm{sign}(\mathbf{h}) |\mathbf{h}|^{q-1} / |\mathbf{h}|_q^{q-2}, \; 1/p + 1/q = 1",
    )
    rule = "dh = eta (a x - alpha h)", r"d\mathbf{h} = \eta (a \mathbf{x} - \alpha \mathbf{h})"
    kind = "between additive (p = 2) and multiplicative (p near 1)"

    p: float = 1.5

    def __post_init__(self) -> None:
        if not 1.0 < self.p <= 2.0:
            raise InputError(f"p={self.p!r}; expected 1 < p <= 2")

    @property
    def exponent(self) -> float:
        return self.p / (self.p - 1.0)

    def of(self, W: np.ndarray) -> np.ndarray:
        return 0.5 * np.linalg.norm(W, self.p, axis=-1) ** 2

    def conjugate(self, H: np.ndarray) -> np.ndarray:
        return 0.5 * np.linalg.norm(H, self.exponent, axis=-1) ** 2

    def link(self, H: np.ndarray) -> np.ndarray:
        norm = np.linalg.norm(H, self.exponent, axis=-1, keepdims=True)
        share = np.abs(H) / np.where(norm > 0.0, norm, 1.0)
        return np.sign(H) * norm * share ** (self.exponent - 1.0)


@dataclass(frozen=True, eq=False)
class OutputVariance(Regularizer):
    """The mean square of the output, about w'(C + ridge) w, for the second moments C of the inputs."""

    name, code = "output-variance", 3
    value = "w' C w / 2, C = < x x' >", r"\frac{1}{2} \mathbf{w}^{\top} \mathbf{C} \mathbf{w}"
    map = "w = C^-1 h", r"\mathbf{w} = \mathbf{C}^{-1} \mathbf{h}"
    rule = "dw = eta (a - alpha z) x", r"d\mathbf{w} = \eta (a - \alpha z) \mathbf{x}"
    kind = "three-factor: the error minus the neuron's own output"

    C: np.ndarray | None = None

    def of(self, W: np.ndarray) -> np.ndarray:
        return 0.5 * ((W @ self._moments) * W).sum(-1)

    def conjugate(self, H: np.ndarray) -> np.ndarray:
        return 0.5 * (self.link(H) * H).sum(-1)

    def link(self, H: np.ndarray) -> np.ndarray:
        return np.linalg.solve(self._moments, H.T).T

    @property
    def _moments(self) -> np.ndarray:
        if self.C is None:
            raise InputError("the output-variance regulariser is a function of the data: give OutputVariance(C)")
        return self.C


REGULARIZERS: dict[str, type[Regularizer]] = {kind.name: kind for kind in (L2, Entropy, PNorm, OutputVariance)}
