"""A fit that is not finished, in a file."""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from .._atomic import new_file, refuse_unwritable
from .._errors import InputError, ModelFileError
from .._kept import Kept
from .._modelfile import read, to_bytes
from .._schema import Stored

#: seconds of work before the first writing of a state that changes all the time, and the most between two: what is lost
#: by a kill is never more than that, nor more than half of all work
FIRST, EVERY = 1.0, 60.0


class Unfinished(Kept):
    """Keeps the parts of a fit in one file, written whole or not at all; the file goes when the fit is done.

    Parameters
    ----------
    path : of the file
    estimator : the one that fits; its parameters, but for those that may change after a fit, belong to the fit
    data : arrays that it learns from
    resume : whether to go on from the file, if it is there

    Raises
    ------
    InputError
        If the file is there and ``resume`` is False, or it is of another fit.
    ModelFileError
        If it is damaged, or holds no unfinished fit.
    """

    def __init__(self, path: str | os.PathLike, estimator: BaseEstimator, data: Iterable[Any], *, resume: bool) -> None:
        from .. import __version__
        from .persist import plain

        self._path, self._at = Path(path), ""
        self._began = time.monotonic()
        self._written = {"last": self._began}  # one for all parts
        bound = {name: value for name, value in estimator.get_params().items() if name not in estimator._free}
        params = {name: plain(name, value) for name, value in bound.items()} | {"data": _digest(data)}
        self._header = {"class": f"unfinished {type(estimator).__name__}", "version": __version__, "params": params}
        self._arrays: dict[str, np.ndarray] = {}
        self._meta: dict[str, Any] = {}
        if not self._path.exists():
            refuse_unwritable(self._path, force=False)
            return
        if not resume:
            raise InputError(f"{path} exists. Say resume=True to go on from it, or remove it")
        header, arrays = read(self._path)
        if header["class"] != self._header["class"] or header["params"] != params:
            raise InputError(
                f"{path} is not of this fit. Resume with the same parameters and data, or start without it"
            )
        if not isinstance(header["meta"], dict):
            raise ModelFileError(f"{path} holds no unfinished fit. Start without it")
        self._arrays, self._meta = arrays, header["meta"]

    def found(self, part: str) -> Stored | None:
        part = self._at + part
        if part not in self._meta:
            return None
        return Stored(self._of(part), self._meta[part])

    def due(self) -> bool:
        last = self._written["last"]
        return time.monotonic() - last >= min(EVERY, max(FIRST, last - self._began))

    def put(self, part: str, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
        part = self._at + part
        for old in [key for key in self._meta if key == part or key.startswith(f"{part}/")]:
            for array in self._of(old):
                del self._arrays[f"{old}:{array}"]
            del self._meta[old]
        self._arrays |= {f"{part}:{name}": array for name, array in arrays.items()}
        self._meta[part] = dict(meta)
        content = to_bytes(self._header | {"meta": self._meta, "progress": None}, self._arrays)
        self._written["last"] = time.monotonic()
        try:
            with new_file(self._path, force=True) as draft:
                draft.write_bytes(content)
        except InputError as error:  # the fit is worth more than its checkpoint
            warnings.warn(f"no checkpoint: {error}", RuntimeWarning, stacklevel=4)

    def within(self, name: str) -> Kept:
        inner = object.__new__(Unfinished)
        inner.__dict__ = self.__dict__ | {"_at": f"{self._at}{name}/"}
        return inner

    def close(self) -> None:
        """The fit is done."""
        self._path.unlink(missing_ok=True)

    def _of(self, part: str) -> dict[str, np.ndarray]:
        start = f"{part}:"
        return {key.removeprefix(start): array for key, array in self._arrays.items() if key.startswith(start)}


def kept(path: str | os.PathLike | None, estimator: BaseEstimator, data: Iterable[Any], *, resume: bool) -> Kept:
    """Where a fit keeps what it has reached: a file, or nowhere."""
    if path is None:
        if resume:
            raise InputError("resume=True, but no checkpoint is named. Fix: checkpoint=FILE")
        return Kept()
    return Unfinished(path, estimator, data, resume=resume)


def _digest(data: Iterable[Any]) -> str:
    whole = hashlib.sha256()
    for part in data:
        array = np.ascontiguousarray(part)
        whole.update(f"{array.dtype.str}{array.shape}".encode())
        whole.update(array.data.cast("B") if array.size else b"")
    return whole.hexdigest()
