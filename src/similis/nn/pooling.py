"""Pooling over parts of the image; for maxima there is :class:`torch.nn.MaxPool2d`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .._errors import InputError


class QuadrantPool2d(nn.Module):
    """Sums of each feature map over ``parts x parts`` regions that cover it once; 2 parts are quadrants.

    Parameters
    ----------
    parts : int, of each side; an odd rest goes to the first ones

    Shapes: (batch, channels, height, width) to (batch, channels, parts, parts).

    References
    ----------
    Coates, Lee & Ng 2011.
    """

    def __init__(self, parts: int = 2) -> None:
        super().__init__()
        if parts < 1:
            raise InputError(f"parts={parts}; expected an integer >= 1")
        self.parts = parts

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or min(x.shape[2:]) < self.parts:
            raise InputError(
                f"maps of shape {tuple(x.shape)}; expected (batch, channels, >= {self.parts}, >= {self.parts})"
            )
        strips = torch.stack([strip.sum(2) for strip in x.tensor_split(self.parts, 2)], 2)
        return torch.stack([block.sum(3) for block in strips.tensor_split(self.parts, 3)], 3)

    def extra_repr(self) -> str:
        return f"parts={self.parts}"
