"""The pages are written for a viewer of plain Markdown; here their links are led to the pages of the site.

A page whose whole text is one sentence with a link to a Markdown file above docs (changelog, contributing) becomes that
file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import api
import measured

LINK = re.compile(r"(\]\()([^)\s#]*)(#[^)\s]*)?(\))")
CODE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
MIRROR = {"changelog": "CHANGELOG.md", "contributing": "CONTRIBUTING.md"}
HOMES = {"README.md": "index.md", "examples": "generated/gallery/index.rst", "CHANGELOG.md": "changelog.md"}
HOMES |= {"CONTRIBUTING.md": "contributing.md", "README.md#speed": "benchmarks/index.md"}


def target(link: str, anchor: str, folder: Path, docs: Path, page: Path) -> str:
    """Where a link of a file in ``folder`` leads, for ``page`` of the site."""
    place = Path(os.path.normpath(folder / link))
    root = docs.parent
    name = place.relative_to(root).as_posix() if place.is_relative_to(root) else ""
    if name in HOMES:
        place = docs / HOMES[name if anchor != "#speed" else "README.md#speed"]
    elif found := re.fullmatch(r"examples/(plot_\w+)\.py", name):
        place = docs / "generated" / "gallery" / f"{found[1]}.rst"
    elif found := re.fullmatch(r"docs/first-hour/(\w+)\.py", name):
        place = docs / "generated" / "first-hour" / f"{found[1]}.rst"
    elif name == "docs/first-hour":
        place = docs / "generated" / "first-hour" / "index.rst"
    elif place.is_dir() and (place / "index.md").exists():
        place = place / "index.md"
    return Path(os.path.relpath(place, page.parent)).as_posix()


def led(text: str, folder: Path, docs: Path, page: Path) -> str:
    """The text with its links led to the site's pages; code stays as it is."""

    def one(match: re.Match) -> str:
        head, link, anchor, tail = match.groups(default="")
        if not link or re.match(r"[a-z]+:", link):
            return match[0]
        return f"{head}{target(link, anchor, folder, docs, page)}{anchor}{tail}"

    pieces = CODE.split(text)
    return "".join(piece if piece.startswith("```") else LINK.sub(one, piece) for piece in pieces)


def names_linked(text: str) -> str:
    """The index of names, every name a link to its page."""
    pages = {(entry.room, entry.name): entry.page for entry in api.entries()}
    room = ""
    lines = []
    for line in text.splitlines():
        room = line[3:].strip() if line.startswith("## ") else room
        if line.startswith("## "):
            line = f"## [{room}](../generated/api/{room}-package.rst)" if room in api.ROOMS else line
        if line.startswith("| `"):
            names, bar, rest = line[2:].partition(" | ")
            for name in set(re.findall(r"`(\w+)`", names)):
                if page := pages.get((room, name)):
                    names = names.replace(f"`{name}`", f"[`{name}`](../generated/api/{page}.rst)")
            line = f"| {names}{bar}{rest}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def read(app: Any, docname: str, source: list[str]) -> None:
    """What Sphinx reads in place of a page."""
    docs = Path(app.srcdir)
    page = Path(app.env.doc2path(docname))
    if page.suffix != ".md":
        return
    folder = page.parent
    if docname in MIRROR:
        folder = docs.parent
        source[0] = (folder / MIRROR[docname]).read_text("utf-8")
        app.env.note_dependency(str(folder / MIRROR[docname]))
    source[0] = led(source[0], folder, docs, page)
    if docname == "api/index":
        source[0] = names_linked(source[0])
    if docname == "benchmarks/index":
        source[0] += "\n" + measured.markdown(docs)


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
