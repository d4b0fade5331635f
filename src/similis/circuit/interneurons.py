"""Lateral connections through interneurons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .checks import expect
from .laterals import Lateral, Second, Term

if TYPE_CHECKING:
    from .notation import Text


@dataclass(frozen=True)
class Interneurons(Lateral):
    """M = P P' + shift I, ``dP ~ z (P'z)' - P``: the multiplier of ``<z z'> <= I`` with a positive PP'.

    Parameters
    ----------
    tau : float > 0, P learns at rate eta/tau
    units : number of interneurons, default as many as neurons
    decoupled : bool, whether the way from neurons to interneurons has weights R of its own, which need not be P':
        M = P R + shift I, n = R z, dP ~ z n' - P, dR ~ n z' - R
    weight_offset : float >= 0, where P (and R) converge without outputs, dP ~ z n' - P + weight_offset I: a pair that
        becomes silent keeps a weight from which it can grow again
    init_scale : float > 0, the first weights are init_scale I
    """

    units: int | None = None
    decoupled: bool = False
    weight_offset: float = 0.0
    init_scale: float = 1.0
    has_interneurons: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self.units is None or self.units >= 1, f"units={self.units}", "an integer >= 1, or None")
        expect(self.weight_offset >= 0.0, f"weight_offset={self.weight_offset}", "a number >= 0")
        expect(self.init_scale > 0.0, f"init_scale={self.init_scale}", "a positive number")

    @property
    def has_objective(self) -> bool:
        return not self.decoupled  # R need not be P'

    def units_for(self, k: int) -> int:
        return k if self.units is None else self.units

    @property
    def leak(self) -> float:
        return 1.0

    def fits(self, k: int, settles: bool, shift: float, adaptive: bool) -> None:
        cells = self.units_for(k)
        singular = settles and shift == 0 and cells < k
        expect(not singular, f"{cells} interneurons for {k} neurons", "shift > 0, or as many, or M is singular")
        expect(not (settles and self.decoupled), "decoupled interneurons that settle", "settles=False")
        expect(not adaptive, "PowerControl with interneurons", "another lateral")

    def start(self, k: int, shift: float, dtype: np.dtype) -> dict[str, np.ndarray]:
        P = dtype.type(self.init_scale) * np.eye(k, self.units_for(k), dtype=dtype)
        M = P @ P.T + dtype.type(shift) * np.eye(k, dtype=dtype)
        return {"M": M, "P": P} | ({"R": P.T.copy()} if self.decoupled else {})

    def row(self) -> dict[str, Any]:
        return {
            "plastic": True, "interneurons": True, "decoupled": self.decoupled, "weight_offset": self.weight_offset,
            "lateral_leak": 1.0, "gain": 1.0,
        }  # fmt: skip

    def learn(self, weights: Mapping[str, Any], second: Second, share: Any, rate: Any, one: Any, shift: Any) -> None:
        P = weights["P"]
        R = weights["R"] if self.decoupled else P.T + 0.0
        rest = self.weight_offset * _rectangle(one, P.shape[1])
        toward = second(R)  # <z n'>, n = R z
        P += rate * (toward - share * (P - rest))
        R += rate * (toward.T - share * (R - rest.T))
        weights["M"][:] = P @ R + shift * one

    def potential(self, weights: Mapping[str, np.ndarray]) -> float:
        return float((self._moved(weights["P"]) ** 2).sum())

    def gradients(self, weights: Mapping[str, np.ndarray], second: np.ndarray) -> dict[str, np.ndarray]:
        P = weights["P"]
        return {"P": 2.0 * (second @ P - self._moved(P))}

    def _moved(self, P: np.ndarray) -> np.ndarray:
        return P - self.weight_offset * np.eye(*P.shape)

    # words -----------------------------------------------------------------------------------------------------------

    def matrix(self, hand: Text) -> list[Term]:
        P = hand.bold("P")
        return [(1.0, f"{P} {hand.bold('R') if self.decoupled else f'{P}{hand.T}'}")]

    def current(self, hand: Text) -> list[Term]:
        return [(1.0, f"{hand.bold('P')} {hand.bold('n')}")]

    def rules(self, hand: Text, matrix: str) -> list[str]:
        z, P, R, n = (hand.bold(letter) for letter in "zPRn")
        rate, offset = f"({hand.eta}/{hand.tau})", (self.weight_offset, hand.bold("I"))
        ways = [(P, z, n), (R, n, z)] if self.decoupled else [(P, z, n)]
        return [
            *(
                f"{hand.change(W)} = {rate} ({hand.signed([(1.0, f'{to} {of}{hand.T}'), (-1.0, W), offset])})"
                for W, to, of in ways
            ),
            f"{n} = {R if self.decoupled else f'{P}{hand.T}'} {z}",
            f"{hand.bold('M')} = {matrix}",
            f"{hand.tau} = {hand.number(self.tau)}",
        ]

    def cost(self, hand: Text) -> list[tuple[str, list[Term]]]:
        P = hand.bold("P")
        size = f"{P} - {hand.number(self.weight_offset)} {hand.bold('I')}" if self.weight_offset else P
        return [(P, [(-1.0, hand.square(size))])]

    @property
    def synapses(self) -> list[tuple[str, str, str, str, str, float]]:
        back = "R" if self.decoupled else "P'"
        return [("z", "n", back, "n", "interneuron", 1.0), ("n", "z", "P", "Z", "neuron", 1.0)]


def _rectangle(one: Any, columns: int) -> Any:
    """The first columns of the identity, with columns of zeros where there are more interneurons than neurons."""
    k = len(one)
    if columns <= k:
        return one[:, :columns]
    wide = one[:, [0] * columns] * 0.0
    wide[:, :k] = one
    return wide
