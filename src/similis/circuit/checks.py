"""One wording for what does not fit."""

from __future__ import annotations

from .._errors import InputError


def expect(ok: bool, given: str, expected: str) -> None:
    """Raise InputError unless ok."""
    if not ok:
        raise InputError(f"{given}; expected {expected}")


def expect_type(value: object, kind: type | tuple[type, ...], name: str, expected: str) -> None:
    """Raise InputError unless value is of the kind."""
    expect(isinstance(value, kind), f"{name}={value!r}", expected)
