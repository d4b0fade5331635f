"""Pooling over parts of the image; for maxima there is :class:`torch.nn.MaxPool2d`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from .._errors import InputError
from .admit import pair


class QuadrantPool2d(nn.Module):
    """Sums of each feature map over ``parts x parts`` regions that cover it once; 2 parts are quadrants.

    Parameters
    ----------
    parts : int or (down, across); where the parts cannot be equal, the first ones are one larger

    Shapes: (batch, channels, height, width) to (batch, channels, down, across).

    References
    ----------
    Coates, Lee & Ng 2011.
    """

    def __init__(self, parts: int | tuple[int, int] = 2) -> None:
        super().__init__()
        self.parts = pair("parts", parts)

    def forward(self, x: Tensor) -> Tensor:
        down, across = self.parts
        if not isinstance(x, Tensor) or x.ndim != 4 or x.shape[2] < down or x.shape[3] < across:
            raise InputError(f"maps of shape {tuple(np.shape(x))}; expected (batch, channels, >= {down}, >= {across})")
        strips = torch.stack([strip.sum(2) for strip in x.tensor_split(down, 2)], 2)
        return torch.stack([block.sum(3) for block in strips.tensor_split(across, 3)], 3)

    def extra_repr(self) -> str:
        return f"parts={self.parts}"
