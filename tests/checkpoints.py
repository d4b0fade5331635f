"""Checkpoints that forged files are made of: of layers, of fits that were not finished, and of fits of Dask arrays."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from tests.laws.estimators import X, Y

from similis import NOMAD, CriticalTemperatureRegressor, OnlineCCA
from similis._errors import ModelFileError
from similis.estimators import _unfinished
from similis.superconductor import known

ROWS = X[:20]
IMAGES = np.abs(np.random.default_rng(0).standard_normal((20, 1, 6, 6))).astype(np.float32)
LABELS = np.arange(20) % 3
#: below this, what a layer hears: all layers of a network together may leave single precision, as those of PyTorch may
ORDINARY = 1e6
SOLVERS = ("convex", "conditional-gradient", "low-rank")
FORMULAS = tuple(column[:30] for column in known()[:2])
#: how a file is written, read, and used
Target = tuple[Callable[[Path], None], Callable[[Path], Any], Callable[[Path, Any], None]]


class KilledError(Exception):
    """What ends the work that leaves a checkpoint behind."""


def targets(finite: Callable[[str, Any], None], allowed: Callable[[], Any]) -> dict[str, Target]:
    """By name."""
    fits: dict[str, tuple[Callable[..., Any], int]] = {
        f"unfinished-{solver}": (partial(_embedding, solver), 9) for solver in SOLVERS
    } | {"unfinished-tc": (_temperatures, 6), "distributed": (_blocks, 4)}
    found: dict[str, Target] = {
        name: (partial(_interrupted, fit, at), partial(_resumed, fit, allowed), partial(_checked, finite, allowed))
        for name, (fit, at) in fits.items()
    }
    return found | {"layers": (_trained, _loaded, partial(_used, finite, allowed))}


# a training of layers ------------------------------------------------------------------------------------------------


def _network() -> Any:
    import torch

    from similis import nn

    return torch.nn.Sequential(
        nn.ConvSimilarityMatching(1, 3, 3, whiten=0.1), torch.nn.MaxPool2d(2),
        nn.SupervisedConvSimilarityMatching(3, 4, 2, 3), torch.nn.Flatten(), torch.nn.BatchNorm1d(4),
        nn.SimilarityMatching(4, 2),
    ).eval()  # fmt: skip


def _train(path: Path, network: Any, **more: Any) -> Any:
    import torch

    from similis import nn

    data = torch.from_numpy(IMAGES), torch.from_numpy(LABELS)
    return nn.train(network, *data, batch_size=5, epochs=2, checkpoint=path, checkpoint_every=1, **more)


def _trained(path: Path) -> None:
    count = iter(range(14))  # of 24 batches, and the sums before them

    def last(sums: Any) -> Any:
        if next(count, None) is None:
            raise KilledError
        return sums

    try:
        _train(path, _network(), reduce=last)
    except KilledError:
        return


def _loaded(path: Path) -> Any:
    from similis import nn

    network = _network()
    return network, nn.load_checkpoint(network, path)


def _used(finite: Callable[[str, Any], None], allowed: Callable[[], Any], path: Path, loaded: Any) -> None:
    import torch

    from similis import nn

    def heard(layer: Any, inputs: Any, outputs: Any) -> None:
        if float(inputs[0].abs().max()) < ORDINARY:  # nan, too, is not
            finite(f"forward of {type(layer).__name__}", outputs.detach().numpy())

    network, _ = loaded
    images = torch.from_numpy(IMAGES)
    for layer in network:
        if type(layer).__module__.startswith(nn.__name__):
            layer.register_forward_hook(heard)
    with allowed():
        network(images)
    with allowed():
        for values in _train(path, network, resume=True):
            finite("objective", np.array(values))
        network(images)


# fits that were not finished -----------------------------------------------------------------------------------------


def _embedding(solver: str, path: Path, **words: Any) -> Any:
    return NOMAD(4, solver=solver, random_state=0, tol=1e-3, max_iter=60).fit(ROWS, checkpoint=path, **words)


def _temperatures(path: Path, **words: Any) -> Any:
    members = {"kernel": 1, "recall": 1, "connected": 1}
    model = CriticalTemperatureRegressor(members, epochs=1, random_state=0)
    return model.fit(*FORMULAS, checkpoint=path, **words)


def _blocks(path: Path, **words: Any) -> Any:
    import dask
    import dask.array as da

    from similis import distributed

    views = (da.from_array(part, chunks=(40, -1)) for part in (X, Y))
    with dask.config.set(scheduler="synchronous"):
        return distributed.fit(
            OnlineCCA(2, random_state=0), *views, round_rows=20, checkpoint=path, checkpoint_every=1, **words
        )


def _interrupted(fit: Callable[..., Any], at: int, path: Path) -> None:
    """Leave behind what a fit keeps: it is killed as it has kept its state, or made a step, so many times."""
    count = iter(range(at - 1))

    def killed(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **words: Any) -> None:
            method(*args, **words)
            if next(count, None) is None:
                raise KilledError

        return call

    with (
        mock.patch.object(_unfinished.Unfinished, "put", killed(_unfinished.Unfinished.put)),
        mock.patch.object(OnlineCCA, "_advance", killed(OnlineCCA._advance)),
        mock.patch.object(_unfinished, "EVERY", 0.0),
    ):
        try:
            fit(path)
        except KilledError:
            return


def _resumed(fit: Callable[..., Any], allowed: Callable[[], Any], path: Path) -> Any:
    """Go on from a file, which is read as it is used."""
    refused, model = None, None
    with allowed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = fit(path, resume=True)
        except ModelFileError as error:
            refused = error
    if refused:
        raise refused
    return model


def _checked(finite: Callable[[str, Any], None], allowed: Callable[[], Any], path: Path, model: Any) -> None:
    with allowed():
        if isinstance(model, NOMAD):
            finite("embedding_", model.embedding_)
            finite("objective_", model.objective_)
        elif isinstance(model, OnlineCCA):
            finite("transform", model.transform(X, Y))
        elif model is not None:
            finite("predict", model.predict(FORMULAS[0]))
