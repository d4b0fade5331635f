"""The ensemble: recalls and networks that answer together, on atomic fractions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .._errors import InputError
from .conformal import Errors
from .features import Coordinates
from .recall import Recall, train_embedding
from .table import Table, folds
from .trunks import answer, train_trunk

UNIT = 30.0  # kelvin in a unit of the first target
MEMBERS = ("recall", "attention", "connected", "convolutional")
#: how often an answer counts, for Tc and the two classes: recalls err less in Tc
_VOICES = {"recall": (2, 1, 1)}


def targets(tc: NDArray, threshold: float) -> NDArray[np.float64]:
    """(n, 3): Tc / 30 K (nan where none is reported), whether one is, whether it is above the threshold."""
    return np.stack([np.where(tc > 0, tc / UNIT, np.nan), tc > 0, tc > threshold], 1).astype(float)


class Ensemble:
    """Members by name, how many of each, and the mean of their answers."""

    def __init__(
        self, coordinates: Coordinates, recalls: list[Any], trunks: list[tuple[str, Any]], device: str
    ) -> None:
        self.coordinates, self.recalls, self.trunks, self.device = coordinates, recalls, trunks, device

    def embed(self, X: NDArray, member: int = 0) -> NDArray[np.float32]:
        """Where the similarity of a recall places compositions."""
        net = self.recalls[member][0]
        with torch.inference_mode():
            return net(torch.from_numpy(self.coordinates(X)).to(self.device)).cpu().numpy()

    def __call__(self, X: NDArray) -> NDArray[np.float64]:
        """(n, 3): Tc in kelvin, P(a Tc is reported), P(Tc above the threshold)."""
        answers = self.apart(X)
        voices = np.array([_VOICES.get(name.rstrip("0123456789"), (1, 1, 1)) for name in answers])
        return np.average(list(answers.values()), 0, np.repeat(voices[:, None], len(X), 1))

    def apart(self, X: NDArray) -> dict[str, NDArray[np.float64]]:
        """The same of every member by itself."""
        found = {f"recall{i}": recall(self.embed(X, i)) for i, (_, recall) in enumerate(self.recalls)}
        found |= {f"{kind}{i}": answer(net, X, self.device) for i, (kind, net) in enumerate(self.trunks)}
        return {
            name: np.stack([UNIT * np.maximum(own[:, 0], 0), *np.clip(own[:, 1:], 0, 1).T], 1)
            for name, own in found.items()
        }

    def nearest(self, X: NDArray) -> NDArray[np.float64]:
        """(n,) distance to the nearest known superconductor, under the first recall's similarity."""
        return self.recalls[0][1].nearest(self.embed(X))

    def usual(self, systems: NDArray, share: float) -> float:
        """Distance to the next superconductor of another element system that this share of the known keeps within."""
        return float(np.quantile(self.recalls[0][1].between(systems), share))


def train(
    X: NDArray, tc: NDArray, systems: NDArray, *, members: Mapping[str, int], threshold: float, epochs: int,
    seed: int, device: str = "cpu",
) -> Ensemble:  # fmt: skip
    """Train every member on all rows.

    ``epochs`` is for the networks; a recall learns its similarity in a quarter as many passes.
    """
    if not members or any(name not in MEMBERS or count < 0 for name, count in members.items()):
        raise InputError(f"members={dict(members)!r}; expected counts of {', '.join(MEMBERS)}")
    coordinates, y = Coordinates(X), targets(tc, threshold)
    c, recalls, trunks = coordinates(X), [], []
    steps = max(20, epochs * len(X) // (4 * 512))
    with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):  # the caller's state stays
        for i in range(members.get("recall", 0)):
            net = train_embedding(c, y, systems, seed=seed + i, steps=steps, device=device)
            ensemble = Ensemble(coordinates, [(net, None)], [], device)
            recalls.append((net, Recall(ensemble.embed(X), y, float(net.log_sharpness.detach().exp()))))
        for kind in MEMBERS[1:]:
            for i in range(members.get(kind, 0)):
                trunks.append((kind, train_trunk(kind, X, y, seed=seed + 100 + i, epochs=epochs, device=device)))
    return Ensemble(coordinates, recalls, trunks, device)


def calibrate(ensemble: Ensemble, data: Table, seed: int) -> Errors | None:
    """Errors on compositions held out of the recalls, a quarter at random and a quarter by element system.

    Similarities stay as they were learned, other members are left out; with fewer than 40 rows that have a Tc, None.
    """
    warm = data.where(data.tc > 0)
    if len(warm.tc) < 40:
        return None
    y = warm.tc[:, None] / UNIT
    z = [ensemble.embed(warm.fractions, i) for i in range(len(ensemble.recalls))]
    columns = []
    for kind in ("random", "system"):
        kept, held = next(folds(warm, kind, 4, seed))
        again = [
            Recall(place[kept], y[kept], recall.sharpness)
            for place, (_, recall) in zip(z, ensemble.recalls, strict=True)
        ]
        tc = UNIT * np.mean([recall(place[held])[:, 0] for recall, place in zip(again, z, strict=True)], 0)
        columns.append((tc, again[0].nearest(z[0][held]), abs(np.maximum(tc, 0) - warm.tc[held])))
    return Errors(*(np.concatenate(column) for column in zip(*columns, strict=True)))
