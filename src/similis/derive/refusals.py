"""What no rule covers is refused: the term, quoted, and the reason a referee would give."""

from __future__ import annotations

from typing import NoReturn

from .._errors import InputError


def refuse(quoted: object, reason: str) -> NoReturn:
    """Raise :class:`similis._errors.InputError`: what was written, and why no local network computes it."""
    raise InputError(f"{quoted}: {reason}")


def expect_number(value: float, quoted: str, low: float = 0.0, strictly: bool = False) -> None:
    """Refuse what is no finite number above ``low``."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
    if not number or value < low or (strictly and value == low):
        refuse(quoted, f"expected a finite number {'>' if strictly else '>='} {low:g}")


def written(value: float) -> str:
    """A number with all its digits, as a person writes it."""
    return repr(float(value)).removesuffix(".0")
