"""A trained ensemble as plain arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import ModelFileError
from .elements import ELEMENTS
from .features import Coordinates
from .model import MEMBERS, Ensemble, Known
from .recall import N_CURVED, Kernel, Recall
from .similarity import Reading, Similarity
from .trunks import TRUNKS
from .weights import filled, weights_of

#: the three similarities of a kernel: how many targets each has, and whether it is gated
_KERNEL = ((1, False), (1, True), (2, False))
#: how large coordinates may be: distances then stay within single precision. What is learned stays below 30
_FAR = 1e15


def pack(ensemble: Ensemble, prefix: str = "") -> dict[str, NDArray]:
    """Arrays by name."""
    where = ensemble.coordinates
    arrays = {"seen": where.seen, "levels": where.levels, "sizes": where.sizes}
    known = {f"kernel{i}.{j}.": own for i, kernel in enumerate(ensemble.kernels) for j, own in enumerate(kernel)}
    known |= {f"recall{i}.": member for i, member in enumerate(ensemble.recalls)}
    for name, member in known.items():
        arrays |= {name + key: value for key, value in (member.reading.arrays() | weights_of(member.net)).items()}
    for i, (_, net) in enumerate(ensemble.trunks):
        arrays |= {f"trunk{i}.{key}": value for key, value in weights_of(net).items()}
    return {prefix + name: value for name, value in arrays.items()}


def unpack(file: Any, members: Mapping[str, int], threshold: float, device: str, prefix: str = "") -> Ensemble:
    """The ensemble of :func:`pack`.

    Parameters
    ----------
    file : what hands out the arrays of a model file, each checked (``similis._schema.Stored``)
    members : how many of each, as they were trained

    Raises
    ------
    ModelFileError
        If the arrays do not fit together.
    """
    where = Coordinates.__new__(Coordinates)
    where.seen = file.array(f"{prefix}seen", f"{prefix}seen", dtype=np.int64, low=0)
    where.levels = file.array(f"{prefix}levels", f"{prefix}levels", dtype=np.float64, largest=1e9)
    where.sizes = file.array(f"{prefix}sizes", f"{prefix}axes", dtype=np.int64, low=1)
    known = len(where.seen) and where.seen[-1] < len(ELEMENTS) and (np.diff(where.seen) > 0).all()
    if not known or len(where.sizes) != where.n_axes or where.sizes.sum() != len(where.levels):
        raise ModelFileError("the ranks of the model file do not fit its elements; save the model again")
    kernels, recalls = [], []
    trunks: list[tuple[str, Any]] = []
    for i in range(members.get("kernel", 0)):
        plain, gated, classes = (
            _known(file, f"{prefix}kernel{i}.{j}.", "kernel", where, columns, gate, device)
            for j, (columns, gate) in enumerate(_KERNEL)
        )
        kernels.append((plain, gated, classes))
    for i in range(members.get("recall", 0)):
        recalls.append(_known(file, f"{prefix}recall{i}.", "recall", where, 3, False, device))
    for kind in MEMBERS[2:]:
        for _ in range(members.get(kind, 0)):
            net = _filled(file, f"{prefix}trunk{len(trunks)}.", TRUNKS[kind](), device)
            trunks.append((kind, net))
    return Ensemble(where, kernels, recalls, trunks, threshold, device)


def _known(
    file: Any, prefix: str, reading: Reading, where: Coordinates, columns: int, gated: bool, device: str
) -> Known:
    rows, axis = f"{prefix}rows", where.axis
    Z = file.array(f"{prefix}Z", rows, int(axis.max()) + 1 + N_CURVED, dtype=np.float32, largest=_FAR)
    y = file.array(f"{prefix}y", rows, columns, dtype=np.float64, missing=reading == "recall", largest=1e9)
    if not len(Z):
        raise ModelFileError("a member of the ensemble knows no composition")
    found: Any = Recall(Z, y)
    if reading == "kernel":
        centre = file.array(f"{prefix}centre", columns, dtype=np.float64, largest=1e9)
        ridge = float(file.array(f"{prefix}ridge", 1, dtype=np.float64, low=0)[0])
        found = Kernel(Z, y, centre, ridge, file.array(f"{prefix}coefficients", rows, columns, dtype=np.float32))
    return Known(_filled(file, prefix, Similarity(axis, where.kind, reading, gated=gated), device), found, device)


def _filled(file: Any, prefix: str, net: Any, device: str) -> Any:
    """The network with the arrays of the file."""
    shapes = {name: (tuple(tensor.shape), tensor.cpu().numpy().dtype) for name, tensor in net.state_dict().items()}
    arrays = {name: file.array(prefix + name, *shape, dtype=dtype) for name, (shape, dtype) in shapes.items()}
    return filled(net, arrays).to(device)
