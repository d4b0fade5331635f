"""The card of a system: which paper it is from, what the paper claims, and which estimator learns it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, Literal, TypeVar

Build = TypeVar("Build", bound=Callable[..., Any])
#: what an estimator learns from: rows of a stream, block by block; a table of rows, all of them at once; images;
#: chemical formulas; episodes of an environment
Data = Literal["rows", "table", "images", "formulas", "episodes"]

#: the rooms whose functions have cards, in the order of the catalogue
_ROOMS = (
    "networks",
    "memory",
    "nomad",
    "control",
    "superconductor",
)
_CARDS: dict[str, Card] = {}


@dataclass(frozen=True)
class Card:
    """A system by its short name, with its source.

    ``build`` returns a :class:`similis.circuit.Circuit`, or another kind of network or system that
    `similis.display.describe` knows. ``estimator`` learns it; where it learns from class labels as well, ``classifier``
    does.
    """

    name: str
    key: str
    title: str
    authors: str
    year: int
    url: str
    estimator: str
    claims: tuple[str, ...]
    build: Callable[..., Any]
    classifier: str | None = None
    data: Data = "rows"

    def network(self, n_components: int) -> Any:
        """The system at its defaults, with so many neurons where their number is free."""
        return self.build(n_components) if "n_components" in signature(self.build).parameters else self.build()


def paper(
    key: str, *, name: str, title: str, authors: str, year: int, url: str, estimator: str, claims: tuple[str, ...],
    classifier: str | None = None, data: Data = "rows",
) -> Callable[[Build], Build]:  # fmt: skip
    """Enter a function that returns a system in the catalogue, with the paper it is from."""

    def enter(build: Build) -> Build:
        _CARDS[name] = Card(name, key, title, authors, year, url, estimator, claims, build, classifier, data)
        return build

    return enter


def written() -> list[dict[str, Any]]:
    """What the cards say (name, estimator, year, title...), read from the source: nothing is imported."""
    folder, found = Path(__file__).parent, list[dict[str, Any]]()
    for path in (path for room in _ROOMS for path in sorted((folder / room).glob("*.py"))):
        text = path.read_text(encoding="utf-8")
        if "@paper(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "paper":
                found.append({word.arg: ast.literal_eval(word.value) for word in node.keywords if word.arg is not None})
    return found


def catalogue() -> dict[str, Card]:
    """Every system of the library by its short name."""
    for room in _ROOMS:
        import_module(f"similis.{room}")
    return dict(_CARDS)
