"""Similarity matrices of an objective: of signals, of pairs of signals, constants, and of the outputs themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .hands import Plain
from .refusals import expect_number, refuse
from .streams import Signal, signal


class Expression:
    """A weighted sum of similarity matrices: add, subtract, scale, and multiply two similarities entry by entry."""

    @property
    def parts(self) -> tuple[tuple[float, Term], ...]:
        """Terms and their coefficients."""
        raise NotImplementedError

    def __add__(self, other: Expression) -> Expression:
        return Sum(self.parts + _expression(other, "+").parts)

    def __sub__(self, other: Expression) -> Expression:
        return self + -_expression(other, "-")

    def __neg__(self) -> Expression:
        return Sum(tuple((-c, term) for c, term in self.parts))

    def __mul__(self, other: Expression | float) -> Expression:
        if isinstance(other, Expression):
            return _product(self, other)
        if not isinstance(other, int | float) or abs(other) == float("inf") or other != other:
            refuse(f"({self}) * {other!r}", "expected a finite gain, or another similarity")
        return Sum(tuple((float(other) * c, term) for c, term in self.parts))

    __rmul__ = __mul__

    def __str__(self) -> str:
        text = ""
        for c, term in self.parts:
            size = "" if abs(c) == 1.0 else f"{abs(c):g} * "
            text += (" - " if text else "-") * (c < 0) + " + " * (c > 0 and bool(text)) + size + str(term)
        return text or "0"


class Term(Expression):
    """One similarity matrix."""

    @property
    def parts(self) -> tuple[tuple[float, Term], ...]:
        return ((1.0, self),)

    def matrix(self, hand: Plain) -> str:
        """Its symbol, e.g. ``X' Cxx^-1 X``."""
        raise NotImplementedError

    def __str__(self) -> str:
        raise NotImplementedError


@dataclass(frozen=True)
class Sum(Expression):
    """Terms with coefficients; equal ones are added up."""

    terms: tuple[tuple[float, Term], ...]

    @property
    def parts(self) -> tuple[tuple[float, Term], ...]:
        total: dict[Term, float] = {}
        for c, term in self.terms:
            total[term] = total.get(term, 0.0) + c
        return tuple((c, term) for term, c in total.items())

    __str__ = Expression.__str__


class Attraction(Term):
    """A similarity that inputs have; its channel learns it."""

    @property
    def channel(self) -> str:
        """The channel it becomes."""
        raise NotImplementedError


@dataclass(frozen=True)
class Similarity(Attraction):
    """``X' B^-1 X``, ``B = (1 - metric) I + metric C + ridge I``; see :func:`similarity`."""

    signal: Signal
    metric: float = 0.0
    ridge: float = 0.0
    of: Signal | None = None

    def __post_init__(self) -> None:
        expect_number(self.ridge, f"ridge={self.ridge!r} of {self.signal}")
        inside = isinstance(self.metric, int | float) and 0.0 <= self.metric <= 1.0
        if not inside:
            reason = "B = (1 - s) I + s C must have an inverse that synapses can learn; expected s between 0 and 1"
            refuse(f"similarity({self.signal}, metric={self.metric!r})", reason)
        if self.of is not None and self.metric == 0.0:
            refuse(str(self), "metric=0 is no metric of another signal; expected metric > 0, or no metric_of")

    @property
    def channel(self) -> str:
        return self.signal.name

    @property
    def leak(self) -> float:
        """The share of I in B: how fast weights decay by themselves."""
        return 1.0 - self.metric + self.ridge

    @property
    def measured(self) -> Signal:
        """The signal whose second moment is the metric."""
        return self.signal if self.of is None else self.of

    def metric_words(self, hand: Plain) -> str:
        """B, e.g. ``0.5 I + 0.5 Cxx``."""
        return hand.signed([(self.leak, hand.bold("I")), (self.metric, hand.covariance(self.measured.name))])

    def matrix(self, hand: Plain) -> str:
        X, metric = hand.matrix(self.channel), self.metric_words(hand)
        if metric == hand.bold("I"):
            return f"{X}{hand.T}{X}"
        metric = f"({metric})" if " " in metric else metric
        return f"{X}{hand.T} {metric}{hand.inverse} {X}"

    def moment(self, X: np.ndarray) -> np.ndarray:
        """B from the rows of the measured signal."""
        return self.leak * np.eye(X.shape[1]) + self.metric * (X.T @ X) / len(X)

    def __str__(self) -> str:
        options = [f"{self.signal}"]
        options += [f"metric={self.metric:g}"] if self.metric and not (self.of and self.metric == 1.0) else []
        options += [f"ridge={self.ridge:g}"] if self.ridge else []
        options += [f"metric_of={self.of}"] if self.of else []
        return f"similarity({', '.join(options)})"


@dataclass(frozen=True)
class Product(Attraction):
    """``X'X o D'D``, entry by entry: the similarity of the outer products ``d x'``."""

    left: Signal
    right: Signal
    channel: str = "chi"

    def named(self, channel: str) -> Product:
        """The same on a channel of another name."""
        return replace(self, channel=channel)

    def matrix(self, hand: Plain) -> str:
        factors = (f"{hand.matrix(s.name)}{hand.T}{hand.matrix(s.name)}" for s in (self.left, self.right))
        return f" {hand.hadamard} ".join(factors)

    def __str__(self) -> str:
        return f"similarity({self.left}) * similarity({self.right})"


@dataclass(frozen=True)
class Constant(Term):
    """``11'``: every pair of samples is alike."""

    def matrix(self, hand: Plain) -> str:
        return f"{hand.bold('1')}{hand.bold('1')}{hand.T}"

    def __str__(self) -> str:
        return "constant(1)"


@dataclass(frozen=True)
class Identity(Term):
    """``T I``: every sample is like itself alone; subtracted, a price on power."""

    def matrix(self, hand: Plain) -> str:
        return f"T {hand.bold('I')}"

    def __str__(self) -> str:
        return "identity(1)"


@dataclass(frozen=True)
class Output(Term):
    """``Z'Z``, the similarity of the outputs."""

    def matrix(self, hand: Plain) -> str:
        return f"{hand.bold('Z')}{hand.T}{hand.bold('Z')}"

    def __str__(self) -> str:
        return "output"


#: the similarity of the outputs
output = Output()


def similarity(
    name: Signal | str, *, metric: float | None = None, ridge: float = 0.0, metric_of: Signal | str | None = None
) -> Similarity:
    """The similarity of a signal's samples, ``X' B^-1 X`` with ``B = (1 - metric) I + metric C + ridge I``.

    Parameters
    ----------
    name : str or Signal, a stream, or a sum of streams now and some samples ago
    metric : float in [0, 1], 0: inner products; 1: of the whitened signal; default 0, and 1 with ``metric_of``
    ridge : float >= 0
    metric_of : str or Signal, the signal whose second moment C is, default the same one

    Returns
    -------
    Similarity

    Raises
    ------
    similis._errors.InputError
        For a metric without an inverse that synapses can learn.

    Examples
    --------
    >>> from similis.derive import lagged, match, similarity
    >>> print(match(similarity("x", metric=1) + similarity("y", metric=1)))
    min_Z 1/2 |X' Cxx^-1 X + Y' Cyy^-1 Y - Z'Z|^2
    >>> print(match(similarity(lagged("x", 1) + "x", metric_of="x")))
    min_Z 1/2 |X_x_sum' Cxx^-1 X_x_sum - Z'Z|^2
    """
    of = None if metric_of is None else signal(metric_of)
    chosen = float(of is not None) if metric is None else metric
    return Similarity(signal(name), chosen, ridge, None if of == signal(name) else of)


def constant(alpha: float = 1.0) -> Expression:
    """``alpha 11'``: to subtract it is a threshold on similarity.

    Parameters
    ----------
    alpha : float >= 0
    """
    expect_number(alpha, f"constant({alpha!r})")
    return float(alpha) * Constant()


def identity(alpha: float = 1.0) -> Expression:
    """``alpha T I``: to subtract it is a price on power, ``alpha <|z|^2>``.

    Parameters
    ----------
    alpha : float >= 0
    """
    expect_number(alpha, f"identity({alpha!r})")
    return float(alpha) * Identity()


def _expression(other: object, sign: str) -> Expression:
    if not isinstance(other, Expression):
        refuse(f"... {sign} {other!r}", "only similarities are added; did you mean constant(...) or identity(...)?")
    return other


def _product(left: Expression, right: Expression) -> Expression:
    quoted = f"({left}) * ({right})"
    terms = [term for c, term in (*left.parts, *right.parts)]
    if any(isinstance(term, Output) for term in terms):
        refuse(quoted, "a degree above two in Z'Z: no Legendre transform makes its gradient local")
    if len(left.parts) != 1 or len(right.parts) != 1:
        refuse(quoted, "a product of sums; write the sum of the products")
    (a, x), (b, y) = left.parts[0], right.parts[0]
    if isinstance(x, Product) or isinstance(y, Product):
        refuse(quoted, "three factors: a synapse would multiply three signals; expected two similarities")
    if not (isinstance(x, Similarity) and isinstance(y, Similarity)):
        refuse(quoted, "entry by entry only similarities of signals multiply")
    for factor in (x, y):
        if factor.metric or factor.ridge:
            reason = (
                "its metric is C of one factor alone, which the current of a pair does not hold: a non-local inverse"
            )
            refuse(quoted, f"{factor} has a metric; {reason}")
    pair: Expression = Product(x.signal, y.signal)
    return pair if a * b == 1.0 else (a * b) * pair
