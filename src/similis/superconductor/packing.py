"""A trained ensemble as plain arrays, and back."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray

from .._errors import ModelFileError
from .features import Coordinates
from .model import Ensemble, Known
from .recall import Kernel, Recall
from .similarity import Reading, Similarity
from .trunks import TRUNKS


def pack(ensemble: Ensemble) -> tuple[dict[str, NDArray], dict[str, Any]]:
    """Arrays, and which members they belong to."""
    where = ensemble.coordinates
    arrays = {"seen": where.seen, "levels": where.levels, "sizes": where.sizes}
    known = {f"kernel{i}.{j}.": own for i, kernel in enumerate(ensemble.kernels) for j, own in enumerate(kernel)}
    known |= {f"recall{i}.": member for i, member in enumerate(ensemble.recalls)}
    for prefix, member in known.items():
        arrays |= {prefix + name: value for name, value in (member.reading.arrays() | _state(member.net)).items()}
    for i, (_, net) in enumerate(ensemble.trunks):
        arrays |= {f"trunk{i}.{name}": value for name, value in _state(net).items()}
    counts = {"n_kernels": len(ensemble.kernels), "n_recalls": len(ensemble.recalls)}
    return arrays, counts | {"trunks": [kind for kind, _ in ensemble.trunks], "threshold": ensemble.threshold}


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
    kernels = []
    for i in range(meta["n_kernels"]):
        own = [_own(arrays, f"kernel{i}.{j}.") for j in range(3)]
        warm, gated, classes = (_known(part, "kernel", coordinates, device) for part in own)
        kernels.append((warm, gated, classes))
    recalls = [_known(_own(arrays, f"recall{i}."), "recall", coordinates, device) for i in range(meta["n_recalls"])]
    trunks = []
    for i, kind in enumerate(meta["trunks"]):
        net = TRUNKS[kind]()
        net.load_state_dict({n: torch.from_numpy(v.copy()) for n, v in _own(arrays, f"trunk{i}.").items()})
        trunks.append((kind, net.to(device).eval()))
    return Ensemble(coordinates, kernels, recalls, trunks, meta["threshold"], device)


def _known(own: dict[str, NDArray], reading: Reading, where: Coordinates, device: str) -> Known:
    Z, y = own.pop("Z"), own.pop("y")
    if reading == "kernel":
        found: Any = Kernel(Z, y, own.pop("centre"), float(own.pop("ridge")[0]), own.pop("coefficients"))
    else:
        found = Recall(Z, y)
    net = Similarity(where.axis, where.kind, reading, gated=any(name.startswith("gate.") for name in own))
    net.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in own.items()})
    return Known(net.to(device).eval(), found, device)


def _own(arrays: dict[str, NDArray], prefix: str) -> dict[str, NDArray]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _state(net: Any) -> dict[str, NDArray]:
    return {name: value.cpu().numpy() for name, value in net.state_dict().items()}
