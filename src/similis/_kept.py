"""What long work hands its state to, so that it can go on where it was killed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._errors import ModelFileError


class Kept:
    """Keeps nothing; ``estimators._unfinished.Unfinished`` keeps it in a file.

    Work has parts with names. A part is arrays and JSON-able numbers.
    """

    def found(self, part: str) -> Any | None:
        """The part as an earlier run left it, to be asked for array by array; None if there is none."""
        return None

    def due(self) -> bool:
        """Whether it is time to put the present state."""
        return False

    def put(self, part: str, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
        """Keep a part, in place of an earlier one of that name and of all parts within it."""

    def close(self) -> None:
        """The work is done."""

    def within(self, name: str) -> Kept:
        """The same, for the parts of a part."""
        return self


def restore(rng: np.random.Generator, state: Any) -> None:
    """Put a generator back to where it was.

    Raises
    ------
    ModelFileError
        If this is no state of such a generator.
    """
    try:
        rng.bit_generator.state = state
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise ModelFileError(f"no state of a random generator ({error}). Start without resume") from error
