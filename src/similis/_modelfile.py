"""The container of a model: safetensors, a JSON header in its metadata, and a checksum over every byte."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from ._errors import InputError, ModelFileError

SCHEMA = 2
_HEADER_LIMIT = 32 * 2**20  # bytes; far above any real header, far below what would hurt
#: values in a header, lists and objects in it, and how deep these are; real ones have some hundred, eight deep
_VALUES, _BRANCHES, _DEPTH = 2_000_000, 20_000, 32
#: what a header holds, always
_KEYS = {"schema", "class", "version", "params", "meta", "progress", "fortran", "sha256"}


def to_bytes(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    """Lay out a JSON-able header and arrays as the content of one file.

    Raises
    ------
    InputError
        If the header is too long.
    """
    from safetensors.numpy import save

    # the memory layout is part of the state: BLAS rounds a transposed matrix differently
    fortran = _fortran(arrays)
    checksums = {key: _digest(array) for key, array in arrays.items()}
    text = json.dumps({"schema": SCHEMA} | header | {"fortran": fortran, "sha256": checksums}, default=number)
    if len(text) > _HEADER_LIMIT // 2 or not _small(text):
        raise InputError(f"the model's header takes {len(text)} bytes. A larger trace_every shortens history_")
    stored = {key: np.asarray(a.T if key in fortran else a, order="C") for key, a in arrays.items()}
    return _ordered(save(stored, {"similis": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}))


def _ordered(content: bytes) -> bytes:
    """The same file with the names of its outer header in order: equal models are equal bytes."""
    start = 8 + int.from_bytes(content[:8], "little")
    text = json.dumps(json.loads(content[8:start]), sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[start:]


def number(value: Any) -> Any:
    """A NumPy number or array as Python's, for :func:`json.dumps`."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{value!r} is not plain data")


def read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a file, once length, structure, schema and checksums agree.

    Raises
    ------
    ModelFileError
        If they do not; nothing of the file has been used then.
    """
    from safetensors.numpy import load

    try:
        with path.open("rb") as file:
            header = _header(path, _outer(path, file.read(8), file))
            file.seek(0)
            arrays = load(file.read())
    except OSError as error:
        raise ModelFileError(f"cannot read the model {path}: {error.strerror}. Check the path") from error
    except (ModelFileError, MemoryError):
        raise
    except Exception as error:  # whatever damage does to a parser
        raise ModelFileError(f"{path} is not a safetensors file, or a damaged one ({error}). Copy it again") from error
    turned = header["fortran"] if isinstance(header["fortran"], list) else []
    arrays = {k: np.array(a.T, order="F") if k in turned else np.array(a) for k, a in arrays.items()}
    if {key: _digest(array) for key, array in arrays.items()} != header["sha256"]:
        raise ModelFileError(f"{path}: an array does not match its checksum: the file was altered. Copy it again")
    if _fortran(arrays) != header["fortran"]:
        raise ModelFileError(f"{path}: the layout of its arrays is not the one it names. Save the model again")
    return header, arrays


def _outer(path: Path, prefix: bytes, file: Any) -> dict[str, Any]:
    """The safetensors header, read only after the lengths it claims are found plausible."""
    size, length = os.fstat(file.fileno()).st_size, int.from_bytes(prefix, "little")
    if size < 10 or not 2 <= length <= min(_HEADER_LIMIT, size - 8):
        raise ModelFileError(
            f"{path} is not a model: no safetensors header in its {size} bytes. Give a file made by save()"
        )
    outer = _parsed(file.read(length).decode())
    metadata = outer.pop("__metadata__", {})
    end = 8 + length + max((entry["data_offsets"][1] for entry in outer.values()), default=0)
    if size != end:
        raise ModelFileError(f"{path} has {size} bytes, its header promises {end}: cut short or altered. Copy it again")
    return metadata


def _header(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    text = metadata.get("similis")
    if text is None:
        raise ModelFileError(f"{path} is a safetensors file, but no similis model. Give a file made by save()")
    if hashlib.sha256(text.encode()).hexdigest() != metadata.get("sha256"):
        raise ModelFileError(f"{path}: the header does not match its checksum: the file was altered. Copy it again")
    header = _parsed(text)
    if type(header.get("schema")) is not int or header["schema"] != SCHEMA:
        raise ModelFileError(
            f"{path} has schema {header.get('schema')!r:.20} (similis {header.get('version')!r:.20}); "
            f"this similis reads schema {SCHEMA}. Use that version of similis, or fit and save the model again"
        )
    if header.keys() != _KEYS or not isinstance(header["class"], str) or not isinstance(header["version"], str):
        raise ModelFileError(f"{path}: the header is not one of a model. Save the model again")
    return header


def _fortran(arrays: dict[str, np.ndarray]) -> list[str]:
    return sorted(key for key, array in arrays.items() if np.isfortran(array))


def _parsed(text: str) -> dict[str, Any]:
    """A JSON object, parsed once it is known to be small; no name comes twice in it."""
    if not _small(text):
        raise ValueError("too many values, or too deep")
    found = json.loads(text, object_pairs_hook=_once)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def _small(text: str) -> bool:
    """Whether a text of JSON is no larger in memory than some times its length."""
    bare = re.sub(r'"[^"\\]*(?:\\.[^"\\]*)*"', "", text, flags=re.DOTALL)
    if bare.count(",") > _VALUES or bare.count("[") + bare.count("{") > _BRANCHES:
        return False
    depth = deepest = 0
    for mark in re.findall(r"[\[{\]}]", bare):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return deepest <= _DEPTH


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(f"{array.dtype.str}{array.shape}".encode() + array.tobytes()).hexdigest()
