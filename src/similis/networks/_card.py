"""The card of a network: which paper it is from, and what the paper claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..circuit import Circuit


@dataclass(frozen=True)
class Card:
    """A network by its short name, with its source."""

    name: str
    key: str
    title: str
    authors: str
    year: int
    url: str
    estimator: str
    claims: tuple[str, ...]
    build: Callable[..., Circuit]


_CARDS: dict[str, Card] = {}


def paper(
    key: str, *, name: str, title: str, authors: str, year: int, url: str, estimator: str, claims: tuple[str, ...]
) -> Callable[[Callable[..., Circuit]], Callable[..., Circuit]]:
    """Enter a function that returns a :class:`Circuit` in the catalogue, with the paper it is from."""

    def enter(build: Callable[..., Circuit]) -> Callable[..., Circuit]:
        _CARDS[name] = Card(name, key, title, authors, year, url, estimator, claims, build)
        return build

    return enter


def catalogue() -> dict[str, Card]:
    """Every network of the library by its short name."""
    return dict(_CARDS)
