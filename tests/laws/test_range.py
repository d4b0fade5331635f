"""Law: what a model answers is finite, and its probabilities are probabilities, or it refuses.

However large the numbers are that it has learned, or is asked about, in single precision too.
"""

from __future__ import annotations

import numpy as np
import pytest
from tests import mutations
from tests.laws.estimators import CASES, READ, calls

from similis import load, save
from similis._errors import ModelFileError, SimilisError

#: what arrays of a file are multiplied by, one array at a time; and rows that are asked about
FORGED, ASKED = (1e10, 1e17, 1e30, 1e60), (1.0, 1e12)


def rows_of(name: str, dtype: type) -> list[np.ndarray]:
    return [part.astype(dtype) if part.dtype.kind == "f" else part for part in CASES[name].rows()]


def told(model, X: np.ndarray) -> list[str]:
    """What is wrong with the answers of a model to rows."""
    wrong = []
    for read in calls(model, READ):
        try:
            with np.errstate(all="ignore"):
                found = getattr(model, read)(X)
        except SimilisError:
            continue
        parts = [part.toarray() if hasattr(part, "toarray") else np.asarray(part) for part in _each(found)]
        if not all(np.isfinite(part).all() for part in parts if part.dtype.kind == "f"):
            wrong.append(f"{read} is not finite")
        elif "proba" in read and not np.allclose(parts[0].sum(1), 1, rtol=1e-5):
            wrong.append(f"{read} sums to something else than 1")
    return wrong


def _each(found):
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_answers_to_rows_of_any_size_are_finite_or_refused(name, dtype):
    rows = rows_of(name, dtype)
    model = CASES[name].make().fit(*rows)
    for far in (1e8, 1e18, 1e36):
        assert not told(model, (rows[0].astype(float) * far).astype(dtype)), far


@pytest.mark.parametrize("name", CASES)
def test_answers_by_forged_numbers_are_finite_or_refused(name, tmp_path):
    rows = rows_of(name, np.float32)
    save(CASES[name].make().fit(*rows), tmp_path / "m")
    header, arrays = mutations.parts(tmp_path / "m")
    said = []
    for key, array in arrays.items():
        for factor in FORGED if array.dtype.kind == "f" and array.size else ():
            with np.errstate(over="ignore"):
                forged = arrays | {key: (array * factor).astype(array.dtype)}
            (tmp_path / "forged").write_bytes(mutations.joined(header, forged))
            try:
                model = load(tmp_path / "forged")
            except ModelFileError:
                continue
            for far in ASKED:
                X = (rows[0].astype(float) * far).astype(np.float32)
                said += [f"{key} times {factor:g}, rows times {far:g}: {wrong}" for wrong in told(model, X)]
    assert not said
