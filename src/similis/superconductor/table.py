"""Tables of compositions with measured Tc: cleaned, one row a composition, and split without leaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._errors import InputError
from .._masks import unmasked
from .._random import Seed, generator
from .formula import FormulaError, element_system, fractions, read

Split = Literal["random", "system", "family"]
FAMILIES = ("cuprate", "iron-based", "other")

#: compositions whose fractions agree to so many decimals are one
_DECIMALS = 6


class Table(NamedTuple):
    """Distinct compositions, row by row."""

    formulas: list[str]
    fractions: NDArray[np.float64]
    """(n, 118) atomic fractions."""
    tc: NDArray[np.float64]
    """Kelvin; 0 where none was reported."""
    systems: NDArray[np.int64]
    """One number an element system, such as Ba-Cu-O-Y."""
    families: NDArray[np.int64]
    """Places in ``FAMILIES``."""

    def where(self, kept: NDArray) -> Table:
        """Some of the rows."""
        kept = np.flatnonzero(kept)
        names = [self.formulas[i] for i in kept]
        return Table(names, self.fractions[kept], self.tc[kept], self.systems[kept], self.families[kept])


def table(formulas: Sequence[Any], tc: Any, *, merge: bool = True) -> tuple[Table, list[tuple[int, InputError]]]:
    """Read formulas and merge rows of one composition, unless told not to.

    The merged Tc is the median of those above 0, and 0 if there is none: 0 means that none was reported.

    Returns
    -------
    table : Table
    refused : list of (row, error), what could not be read

    Raises
    ------
    InputError
        If no formula can be read, or a Tc is negative or not finite.
    """
    values = np.asarray(unmasked(tc, "tc"), float)
    if values.shape != (len(formulas),):
        raise InputError(f"{len(formulas)} formulas, but tc has shape {values.shape}. Fix: give one Tc a formula.")
    if len(values) and not (np.isfinite(values) & (values >= 0)).all():
        row = int(np.flatnonzero(~(np.isfinite(values) & (values >= 0)))[0])
        raise InputError(f"row {row + 1}: Tc is {values[row]}. Fix: give kelvin, 0 where none was found.")
    found, refused = read(formulas)
    rows = [i for i, composition in enumerate(found) if composition is not None]
    if not rows:
        raise InputError(f"none of {len(formulas)} formulas could be read: {refused[0][1] if refused else 'no rows'}")
    compositions = [composition for composition in found if composition is not None]
    X = fractions(compositions)
    places: dict[bytes, int] = {}  # in the order of the file
    same = X.round(_DECIMALS) if merge else np.arange(len(X))[:, None]
    group = np.array([places.setdefault(row.tobytes(), len(places)) for row in same])
    kept = np.unique(group, return_index=True)[1]
    merged = _medians(group, values[rows])
    systems = np.unique([element_system(compositions[i]) for i in kept], return_inverse=True)[1]
    names = [str(formulas[rows[i]]) for i in kept]
    return Table(names, X[kept], merged, systems.ravel(), family(X[kept])), refused


def family(X: NDArray) -> NDArray[np.int64]:
    """Places in ``FAMILIES``: copper with oxygen; iron with P, As, S, Se or Te; all else.

    Parameters
    ----------
    X : (n, 118) fractions
    """
    has = {symbol: X[:, number - 1] > 0 for symbol, number in _NUMBERS.items()}
    cuprate = has["Cu"] & has["O"]
    iron = has["Fe"] & (has["P"] | has["As"] | has["S"] | has["Se"] | has["Te"])
    return np.where(cuprate, 0, np.where(iron, 1, 2))


_NUMBERS = {"O": 8, "P": 15, "S": 16, "Fe": 26, "Cu": 29, "As": 33, "Se": 34, "Te": 52}


def supercon(
    names: Sequence[str], tc: Any, *, merge: bool = True
) -> tuple[Table, list[tuple[int, InputError]]]:  # fmt: skip
    """SuperCon as a table, with what its names hide refused as well.

    A name that ends in ``OY`` stands for oxygen of unknown amount, not for yttrium, and ``TI`` is a misprint of Ti:
    read as they are written, 93 rows would get elements that they do not have.
    """
    hidden = {}
    for row, name in enumerate(names):
        if name.endswith("OY"):
            place, reason = len(name) - 1, "OY is oxygen of unknown amount"
        elif "TI" in name:
            place, reason = name.index("TI"), "TI is not titanium"
        else:
            continue
        hidden[row] = FormulaError(name, place, f"formula {name!r}: {reason}.", "write the element and its amount.")
    kept = [row for row in range(len(names)) if row not in hidden]
    found, refused = table([names[row] for row in kept], np.asarray(tc, float)[kept], merge=merge)
    errors: list[tuple[int, InputError]] = [(kept[row], error) for row, error in refused]
    return found, sorted(errors + list(hidden.items()), key=lambda pair: pair[0])


def folds(
    data: Table, kind: Split, n_folds: int = 5, seed: Seed = 0
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(train, test) rows of every fold.

    ``random`` draws compositions, ``system`` whole element systems, so that no test row has just the elements of a
    training row; ``family`` leaves out cuprates, iron-based compounds and all others in turn. In a merged table
    no fold has a copy of a training row. Rows of one element system, or one family, cannot be split by it.
    """
    rng = generator(seed)
    if kind == "family":
        place: NDArray = data.families
    elif kind == "random":
        place = rng.permutation(len(data.tc)) % n_folds
    elif kind == "system":
        place = _even(data.systems, n_folds, rng)
    else:
        raise InputError(f"split {kind!r}; expected 'random', 'system' or 'family'")
    if len(place) and (place == place[0]).all():
        raise InputError(f"split {kind!r}: all {len(place)} rows go together. Fix: give more, or split at random.")
    for fold in np.unique(place):
        yield np.flatnonzero(place != fold), np.flatnonzero(place == fold)


def _even(groups: NDArray, n_folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Whole groups in a random order, each to the fold with the fewest rows so far."""
    counts, load = np.bincount(groups), np.zeros(n_folds)
    of = np.empty(len(counts), np.int64)
    for group in rng.permutation(len(counts)):
        of[group] = load.argmin()
        load[of[group]] += counts[group]
    return of[groups]


def _medians(group: NDArray, tc: NDArray) -> NDArray[np.float64]:
    """Of the Tc above 0 in every group, 0 where there are none."""
    found, group, tc = np.zeros(group.max() + 1), group[tc > 0], tc[tc > 0]
    tc, counts = tc[np.lexsort((tc, group))], np.bincount(group, minlength=len(found))
    first, some = np.cumsum(counts) - counts, counts > 0
    low, high = first + (counts - 1) // 2, first + counts // 2
    found[some] = (tc[low[some]] + tc[high[some]]) / 2
    return found
