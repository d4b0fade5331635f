"""Entries that run on, ``tau : float, laterals learn`` and the rest below, as numpydoc has them: type, then text."""

from __future__ import annotations

import re

ENTRY = re.compile(r"^(\w[\w, *.\[\]]*?) : (.*)$")
TYPE = re.compile(
    r"(an? )?(int|float|bool|str|number|array|list|tuple|dict|sequence|iterable|iterator|callable|mapping|path|None"
    r"|file|same|generator|set|object|bytes|module|integers?|floats?|strings?|ignored|one of|[(\"'`\[]|[A-Z\d:])"
)
LISTS = {"Parameters", "Attributes", "Returns", "Yields", "Other Parameters"}


def cut(text: str) -> tuple[str, str]:
    """A type and the words behind its first comma; commas in brackets and quotes are of the type."""
    depth, quoted = 0, False
    for i, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        quoted ^= sign in '"`'
        if (
            sign in ",;"
            and depth == 0
            and not quoted
            and not re.match(r"[,;] (default|optional|or|shape|Generator|RandomState|None)\b", text[i:])
        ):
            return text[:i], text[i + 1 :].strip()
    return text, ""


def entry(head: str, body: list[str], indent: str) -> list[str]:
    """One entry, its sentence put together again unless its body is a paragraph of its own."""
    found = ENTRY.match(head)
    if not found or re.search(r"^\s*([-*]|\d+\.) ", "\n".join(body), re.MULTILINE):
        return [head, *body]
    kind, said = cut(found[2])
    own = bool(body) and body[0].strip()[:1].isupper()
    if own:
        return [head, *body]
    if not said and body:  # the type itself runs on
        kind, said = cut(" ".join([found[2], *(line.strip() for line in body)]))
        body = []
    if not TYPE.match(kind):
        kind, said = "", f"{kind}, {said}" if said else kind
    lines = [f"{found[1]} : {kind}" if kind else found[1]]
    if said or body:
        lines += [indent + said] if said else []
        lines += body
    return lines


def tidied(lines: list[str]) -> list[str]:
    """A docstring's lines, with the entries of its lists put in order."""
    made: list[str] = []
    i, listed = 0, False
    while i < len(lines):
        if i + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[i + 1].strip()):
            listed = lines[i].strip() in LISTS
            made += lines[i : i + 2]
            i += 2
        elif listed and lines[i] and not lines[i][0].isspace():
            end = i + 1
            while end < len(lines) and lines[end][:1].isspace() and lines[end].strip():
                end += 1
            made += entry(lines[i], lines[i + 1 : end], "    ")
            i = end
        else:
            made.append(lines[i])
            i += 1
    return made
