"""Facts about the 118 elements, from ``elements.csv``.

Sources
-------
mass : IUPAC abridged standard atomic weights 2021; without one, the mass number of a long-lived isotope.
electronegativity : Pauling's scale, CRC Handbook of Chemistry and Physics.
radius : covalent, Cordero et al. 2008, Dalton Trans. 2832; carbon sp3, manganese, iron and cobalt low spin.
valence : by rule: s and p electrons of the main groups, s and d electrons of groups 3 to 12 (so Zn has 12), and 3 for
    the f block, La to Yb and Ac to No, whose f electrons count as core.
charge : one usual oxidation state, that towards oxygen or a metal; entered by us from common knowledge, not looked up.
    Negative for groups 16 and 17 and for N, P, As, Sb; 0 for noble gases and where none is settled.
group, column : IUPAC's 18 groups and the 32 columns of the long table, where the f block takes columns 3 to 16.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Element:
    """One element.

    Parameters
    ----------
    number : int
        Protons.
    symbol, name : str
    period : int
        1 to 7.
    group : int or None
        1 to 18; None for the f block, La to Yb and Ac to No.
    column : int
        1 to 32, in the long periodic table.
    mass : float
        In daltons.
    electronegativity : float or None
        On Pauling's scale; None if unknown.
    radius : float or None
        Covalent, in pm; None beyond curium.
    valence : int
        Valence electrons, by the rule of this module.
    charge : int
        Usual oxidation state.
    """

    number: int
    symbol: str
    name: str
    period: int
    group: int | None
    column: int
    mass: float
    electronegativity: float | None
    radius: float | None
    valence: int
    charge: int


def _read() -> tuple[Element, ...]:
    text = files(__package__).joinpath("elements.csv").read_text(encoding="utf-8")
    return tuple(
        Element(
            number=int(row["number"]),
            symbol=row["symbol"],
            name=row["name"],
            period=int(row["period"]),
            group=int(row["group"]) if row["group"] else None,
            column=int(row["column"]),
            mass=float(row["mass"]),
            electronegativity=float(row["electronegativity"]) if row["electronegativity"] else None,
            radius=float(row["radius"]) if row["radius"] else None,
            valence=int(row["valence"]),
            charge=int(row["charge"]),
        )
        for row in csv.DictReader(text.splitlines())
    )


ELEMENTS = _read()  #: in the order of their numbers
BY_SYMBOL = {element.symbol: element for element in ELEMENTS}
