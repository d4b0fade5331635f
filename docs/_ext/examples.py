"""Scripts for sphinx-gallery: copies of examples/ and docs/first-hour, in a folder that may hold their pictures."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

from files import heading, keep
from files import write as put

#: examples that are shown and not run, and why
NOT_RUN = {"torchrun_conv": "it starts several processes by `torchrun`"}
GALLERY = """Gallery
=======

Every example of the folder ``examples``, run when this page was made, without a download.
Shown and not run: {skipped}.
"""


def script(text: str) -> str:
    """An example whose docstring begins with a reStructuredText title, as sphinx-gallery asks."""
    whole = ast.get_docstring(ast.parse(text), clean=False) or ""
    body = re.sub(r"^ *(python|torchrun) .*\n?", "", whole, flags=re.MULTILINE).rstrip()
    first, _, rest = body.partition("\n")
    title, sign, said = re.match(r"([^:;?]+)([:;?]? ?)(.*)", first.rstrip(".")).groups()
    title += "?" if sign == "? " else ""
    said = f"{said[0].upper()}{said[1:]}.\n" if said else ""
    doc = f"{heading(title)}\n{said}{rest.strip() and rest}\n"
    return text.replace(f'"""{whole}"""', f'"""\n{doc}"""', 1)


def write(docs: Path) -> None:
    """Write docs/generated/scripts: the gallery and the first hour."""
    folder = docs / "generated" / "scripts" / "gallery"
    names = {"GALLERY_HEADER.rst"}
    for path in sorted((docs.parent / "examples").glob("*.py")):
        put(folder / path.name, script(path.read_text("utf-8")))
        names.add(path.name)
    skipped = "; ".join(f"``{name}.py``, because {why.replace('`', '``')}" for name, why in NOT_RUN.items())
    put(folder / "GALLERY_HEADER.rst", GALLERY.format(skipped=skipped))
    keep(folder, names)
    folder = docs / "generated" / "scripts" / "first-hour"
    sources = sorted(path for path in (docs / "first-hour").iterdir() if path.is_file())
    for path in sources:
        if path.suffix in {".py", ".rst"}:
            put(folder / path.name, path.read_text("utf-8"))
        else:
            shutil.copy2(path, folder)
    keep(folder, {path.name for path in sources})
