"""The minimal trainer: mean squared error, Adam, prompts drawn anew at every step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .._errors import DivergenceError
from .._optional import require
from .._random import Seed, generator
from .admit import count, floats, positive

if TYPE_CHECKING:
    from torch import nn

    Module = TypeVar("Module", bound=nn.Module)

#: draws a batch of so many: the arrays the module takes, and last the array it should give
Draw = Callable[[int, np.random.Generator], tuple[np.ndarray, ...]]


def train(
    module: Module, draw: Draw, *, n_steps: int = 1000, batch: int = 80, lr: float = 1e-2, random_state: Seed = None
) -> list[float]:
    """Teach a module to denoise; returns the loss of every step, before it.

    Parameters
    ----------
    module : torch module, changed in place
    draw : callable ``(batch, rng) -> (*inputs, target)``; fresh at every step, so that nothing can be learned by heart
    n_steps, batch : int
    lr : float, of Adam; a tenth of it after 80 %, a hundredth after 90 % of the steps
    random_state : int, Generator, RandomState or None

    Raises
    ------
    DivergenceError
        When the loss diverges (NaN or inf).
    """
    torch = require("torch", extra="torch")
    count("n_steps", n_steps, 1), count("batch", batch, 1), positive("lr", lr)
    rng, losses = generator(random_state), []
    optimiser = torch.optim.Adam(module.parameters(), lr=lr)
    milestones = [int(0.8 * n_steps), int(0.9 * n_steps)]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, milestones, gamma=0.1)
    for step in range(n_steps):
        *inputs, target = _tensors(module, draw(batch, rng))
        loss = torch.nn.functional.mse_loss(module(*inputs), target)
        losses.append(float(loss.detach()))
        if not np.isfinite(losses[-1]):
            raise DivergenceError(f"the loss is {losses[-1]} at step {step} with lr={lr}; lower lr or scale the data")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return losses


def predict(module: Module, *inputs: np.ndarray, batch: int = 250) -> np.ndarray:
    """What a module gives for arrays whose first axis counts prompts, batch by batch."""
    torch = require("torch", extra="torch")
    count("batch", batch, 1)
    arrays = [floats(name, x, None) for name, x in zip(("the first array", "the second array"), inputs, strict=False)]
    parts = []
    with torch.no_grad():
        for start in range(0, len(arrays[0]), batch):
            parts.append(module(*_tensors(module, [x[start : start + batch] for x in arrays])).numpy())
    return np.concatenate(parts)


def _tensors(module: Module, arrays: Any) -> list[Any]:
    """Arrays in the precision of the module's weights."""
    torch = require("torch", extra="torch")
    dtype = next(module.parameters()).dtype
    return [torch.as_tensor(x, dtype=dtype) for x in arrays]
