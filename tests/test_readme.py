"""The pages tell the truth: every block of code runs and prints what the page says, every link leads somewhere.

In README.md, CONTRIBUTING.md and docs/how-to: ``python`` and ``sh`` blocks run in their order, in one namespace and one
folder a page, shells line by line; a ``text`` block right behind one is what it prints (numbers within 2 %, ``...``
stands for anything). ``console`` blocks are for the reader alone.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from similis.cli._app import app

ROOT = Path(__file__).parents[1]
RUN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
PAGES = [*RUN, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
KINDS = {"python", "sh", "text", "console", "bibtex"}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def python(code: str, namespace: dict, where: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, where, "exec", dont_inherit=True), namespace)
    return printed.getvalue()


def sh(code: str, folder: Path) -> str:
    """What the lines print, one after another; one that only calls ``similis`` does so in this process."""
    printed = ""
    for line in re.split(r"(?<!\\)\n", code.strip()):
        name, *words = shlex.split(line, comments=True)
        here = name == "similis" and not set("|<>&;$`*?\\") & set(line.partition("#")[0])
        printed += similis(words) if here else shell(line, folder)
    return printed


def similis(words: list[str]) -> str:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, f"similis {words}\n{done.output}"
    return done.stdout


def shell(code: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "MPLBACKEND": "Agg", "COLUMNS": "200"}
    done = subprocess.run(["sh", "-e", "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{code}\n{done.stderr}"
    return done.stdout


def same(said: str, printed: str) -> bool:
    """Whether two texts agree: words exactly, numbers within 2 %, ``...`` with anything on its line."""
    words, numbers = [], []
    for text in (said, printed):
        lines = [line.rstrip() for line in text.strip().splitlines()]
        words.append([NUMBER.sub("#", line) for line in lines])
        numbers.append([[float(n) for n in NUMBER.findall(line)] for line in lines])
    if len(words[0]) != len(words[1]):
        return False
    for said_line, line, expected, found in zip(*words, *numbers, strict=True):
        head, cut, _ = said_line.partition("...")
        if (cut and not line.startswith(head)) or (not cut and said_line != line):
            return False
        pairs = zip(expected[: head.count("#")] if cut else expected, found, strict=False)
        if any(abs(a - b) > 0.02 * max(abs(a), abs(b)) for a, b in pairs):
            return False
    return True


def claims(page: Path, folder: Path) -> Iterator[tuple[int, str, str]]:
    """Run a page in ``folder``; for each ``text`` block where it starts, what it says and what was printed."""
    text, namespace, printed = page.read_text(encoding="utf-8"), {"__name__": "page"}, ""
    for match in BLOCK.finditer(text):
        kind, code = match.groups()
        where = f"{page.name}, line {text[: match.start()].count(chr(10)) + 1}"
        assert kind in KINDS, f"{where}: a block of {kind!r}; expected one of {sorted(KINDS)}"
        if kind == "python":
            printed = python(code, namespace, where)
        elif kind == "sh":
            printed = sh(code, folder)
        elif kind == "text":
            yield match.start(2), code, printed


@pytest.mark.parametrize("page", RUN, ids=name)
def test_the_code_of_a_page_runs_and_prints_what_it_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    for _, said, printed in claims(page, tmp_path):
        assert same(said, printed), f"{page.name} says\n{said}\nbut this was printed\n{printed}"


@pytest.mark.parametrize("page", sorted(set(PAGES)), ids=name)
def test_the_links_of_a_page_lead_somewhere(page):
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"https?:|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), f"{name(page)} links to {target}"


@pytest.mark.parametrize(
    ("said", "printed", "agree"),
    [
        ("score 0.700", "score 0.705\n", True),
        ("score 0.700", "score 0.72", False),
        ("score 0.7", "mark 0.7", False),
        ("a 1\nb 2", "a 1", False),
        ("8 rows in ... s", "8 rows in 0.3 s", True),
        ("8 rows in ... s", "9 rows in 0.3 s", False),
    ],
)
def test_what_a_page_says_is_compared_strictly(said, printed, agree):
    assert same(said, printed) is agree


def refresh(page: Path, *, write: bool) -> None:
    """Show where a page is out of date and, if asked, bring it up to date."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        found = list(claims(page, Path(folder)))
    for start, said, printed in reversed(found):
        if not same(said, printed):
            print(f"{name(page)}\n- {said.rstrip()}\n+ {printed.rstrip()}")
            text = text[:start] + printed.rstrip() + "\n" + text[start + len(said) :]
    if write:
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    os.environ["MPLBACKEND"] = "Agg"
    for page in RUN:
        refresh(page, write="--write" in sys.argv[1:])
