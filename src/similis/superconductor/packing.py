"""A trained ensemble as plain arrays, and back."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray

from .._errors import ModelFileError
from .features import Coordinates
from .model import Ensemble
from .recall import Embedding, Recall
from .trunks import TRUNKS


def pack(ensemble: Ensemble) -> tuple[dict[str, NDArray], dict[str, Any]]:
    """Arrays, and which members they belong to."""
    where = ensemble.coordinates
    arrays = {"seen": where.seen, "levels": where.levels, "sizes": where.sizes}
    for i, (net, recall) in enumerate(ensemble.recalls):
        arrays |= {f"recall{i}.{name}": value for name, value in (recall.arrays() | _state(net)).items()}
    for i, (_, net) in enumerate(ensemble.trunks):
        arrays |= {f"trunk{i}.{name}": value for name, value in _state(net).items()}
    return arrays, {"n_recalls": len(ensemble.recalls), "trunks": [kind for kind, _ in ensemble.trunks]}


def unpack(arrays: dict[str, NDArray], meta: dict[str, Any], device: str) -> Ensemble:
    """The ensemble of :func:`pack`.

    Raises
    ------
    ModelFileError
        If the arrays do not fit together.
    """
    coordinates = Coordinates.__new__(Coordinates)
    coordinates.seen, coordinates.levels, coordinates.sizes = (arrays[k].copy() for k in ("seen", "levels", "sizes"))
    if int(coordinates.sizes.sum()) != len(coordinates.levels):
        raise ModelFileError("the ranks of the model file do not fit its elements; save the model again")
    recalls, trunks = [], []
    for i in range(meta["n_recalls"]):
        own = _own(arrays, f"recall{i}.")
        kept = {name: own.pop(name) for name in ("Z", "y", "coefficients", "sharpness")}
        net = Embedding(len(own["log_weight"]))
        net.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in own.items()})
        recalls.append(
            (net.to(device).eval(), Recall(kept["Z"], kept["y"], float(kept["sharpness"]), kept["coefficients"]))
        )
    for i, kind in enumerate(meta["trunks"]):
        net = TRUNKS[kind]()
        net.load_state_dict({n: torch.from_numpy(v.copy()) for n, v in _own(arrays, f"trunk{i}.").items()})
        trunks.append((kind, net.to(device).eval()))
    return Ensemble(coordinates, recalls, trunks, device)


def _own(arrays: dict[str, NDArray], prefix: str) -> dict[str, NDArray]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _state(net: Any) -> dict[str, NDArray]:
    return {name: value.cpu().numpy() for name, value in net.state_dict().items()}
