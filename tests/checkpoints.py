"""Checkpoints that forged files are made of: of a training of layers, and of fits that were not finished."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from tests.laws.estimators import X

from similis import NOMAD
from similis._errors import ModelFileError
from similis.estimators import _unfinished

ROWS = X[:40]
IMAGES = np.abs(np.random.default_rng(0).standard_normal((40, 1, 6, 6))).astype(np.float32)
LABELS = np.arange(40) % 3
SOLVERS = ("convex", "conditional-gradient", "low-rank")
#: how a file is written, read, and used
Target = tuple[Callable[[Path], None], Callable[[Path], Any], Callable[[Path, Any], None]]


class KilledError(Exception):
    """What ends the work that leaves a checkpoint behind."""


def targets(finite: Callable[[str, Any], None], allowed: Callable[[], Any]) -> dict[str, Target]:
    """By name."""
    found: dict[str, Target] = {
        f"unfinished-{solver}": (
            partial(_interrupted, solver), partial(_resumed, solver, finite, allowed), lambda path, done: None
        ) for solver in SOLVERS
    }  # fmt: skip
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
    return nn.train(network, *data, batch_size=10, epochs=2, checkpoint=path, checkpoint_every=1, **more)


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

    network, _ = loaded
    images = torch.from_numpy(IMAGES)
    with allowed():
        finite("forward", network(images).numpy())
    with allowed():
        for values in _train(path, network, resume=True):
            finite("objective", np.array(values))
        finite("forward", network(images).numpy())


# fits that were not finished -----------------------------------------------------------------------------------------


def _model(solver: str) -> NOMAD:
    return NOMAD(4, solver=solver, random_state=0, tol=1e-3, max_iter=60)


def _interrupted(solver: str, path: Path) -> None:
    put, count = _unfinished.Unfinished.put, iter(range(8))

    def last(*args: Any, **words: Any) -> None:
        put(*args, **words)
        if next(count, None) is None:
            raise KilledError

    with mock.patch.object(_unfinished.Unfinished, "put", last), mock.patch.object(_unfinished, "EVERY", 0.0):
        try:
            _model(solver).fit(ROWS, checkpoint=path)
        except KilledError:
            return


def _resumed(solver: str, finite: Callable[[str, Any], None], allowed: Callable[[], Any], path: Path) -> None:
    """Go on from a file, which is read as it is used."""
    refused = None
    with allowed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = _model(solver).fit(ROWS, checkpoint=path, resume=True)
        except ModelFileError as error:
            refused = error
        else:
            finite("embedding_", model.embedding_)
            finite("objective_", model.objective_)
    if refused:
        raise refused
