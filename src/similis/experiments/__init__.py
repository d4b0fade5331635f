"""Reproductions: each paper's claims, run on real data and judged against known numbers and exact optima.

>>> from similis.experiments import reproduce
>>> results = reproduce(["psp"], budget="smoke", out="report")   # doctest: +SKIP
"""

from __future__ import annotations

from ._registry import (
    Claim,
    Experiment,
    Figure,
    Measured,
    Outcome,
    Table,
    experiment,
    experiments,
)
from ._reproduce import reproduce
from ._result import Finding, Result

__all__ = [
    "Claim",
    "Experiment",
    "Figure",
    "Finding",
    "Measured",
    "Outcome",
    "Result",
    "Table",
    "experiment",
    "experiments",
    "reproduce",
]
