"""The page of the command line: what ``similis COMMAND --help`` prints."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from files import heading
from files import write as put

INTRO = """
What every command says of itself. How they are used together: :doc:`/how-to/streaming-a-file`.
Results go to standard output, progress to standard error; the exit status is 0, 1 (failed) or 2 (wrong usage); no file
is replaced without ``--force``.
"""


def said(*words: str) -> str:
    """What the command line prints."""
    from typer.testing import CliRunner

    from similis.cli._app import app

    plain = {"COLUMNS": "88", "NO_COLOR": "1", "TERM": "dumb", "_TYPER_FORCE_DISABLE_TERMINAL": "1"}
    text = CliRunner(env=plain).invoke(app, [*words, "--help"], prog_name="similis").stdout
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def write(docs: Path) -> None:
    """Write docs/generated/command-line.rst."""
    from similis.cli._app import app

    names = [command.name for command in app.registered_commands] + [group.name for group in app.registered_groups]
    lines = [heading("Command line"), INTRO]
    for name in [None, *names]:
        words = [name] if name else []
        lines += [heading(" ".join(["similis", *words]), "-"), ".. code-block:: text", ""]
        lines += [textwrap.indent(said(*words), "   "), ""]
    put(docs / "generated" / "command-line.rst", "\n".join(lines))
