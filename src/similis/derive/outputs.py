"""Similarity matrices that hold no signal: constants, the identity, and that of the outputs."""

from __future__ import annotations

from dataclasses import dataclass

from .expression import Expression, Term
from .refusals import expect_number, refuse
from .streams import Signal
from .symbols import Plain


@dataclass(frozen=True)
class Constant(Term):
    """``11'``: every pair of samples is alike."""

    def matrix(self, hand: Plain) -> str:
        return f"{hand.bold('1')}{hand.bold('1')}{hand.T}"

    def __str__(self) -> str:
        return "constant(1)"


@dataclass(frozen=True)
class Identity(Term):
    """``T I``: every sample is like itself alone; subtracted, a cost on power."""

    def matrix(self, hand: Plain) -> str:
        return f"T {hand.bold('I')}"

    def __str__(self) -> str:
        return "identity(1)"


@dataclass(frozen=True)
class Output(Term):
    """``Z'Z``, the similarity of the outputs."""

    def matrix(self, hand: Plain) -> str:
        return f"{hand.bold('Z')}{hand.T}{hand.bold('Z')}"

    def factor(self, quoted: str) -> Signal:
        refuse(quoted, "a degree above two in Z'Z: no Legendre transform makes its gradient local")

    def __str__(self) -> str:
        return "output"


output = Output()


def constant(alpha: float = 1.0) -> Expression:
    """``alpha 11'``: to subtract it is a threshold on similarity.

    Parameters
    ----------
    alpha : float >= 0

    Examples
    --------
    >>> print(constant(0.3))
    0.3 * constant(1)
    """
    return expect_number(alpha, f"constant({alpha!r})") * Constant()


def identity(alpha: float = 1.0) -> Expression:
    """``alpha T I``: to subtract it is a cost on power, ``alpha <|z|^2>``.

    Parameters
    ----------
    alpha : float >= 0

    Examples
    --------
    >>> print(identity(0.3))
    0.3 * identity(1)
    """
    return expect_number(alpha, f"identity({alpha!r})") * Identity()
