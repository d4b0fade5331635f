"""What a parameter may be: kinds of values, each with its test, its words, and how it is read from text."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._errors import InputError

#: types of numbers, and of these the whole ones; a truth value is none
_REALS, _WHOLES = (int, float, np.integer, np.float16, np.float32, np.float64), (int, np.integer)
#: no count is larger
LARGEST = 2**31 - 1
#: no integer that stands for a number is larger: compiled loops and tensors hold none
WIDEST = 2**63 - 1
#: words for values beside JSON's
_WORDS = {"True": True, "False": False, "None": None, "inf": np.inf, "-inf": -np.inf}


@dataclass(frozen=True)
class Number:
    """A number from ``low`` to ``high``; ``open_`` leaves out "low", "high" or "both", ``infinite`` lets infinities in.

    A truth value is no number, and an integer of more than 64 bits is none: it can be given as a float.
    """

    low: float = -np.inf
    high: float = np.inf
    open_: str = ""
    infinite: bool = False

    def __call__(self, value: Any) -> bool:
        if not isinstance(value, _REALS) or isinstance(value, bool):
            return False
        if isinstance(value, int) and abs(value) > WIDEST:
            return False
        number = float(value)
        low, high = self._open
        above = self.low < number if low else self.low <= number
        below = number < self.high if high else number <= self.high
        return above and below and (self.infinite or abs(number) < np.inf)

    @property
    def _open(self) -> tuple[bool, bool]:
        return self.open_ in ("low", "both"), self.open_ in ("high", "both")

    def __str__(self) -> str:
        low, high = self._open
        ends = [f"{'>' if low else '>='} {self.low:g}"] if self.low > -np.inf else []
        ends += [f"{'<' if high else '<='} {self.high:g}"] if self.high < np.inf else []
        return f"a {'' if self.infinite else 'finite '}number {' and '.join(ends)}".strip()


@dataclass(frozen=True)
class Whole:
    """An integer from ``low`` to ``high``; ``why`` is a word on the reason."""

    low: int = 1
    high: int = LARGEST
    why: str = ""

    def __call__(self, value: Any) -> bool:
        return isinstance(value, _WHOLES) and not isinstance(value, bool) and self.low <= int(value) <= self.high

    def __str__(self) -> str:
        most = f" and <= {self.high}" if self.high < LARGEST else ""
        return f"an integer >= {self.low}{most}" + f": {self.why}" * bool(self.why)


@dataclass(frozen=True)
class OneOf:
    """One of these texts."""

    texts: tuple[str, ...]

    def __call__(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.texts

    def __str__(self) -> str:
        return " or ".join(map(repr, self.texts)) if len(self.texts) < 3 else f"one of {', '.join(self.texts)}"


@dataclass(frozen=True)
class Several:
    """A list or tuple of values of one kind, of one of the lengths; () is any."""

    of: Callable[[Any], bool]
    lengths: tuple[int, ...] = ()

    def __call__(self, value: Any) -> bool:
        listed = isinstance(value, list | tuple | np.ndarray) and (not self.lengths or len(value) in self.lengths)
        return listed and all(map(self.of, value))

    def __str__(self) -> str:
        number = f"{' or '.join(map(str, self.lengths))} of them" if self.lengths else "any number"
        return f"a list ({number}), each {self.of}"


@dataclass(frozen=True)
class Kind:
    """Values that pass a test, said in words."""

    test: Callable[[Any], bool]
    words: str

    def __call__(self, value: Any) -> bool:
        return self.test(value)

    def __str__(self) -> str:
        return self.words


NOTHING = Kind(lambda value: value is None, "None")
FLAG = Kind(lambda value: isinstance(value, bool | np.bool_), "True or False")
TEXT = Kind(lambda value: isinstance(value, str) and bool(value), "text")
FUNCTION = Kind(callable, "a function")
SEED = Kind(
    lambda value: isinstance(value, np.random.Generator | np.random.RandomState) or Whole(0, sys.maxsize)(value),
    "an integer >= 0 or a numpy generator",
)
NAMED = Kind(
    lambda value: isinstance(value, Mapping) and all(isinstance(name, str) for name in value), "values by their names"
)  # fmt: skip
DEVICE = Kind(
    lambda value: isinstance(value, str) and bool(re.fullmatch("(cpu|cuda|mps|xpu)(:[0-9]+)?", value)),
    "'cpu', 'cuda', 'mps' or 'xpu', with a number where there are several ('cuda:1')",
)
POSITIVE, NONNEGATIVE = Number(0, open_="low"), Number(0)

#: what a value may be: one of these
Kinds = Sequence[Callable[[Any], bool]]


def check(name: str, value: Any, kinds: Kinds) -> Any:
    """The value, if it is of one of the kinds.

    Raises
    ------
    InputError
        If it is not; what was given and what is expected, in the same words wherever the value came from.
    """
    if not any(kind(value) for kind in kinds):
        given = repr(value)
        given = given if len(given) <= 80 else f"{given[:77]}..."
        wide = isinstance(value, int) and abs(value) > WIDEST
        raise InputError(f"{name}={given}; expected {' or '.join(map(str, kinds))}{', of at most 64 bits' * wide}")
    return value


def parse(text: str, kinds: Kinds) -> Any:
    """A value from text: JSON, or a word of Python's; the text as it stands where that alone is of one of the kinds."""
    try:
        value = _WORDS[text] if text in _WORDS else json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if any(kind(text) for kind in kinds) and not any(kind(value) for kind in kinds) else value
