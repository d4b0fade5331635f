"""Chemical formulas, read strictly: what cannot be a composition is refused with the place and a fix."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from .._errors import InputError
from .elements import BY_SYMBOL, ELEMENTS

Composition = dict[str, float]

_ISOTOPES = {"D": "H", "T": "H"}
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
#: subscripts, and the other signs that are set for the dot of a hydrate
_PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉•∙⋅・", "0123456789····")
_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:/(?:[0-9]+\.?[0-9]*|\.[0-9]+))?")
_PAIR = re.compile(rf"([A-Z][a-z]?)({_NUMBER.pattern})?")
#: a dot and digits before a molecule that crystals hold: "CuSO4.5H2O" is O4.5 and water, or five of water
_MOLECULE = (
    r"[HDT]2O2?|HDO|N[HDT]3|N2H4|CO2|SO2|HF|HI|HCl|HBr|HNO3|H2SO4|H3PO4|CH4O?|CH3OH|C2H5OH|C2H6O|CH3CN|C6H6|C5H5N"
)
_HYDRATE = re.compile(
    rf"\.([0-9]+)(?:(?:{_MOLECULE})(?![a-z0-9])|\((?:{_MOLECULE})\)[0-9]*|\[(?:{_MOLECULE})\][0-9]*)(?![A-Z(\[{{])"
)
_VARIABLE = re.compile(r"[a-zδΔ]")
_DEEPEST = 20
#: characters of a formula that a message shows, and of a number that is read
_SHOWN, _LONGEST = 100, 1000


class FormulaError(InputError):
    """A formula that cannot be read, or is no composition.

    Parameters
    ----------
    text : str
        The formula as given.
    position : int
        Where reading stopped, from 0.
    reason, fix : str
        What was expected there, and what to do.
    """

    def __init__(self, text: str, position: int, reason: str, fix: str) -> None:
        self.text, self.position, self.reason, self.fix = text, position, reason, fix
        start = max(0, min(position - _SHOWN // 2, len(text) - _SHOWN))
        part = text[start : start + _SHOWN]
        shown = "".join(char if char.isprintable() else "?" for char in part)
        super().__init__(f"{reason}\n    {shown}\n    {' ' * (position - start)}^\nFix: {fix}")

    def __reduce__(self) -> tuple[type[FormulaError], tuple[str, int, str, str]]:
        return type(self), (self.text, self.position, self.reason, self.fix)


def parse(text: str, *, isotopes: bool = True) -> Composition:
    """Amounts of the elements in a formula, in order of appearance.

        parse("Ba(Fe0.9Co0.1)2As2") = {"Ba": 1, "Fe": 1.8, "Co": 0.2, "As": 2}

    Brackets ``()``, ``[]`` and ``{}`` nest; amounts are decimals or fractions (``Cu1/2``), in subscripts too; ``·`` or
    ``*`` joins parts, each with its own factor in front (``CaSO4·2H2O``). An element written with amount 0 is left out.

    Parameters
    ----------
    text : str
    isotopes : bool, default True
        Whether D and T stand for hydrogen; if False they are unknown symbols.

    Returns
    -------
    dict of str to float
        Positive amounts, as written: not normalised.

    Raises
    ------
    FormulaError
        If anything but elements, amounts, brackets and joints is found (variables, signs, charges, spaces), a symbol is
        unknown, brackets do not match, or nothing is left.
    """
    if not isinstance(text, str):
        raise InputError(f"formula: got {text!r}, expected a string. Fix: write it as text, such as 'MgB2'.")
    return _Reader(text, isotopes).read()


class _Reader:
    """One pass from left to right; brackets by recursion."""

    def __init__(self, text: str, isotopes: bool) -> None:
        self.given, self.text, self.at = text, text.translate(_PLAIN), 0
        self.other_names = _ISOTOPES if isotopes else {}

    def read(self) -> Composition:
        total: Composition = {}
        while True:
            factor = self._amount() if self.at else 1.0
            self._add(total, self._sequence(depth=0), factor)
            if self.at == len(self.text):
                break
            self.at += 1  # the joint
        found = {symbol: amount for symbol, amount in total.items() if amount > 0}
        if not found:
            self._refuse(0, "every amount is 0, expected a positive one.", "give the amounts of the elements.")
        if not math.isfinite(sum(found.values())):
            self._refuse(0, "the amounts are too large to add up.", "divide them by a common factor.")
        return found

    def _sequence(self, depth: int, closing: str = "") -> Composition:
        """Pairs and groups up to the closing bracket, a joint or the end."""
        total, start = Composition(), self.at
        while self.at < len(self.text):
            char = self.text[self.at]
            if match := _PAIR.match(self.text, self.at):
                symbol, known = match[1], self._known(match[1])
                if known is None and len(symbol) == 2 and self._known(symbol[0]):
                    self._refuse_variable_or_symbol(symbol)
                if known is None:
                    self._refuse(self.at, f"no element is called {symbol!r}.", self._advice(symbol))
                self.at += len(symbol)
                self._add(total, {known: 1.0}, self._amount())
            elif char in _BRACKETS:
                self._add(total, *self._group(depth, char))
            elif char == closing or (char in "·*" and not closing):
                break
            else:
                self._refuse_char(char, closing)
        if not total and self.at == start:
            self._refuse(self.at, "an element was expected here.", "write elements and amounts, such as 'MgB2'.")
        return total

    def _add(self, total: Composition, part: Composition, factor: float) -> None:
        if factor and any(amount and not factor * amount for amount in part.values()):
            self._refuse(self.at - 1, "amounts too small to be multiplied.", "multiply all by a common factor.")
        _add(total, part, factor)

    def _group(self, depth: int, opening: str) -> tuple[Composition, float]:
        start = self.at
        if depth == _DEEPEST:
            self._refuse(start, f"brackets nest deeper than {_DEEPEST}.", "multiply them out.")
        self.at += 1
        inside = self._sequence(depth + 1, _BRACKETS[opening])
        if self.at == len(self.text):
            self._refuse(start, "this bracket is never closed.", f"add the missing {_BRACKETS[opening]!r}.")
        self.at += 1
        return inside, self._amount()

    def _amount(self) -> float:
        match = _NUMBER.match(self.text, self.at)
        if match is None:
            return 1.0
        self._refuse_hydrate(match)
        above, _, below = match[0].partition("/")
        if len(match[0]) > _LONGEST:
            self._refuse(self.at, f"a number of {len(match[0])} characters.", "round it.")
        if below and not Fraction(below):
            self._refuse(self.at, "this fraction divides by 0.", "correct its lower number.")
        exact = Fraction(above) / Fraction(below or 1)
        try:
            amount = float(exact)
        except OverflowError:
            self._refuse(self.at, "this amount is too large.", "divide all amounts by a common factor.")
        if exact and not amount:
            self._refuse(self.at, "this amount is too small.", "multiply all amounts by a common factor.")
        self.at = match.end()
        return amount

    def _refuse_hydrate(self, match: re.Match[str]) -> None:
        dot = self.text.find(".", match.start(), match.end())
        amount_of_element = self.at > 0 and self.text[self.at - 1] not in "·*"  # else the factor of a part: "·1.3H2O"
        if dot < 0 or not amount_of_element or not (water := _HYDRATE.match(self.text, dot)):
            return
        amount, unit = match[0], self.text[match.end() : water.end()]
        before, after = self.text[:dot], self.text[dot + 1 : water.end()]
        self._refuse(
            dot, f"a dot before {after!r} has two readings: the amount {amount} and then {unit}, or {before} with "
            f"{water[1]} {unit}.", f"for the second write {before}·{after}; for the first, put {unit} in front.",
        )  # fmt: skip

    def _known(self, symbol: str) -> str | None:
        symbol = self.other_names.get(symbol, symbol)
        return symbol if symbol in BY_SYMBOL else None

    def _advice(self, symbol: str) -> str:
        if symbol in _ISOTOPES:
            return "write H, or read with isotopes=True."
        if symbol in ("X", "M", "A", "R", "Z", "L", "E", "G", "J", "Q"):
            return "put the element or the number that it stands for."
        return "check the symbol: capital first, such as 'Ba'."

    def _refuse_variable_or_symbol(self, symbol: str) -> NoReturn:
        if symbol[1] in "xyznmd":
            self._refuse(self.at + 1, f"{symbol[1]!r} is a variable, expected a number.", "put its value.")
        self._refuse(self.at, f"no element is called {symbol!r}.", self._advice(symbol))

    def _refuse_char(self, char: str, closing: str) -> NoReturn:
        at, expected = self.at, f"does not close it: expected {closing!r}" if closing else "closes no open bracket"
        if char in ")]}":
            self._refuse(at, f"{char!r} {expected}.", "let brackets match in pairs.")
        if char.isspace():
            self._refuse(at, "a space inside a formula.", "delete it, or join parts with '·'.")
        if char in "+-\u2212\u207a\u207b^":
            self._refuse(at, f"{char!r} is a sign, a charge or a range, not an amount.", "put one number, no charge.")
        if _VARIABLE.match(char):
            self._refuse(at, f"{char!r} is a variable or lacks its capital.", "put its value, or write 'Ba' for 'ba'.")
        if char in "0123456789.":
            self._refuse(at, "a number without an element before it.", "put an element first, or join with '·'.")
        if char in "·*":
            self._refuse(at, f"{char!r} joins whole formulas, not parts of a bracket.", "close the bracket before it.")
        self._refuse(at, f"{char!r} has no meaning in a formula.", "delete it, or put an element or a number.")

    def _refuse(self, at: int, reason: str, fix: str) -> NoReturn:
        given = self.given if len(self.given) <= _SHOWN else f"{self.given[:_SHOWN]}..."
        raise FormulaError(self.given, at, f"formula {given!r}: {reason}", fix)


def composition(value: Any, *, isotopes: bool = True) -> Composition:
    """Amounts of the elements in a formula, a mapping, or an object such as pymatgen's Composition.

    Parameters
    ----------
    value : str, mapping of symbol to amount, or object with ``get_el_amt_dict()``
        Amounts finite and >= 0, not all 0.
    isotopes : bool, default True
        Whether D and T stand for hydrogen.

    Returns
    -------
    dict of str to float
        Positive amounts, not normalised.

    Raises
    ------
    FormulaError
        If a formula cannot be read.
    InputError
        If amounts or symbols of a mapping are not such, or the value is of another kind.
    """
    if isinstance(value, str):
        return parse(value, isotopes=isotopes)
    if hasattr(value, "get_el_amt_dict"):
        value = value.get_el_amt_dict()
    if not isinstance(value, Mapping):
        raise InputError(f"composition: got {value!r}. Fix: give a formula, such as 'MgB2', or {{'Mg': 1, 'B': 2}}.")
    found: Composition = {}
    for symbol, amount in value.items():
        known = _ISOTOPES.get(symbol, symbol) if isotopes else symbol
        if known not in BY_SYMBOL:
            raise InputError(f"composition {value!r}: no element is called {symbol!r}. Fix: check the symbol.")
        try:
            number = float(amount)
        except (TypeError, ValueError):
            number = math.nan
        if not (math.isfinite(number) and number >= 0):
            raise InputError(f"composition: {symbol} has amount {amount!r}. Fix: give a finite number >= 0.")
        if number:
            _add(found, {known: 1.0}, number)
    if not (found and math.isfinite(sum(found.values()))):
        raise InputError(f"composition {value!r}: its sum is not positive and finite. Fix: correct the amounts.")
    return found


def read(
    formulas: Iterable[Any], *, isotopes: bool = True
) -> tuple[list[Composition | None], list[tuple[int, InputError]]]:
    """Every composition that can be read, and what is wrong with the others.

    Parameters
    ----------
    formulas : iterable
        Of what :func:`composition` takes.
    isotopes : bool, default True

    Returns
    -------
    compositions : list of dict or None
        None where there is an error.
    errors : list of (index, error)
        :class:`FormulaError` for text, :class:`InputError` for other values.
    """
    compositions: list[Composition | None] = []
    errors: list[tuple[int, InputError]] = []
    for index, value in enumerate(formulas):
        try:
            compositions.append(composition(value, isotopes=isotopes))
        except InputError as error:
            compositions.append(None)
            errors.append((index, error))
    return compositions, errors


def fractions(compositions: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
    """Atomic fractions, ``x_j = amount_j / sum of the amounts``.

    Parameters
    ----------
    compositions : sequence of n mappings
        As :func:`composition` returns them.

    Returns
    -------
    array (n, 118)
        Column j is element number j + 1; rows sum to 1.
    """
    rows = np.zeros((len(compositions), len(ELEMENTS)))
    for row, amounts in zip(rows, compositions, strict=True):
        for symbol, amount in amounts.items():
            row[BY_SYMBOL[symbol].number - 1] = amount
    return rows / rows.sum(1, keepdims=True)


def element_system(composition: Iterable[str]) -> str:
    """The elements of a composition, in alphabetical order: ``"Ba-Cu-O-Y"``."""
    return "-".join(sorted(composition))


def _add(total: Composition, part: Mapping[str, float], factor: float) -> None:
    for symbol, amount in part.items():
        total[symbol] = total.get(symbol, 0.0) + factor * amount
