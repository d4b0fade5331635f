"""One wording for what does not fit."""

from __future__ import annotations

from dataclasses import fields
from numbers import Integral, Real
from typing import Any

import numpy as np

from .._errors import InputError

#: of a field's annotation: the types a value may have, and words for it; a truth value is a number nowhere
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "float": ((Real,), "a number"),
    "int": ((Integral,), "an integer"),
    "bool": ((bool, np.bool_), "True or False"),
    "str": ((str,), "a text"),
}


def expect(ok: bool, given: str, expected: str) -> None:
    """Raise InputError unless ok."""
    if not ok:
        raise InputError(f"{given}; expected {expected}")


def expect_type(value: object, kind: type | tuple[type, ...], name: str, expected: str) -> None:
    """Raise InputError unless value is of the kind."""
    expect(isinstance(value, kind), f"{name}={value!r}", expected)


def expect_fields(choice: Any) -> None:
    """Raise InputError unless the numbers, texts and truth values of a dataclass are such."""
    for field in fields(choice):
        kind, _, none = str(field.type).partition(" | ")
        value = getattr(choice, field.name)
        if kind not in _KINDS or (none == "None" and value is None) or value is field.default:
            continue
        types, words = _KINDS[kind]
        fits = isinstance(value, types) and (kind == "bool" or not isinstance(value, bool | np.bool_))
        given = f"{field.name}={value!r:.80} of {type(choice).__name__}"
        expect(fits, given, f"{words} or None" if none == "None" else words)
