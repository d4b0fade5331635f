"""Superconductors from composition: formulas, elements and known materials."""

from .elements import ELEMENTS, Element
from .formula import FormulaError, composition, element_system, fractions, parse, read
from .known import Known, known

__all__ = [
    "ELEMENTS",
    "Element",
    "FormulaError",
    "Known",
    "composition",
    "element_system",
    "fractions",
    "known",
    "parse",
    "read",
]
