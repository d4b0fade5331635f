"""Law: a model is its own, whatever becomes of the data it was given; scales that cannot be squared are refused."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from tests.laws.estimators import CASES, READ, X, calls
from tests.laws.test_state import equal

from similis import SimilarityMatching
from similis._errors import InputError

#: those that mean their parameters, or what they say, in the units of the data
IN_UNITS = {"in-context", "empirical-bayes", "dual-regressor", "dual-online", "dual-kernel", "dual-classifier"}
#: those whose range is smaller, and which say so
SMALLER = {"nomad", "conv", "conv-labels"}
#: what each rounds to
ROUNDS = {"conv": 1e-4, "conv-labels": 1e-4}


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", CASES)
def test_a_model_does_not_change_with_the_data_it_was_given(name, order):
    case = CASES[name]
    for method, at in (("fit", slice(None)), ("partial_fit", slice(None)), ("partial_fit", slice(60, 65))):
        given = [np.array(part, order=order) for part in case.rows(at)]
        model = case.make() if method == "fit" else case.fitted()
        if not hasattr(model, method):
            continue
        getattr(model, method)(*given)
        said = {m: np.array(getattr(model, m)(X)) for m in calls(model, READ)}
        before = deepcopy(vars(model))
        for part in given:
            part[...] = 0
        assert equal(before, dict(vars(model)))
        for m, expected in said.items():
            np.testing.assert_array_equal(np.asarray(getattr(model, m)(X)), expected)


def scaled(case, exponent, dtype=np.float64):
    return [np.ldexp(part.astype(dtype), exponent) if part.dtype.kind == "f" else part for part in case.rows()]


@pytest.mark.parametrize(
    ("dtype", "exponents"), [(np.float64, (-460, -330, 330, 460)), (np.float32, (-120, -100, 60, 100, 120))]
)
@pytest.mark.parametrize("name", sorted(set(CASES) - IN_UNITS))
def test_a_score_does_not_depend_on_the_unit(name, dtype, exponents):
    case = CASES[name]
    rows = scaled(case, 0, dtype)
    expected = case.make().fit(*rows).score(*rows)
    for exponent in exponents:
        rows = scaled(case, exponent, dtype)
        try:
            model = case.make().fit(*rows)
        except InputError:
            assert name in SMALLER
            continue
        rounds = ROUNDS.get(name, 1e-6) if dtype == np.float64 else 1e-4
        assert model.score(*rows) == pytest.approx(expected, abs=rounds)


@pytest.mark.parametrize("name", CASES)
def test_what_cannot_be_squared_is_refused_to_begin_with(name):
    case = CASES[name]
    for exponent in (-1000, -500, 500, 1000):
        rows = scaled(case, exponent)
        model = case.make()
        with pytest.raises(InputError, match=r"expected|range"):
            model.fit(*rows)


def test_the_variance_that_is_kept_of_tiny_rows():
    model = SimilarityMatching(2, center=False, random_state=0).fit(X)
    assert model.score(np.ldexp(X, -1000)) == pytest.approx(model.score(X), rel=1e-9)
