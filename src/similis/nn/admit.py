"""What a layer accepts: tensors of real numbers, in the type and on the device of its weights."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from .._errors import InputError
from .._text import brief
from .._values import NONNEGATIVE, POSITIVE, Whole, check

#: types in which outputs can settle
TYPES = (torch.float32, torch.float64)


def admit(x: Any, like: Tensor) -> Tensor:
    """x in the type of the weights: integers and other floats are converted, what is no dense real tensor is refused.

    Parameters
    ----------
    x : tensor of any real type
    like : tensor of the layer
    """
    if not isinstance(x, Tensor):
        raise InputError(f"input of type {type(x).__name__}; expected a tensor: torch.as_tensor(x)")
    if x.layout != torch.strided or x.is_quantized or x.is_complex():
        raise InputError(f"input of {x.dtype}, {x.layout}; expected a dense tensor of real numbers")
    if x.device != like.device:
        raise InputError(f"input on {x.device}, weights on {like.device}; move one of them: x.to({str(like.device)!r})")
    return x.to(like.dtype)


def check_type(dtype: torch.dtype) -> None:
    """Refuse weights of a type that outputs cannot settle in."""
    if dtype not in TYPES:
        raise InputError(f"weights of {dtype}; expected torch.float32 or torch.float64: layer.float()")


def check_device(device: str) -> None:
    """Refuse a device that is not there."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(f"device={device!r} cannot be used: {brief(error)}. Give another, such as 'cpu'") from error


def typical(x: Tensor) -> Tensor:
    """The samples but those whose largest number is over a hundred times the median of the others: they set no scale.

    Samples of zeros have no say in the median; numbers that are not finite stay, for others to refuse.
    """
    if x.ndim < 2:
        return x
    largest = x.abs().flatten(1).amax(1)
    some = largest[largest > 0]
    return x[(largest <= 100 * some.median()) | ~largest.isfinite()] if len(some) else x


def wide(x: Tensor) -> Tensor:
    """x in double precision, where the device has it."""
    return x if x.device.type == "mps" else x.double()


def whole(name: str, value: Any, low: int = 1) -> int:
    """An integer parameter as Python's int."""
    return int(check(name, value, (Whole(low),)))


def nonnegative(name: str, value: Any, *, positive: bool = False) -> float:
    """A finite parameter >= 0, or > 0."""
    return float(check(name, value, (POSITIVE if positive else NONNEGATIVE,)))


def pair(name: str, size: Any, low: int = 1) -> tuple[int, int]:
    """An integer parameter for down and across, given as one integer or two."""
    try:
        down, across = (size, size) if isinstance(size, Integral) else size
    except (TypeError, ValueError):
        raise InputError(f"{name}={size!r}; expected an integer >= {low}, or a pair of them") from None
    return whole(name, down, low), whole(name, across, low)
