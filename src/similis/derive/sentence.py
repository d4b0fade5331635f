"""A problem in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..circuit import Box
from .symbols import Plain

if TYPE_CHECKING:
    from .problem import Problem


def sentence(problem: Problem, hand: Plain) -> str:
    """The problem, e.g. ``min_{Z >= 0} 1/2 |X'X - Z'Z|^2``."""
    found, Z = problem.rules, hand.bold("Z")
    square = f"{Z}{hand.T}{Z}"
    terms = [(c, term.matrix(hand)) for c, term in problem.similarity.parts]
    body = hand.signed([*terms, (-1.0, square)] if problem.matches else terms)
    within = found.within
    positive = within is not None and isinstance(within.domain, Box) and within.domain.lower == 0.0
    positive = positive and within is not None and within.domain.upper == float("inf") and not within.domain.mean_rate
    variable = f"{Z} {hand.at_least} 0" if positive else Z
    if problem.matches:
        text = f"{hand.over('min', [variable])} {hand.half} {hand.square(body)}"
    else:
        text = f"{hand.over('max', [variable])} {hand.pair(body, square)}"
    costs = [rule.before(hand) for rule in (within, found.covariance) if rule is not None]
    text += "".join(f" {'+' if problem.matches else '-'} {cost}" for cost in costs if cost)
    conditions = [c for c in (found.covariance, found.trace, found.feedforward) if c is not None]
    said = [] if positive or within is None else [within.words(hand)]
    said += [c.words(hand) for c in conditions]
    return ", ".join([text, *(word for word in said if word)])
