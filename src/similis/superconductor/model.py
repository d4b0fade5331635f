"""The ensemble: recalls and networks that answer together, on atomic fractions."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import NDArray

from .._errors import DivergenceError, InputError
from .._kept import Kept
from .._orphans import end_with
from .conformal import FEWEST, Errors
from .features import Coordinates
from .recall import Kernel, Recall
from .similarity import Similarity, learn
from .table import Table, folds
from .trunks import answer, train_trunk
from .weights import weights_of

UNIT = 30.0  # kelvin in a unit of the first target
MEMBERS = ("kernel", "recall", "attention", "connected", "convolutional")
#: how sharply a predicted Tc tells what is above the threshold
_LOGISTIC_SLOPE = 5
#: how often an answer counts, for Tc and the two classes
_MEMBER_WEIGHTS = {"kernel": (8, 3, 3)}


def check_members(members: Any) -> None:
    """Refuse what is no count of each kind of member."""
    counts = members.items() if isinstance(members, Mapping) else [(None, members)]
    if not any(n for _, n in counts) or any(name not in MEMBERS or type(n) is not int or n < 0 for name, n in counts):
        raise InputError(f"members={members!r}; expected counts of {', '.join(MEMBERS)}")


def targets(tc: NDArray, threshold: float) -> NDArray[np.float64]:
    """(n, 3): Tc / 30 K (nan where none is reported), whether one is, whether it is above the threshold."""
    return np.stack([np.where(tc > 0, tc / UNIT, np.nan), tc > 0, tc > threshold], 1).astype(float)


class Known:
    """A reading of the known compositions, and the similarity that places a query among them."""

    def __init__(self, net: Similarity, reading: Any, device: str = "cpu") -> None:
        self.net, self.reading, self.device = net, reading, device

    def place(self, c: NDArray) -> NDArray[np.float32]:
        with torch.inference_mode():
            return self.net(torch.from_numpy(c).to(self.device)).cpu().numpy()

    def __call__(self, c: NDArray) -> NDArray[np.float64]:
        return self.reading(self.place(c))

    def without(self, kept: NDArray) -> Known:
        """The same similarity, with only some of the compositions known."""
        return Known(self.net, self.reading.without(kept), self.device)


class Ensemble:
    """Members by name, how many of each, and the mean of their answers.

    That Tc is above the threshold is said in two ways, of which the mean is taken: as a class of its own, and as
    ``P(a Tc is reported) / (1 + ((threshold + 1 K) / (Tc + 1 K))^5)``.

    A ``kernel`` is two similarities for Tc among the superconductors, one that sees no groups of elements and one that
    is gated, and one for the classes among all.
    """

    def __init__(
        self, coordinates: Coordinates, kernels: list[tuple[Known, Known, Known]], recalls: list[Known],
        trunks: list[tuple[str, Any]], threshold: float, device: str,
    ) -> None:  # fmt: skip
        self.coordinates, self.kernels, self.recalls, self.trunks = coordinates, kernels, recalls, trunks
        self.threshold, self.device = threshold, device

    def __call__(self, X: NDArray) -> NDArray[np.float64]:
        """(n, 3): Tc in kelvin, P(a Tc is reported), P(Tc above the threshold)."""
        tc, reported, above = _finite(mean(self.apart(X))).T
        by_tc = reported / (1 + ((self.threshold + 1) / (tc + 1)) ** _LOGISTIC_SLOPE)
        return np.stack([tc, reported, (above + by_tc) / 2], 1)

    def apart(self, X: NDArray) -> dict[str, NDArray[np.float64]]:
        """The same of every member by itself."""
        found: dict[str, NDArray] = {}
        if self.kernels or self.recalls:  # a scout has neither: coordinates would be most of its time
            c = self.coordinates(X)
        for i, (plain, gated, classes) in enumerate(self.kernels):
            found[f"kernel{i}"] = np.concatenate([np.mean([plain(c), gated(c)], 0), classes(c)], 1)
        found |= {f"recall{i}": member(c) for i, member in enumerate(self.recalls)}
        found |= {f"{kind}{i}": answer(net, X, self.device) for i, (kind, net) in enumerate(self.trunks)}
        return {
            name: np.stack([UNIT * np.maximum(own[:, 0], 0), *np.clip(own[:, 1:], 0, 1).T], 1)
            for name, own in found.items()
        }

    def surroundings(self, X: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """(n,) each: distance to the nearest superconductor, kelvin by which those around differ, and whether none has
        just these elements."""
        plain, seen = self.kernels[0][0], self.coordinates.seen
        z = plain.place(self.coordinates(X))
        known = {row.tobytes() for row in plain.reading.Z[:, : len(seen)] > 0}  # scales are 0 for what is absent
        unseen_element = np.delete(X, seen, 1).any(1)
        apart = np.array([row.tobytes() not in known for row in X[:, seen] > 0], bool) | unseen_element
        nearest, spread = plain.reading.around(z)
        return _finite(nearest), _finite(UNIT * spread), apart


def _finite(answers: NDArray) -> NDArray:
    """The answers, if they are numbers.

    Raises
    ------
    DivergenceError
        If they are not.
    """
    if np.isnan(answers).any():
        raise DivergenceError("the weights are too large: an answer left the range of floats. Fit again")
    return answers


def mean(answers: Mapping[str, NDArray]) -> NDArray[np.float64]:
    """Of the members' answers, by their weights."""
    weights = np.array([_MEMBER_WEIGHTS.get(name.rstrip("0123456789"), (1, 1, 1)) for name in answers])
    columns = range(next(iter(answers.values())).shape[1])
    each = np.array(list(answers.values()))
    return np.stack([np.average(each[:, :, j], 0, weights[:, j]) for j in columns], 1)


def train(
    X: NDArray, tc: NDArray, systems: NDArray, *, members: Mapping[str, int], threshold: float, epochs: int,
    seed: int, device: str = "cpu", n_jobs: int | None = None, keep: Kept | None = None,
) -> Ensemble:  # fmt: skip
    """Train every member on all rows; the same to the last bit, however many do so side by side.

    ``epochs`` is for the networks; a kernel learns each similarity in 7.5 steps an epoch, the gated one in 15, a recall
    in half an epoch. ``keep`` keeps the weights of each as soon as they are learned.
    """
    check_members(members)
    coordinates, y, superconducting = Coordinates(X), targets(tc, threshold), np.flatnonzero(tc > 0)
    c = coordinates(X)
    of_tc = (
        coordinates,
        c[superconducting],
        y[superconducting, :1],
        np.median(y[superconducting, :1], 0),
        systems[superconducting],
    )
    of_classes = (coordinates, c, y[:, 1:], y[:, 1:].mean(0), systems)
    few, passes = 15 * epochs // 2, max(20, epochs * len(X) // (2 * 512))
    numbered = [(kind, i) for kind in MEMBERS for i in range(members.get(kind, 0))]
    jobs: dict[str, tuple[Callable, tuple, dict[str, Any]]] = {}
    for kind, i in numbered:
        if kind == "kernel":
            jobs |= {
                f"kernel{i}.0": (_kernel, of_tc, {"seed": seed + i, "steps": few, "groups": False}),
                f"kernel{i}.1": (_kernel, of_tc, {"seed": seed + i, "steps": 2 * few, "gated": True}),
                f"kernel{i}.2": (_kernel, of_classes, {"seed": seed + i, "steps": few}),
            }
        elif kind == "recall":
            jobs[f"recall{i}"] = (_recall, (coordinates, c, y, systems), {"seed": seed + 50 + i, "steps": passes})
        else:
            jobs[f"{kind}{i}"] = (train_trunk, (kind, X, y), {"seed": seed + 100 + i, "epochs": epochs})
    done = _side_by_side(jobs, device, n_jobs, keep or Kept())
    kernels = [tuple(done[f"kernel{i}.{j}"] for j in range(3)) for kind, i in numbered if kind == "kernel"]
    recalls = [done[f"recall{i}"] for kind, i in numbered if kind == "recall"]
    trunks = [(kind, done[f"{kind}{i}"]) for kind, i in numbered if kind in MEMBERS[2:]]
    return Ensemble(coordinates, kernels, recalls, trunks, threshold, device)


def _side_by_side(
    jobs: dict[str, tuple[Callable, tuple, dict[str, Any]]], device: str, n_jobs: int | None, keep: Kept
) -> dict[str, Any]:
    """What functions return, each in a process; the weights of what has been learned are kept, and found."""
    words: dict[str, dict[str, Any]] = {}
    for name in jobs:
        held = keep.found(name)
        words[name] = {"device": device} if held is None else {"device": device, "learned": _weights(held)}
    n_jobs = min(effective_n_jobs(n_jobs), len(jobs))  # no process without work
    calls = (delayed(_named)(name, *jobs[name], words[name]) for name in jobs)
    done: dict[str, Any] = {}
    with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):  # the caller's state stays
        # copy on write: PyTorch warns of arrays that it must not write to
        how = {"mmap_mode": "c", "initializer": end_with, "initargs": (os.getpid(),)}
        for name, one in Parallel(n_jobs, backend="loky", return_as="generator_unordered", **how)(calls):
            done[name] = one
            if "learned" not in words[name]:
                keep.put(name, weights_of(getattr(one, "net", one)), {})
    return done


def _weights(held: Any) -> dict[str, NDArray]:
    return {name: held.array(name, *held.shape(name), dtype=(np.float32, np.int64)) for name in held.arrays()}


def _named(name: str, function: Callable, args: tuple, words: dict[str, Any], more: dict[str, Any]) -> tuple[str, Any]:
    return name, function(*args, **words, **more)


def _kernel(where: Coordinates, c: NDArray, y: NDArray, centre: NDArray, systems: NDArray, **words: Any) -> Known:
    net = learn("kernel", where, c, y - centre, systems, **words)
    member = Known(net, None, words["device"])
    member.reading = Kernel(member.place(c), y, centre, net.ridge.item())
    return member


def _recall(where: Coordinates, c: NDArray, y: NDArray, systems: NDArray, **words: Any) -> Known:
    member = Known(learn("recall", where, c, y, systems, **words), None, words["device"])
    member.reading = Recall(member.place(c), y)
    return member


def calibrate(ensemble: Ensemble, data: Table, seed: int) -> Errors | None:
    """Errors on compositions held out of what is known, a quarter at random and a quarter by element system.

    Where these are too few, further quarters at random follow. Similarities stay as they were learned, other members
    are left out; with fewer than 40 rows that have a Tc, None.
    """
    rows = np.flatnonzero(data.tc > 0)
    if len(rows) < 40:
        return None
    superconducting, columns = data.where(data.tc > 0), []
    quarters = folds(superconducting, "random", 4, seed)
    splits = [next(quarters)]
    if (superconducting.systems != superconducting.systems[0]).any():
        splits.append(next(folds(superconducting, "system", 4, seed)))
    while sum(len(held) for _, held in splits) < FEWEST:
        splits.append(next(quarters))
    c = ensemble.coordinates(superconducting.fractions)
    for kept, held in splits:
        left = np.delete(np.arange(len(data.tc)), rows[held])  # a recall knows normal materials, too
        kernels = [[half.without(kept) for half in halves] for *halves, _ in ensemble.kernels]
        said = {f"kernel{i}": np.mean([half(c[held]) for half in halves], 0) for i, halves in enumerate(kernels)}
        said |= {f"recall{i}": own.without(left)(c[held])[:, :1] for i, own in enumerate(ensemble.recalls)}
        tc, first = UNIT * np.maximum(mean(said)[:, 0], 0), kernels[0][0]
        nearest, spread = first.reading.around(first.place(c[held]))
        apart = ~np.isin(superconducting.systems[held], superconducting.systems[kept])
        columns.append((tc, nearest, UNIT * spread, apart, abs(tc - superconducting.tc[held])))
    return Errors(*(np.concatenate(column) for column in zip(*columns, strict=True)))
