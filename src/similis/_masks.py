"""Masked arrays: a mask is heard or refused, never lost."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._errors import InputError


def unmasked(values: Any, name: str, *, missing: bool = False) -> Any:
    """The values of an array in which nothing is masked; with ``missing`` NaN stands for what is.

    Raises
    ------
    InputError
        If values are masked and missing ones are not allowed.
    """
    parts = values if isinstance(values, list | tuple) else [values]
    if not any(isinstance(part, np.ma.MaskedArray) for part in parts):
        return values
    masked = values if isinstance(values, np.ma.MaskedArray) else np.ma.array([np.ma.asarray(part) for part in parts])
    count = int(np.ma.count_masked(masked))
    if count and not missing:
        raise InputError(
            f"{name} is a masked array with {count} masked values, expected none: they would be used like any other. "
            f"Fill them ({name}.filled(value)), or leave their rows out"
        )
    return np.ma.filled(masked.astype(float), np.nan) if count else masked.data
