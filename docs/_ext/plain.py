"""Docstrings are plain text with ``literals`` and sections: a bar, an underscore or a star is no markup in them."""

from __future__ import annotations

import re
from typing import Any

from sections import tidied

KEPT = re.compile(r"(``.+?``|:\w+:`.+?`|`[^`]+`_?|\*\*\w.*?\*\*)")


def escaped(line: str) -> str:
    """One line, with what reStructuredText would take for markup made plain."""
    pieces = KEPT.split(line)
    pieces[::2] = [
        re.sub(r"(?<!\\)(\||(?<=\w)[_@](?!\w)|(?<=\d)@(?=\d)|(?<![\w*])\*(?=\w))", r"\\\1", piece)
        for piece in pieces[::2]
    ]
    return "".join(pieces)


def process(app: Any, what: str, name: str, thing: object, options: Any, lines: list[str]) -> None:
    """Escape prose and leave literal blocks and doctests; literals may run over the end of a line."""
    lines[:] = tidied(lines)
    block: int | None = None
    literal = False
    for i, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if block is not None and line.strip() and indent <= block:
            block = None
        if block is None and not line.lstrip().startswith((">>>", "...", "..")):
            odd = line.count("``") % 2 == 1
            if not literal and not odd:
                lines[i] = escaped(line)
            elif not literal:
                head, mark, tail = line.rpartition("``")
                lines[i] = escaped(head) + mark + tail
            elif odd:
                head, mark, tail = line.partition("``")
                lines[i] = head + mark + escaped(tail)
            literal ^= odd
            if line.rstrip().endswith("::"):
                block = indent
        if not line.strip():
            literal = False


def setup(app: Any) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", process, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
