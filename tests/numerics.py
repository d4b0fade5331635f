"""How far answers move when nothing that matters changes: units, offset, precision, pieces, threads, processor.

    python -m tests.numerics [--write]

Each estimator of the laws' catalogue learns the same 120 rows twice, as they are and with one change; shown is the
largest difference of its answers about their mean, over their root mean square. ``--write`` puts the table on
``docs/numerics.md``.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from similis._errors import SimilisError

from .laws.estimators import CASES, READ, Case, calls, first

PAGE = Path(__file__).parent.parent / "docs" / "numerics.md"
#: factors of a change of units, an offset in deviations, rows of a piece
UNITS, OFFSET, PIECE = (2.0**-26, 2.0**26), 1e4, 7
#: processors that OpenBLAS takes this one for
PROCESSORS = ("Haswell", "Prescott")
Change = Callable[[np.ndarray], np.ndarray]


def answers(model: BaseEstimator, X: np.ndarray) -> np.ndarray:
    """Answers to X about their mean, in units of their size; no labels where there are probabilities or scores."""
    name = calls(model, ("transform", "predict_proba", "decision_function", *READ))[0]
    Z = np.asarray(getattr(model, name)(X), np.float64)
    Z = Z - Z.mean(0)
    return Z / max(float(np.sqrt(np.mean(Z * Z))), np.finfo(np.float64).tiny)


def learned(case: Case, change: Change = np.asarray) -> np.ndarray:
    """Answers after learning rows that were changed, to the changed rows."""
    rows = [change(part) if part.dtype.kind == "f" else part for part in case.rows()]
    return answers(case.make().fit(*rows), rows[0])


def in_pieces(case: Case, size: int) -> np.ndarray:
    model, rows = case.make(), case.rows()
    for start in range(0, len(rows[0]), size):
        part = [array[start : start + size] for array in rows]
        model.partial_fit(*part, **first(model, "partial_fit", None))
    return answers(model, rows[0])


def apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max())


def as_processor(kind: str) -> dict[str, np.ndarray]:
    """Answers of all cases where OpenBLAS takes the processor for another."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answers.npz"
        command = [sys.executable, "-m", "tests.numerics", "--save", str(file)]
        subprocess.run(command, env=os.environ | {"OPENBLAS_CORETYPE": kind}, check=True)
        return dict(np.load(file))


def row(case: Case, here: np.ndarray, elsewhere: list[np.ndarray]) -> list[float | None]:
    """Differences under each change; None where there is no such change, NaN where it is refused in words."""

    def of(try_it: Callable[[], np.ndarray]) -> float:
        try:
            return apart(try_it(), here)
        except SimilisError:
            return float("nan")

    def shifted(X: np.ndarray) -> np.ndarray:
        return X + OFFSET * X.std(0)

    units = max((of(lambda factor=factor: learned(case, lambda X: factor * X)) for factor in UNITS), key=abs)
    single = of(lambda: learned(case, lambda X: X.astype(np.float32)))
    pieces = None
    if hasattr(case.make(), "partial_fit"):
        whole = in_pieces(case, len(case.rows()[0]))
        pieces = max(apart(in_pieces(case, size), whole) for size in (1, PIECE))
    with threadpool_limits(2, "blas"):
        threads = of(lambda: learned(case))
    processor = max(apart(other, here) for other in elsewhere)
    return [units, of(lambda: learned(case, shifted)), single, pieces, threads, processor]


def table(rows: dict[str, list[float | None]]) -> str:
    heads = ("units", "offset", "float32", "pieces", "two threads", "processor")
    lines = [f"| estimator | {' | '.join(heads)} |", f"|---{'|---' * len(heads)}|"]
    for name, found in rows.items():
        cells = [
            "-" if v is None else "refused" if np.isnan(v) else "0" if v == 0 else f"{v:.0e}" if v < 0.1 else "differs"
            for v in found
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--save", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    with threadpool_limits(1, "blas"):
        here = {name: learned(case) for name, case in CASES.items()}
        if asked.save:
            np.savez(asked.save, **here)
            return
        others = [as_processor(kind) for kind in PROCESSORS]
        found = {name: row(case, here[name], [other[name] for other in others]) for name, case in CASES.items()}
    print(table(found))
    if asked.write:
        page = PAGE.read_text(encoding="utf-8")
        marks = re.compile(r"(<!-- numerics:start -->).*(<!-- numerics:end -->)", re.DOTALL)
        PAGE.write_text(marks.sub(lambda m: f"{m[1]}\n{table(found)}\n{m[2]}", page), encoding="utf-8")


if __name__ == "__main__":
    main()
