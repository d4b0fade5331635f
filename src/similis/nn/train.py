"""Greedy training of a stack of layers, with a progress bar, and checkpoints that resume bit for bit."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._errors import DivergenceError, InputError, ModelFileError
from ..circuit import Step
from .admit import whole
from .checkpoint import load_checkpoint, save_checkpoint, settings, unchanged_on_failure
from .layer import Layer, Statistics
from .nonnegative import Nonnegative

Reduce = Callable[[Statistics], Statistics]


def layers(network: nn.Module) -> list[tuple[nn.Module, Layer]]:
    """Every similarity-matching layer of a layer or (nested) ``Sequential``, behind what comes before it."""
    modules = list(_chain(network))
    return [(nn.Sequential(*modules[:place]), layer) for place, layer in enumerate(modules) if isinstance(layer, Layer)]


@torch.no_grad()
def train(
    network: nn.Module, x: Tensor | tuple[Tensor, ...], labels: Tensor | None = None, *, step: Step | None = None,
    epochs: int = 1, batch_size: int = 100, prepare: int = 1000, seed: int = 0,
    checkpoint: str | PathLike | None = None, checkpoint_every: int = 100, resume: bool = False,
    progress: bool = False, reduce: Reduce | None = None,
) -> list[list[float]]:  # fmt: skip
    """Train the layers one after the other, each on the outputs of those before it, which no longer change.

    Modules between them, such as pooling, stay as they are. Layers with classes hear the labels. A layer that is fresh
    is prepared first; one that is prepared or has learned goes on from its weights, and keeps its whitening.

    Parameters
    ----------
    network : a layer, or ``torch.nn.Sequential`` of layers and other modules
    x : (n, ...) tensor of inputs, or for a single layer of several channels a tuple of them, one a channel; batches
        move to the device of the layer
    labels : (n,) integers, -1 for none; for layers with classes
    step : Step, default that of each layer's circuit (``Step(0.05, 0.01)`` of the layers with a name of their own); its
        t counts the batches of a layer
    epochs, batch_size : int
    prepare : int, so many inputs, drawn at random, give a fresh layer its whitening and the size of its first weights
    seed : int, of the order of the samples
    checkpoint : file to keep up to date every ``checkpoint_every`` batches, and at the end
    resume : continue from ``checkpoint``; ends bit for bit where the unbroken training ends
    progress : bar on stderr
    reduce : called with the sums of a batch before each step, see :meth:`similis.nn.Layer.learn_`

    Returns
    -------
    for each layer, its objective at every step

    Raises
    ------
    InputError
        If there is no layer, or sizes do not fit; if a checkpoint exists and ``resume`` is False, or it is of another
        training.
    DivergenceError
        If a weight would no longer be a number; says in which batch. The network is as it was before the call.
    """
    stack, inputs = layers(network), x if isinstance(x, tuple) else (x,)
    if not stack:
        raise InputError(f"{type(network).__name__} has no similarity-matching layer to train")
    sizes = {"epochs": epochs, "batch_size": batch_size, "prepare": prepare, "checkpoint_every": checkpoint_every}
    epochs, batch_size, prepare, checkpoint_every = (whole(name, size) for name, size in sizes.items())
    if len(inputs) != 1 and not isinstance(network, Layer):
        raise InputError(f"{len(inputs)} inputs for a {type(network).__name__}; expected one, or a single layer")
    n = _check(inputs, labels, any(_told(layer) for _, layer in stack))
    steps = [step or layer.circuit.step for _, layer in stack]
    history: list[list[float]] = [[] for _ in stack]
    per_epoch = -(-n // batch_size)
    plan: dict[str, Any] = {}
    if checkpoint is not None:
        rates = [[s.eta0, s.decay, s.floor] for s in steps]
        plan = {
            "step": rates if any(rate != rates[0] for rate in rates) else rates[0], "epochs": epochs,
            "batch_size": batch_size, "seed": seed, "prepare": prepare,
            "data": [*map(_crc, inputs), None if labels is None else _crc(labels)],
            "network": settings(network),
        }  # fmt: skip
        if resume:
            history = _history(network, checkpoint, plan, [epochs * per_epoch] * len(stack))
        elif Path(checkpoint).exists():
            raise InputError(f"{checkpoint} already exists; say resume=True, or choose another name")

    def keep() -> None:
        if checkpoint is not None:
            save_checkpoint(network, checkpoint, plan | {"history": history})

    with unchanged_on_failure(network), _bar(progress, len(stack) * epochs * per_epoch) as advance:
        for place, (before, layer) in enumerate(stack):
            advance(place, len(history[place]), history[place])
            for t in range(len(history[place]), epochs * per_epoch):
                epoch, batch = divmod(t, per_epoch)
                if batch == 0 or t == len(history[place]):
                    order = torch.from_numpy(np.random.default_rng([seed, place, epoch]).permutation(n))
                if t == 0 and layer.fresh:
                    _prepare(before, layer, inputs, order[:prepare].split(batch_size), reduce)
                chosen = order[batch * batch_size : (batch + 1) * batch_size]
                heard = (labels[chosen],) if labels is not None and _told(layer) else ()
                try:
                    signals = *_passed(before, layer, inputs, chosen), *heard
                    value = layer.learn_(*signals, eta=steps[place].at(t), reduce=reduce)
                except DivergenceError as error:
                    at = f"layer {place + 1} of {len(stack)}, epoch {epoch + 1}, batch {batch + 1} of {per_epoch}"
                    raise DivergenceError(f"{at}: {error}") from error
                history[place].append(float(value))
                advance(place, 1, history[place])
                if (t + 1) % checkpoint_every == 0:
                    keep()
    keep()
    return history


def _history(
    network: nn.Module, checkpoint: str | PathLike, plan: dict[str, Any], steps: list[int]
) -> list[list[float]]:
    """Read a checkpoint of the plan; returns the objectives of the steps made, each layer's after those before it."""
    with unchanged_on_failure(network):
        history: list[list[float]] = load_checkpoint(network, checkpoint, plan).get("history", [])
        done = [len(values) for values in history]
        if done != [min(max(sum(done) - sum(steps[:i]), 0), n) for i, n in enumerate(steps)]:
            raise ModelFileError(f"{checkpoint} counts {done} steps, of {steps} to be made. Start without resume")
    return history


def _check(inputs: tuple[Any, ...], labels: Any, told: bool) -> int:
    """Refuse inputs and labels that do not fit each other, or the network; returns the number of samples."""
    for x in inputs or ((),):
        if not isinstance(x, Tensor) or x.ndim == 0 or len(x) == 0:
            none = hasattr(x, "__len__") and len(x) == 0
            given = "0 inputs" if none else f"inputs of type {type(x).__name__}"
            raise InputError(f"{given}; expected a tensor of at least one")
    n = len(inputs[0])
    if any(len(x) != n for x in inputs):
        raise InputError(f"inputs of {', '.join(str(len(x)) for x in inputs)} samples; expected one number")
    if labels is not None and not (isinstance(labels, Tensor) and labels.shape == (n,)):
        raise InputError(f"labels of shape {tuple(np.shape(labels))}; expected a tensor of {n} integers")
    if labels is not None and not told:
        raise InputError("no layer hears labels; expected labels=None, or a layer with n_classes")
    return n


def _told(layer: Layer) -> bool:
    """Whether a layer hears labels."""
    return isinstance(layer, Nonnegative) and layer.V.shape[1] > 0


def _passed(before: nn.Module, layer: Layer, inputs: tuple[Tensor, ...], chosen: Tensor) -> list[Tensor]:
    """What the modules before a layer pass it of the chosen samples."""
    return [before(x[chosen].to(layer.M.device)) for x in inputs]


def _prepare(
    before: nn.Module, layer: Layer, inputs: tuple[Tensor, ...], pieces: tuple[Tensor, ...], reduce: Reduce | None
) -> None:
    sums: Statistics = {}
    for chosen in pieces:
        more = layer.survey(*_passed(before, layer, inputs, chosen))
        sums = {name: sums[name] + more[name] for name in more} if sums else more
    layer.begin_(sums if reduce is None else reduce(sums))


def _chain(network: nn.Module) -> Iterator[nn.Module]:
    if isinstance(network, nn.Sequential):
        for module in network:
            yield from _chain(module)
    else:
        yield network


def _crc(x: Tensor) -> int:
    return zlib.crc32(x.detach().cpu().contiguous().view(torch.uint8).numpy().data, x.ndim)


@contextmanager
def _bar(show: bool, total: int) -> Iterator[Callable[[int, int, list[float]], None]]:
    """What to call with the layer, the steps it made and its objectives so far."""
    if not show:
        yield lambda place, steps, values: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    text = TextColumn("layer {task.fields[layer]}  objective {task.fields[objective]}")
    columns = (text, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task("", total=total, layer=1, objective="")

        def advance(place: int, steps: int, values: list[float]) -> None:
            bars.update(task, advance=steps, layer=place + 1, objective=f"{values[-1]:.4g}" if values else "")

        yield advance
