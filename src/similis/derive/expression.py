"""Sums of similarity matrices, with coefficients."""

from __future__ import annotations

from dataclasses import dataclass

from .refusals import finite, refuse, written
from .streams import Signal
from .symbols import Plain


class Expression:
    """A weighted sum of similarity matrices: add, subtract, scale, and multiply two similarities entry by entry."""

    __array_ufunc__ = None  # a NumPy number times an expression is an expression

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
            return _paired(self, other)
        if not finite(other):
            refuse(f"({self}) * {other!r}", "expected a finite gain, or another similarity")
        return Sum(tuple((float(other) * c, term) for c, term in self.parts))

    __rmul__ = __mul__

    def __str__(self) -> str:
        text = ""
        for c, term in self.parts:
            size = "" if abs(c) == 1.0 else f"{written(abs(c))} * "
            text += (" - " if text else "-") * (c < 0) + " + " * (c >= 0 and bool(text)) + size + str(term)
        return text or "0"


class Term(Expression):
    """One similarity matrix."""

    @property
    def parts(self) -> tuple[tuple[float, Term], ...]:
        return ((1.0, self),)

    def matrix(self, hand: Plain) -> str:
        """Its symbol, e.g. ``X' Cxx^-1 X``."""
        raise NotImplementedError

    def factor(self, quoted: str) -> Signal:
        """The signal whose inner products it holds, to be multiplied entry by entry; others are refused."""
        refuse(quoted, "entry by entry only similarities of signals multiply")

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


def _expression(other: object, sign: str) -> Expression:
    if not isinstance(other, Expression):
        refuse(f"... {sign} {other!r}", "only similarities are added; did you mean constant(...) or identity(...)?")
    return other


def _paired(left: Expression, right: Expression) -> Expression:
    from .terms import Product

    quoted = f"({left}) * ({right})"
    signals = [term.factor(quoted) for _, term in (*left.parts, *right.parts)]
    if len(signals) != 2:
        refuse(quoted, "a product of sums; write the sum of the products")
    one, other = signals
    weight = left.parts[0][0] * right.parts[0][0]
    pair = Product(one, other)
    return pair if weight == 1.0 else weight * pair
