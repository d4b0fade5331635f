"""The catalogue is derived: every circuit equals, field by field, the one that was declared by hand."""

from __future__ import annotations

import json

import pytest
from tests.derive.frozen import CALLS, FILE

FROZEN = json.loads(FILE.read_text(encoding="utf-8"))


def test_every_frozen_circuit_is_called():
    assert FROZEN.keys() == CALLS.keys()


@pytest.mark.parametrize("call", CALLS)
def test_a_derived_circuit_is_the_declared_one(call):
    build, k, options = CALLS[call]
    assert build(k, **options).to_dict() == FROZEN[call]
