"""A network's tensors and how far its training has come, in one file that is checked as model files are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._atomic import new_file
from .._errors import InputError, ModelFileError
from .._modelfile import read, to_bytes
from .._schema import Stored

#: what the header of such a file says that it holds
KIND = "training of layers"


def settings(network: nn.Module) -> list[dict[str, Any]]:
    """What every module of a network was built with, beside its tensors: kinds, and parameters that are plain data."""
    plain = (bool, int, float, str, tuple, type(None))
    found = []
    for module in network.modules():
        own = {n: v for n, v in vars(module).items() if n[0] != "_" and n != "training" and isinstance(v, plain)}
        if (circuit := getattr(module, "_circuit", None)) is not None:
            own["circuit"] = circuit.to_dict()
        found.append({"module": type(module).__name__, **own})
    return json.loads(json.dumps(found))


def save_checkpoint(network: nn.Module, path: str | PathLike, progress: dict[str, Any]) -> None:
    """Write ``state_dict()`` and ``progress``, whole or not at all; an older file is replaced.

    Parameters
    ----------
    progress : JSON-able; an entry ``history``, if there is one, is lists of numbers, which may be long
    """
    from .. import __version__

    arrays = {name: _array(tensor) for name, tensor in network.state_dict().items()}
    history = progress.get("history", [])
    arrays |= {f"history.{place}": np.asarray(values, float) for place, values in enumerate(history)}
    rest = {name: value for name, value in progress.items() if name != "history"}
    meta = {"progress": rest, "history": len(history) if "history" in progress else None}
    header = {"class": KIND, "version": __version__, "params": {}, "meta": meta, "progress": None}
    content = to_bytes(header, arrays)
    with new_file(path, force=True) as draft:
        draft.write_bytes(content)


@contextmanager
def unchanged_on_failure(network: nn.Module) -> Iterator[None]:
    """Put the tensors of a network back if what is done meanwhile fails."""
    before = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    try:
        yield
    except Exception:
        network.load_state_dict(before)
        raise


def load_checkpoint(network: nn.Module, path: str | PathLike, expected: dict[str, Any] | None = None) -> dict[str, Any]:
    """Read a checkpoint into a network of the same shape; returns its progress.

    Parameters
    ----------
    expected : entries that the progress must have, so that a training is not continued as another

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, not a checkpoint, of a network of another shape, or holds numbers that no
        training leaves behind. Nothing is changed then.
    InputError
        If the progress is not as expected.
    """
    try:
        header, arrays = read(Path(path))
        if header["class"] != KIND:
            raise ModelFileError(f"it holds a {header['class']!r:.80}")
        file = Stored(arrays, header["meta"])
        progress = file.part("progress")
        found = {name: progress.plain(name) for name in progress.names()}
        if not file.empty("history"):
            found["history"] = [
                file.array(f"history.{place}", f"steps {place}", dtype=np.float64, largest=np.inf).tolist()
                for place in range(file.integer("history", 0, len(arrays)))
            ]
        for name, value in (expected or {}).items():
            if found.get(name) != value:
                raise InputError(
                    f"{path} is of a training with {name}={found.get(name)!r:.80}, not {value!r:.80}. Resume with what "
                    "it began with"
                )
        tensors = {name: _tensor(file, name, like) for name, like in network.state_dict().items()}
        file.done()
        with unchanged_on_failure(network):
            network.load_state_dict(tensors)
            for module in network.modules():
                refuse: Any = getattr(module, "refuse_unsound", None)
                if refuse is not None:
                    refuse()
    except (ModelFileError, RuntimeError) as error:  # the latter where eigenvalues do not come
        raise ModelFileError(
            f"{path} is no checkpoint of this network, or of one of another shape ({error}). Start without resume"
        ) from error
    return found


def _array(tensor: Tensor) -> np.ndarray:
    """A tensor's numbers; NumPy has no bfloat16, whose bits stand as integers."""
    tensor = tensor.detach().cpu().contiguous()
    return (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy().copy()


def _tensor(file: Stored, name: str, like: Tensor) -> Tensor:
    """The tensor of that name, of the shape and type of another; its numbers are finite, and can be squared."""
    kind = _array(torch.empty(0, dtype=like.dtype)).dtype
    found = torch.from_numpy(file.array(name, *like.shape, dtype=kind))
    if like.dtype == torch.bfloat16 and not bool(found.view(torch.bfloat16).isfinite().all()):
        raise ModelFileError(f"{name} is not finite")
    return found.view(like.dtype) if like.dtype == torch.bfloat16 else found
