"""What is said of many formulas, as a table: in a terminal, and as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._optional import require
from .._text import table

#: rows that are shown of a long table
SHOWN = 10


def frame(columns: Mapping[str, Any]) -> Any:
    """A DataFrame of columns of one length."""
    return require("pandas", extra="data").DataFrame(dict(columns))


def shown(columns: Mapping[str, Any], n: int) -> str:
    """The first of n rows, numbers to four digits, and how many more there are."""
    rows = [[_cell(values[i]) for values in columns.values()] for i in range(min(n, SHOWN))]
    return table(list(columns), rows) + (f"\n... {n - SHOWN} more" if n > SHOWN else "")


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
