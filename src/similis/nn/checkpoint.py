"""A network's tensors and how far its training has come, in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from .._atomic import new_file
from .._errors import InputError, ModelFileError


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
    """Write ``state_dict()`` and ``progress`` (JSON-able), whole or not at all; an older file is replaced."""
    tensors = {name: tensor.detach().contiguous().clone() for name, tensor in network.state_dict().items()}
    with new_file(path, force=True) as draft:
        save_file(tensors, draft, {"similis": json.dumps(progress)})


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
        If the file is missing, damaged, not a checkpoint, or of a network of another shape.
    InputError
        If the progress is not as expected.
    """
    try:
        with safe_open(path, "pt") as file:
            progress = json.loads((file.metadata() or {})["similis"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        fresh = {name: tensor.to(tensors[name].device) for name, tensor in network.state_dict().items()}
        if any(tensors[name].dtype != tensor.dtype for name, tensor in fresh.items()):
            raise ValueError("the numbers are of another type")
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ModelFileError(f"{path} is no checkpoint of this network ({error}). Start without resume") from error
    for name, value in (expected or {}).items():
        if progress.get(name) != value:
            raise InputError(
                f"{path} is of a training with {name}={progress.get(name)}, not {value}. Resume with what it began with"
            )
    try:
        with unchanged_on_failure(network):
            network.load_state_dict(tensors)
    except RuntimeError as error:
        raise ModelFileError(f"{path} is of a network of another shape ({error}). Start without resume") from error
    return progress
