"""Files that appear whole or not at all, and replace nothing that they may not."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ._errors import InputError
from ._text import brief

try:
    import fcntl
except ImportError:  # Windows: old drafts stay
    fcntl = None  # type: ignore[assignment]

#: names of drafts: ours, and short, so that any name a file can have can be written
_DRAFT = ".similis-{}.tmp"
#: what keeps anything from being written, whichever file it is told of
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


class KeptElsewhereError(InputError):
    """Another file came first; the message says where the new one is."""


@contextmanager
def new_file(path: str | os.PathLike, *, force: bool) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that becomes ``path`` on success and vanishes on failure.

    A file that appears at ``path`` meanwhile is kept, unless ``force``; the new one then stays beside it, and the error
    says where. Drafts that killed processes left in the folder are removed.

    Raises
    ------
    InputError
        If ``path`` exists and ``force`` is False, is no plain file, or cannot be written.
    """
    path = Path(path)
    refuse_existing(path, force=force)
    _sweep(path.parent)
    with _unwritable(path):
        draft, lock = _begin(path.parent)
    try:
        with _unwritable(path, draft):
            yield draft
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
            if fcntl is None:
                lock = _closed(lock)
            _commit(draft, path, force=force)
    finally:
        _closed(lock)
        draft.unlink(missing_ok=True)


def refuse_existing(path: str | os.PathLike, *, force: bool) -> None:
    """Raise :class:`InputError` where writing ``path`` would destroy something or has nowhere to go.

    With ``force`` a plain file may be replaced; a link, a device or a pipe never is.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: the folder {path.parent} does not exist. Create it first")
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"cannot write {str(path)[:80]!r}: {said}. Choose another name") from error
    if stat.S_ISDIR(mode):
        raise InputError(f"cannot write {path}: it is a folder. Name a file in it")
    if not stat.S_ISREG(mode):
        kind = "link" if stat.S_ISLNK(mode) else "device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "pipe"
        raise InputError(f"cannot write {path}: it is a {kind}, which is never replaced. Name a plain file")
    if not force:
        raise InputError(f"{path} already exists. Choose another name, or say --force (force=True)")


def refuse_unwritable(path: str | os.PathLike, *, force: bool) -> None:
    """As :func:`refuse_existing`, and where no file can be made there: asked before the work whose result it is."""
    path = Path(path)
    refuse_existing(path, force=force)
    with _unwritable(path):
        draft, lock = _begin(path.parent)
        _closed(lock)
        draft.unlink(missing_ok=True)


@contextmanager
def _unwritable(path: Path, draft: Path | None = None) -> Iterator[None]:
    """Say which file could not be written, and why; errors about other files pass."""
    try:
        yield
    except OSError as error:
        if draft is not None and error.errno not in _FULL and error.filename not in (draft, str(draft)):
            raise
        raise InputError(f"cannot write {path}: {error.strerror or brief(error)}. Choose another place") from error


def _begin(folder: Path) -> tuple[Path, int]:
    """A new draft, and a descriptor that holds its lock: it is ours as long as this process lives."""
    while True:
        draft = folder / _DRAFT.format(secrets.token_hex(6))
        lock = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        with suppress(BlockingIOError):  # somebody took it for an old one before it was locked
            _locked(lock)
            if draft.exists():
                return draft, lock
        os.close(lock)


def _locked(descriptor: int) -> bool:
    """Lock a draft; False where files have no locks, and no draft is known to be old.

    Raises
    ------
    BlockingIOError
        If a process that lives holds it.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def _closed(descriptor: int) -> int:
    if descriptor >= 0:
        os.close(descriptor)
    return -1


def _sweep(folder: Path) -> None:
    """Remove the drafts of processes that are gone."""
    before, after = _DRAFT.split("{}")
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not (
                entry.name.startswith(before) and entry.name.endswith(after) and entry.is_file(follow_symlinks=False)
            ):
                continue
            with suppress(OSError):
                descriptor = os.open(entry.path, os.O_RDWR)
                try:
                    if _locked(descriptor):
                        os.unlink(entry.path)
                finally:
                    os.close(descriptor)


def _commit(draft: Path, path: Path, *, force: bool) -> None:
    """Give the draft its name; what stands there is replaced only if it may be."""
    try:
        if force:
            refuse_existing(path, force=True)
            os.replace(draft, path)
        else:
            _name(draft, path)
    except (FileExistsError, InputError) as error:
        if not path.parent.is_dir():
            raise
        kept = path.with_name(f"kept-{secrets.token_hex(4)}{path.suffix if len(path.suffix) < 20 else ''}")
        _name(draft, kept)
        said = f"{path} has appeared meanwhile" if isinstance(error, FileExistsError) else f"meanwhile: {error}"
        raise KeptElsewhereError(f"{said}; what was to be written is in {kept}") from error


def _name(draft: Path, path: Path) -> None:
    """Name a draft as no file is named.

    Raises
    ------
    FileExistsError
        If one is.
    """
    try:
        os.link(draft, path)
    except OSError as error:  # a file system without links: take the name first, then put the draft in its place
        if isinstance(error, FileExistsError) or not draft.exists():
            raise
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            os.replace(draft, path)
        except OSError:
            path.unlink()
            raise
