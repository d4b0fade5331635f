"""Arrays as NPY and NPZ, read in blocks without a memory map, so that resident memory stays at one block."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from .._errors import InputError
from .._text import brief
from .columns import Chosen, Wanted, some

MEMBER = re.compile(r"(?P<path>.+\.npz)(?::(?P<name>[^/:]+))?", re.IGNORECASE)


@dataclass(frozen=True)
class _Header:
    shape: tuple[int, int]
    dtype: np.dtype
    fortran: bool
    offset: int


def blocks(source: str, rows: int, wanted: Wanted) -> Iterator[NDArray | Chosen]:
    """Yield the chosen columns, then blocks of ``rows`` rows of a real matrix, or of text where that is wanted; one of
    several arrays in a NPZ is asked for as ``file.npz:name``."""
    with _open(source, wanted.text) as (handle, header):
        chosen = wanted.choice.among(header.shape[1], None, source)
        yield chosen
        exact = np.float32 if np.can_cast(header.dtype, np.float32) else np.float64
        target = np.dtype(str if wanted.text else exact if wanted.dtype is None else wanted.dtype)
        read = _fortran_rows if header.fortran else _c_rows
        for start in range(0, header.shape[0], rows):
            stop = min(start + rows, header.shape[0])
            yield read(handle, header, start, stop, chosen.indices, source).astype(target, copy=False)
        handle.read(1)  # the end of an archive's member: there its checksum is compared


def shape(source: str) -> tuple[int, int]:
    """Return (rows, columns) from the header."""
    with _open(source, text=True) as (_, header):
        return header.shape


def _c_rows(handle: BinaryIO, header: _Header, start: int, stop: int, wanted: list[int] | None, source: str) -> NDArray:
    block = _fill(handle, np.empty((stop - start, header.shape[1]), header.dtype), source)
    return block if wanted is None else np.ascontiguousarray(block[:, wanted])


def _fortran_rows(
    handle: BinaryIO, header: _Header, start: int, stop: int, wanted: list[int] | None, source: str
) -> NDArray:
    n, d = header.shape
    chosen = range(d) if wanted is None else wanted
    block = np.empty((stop - start, len(chosen)), header.dtype)
    for j, column in enumerate(chosen):
        handle.seek(header.offset + (column * n + start) * header.dtype.itemsize)
        block[:, j] = _fill(handle, np.empty(stop - start, header.dtype), source)
    handle.seek(header.offset + n * d * header.dtype.itemsize)
    return block


def _fill(handle: BinaryIO, block: NDArray, source: str) -> NDArray:
    view, filled = block.reshape(-1).view(np.uint8).data, 0
    while filled < len(view):
        count = handle.readinto(view[filled:])  # type: ignore[attr-defined]
        if not count:
            raise InputError(
                f"{source}: truncated, its header announces more numbers. Fix: copy or write the file again."
            )
        filled += count
    return block


@contextmanager
def _open(source: str, text: bool = False) -> Iterator[tuple[BinaryIO, _Header]]:
    member = MEMBER.fullmatch(source)
    try:
        if member is None:
            with open(source, "rb") as handle:
                header = _header(handle, source, text)
                _check_size(os.fstat(handle.fileno()).st_size, header, source)
                yield handle, header
            return
        archive = zipfile.ZipFile(member["path"])
        with archive, archive.open(_choose(archive, member["name"], source)) as packed:
            header = _header(packed, source, text)  # type: ignore[arg-type]
            _check_size(archive.getinfo(packed.name).file_size, header, source)
            if header.fortran:
                raise InputError(
                    f"{source}: the array is in Fortran order inside an archive and cannot be read row by row. "
                    "Fix: save numpy.ascontiguousarray(X), or use a .npy file."
                )
            yield packed, header  # type: ignore[misc]
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{source}: a block of rows takes too much memory. Fix: read fewer at a time.") from error
    except Exception as error:  # whatever damage does to the unpacking of an archive
        raise InputError(
            f"{source}: unreadable, damaged or encrypted ({brief(error)}). Fix: copy or write the file again."
        ) from error


def _check_size(size: int, header: _Header, source: str) -> None:
    expected = header.offset + header.shape[0] * header.shape[1] * header.dtype.itemsize
    if size != expected:
        raise InputError(
            f"{source}: truncated or damaged, {size} bytes where its header announces {expected}. "
            "Fix: copy or write it again."
        )


def _choose(archive: zipfile.ZipFile, name: str | None, source: str) -> str:
    names = [entry.removesuffix(".npy") for entry in archive.namelist() if entry.endswith(".npy")]
    if name is None and len(names) == 1:
        return names[0] + ".npy"
    if name not in names:
        asked = "no array was named" if name is None else f"no array {name!r}"
        raise InputError(f"{source}: {asked}; there are {some(names) or 'none'}. Fix: write it as 'file.npz:name'.")
    return f"{name}.npy"


def _header(handle: BinaryIO, source: str, text: bool) -> _Header:
    try:
        version = npy_format.read_magic(handle)
        reader = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}[version]
        shape, fortran, dtype = reader(handle)
    except zipfile.BadZipFile:
        raise
    except Exception as error:  # whatever damage does to the parser of a header
        raise InputError(f"{source}: not a NPY array ({brief(error)}). Fix: write it with numpy.save.") from error
    if dtype.kind not in ("fiubU" if text else "fiub") or not dtype.itemsize:
        raise InputError(
            f"{source}: holds {dtype}, expected real numbers. Fix: save X.astype(float); objects are never loaded."
        )
    shape = (*shape, 1) if len(shape) == 1 else tuple(shape)  # targets are mostly saved as one column
    if len(shape) != 2 or any(type(n) is not int or n < 0 for n in shape):
        raise InputError(f"{source}: shape {shape}, expected (rows, columns). Fix: save X.reshape(len(X), -1).")
    if not all(shape):
        raise InputError(f"{source}: no numbers in it, its shape is {shape}. Fix: check what wrote it.")
    return _Header(shape, dtype, fortran and min(shape) > 1, handle.tell())
