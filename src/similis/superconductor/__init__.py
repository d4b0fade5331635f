"""Superconductors from composition: formulas, elements and known materials."""

from .elements import ELEMENTS, Element
from .formula import FormulaError, composition, element_system, fractions, parse, read
from .known import Known, known
from .system import superconductor
from .table import FAMILIES, Table, folds, supercon, table

__all__ = [
    "ELEMENTS",
    "FAMILIES",
    "Element",
    "FormulaError",
    "Known",
    "Table",
    "composition",
    "element_system",
    "folds",
    "fractions",
    "known",
    "parse",
    "read",
    "supercon",
    "superconductor",
    "table",
]
