"""Cross-validation of the networks beside the forest, fold by fold, each kept on disk as soon as it is done."""

from __future__ import annotations

import hashlib
import inspect
import os
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from .. import superconductor
from .._orphans import end_with
from ..datasets import cache_folder, load_supercon
from ..superconductor import Table, folds, supercon

#: the estimator's defaults
SETTINGS: dict[str, Any] = {"members": {"kernel": 1, "recall": 1, "attention": 1}, "threshold": 10.0, "epochs": 40}
COVERAGE = 0.9
PAPER = ("connected", "convolutional")  # the paper's two kinds of networks, on the first fold of each split

_LINES = ("table", "features", "similarity", "recall", "trunks", "model", "conformal", "forest", "../kernels/cityblock")

Fold = dict[str, NDArray]


def run(kinds: dict[str, tuple[int, ...]], *, merge: bool = True) -> dict[tuple[str, int], list[Fold]]:
    """All folds of each (kind of split, seed); those on disk from an earlier, interrupted run are not made again.

    Without merging, rows of one composition are on both sides, and the first fold of five alone is made.
    """
    data, _ = supercon(*load_supercon(), merge=merge)
    folder = cache_folder() / "tc" / _digest()
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [
        (kind, seed, number, train, test)
        for kind, seeds in kinds.items()
        for seed in seeds
        for number, (train, test) in enumerate(folds(data, kind, seed=seed))  # type: ignore[arg-type]
        if merge or not number
    ]
    done = Parallel(os.cpu_count() or 1, initializer=end_with, initargs=(os.getpid(),))(
        delayed(_kept)(
            folder / f"{'' if merge else 'copies-'}{kind}-{seed}-{number}.npz", data, train, test, seed,
            merge and kind != "family" and (seed, number) == (kinds[kind][0], 0),
        )
        for kind, seed, number, train, test in jobs
    )  # fmt: skip
    found: dict[tuple[str, int], list[Fold]] = {}
    for (kind, seed, *_), fold in zip(jobs, done, strict=True):
        found.setdefault((kind, seed), []).append(fold)
    return found


def _kept(path: Path, data: Table, train: NDArray, test: NDArray, seed: int, paper: bool) -> Fold:
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(draft, **_one(data, train, test, seed, paper))  # type: ignore[arg-type]
        draft.replace(path)
    with np.load(path) as stored:
        return dict(stored)


def _one(data: Table, train: NDArray, test: NDArray, seed: int, paper: bool) -> Fold:
    """Answers of every model to the test rows of a fold; joblib leaves its workers one thread each."""
    from ..superconductor import model
    from ..superconductor.forest import Forest, neighbours

    known, asked = (
        data.where(np.isin(np.arange(len(data.tc)), train)),
        data.where(np.isin(np.arange(len(data.tc)), test)),
    )
    X = asked.fractions
    forest = Forest(known, threshold=SETTINGS["threshold"], seed=seed)
    ensemble = model.train(known.fractions, known.tc, known.systems, seed=seed, **SETTINGS)
    errors = model.calibrate(ensemble, known, seed)
    if errors is None:
        raise RuntimeError("a fold of SuperCon has thousands of rows with a Tc")
    answers, around = ensemble(X), ensemble.surroundings(X)
    found = {
        "tc": asked.tc, "family": asked.families, "ours": answers, "forest": forest(X),
        "neighbours": neighbours(known, X), "half": errors.half_width(answers[:, 0], *around, COVERAGE),
        "forest-half": forest.half_width(X, COVERAGE),
    }  # fmt: skip
    found |= {f"member-{name}": answer for name, answer in ensemble.apart(X).items()}
    for kind in PAPER if paper else ():
        words = SETTINGS | {"members": {kind: 1}}
        found[f"member-{kind}"] = model.train(known.fractions, known.tc, known.systems, seed=seed, **words)(X)
    return found


def _digest() -> str:
    """Of the settings and of every line that answers come from: folds of other code are other folds."""
    room = Path(inspect.getfile(superconductor)).parent
    text = repr(sorted(SETTINGS.items())) + "".join((room / f"{name}.py").read_text("utf-8") for name in _LINES)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
