"""The card of a network: which paper it is from, and what the paper claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any, TypeVar

Build = TypeVar("Build", bound=Callable[..., Any])


@dataclass(frozen=True)
class Card:
    """A network by its short name, with its source.

    ``build`` returns a :class:`similis.circuit.Circuit`, or another kind of network that `similis.circuit.describe`
    knows. ``estimator`` learns it from numbers; where it learns from class labels as well, ``classifier`` does.
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

    def network(self, n_components: int) -> Any:
        """The network at its defaults, with so many neurons where their number is free."""
        return self.build(n_components) if "n_components" in signature(self.build).parameters else self.build()


_CARDS: dict[str, Card] = {}


def paper(
    key: str, *, name: str, title: str, authors: str, year: int, url: str, estimator: str, claims: tuple[str, ...],
    classifier: str | None = None,
) -> Callable[[Build], Build]:  # fmt: skip
    """Enter a function that returns a network in the catalogue, with the paper it is from."""

    def enter(build: Build) -> Build:
        _CARDS[name] = Card(name, key, title, authors, year, url, estimator, claims, build, classifier)
        return build

    return enter


def catalogue() -> dict[str, Card]:
    """Every network of the library by its short name."""
    return dict(_CARDS)
