"""Law: one number that is no measurement is refused, and nothing changes; or what was learned stays of use."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from tests.laws.estimators import CASES, READ, X, calls
from tests.laws.test_state import equal

#: least squares as they are: a number that can be squared counts as it is
FOLLOW = {"psp-exact", "cca-exact", "rrr-exact", "kalman-published", "nomad"}
LEARNERS = [name for name, case in CASES.items() if hasattr(case.make(), "partial_fit")]


def learned(model) -> list[np.ndarray]:
    """What it says of X, sizes only."""
    return [np.abs(np.asarray(getattr(model, name)(X), float)) for name in calls(model, READ)]


@pytest.mark.parametrize("value", [np.finfo(np.float64).max, -1e200, 1e155, -3e38])
@pytest.mark.parametrize("name", LEARNERS)
def test_one_absurd_number_spoils_nothing(name, value):
    case = CASES[name]
    beside = case.beside in ("view", "target")
    for stream in (0, 1) if beside else (0,):
        for dtype in (np.float64, np.float32) if abs(value) < 3.4e38 else (np.float64,):
            clean, poisoned, after = (
                [part.astype(dtype) if part.dtype.kind == "f" else part for part in case.rows(slice(*at))]
                for at in ((0, 60), (60, 90), (90, 120))
            )
            model = case.make().fit(*clean)
            twin, sizes = deepcopy(model).partial_fit(*after), [found.max() for found in learned(model)]
            for row in (0, 29):
                bad = [part.copy() for part in poisoned]
                bad[stream][row, 1] = value
                tried, before = deepcopy(model), deepcopy(vars(model))
                try:
                    tried.partial_fit(*bad)
                except (ValueError, ArithmeticError):
                    assert equal(before, dict(vars(tried))), f"{stream}, {row}: refused, and changed"
                follows = name in FOLLOW or (stream and name.startswith("dual"))
                if equal(before, dict(vars(tried))):
                    assert all(map(np.array_equal, learned(tried.partial_fit(*after)), learned(twin)))
                    continue
                tried.partial_fit(*after)
                for found, size in zip(learned(tried), sizes, strict=True):
                    assert np.isfinite(found).all()
                    assert follows or found.max() < 100 * size, f"{stream}, {row}, {dtype.__name__}"
