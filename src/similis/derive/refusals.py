"""What no rule covers is refused: the term, quoted, and the reason a referee would give."""

from __future__ import annotations

from numbers import Real
from typing import NoReturn

from .._errors import InputError


def refuse(quoted: object, reason: str) -> NoReturn:
    """Raise :class:`similis._errors.InputError`: what was written, and why no local network computes it."""
    raise InputError(f"{quoted}: {reason}")


def finite(value: object) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, Real) and not isinstance(value, bool) and abs(float(value)) < float("inf")


def expect_number(value: float, quoted: str, low: float = 0.0, strictly: bool = False) -> float:
    """A finite number above ``low``; anything else is refused."""
    if not finite(value) or value < low or (strictly and value == low):
        refuse(quoted, f"expected a finite number {'>' if strictly else '>='} {low:g}")
    return float(value)


def written(value: float) -> str:
    """A number with all its digits, as a person writes it."""
    return repr(float(value) + 0.0).removesuffix(".0")
