"""The weights of a network as plain arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from numpy.typing import NDArray

Net = TypeVar("Net", bound=torch.nn.Module)


def weights_of(net: torch.nn.Module) -> dict[str, NDArray]:
    """Arrays by name."""
    return {name: tensor.cpu().numpy() for name, tensor in net.state_dict().items()}


def filled(net: Net, weights: Mapping[str, NDArray]) -> Net:
    """The network with these weights, which have its shapes, ready to answer."""
    net.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return net.eval()
