"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ._errors import InputError


@contextmanager
def new_file(path: str | os.PathLike, *, force: bool) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that becomes ``path`` on success and vanishes on failure.

    Raises
    ------
    InputError
        If ``path`` exists and ``force`` is False, or its folder does not exist.
    """
    path = Path(path)
    refuse_existing(path, force=force)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield draft
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def refuse_existing(path: str | os.PathLike, *, force: bool) -> None:
    """Raise :class:`InputError` where writing ``path`` would destroy something or has nowhere to go."""
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: the folder {path.parent} does not exist. Create it first")
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder. Name a file in it")
    if path.exists() and not force:
        raise InputError(f"{path} already exists. Choose another name, or say --force (force=True)")
