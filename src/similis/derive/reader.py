"""A problem written as a line of text, read by a closed list of words; nothing is ever evaluated."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

from . import vocabulary
from .constraints import Constraint
from .outputs import constant, identity, output
from .problem import Problem
from .refusals import refuse
from .streams import Signal, lagged, signal
from .terms import similarity

#: of a text: characters, parts, how deep they are nested
LONGEST, PARTS, DEPTH = 1000, 300, 60


@dataclass(frozen=True)
class _Draft:
    """A problem before its constraints are known."""

    similarity: Any
    matches: bool
    constraints: tuple[Any, ...]


def _match(similarity: Any, *constraints: Any) -> _Draft:
    return _Draft(similarity, True, constraints)


def _align(similarity: Any, *constraints: Any) -> _Draft:
    return _Draft(similarity, False, constraints)


def _lagged(name: Signal, lag: int) -> Signal:
    return lagged(_plain(name), lag)


def _feedforward(stream: Signal) -> Constraint:
    return vocabulary.feedforward(_plain(stream))


def _at_most_white(offset: float) -> Constraint:
    return vocabulary.at_most_white(offset)


def _plain(name: Signal) -> str:
    if not (isinstance(name, Signal) and name.plain):
        refuse(str(name), "expected the name of a stream")
    return name.name


_CALLS: dict[str, Callable[..., Any]] = {
    "match": _match, "align": _align, "similarity": similarity, "constant": constant, "identity": identity,
    "lagged": _lagged, "feedforward": _feedforward, "at_most_white": _at_most_white, "sparse": vocabulary.sparse,
    "ball": vocabulary.ball, "soft_white": vocabulary.soft_white, "row_sums": vocabulary.row_sums,
    "between": vocabulary.between, "trace": vocabulary.trace, "centred": vocabulary.centred,
}  # fmt: skip
_NAMES: dict[str, Any] = {
    "output": output, "nonnegative": vocabulary.nonnegative, "white": vocabulary.white,
    "at_most_white": vocabulary.at_most_white, "feedforward": vocabulary.feedforward,
}  # fmt: skip
#: every word the language has; other names are streams
WORDS = frozenset(_CALLS) | frozenset(_NAMES)


def read(text: str) -> Problem:
    """Read a problem.

    Parameters
    ----------
    text : str, at most 1000 characters: ``match(...)`` or ``align(...)``, then constraints, joined by commas. Names
        that are no words of the language are streams.

    Returns
    -------
    Problem

    Raises
    ------
    similis._errors.InputError
        For anything that is not in the language, or that no rule covers.

    Examples
    --------
    >>> from similis.derive import read
    >>> print(read("match(similarity(x, metric=1) + 0.5 * similarity(y)), nonnegative, sparse(0.1)"))
    min_{Z >= 0} 1/2 |X' Cxx^-1 X + 0.5 Y'Y - Z'Z|^2 + 0.2 <|z|_1>
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        refuse(f"{str(text)[:40]!r}...", f"expected a text of at most {LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        refuse(repr(text), 'no expression; expected e.g. "match(similarity(x)), nonnegative"')
    _small(tree, text)
    found = _value(tree.body, text)
    draft, *constraints = found if isinstance(found, tuple) else (found,)
    if not isinstance(draft, _Draft):
        refuse(repr(text), "expected match(...) or align(...) first")
    return Problem(draft.similarity, draft.matches, (*draft.constraints, *constraints))


def _small(tree: ast.AST, text: str) -> None:
    """Refuse what is nested deeply or has many parts, before anything is read."""
    level, parts, depth = [tree], 0, 0
    while level:
        parts, depth = parts + len(level), depth + 1
        if parts > PARTS or depth > DEPTH:
            refuse(f"{text[:40]!r}...", f"expected at most {PARTS} parts, nested at most {DEPTH} deep")
        level = [child for node in level for child in ast.iter_child_nodes(node)]


def _value(node: ast.expr, text: str) -> Any:
    quoted = ast.get_source_segment(text.strip(), node) or text
    if isinstance(node, ast.Tuple):
        return tuple(_value(part, text) for part in node.elts)
    if isinstance(node, ast.Constant):
        return _literal(node.value, quoted)
    if isinstance(node, ast.Name):
        if node.id in _CALLS and node.id not in _NAMES:
            refuse(quoted, f"expected {node.id}(...)")
        return _NAMES[node.id] if node.id in _NAMES else signal(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _combined(lambda a, _: -a, _value(node.operand, text), None, quoted)
    if isinstance(node, ast.BinOp):
        ways: dict[type, Callable[[Any, Any], Any]] = {
            ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
            ast.Div: _divided,
        }  # fmt: skip
        if type(node.op) in ways:
            return _combined(ways[type(node.op)], _value(node.left, text), _value(node.right, text), quoted)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
        return _called(node, node.func.id, text, quoted)
    refuse(quoted, f"not in the language; its words are {', '.join(sorted(WORDS))}, and + - * / of numbers")


def _literal(value: object, quoted: str) -> Any:
    if isinstance(value, str):
        return signal(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e12:
        refuse(quoted, "expected a number of at most 1e12 in size, or a name")
    return value


def _divided(a: Any, b: Any) -> float:
    if not (isinstance(a, int | float) and isinstance(b, int | float)):
        raise TypeError
    return a / b


def _combined(way: Callable[[Any, Any], Any], a: Any, b: Any, quoted: str) -> Any:
    try:
        return way(a, b)
    except (TypeError, ArithmeticError):
        refuse(quoted, "these do not combine")


def _called(node: ast.Call, name: str, text: str, quoted: str) -> Any:
    """A call of a word; every argument is of the language."""
    build = _CALLS[name]
    if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
        refuse(quoted, "expected arguments one by one")
    values = [_value(a, text) for a in node.args]
    options = {str(k.arg): _value(k.value, text) for k in node.keywords}
    try:
        signature(build).bind(*values, **options)
        return build(*values, **options)
    except TypeError:
        said = ", ".join(str(p).split(":")[0] for p in signature(build).parameters.values())
        refuse(quoted, f"expected {name}({said})")
