"""The weights of a network as plain arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from numpy.typing import NDArray

from .._errors import ModelFileError

Net = TypeVar("Net", bound=torch.nn.Module)


def weights_of(net: torch.nn.Module) -> dict[str, NDArray]:
    """Arrays by name."""
    return {name: tensor.cpu().numpy() for name, tensor in net.state_dict().items()}


def filled(net: Net, weights: Mapping[str, NDArray]) -> Net:
    """The network with these weights, ready to answer.

    Raises
    ------
    ModelFileError
        If they are of another network.
    """
    try:
        net.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    except RuntimeError as error:
        raise ModelFileError(f"weights of another network ({error}). Start without resume") from error
    return net.eval()
