"""SuperCon: critical temperatures of compositions."""

from __future__ import annotations

import csv

import numpy as np
from numpy.typing import NDArray

from .sources import dataset


def load_supercon() -> tuple[list[str], NDArray[np.float64]]:
    """Return SuperCon as extracted by Stanev et al. 2018, names as they are in the file.

    Returns
    -------
    names : list of 16,414 str
        Formulas; eight hold stray signs.
    tc : array (16414,)
        In kelvin; 0 means that no critical temperature was reported, not that the material was measured to be normal.

    Raises
    ------
    InputError
        If the file is damaged.
    SimilisError
        If it is absent and cannot be downloaded.
    """
    with dataset("supercon").files[0].fetch().open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    return [row["name"] for row in rows], np.array([float(row["Tc"]) for row in rows])
