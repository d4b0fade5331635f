"""The weights of a network as plain arrays, and back."""

from __future__ import annotations

import math
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
        If they are of another network, or such as no learning leaves behind.
    """
    try:
        net.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    except RuntimeError as error:
        raise ModelFileError(f"weights of another network ({error}). Start without resume") from error
    limits, logarithms = getattr(net, "largest", {"": math.inf}), getattr(net, "logarithms", ())
    for name, tensor in net.state_dict().items():
        sizes = tensor if name in logarithms else tensor.abs()  # a logarithm may be as small as it likes
        most = limits.get(name, limits[""])
        if sizes.numel() and not float(sizes.max()) <= most:
            raise ModelFileError(f"{name} is beyond {most:g}, which no learning leaves behind")
        if name.endswith("running_var") and bool((tensor < 0).any()):
            raise ModelFileError(f"{name} is a variance below 0")
    return net.eval()
