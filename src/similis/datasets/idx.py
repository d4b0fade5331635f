"""The idx format of the MNIST family: big-endian sizes, then bytes in row-major order."""

from __future__ import annotations

import gzip
import zlib
from math import prod
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from .._errors import InputError

UINT8 = 0x08


def read_idx(path: str | PathLike[str]) -> NDArray[np.uint8]:
    """Read a gzipped idx file of bytes.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    array of uint8
        With the shape that the header states.

    Raises
    ------
    InputError
        If the file is no complete gzip, its magic number or type is another, or its size disagrees with its header.
    """
    try:
        with gzip.open(path, "rb") as handle:
            content = handle.read()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a complete gzip file ({error}). Fix: fetch it again.") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UINT8 or not 1 <= content[3] <= 3:
        raise InputError(f"{path}: not idx bytes in 1 to 3 dimensions, it begins with 0x{content[:4].hex()}.")
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise InputError(f"{path}: ends inside its header. Fix: fetch it again.")
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", content[3], offset=4))
    if len(content) - start != prod(shape):
        raise InputError(
            f"{path}: its header announces {shape}, {prod(shape)} bytes, but {len(content) - start} follow. "
            "Fix: fetch it again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
