"""All compositions of a few elements, ranked by what the networks expect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._errors import InputError
from ._frame import SHOWN, frame, shown
from .elements import BY_SYMBOL, ELEMENTS

_MOST = 5_000_000
#: fractions to (n, 3): Tc, P(superconducting), P(Tc above the threshold)
Judge = Callable[[NDArray], NDArray]


class Ranking(NamedTuple):
    """Compositions, the most promising first: by Tc times the probability of superconductivity."""

    amounts: NDArray[np.int64]
    """(n, number of elements)"""
    tc: NDArray[np.float64]
    probability: NDArray[np.float64]
    judged: NDArray[np.bool_]
    """Whether the ensemble judged it; the others were left at the scout's answer."""
    elements: tuple[str, ...]
    """Symbols of the columns of ``amounts``."""

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row a composition: formula, Tc in kelvin, probability, and whether it was judged.

        Raises
        ------
        MissingDependencyError
            Without pandas.
        """
        return frame(self._columns(len(self.tc)))

    def _columns(self, n: int) -> dict[str, Any]:
        formulas = [spell(self.elements, amounts) for amounts in self.amounts[:n]]
        return {"formula": formulas, "tc": self.tc[:n], "probability": self.probability[:n], "judged": self.judged[:n]}

    def __repr__(self) -> str:
        return shown(self._columns(SHOWN), len(self.tc))


def grid(n_elements: int, atoms: int) -> NDArray[np.int64]:
    """All ways to share ``atoms`` atoms among elements, those that leave some out included.

    Returns
    -------
    array (C(atoms + n_elements - 1, n_elements - 1), n_elements)

    Raises
    ------
    InputError
        If there are more than 5,000,000.
    """
    total = comb(atoms + n_elements - 1, n_elements - 1)
    if n_elements < 1 or atoms < 1 or total > _MOST:
        raise InputError(f"{n_elements} elements, {atoms} atoms: {total:,} compositions; expected 1 to {_MOST:,}")
    rows = np.zeros((1, 0), np.int64)
    left = np.array([atoms])
    for _ in range(n_elements - 1):
        counts = left + 1
        start = np.repeat(np.cumsum(counts) - counts, counts)
        amount = np.arange(counts.sum()) - start
        rows = np.concatenate([np.repeat(rows, counts, 0), amount[:, None]], 1)
        left = np.repeat(left, counts) - amount
    return np.concatenate([rows, left[:, None]], 1)


def screen(
    elements: Sequence[str], atoms: int, *, scout: Judge, judge: Judge, n_judged: int = 5000, block: int = 65536
) -> Ranking:
    """Look at every composition by a quick network, and at the most promising ones by the ensemble.

    Parameters
    ----------
    elements : symbols, each once
    atoms : so many atoms are shared among them
    scout, judge : the quick network and the ensemble
    n_judged : compositions that the ensemble judges

    Raises
    ------
    InputError
        For symbols that are unknown or named twice, or too many compositions.
    """
    unknown = [symbol for symbol in elements if symbol not in BY_SYMBOL]
    if unknown or len(set(elements)) < len(elements) or not elements:
        raise InputError(f"elements {', '.join(elements)}: expected different symbols; unknown: {', '.join(unknown)}")
    amounts = grid(len(elements), atoms)
    columns = [BY_SYMBOL[symbol].number - 1 for symbol in elements]

    def ask(which: Judge, rows: NDArray) -> NDArray:
        found = []
        for part in np.array_split(rows, -(-len(rows) // block)):
            X = np.zeros((len(part), len(ELEMENTS)))
            X[:, columns] = part / atoms
            found.append(which(X)[:, :2])
        return np.concatenate(found)

    judged = np.ones(len(amounts), bool)
    if len(amounts) <= n_judged:
        answers = ask(judge, amounts)
    else:
        answers = ask(scout, amounts)
        best = np.argpartition(-answers[:, 0] * answers[:, 1], n_judged)[:n_judged]
        judged[:] = False
        judged[best] = True
        answers[best] = ask(judge, amounts[best])
    order = np.lexsort((-answers[:, 0] * answers[:, 1], ~judged))
    return Ranking(amounts[order], answers[order, 0], answers[order, 1], judged[order], tuple(elements))


def spell(elements: Sequence[str], amounts: NDArray) -> str:
    """The formula of integer amounts, divided by their common factor: ``Mo10Re3Si2``."""
    factor = int(np.gcd.reduce(amounts))
    return "".join(f"{e}{a // factor if a > factor else ''}" for e, a in zip(elements, amounts, strict=True) if a)
