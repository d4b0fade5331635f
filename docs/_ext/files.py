"""Write a made file only when it changed, so that Sphinx and the gallery redo only what must be done anew."""

from __future__ import annotations

from pathlib import Path


def write(path: Path, text: str) -> None:
    """Write ``text`` unless that is what stands there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def keep(folder: Path, names: set[str]) -> None:
    """Delete the files of a folder that are no longer made."""
    for path in folder.glob("*"):
        if path.is_file() and path.name not in names:
            path.unlink()


def heading(text: str, line: str = "=") -> str:
    """A reStructuredText heading."""
    return f"{text}\n{line * len(text)}\n"
