"""Fitting an estimator to Dask collections, in rounds: workers settle and sum, then one step is made for all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._errors import InputError
from .._optional import require
from .._schema import Stored
from .._values import Whole, check
from ..estimators._admit import column_names
from ..estimators._estimator import unchanged_on_error
from ..estimators._labels import admit_labels, merged, one_hot
from ..estimators._params import SHARED, check_kinds, passes
from ..estimators.persist import load_with_progress, save
from .blocks import Blocks, as_array, head
from .rounds import Rounds

#: what can learn from sums over rows; the others keep more than sums (frames, tiles, totals) or learn a table at once
ESTIMATORS = (
    "SimilarityMatching", "NonnegativeSimilarityMatching", "SupervisedSimilarityMatching", "ManifoldTiling",
    "OnlineCCA", "CircuitTransformer",
)  # fmt: skip


def fit(
    estimator: Any, X: Any, Y: Any = None, *, n_epochs: int | str | None = None, round_rows: int = 1000,
    checkpoint: str | os.PathLike | None = None, checkpoint_every: int = 10, resume: bool = False, client: Any = None,
) -> Any:  # fmt: skip
    """Fit an estimator to rows that lie in a Dask array or dataframe.

    One pass finds mean and scale. Then learning goes in rounds of ``round_rows`` rows, one after the other: the workers
    settle the rows of their blocks against the same weights and return sums (as large as the weights, whatever the
    number of rows); every rule makes one step with its average over the round. That is ``similis.engine.batch`` with
    ``batch=round_rows``: the weights do not depend on the number of workers.

    Rows are learned in their order, whatever the estimator's ``shuffle``: a round is an average over many of them. Rows
    that are sorted should be shuffled before.

    A round is a step: ``eta = max(floor, eta0 / (1 + decay r))`` counts rounds r, not rows. An average over many rows
    is little disturbed by noise, so eta0 may be larger, and decay smaller, than for a stream.

    Parameters
    ----------
    estimator : SimilarityMatching, NonnegativeSimilarityMatching, SupervisedSimilarityMatching, ManifoldTiling,
        OnlineCCA (all with the network as solver) or CircuitTransformer; it is fitted from the beginning, in place
    X : Dask array or dataframe (n_samples, n_features); a dict of them for a circuit of several channels
    Y : the second view, or the labels (n_samples,), where the estimator's ``fit`` takes one
    n_epochs : passes over the data, "auto" as many as make 3,000 samples; None is the estimator's own
    round_rows : rows of a round; the last of a pass may be smaller. Several blocks a round keep several workers busy
    checkpoint : file in which the model is kept after every ``checkpoint_every`` rounds, and when something fails
    resume : go on from ``checkpoint`` if it is there; a finished fit returns at once
    client : ``distributed.Client``; None is the current one, or Dask's own threads

    Returns
    -------
    estimator : the same, fitted: it transforms, continues with ``partial_fit`` and is saved as ever

    Raises
    ------
    InputError
        If the estimator cannot learn from sums, rows are not finite, or the checkpoint is of another fit.
    DivergenceError
        As any fit. What a cluster raises is passed on, with a note that names the round and the checkpoint.
    """
    _admit_estimator(estimator)
    check_kinds(estimator)
    n_epochs = getattr(estimator, "n_epochs", 1) if n_epochs is None else n_epochs
    for name, value in {"round_rows": round_rows, "n_epochs": n_epochs, "checkpoint_every": checkpoint_every}.items():
        check(name, value, SHARED["n_epochs"] if name == "n_epochs" else (Whole(1),))
    with nullcontext() if client is None else client.as_current():
        with unchanged_on_error(estimator):
            estimator._restart()
            streams, dtype = _streams(estimator, X, Y)
            blocks = Blocks.cut(streams, dtype)
        epochs = passes(n_epochs, blocks.n_rows)
        starts = [at for _ in range(epochs) for at in range(0, blocks.n_rows, round_rows)]
        plan = {"round_rows": round_rows, "n_epochs": epochs, "n_rows": blocks.n_rows}
        keep = _Checkpoint(checkpoint, plan, len(starts))
        widths = {name: stream.shape[1] for name, stream in streams.items()}
        done = keep.found(estimator, resume, widths, blocks.dtype)
        if not done:
            with unchanged_on_error(estimator):
                _begin(estimator, streams, blocks)
            keep(estimator, 0)  # says at once what cannot be saved, or where not
        step, rounds = estimator.circuit_.step, Rounds(blocks)
        try:
            while done < len(starts):
                found = rounds.sums(estimator, starts[done], min(starts[done] + round_rows, blocks.n_rows))
                estimator._advance(found, step.at(done))
                done += 1
                if done % checkpoint_every == 0:
                    keep(estimator, done)
        except BaseException as error:
            rounds.held.clear()  # or a cluster would remember that these blocks failed
            keep(estimator, done)
            error.add_note(f"similis.distributed.fit: stopped in round {done + 1} of {len(starts)}. {keep}")
            raise
        keep(estimator, done)
    return estimator


def transform(estimator: Any, X: Any) -> Any:
    """Outputs of a fitted estimator for the rows of a Dask array or dataframe, as a Dask array, block by block."""
    check_is_fitted(estimator)
    k, dtype = estimator.circuit_.size, estimator.state_.dtype
    empty = np.zeros((0, k), dtype)

    def outputs(part: Any) -> np.ndarray:
        return estimator.transform(part) if len(part) else empty  # a filter may leave a partition without rows

    if hasattr(X, "to_dask_array"):
        return X.map_partitions(outputs, meta=empty)
    X = as_array(X, "X")
    X = X.rechunk({1: -1})
    return X.map_blocks(outputs, chunks=(X.chunks[0], (k,)), dtype=dtype, meta=empty)


class _Checkpoint:
    """The file in which an unfinished fit is kept, and the plan that the fit follows."""

    def __init__(self, path: str | os.PathLike | None, plan: dict[str, int], rounds: int) -> None:
        self.path, self.plan, self.rounds = None if path is None else Path(path), plan, rounds

    def __call__(self, estimator: Any, done: int) -> None:
        if self.path is not None:
            save(estimator, self.path, force=True, progress={**self.plan, "rounds": done})

    def __str__(self) -> str:
        if self.path is None:
            return "The estimator keeps what it has learned; give checkpoint=FILE to be able to go on"
        return f"What was learned before is in {self.path}: fit again with resume=True to go on"

    def found(self, estimator: Any, resume: bool, widths: dict[str, int], dtype: np.dtype) -> int:
        """Rounds that the file's model has behind it, now the estimator's own; 0 if there is no file."""
        if self.path is None or not self.path.exists():
            return 0
        if not resume:
            raise InputError(f"{self.path} exists. Say resume=True to go on from it, or remove it")
        kept, progress = load_with_progress(self.path)
        plan = dict(progress) if isinstance(progress, dict) else {}
        done = plan.pop("rounds", 0)
        if plan != self.plan or type(kept) is not type(estimator) or kept.get_params() != estimator.get_params():
            raise InputError(
                f"{self.path} is of another fit: {kept}, {plan}; here {estimator}, {self.plan}. Resume with the same "
                "parameters and data"
            )
        Stored({}, {"rounds": done}).integer("rounds", 0, self.rounds)
        heard = {name: len(own.mean) for name, own in kept.running_.items()}
        if (heard, kept.state_.dtype) != (widths, dtype):
            raise InputError(
                f"{self.path} learned from {heard} columns of {kept.state_.dtype}, not {widths} of {dtype}. "
                "Resume with the same data"
            )
        before, now = column_names(kept), column_names(estimator)
        if before != now:
            raise InputError(f"{self.path} learned from columns {before}, not {now}. Resume with the same data")
        vars(estimator).update(vars(kept))
        return done


def _admit_estimator(estimator: Any) -> None:
    name = type(estimator).__name__
    if name not in ESTIMATORS:
        raise InputError(f"{name} cannot learn from sums over blocks; expected one of {', '.join(ESTIMATORS)}")
    if getattr(estimator, "solver", "online") != "online":
        raise InputError(f"solver={estimator.solver!r}; expected 'online': rounds are steps of the network")


def _streams(estimator: Any, X: Any, Y: Any) -> tuple[dict[str, Any], np.dtype]:
    """The circuit's streams as Dask arrays; the estimator admits the first rows, as it does in ``fit``."""
    if isinstance(X, Mapping):
        first = estimator._streams({name: head(stream) for name, stream in X.items()}, reset=True)
        streams = {name: as_array(X[name], name) for name in first}
    elif estimator.beside_x == "view":
        arrays = {"x": as_array(X, "X"), "y": as_array(Y, "Y")}
        first, streams = estimator._admit(head(X), head(Y), reset=True), arrays
    else:
        streams = {estimator.circuit.names[0] if hasattr(estimator, "circuit") else "x": as_array(X, "X")}
        first = dict.fromkeys(streams, estimator._admit(head(X), reset=True))
    dtype = np.result_type(*(rows.dtype for rows in first.values()))
    if estimator.beside_x == "labels":
        y, da = as_array(Y, "y").ravel(), require("dask.array", extra="distributed")
        present = np.asarray(da.unique(y).compute())
        estimator.classes_ = merged(None, admit_labels(present, present, type(estimator).__name__))
        width = len(estimator.classes_)
        streams["label"] = y.map_blocks(
            one_hot, estimator.classes_, dtype, new_axis=1, chunks=(y.chunks[0], (width,)), dtype=dtype
        )  # fmt: skip
    return streams, dtype


def _begin(estimator: Any, streams: Mapping[str, Any], blocks: Blocks) -> None:
    """Give the estimator the moments of all rows, and first weights."""
    running = {}
    for name, tails in blocks.tails().items():
        running[name] = estimator._new_running(streams[name].shape[1], name).told(tails)
    estimator.circuit_, estimator._state = estimator._new_network(running, blocks.dtype)
    estimator.running_, estimator.history_, estimator.average_, estimator.n_samples_seen_ = running, {}, None, 0
    if estimator.beside_x != "view":
        estimator._n_features_out = estimator.circuit_.size
    estimator._keep_params()
