"""Well-known superconductors and normal materials, entered by us from the literature: ``known.csv``."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Known(NamedTuple):
    """Materials and what was measured: columns of one table, row by row."""

    formulas: list[str]
    tc: NDArray[np.float64]
    """Critical temperatures in kelvin; 0 for materials known to be normal at ambient pressure."""
    families: list[str]
    sources: list[str]
    notes: list[str]


def known(*, pressure: bool = False) -> Known:
    """Well-known superconductors by family, and everyday metals and insulators of family ``"normal"``.

    Parameters
    ----------
    pressure : bool, default False
        Whether to add what was measured under pressure, whose notes give it in GPa; a formula may then occur twice.

    Returns
    -------
    Known
        Formulas, critical temperatures, families, sources and notes.
    """
    text = files(__package__).joinpath("known.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if pressure or "GPa" not in row["note"]]
    return Known(
        [row["formula"] for row in rows],
        np.array([float(row["tc"]) for row in rows]),
        [row["family"] for row in rows],
        [row["source"] for row in rows],
        [row["note"] for row in rows],
    )
