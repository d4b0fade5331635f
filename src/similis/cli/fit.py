"""``similis fit``: learn a network from a stream, block by block, in constant memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._errors import InputError
from . import _options as opt
from ._checkpoint import Checkpoint, beside
from ._models import (
    at_once,
    begin_pass,
    beside_x,
    build,
    card,
    checkpointed,
    classes_of,
    in_order,
    keep_names,
    means_of,
    names_of,
    shaped,
)
from ._output import emit, printable, refuse_inputs

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from ._formulas import Formulas
    from ._views import Views

#: what is counted, the share of samples beyond which it is told, and what it means
COUNTED = (
    ("n_idle_", 0.0, "left out: they say nothing"),
    ("n_damped_", 0.1, "shortened, as outliers are: far longer than most, they weigh less"),
)


def fit(
    model: Annotated[str, typer.Argument(metavar="NETWORK", help="A name from `similis list`.")],
    data: opt.Data,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Model file to write (safetensors).")],
    n_components: Annotated[
        int | None, typer.Option("--n-components", "-k", min=1, metavar="K", help="Number of neurons.")
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Passes over the data.", show_default="as many as make 3,000 samples"),
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Another parameter; value in JSON.")
    ] = None,
    y_data: opt.YData = None,
    columns: opt.Columns = None,
    y_columns: opt.YColumns = None,
    labels: Annotated[bool, typer.Option("--labels", help="The target holds class labels, not numbers.")] = False,
    exclude: opt.Exclude = None,
    id_column: opt.IdColumn = None,
    missing: opt.Missing = "error",
    header: opt.Header = None,
    dtype: opt.Dtype = None,
    block_rows: opt.BlockRows = None,
    shuffle_buffer: Annotated[
        int | None,
        typer.Option(min=1, metavar="ROWS", help="Mix rows over so many, more than a block, in a buffer."),
    ] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option(min=1, metavar="ROWS", help="Save a checkpoint beside FILE every so many rows.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Checkpoint to go on from, or model to teach more data.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="SEED", help="Seed of the first weights.", show_default="0")
    ] = None,
    force: opt.Force = False,
    as_json: opt.Json = False,
) -> None:
    """Learn a network from data and save it.

    The data are read in blocks, so memory does not grow with the file. Rows of a block are learned in random order,
    because successive rows often resemble each other; --param shuffle=false keeps their order, and slow always does,
    because it learns from what changes between rows. With --checkpoint-every, a killed fit of m.safetensors goes on
    with --resume m.checkpoint.safetensors and ends bit for bit where the unbroken one ends. One that is told to stop
    (Ctrl-C, SIGTERM) leaves that file as well. nomad and tc learn from the whole table at once and keep their state in
    it once there is some, then once a minute: resume them by the same command with --resume. Where rows resemble each
    other for longer than a block, --shuffle-buffer mixes them further; such a fit keeps no checkpoint.
    """
    from .._atomic import refuse_existing, refuse_unwritable
    from ._checkpoint import keep
    from ._formulas import read_formulas
    from ._views import Views

    refuse_inputs(output, data, y_data)
    refuse_unwritable(output, force=force)
    whole = at_once(model)
    if resume is None or whole:
        estimator, start = build(model, n_components, seed or 0, param or [], labels=labels), None
    else:
        if n_components is not None or param or seed is not None:
            raise typer.BadParameter(
                "leave out -k, --param and --seed: the saved model has them", param_hint="--resume"
            )
        estimator, start = _resume(model, resume)
    if whole and (epochs not in (None, 1) or checkpoint_every is not None):
        raise typer.BadParameter(
            f"{model} learns from the whole table at once: leave out --epochs and --checkpoint-every"
        )
    if whole and resume is not None and not checkpointed(estimator):
        raise typer.BadParameter(f"{model} keeps no checkpoint: leave it out", param_hint="--resume")
    if whole and resume not in (None, beside(output)):
        raise typer.BadParameter(f"expected {beside(output)}, beside the model", param_hint="--resume")
    if whole and resume is None and checkpointed(estimator):
        refuse_existing(beside(output), force=force)
        beside(output).unlink(missing_ok=True)
    if card(model).data == "formulas":
        if {y_data, dtype, block_rows, exclude, id_column} != {None} or missing != "error":
            raise typer.BadParameter(
                f"{model} learns from a file of formulas: leave out --y-data, --dtype, --block-rows, --exclude, "
                "--id-column and --missing"
            )
        given = read_formulas(data, columns, y_columns, tc=True, header=header)
        _fit_formulas(model, estimator, data, given, output, force=force, as_json=as_json)
        return
    if start is not None:
        start.refuse_other(epochs=epochs, columns=columns, y_columns=y_columns, dtype=dtype, block_rows=block_rows)
        epochs, columns, y_columns, dtype = start.epochs, start.columns, start.y_columns, start.dtype
        block_rows, checkpoint_every = start.block_rows, checkpoint_every or start.every
    if checkpoint_every is not None and beside(output) != resume:
        refuse_existing(beside(output), force=force)
    views = Views(
        data, columns, y_data, y_columns, dtype, block_rows, header, like=names_of(estimator), missing=missing,
        means=means_of(estimator), exclude=exclude, id_column=id_column, beside=beside_x(estimator),
    )  # fmt: skip
    views.require(two=beside_x(estimator) is not None, name=model)
    if epochs is None:
        epochs = 0 if resume is None and data != "-" and estimator.get_params().get("n_epochs") == "auto" else 1
    if epochs > 1 and data == "-":
        raise typer.BadParameter("stdin can be read once; save it to a file for more passes", param_hint="--epochs")
    if not whole and resume is None and "n_epochs" in estimator.get_params():
        estimator.set_params(n_epochs=epochs or "auto")

    if shuffle_buffer is not None and in_order(estimator):
        raise typer.BadParameter(
            f"{model} learns from the order of the rows: leave it out", param_hint="--shuffle-buffer"
        )
    if shuffle_buffer is not None and (whole or checkpoint_every is not None or resume is not None):
        raise typer.BadParameter(
            "rows in the buffer are in no checkpoint: leave out --resume and --checkpoint-every, and it for networks "
            "that learn from the whole table",
            param_hint="--shuffle-buffer",
        )
    plan = Checkpoint(views.rows(), epochs, columns, y_columns, dtype, checkpoint_every)
    began = time.perf_counter()
    own = checkpoint_every is not None or beside(output) == resume
    if whole:
        rows, passes = _learn_table(estimator, views, output), 1
    else:
        rows, passes = _learn(model, estimator, views, plan, start, output, own=own, buffer=shuffle_buffer)
    seconds = time.perf_counter() - began
    keep_names(estimator, views)
    keep(estimator, output, force=force)
    if own:
        beside(output).unlink(missing_ok=True)
    seen = int(getattr(estimator, "n_samples_seen_", rows))
    record = {
        "model": str(output),
        "network": model,
        "class": type(estimator).__name__,
        "n_components": getattr(estimator, "n_components", None),
        "n_features": int(estimator.n_features_in_),
        "n_samples_seen": seen,
        "rows": rows,
        "passes": passes,
        "seconds": round(seconds, 3),
    }
    neurons = "" if record["n_components"] is None else "{n_components} neurons, "
    text = (
        "{model}: {network}, "
        + neurons
        + "{n_features} features, {rows} rows"
        + " in {passes} passes" * (passes > 1)
        + ", {seconds} s"
    )
    for counted, usual, what in COUNTED:
        if n_rows := int(getattr(estimator, counted, 0)):
            record[counted.rstrip("_")] = n_rows
            text += f"; {n_rows} of {seen} {what}" if n_rows > usual * seen else ""
    emit(record, as_json=as_json, text=text.format(**record))


def _resume(model: str, path: Path) -> tuple[BaseEstimator, Checkpoint | None]:
    from ..estimators.persist import load_with_progress

    estimator, progress = load_with_progress(path)
    if type(estimator).__name__ not in (card(model).estimator, card(model).classifier):
        raise typer.BadParameter(f"{path} holds a {type(estimator).__name__}, not a {model}", param_hint="NETWORK")
    return estimator, None if progress is None else Checkpoint.read(progress, path)


def _fit_formulas(
    name: str, estimator: BaseEstimator, data: str, given: Formulas, output: Path, *, force: bool, as_json: bool
) -> None:
    """Learn from formulas and Tc; what cannot be read is named and left out."""
    from ._checkpoint import keep
    from ._formulas import complain

    began = time.perf_counter()
    with _resumable(output):
        estimator.fit(given.formulas, given.tc, checkpoint=beside(output), resume=True)
    complain(data, given.lines, estimator.refused_)
    keep(estimator, output, force=force)
    record = {
        "model": str(output), "network": name, "class": type(estimator).__name__, "rows": len(given.tc),
        "n_samples_seen": int(estimator.n_samples_seen_), "refused": len(estimator.refused_),
        "seconds": round(time.perf_counter() - began, 3),
    }  # fmt: skip
    text = "{model}: {network}, {n_samples_seen} compositions of {rows} rows, {refused} refused, in {seconds} s"
    emit(record, as_json=as_json, text=text.format(**record))


def _learn_table(estimator: BaseEstimator, views: Views, output: Path) -> int:
    """Read all blocks, then learn from all rows at once; returns their number."""
    import numpy as np

    table = [np.concatenate(view) for view in zip(*views.blocks(), strict=True)]
    with _resumable(output):
        words = {"checkpoint": beside(output), "resume": True} if checkpointed(estimator) else {}
        estimator.fit(*shaped(estimator, tuple(table)), **words)
    return len(table[0])


def _learn(
    name: str, estimator: BaseEstimator, views: Views, plan: Checkpoint, start: Checkpoint | None, output: Path,
    *, own: bool, buffer: int | None = None,
) -> tuple[int, int]:  # fmt: skip
    """Walk the blocks, skip those behind ``start``, learn the others; returns how many rows, in how many passes."""
    import numpy as np

    from ..datasets import shuffled
    from ..estimators._params import passes
    from ._progress import progress
    from ._views import located, rows_of

    total, now, pending = views.n_rows(), plan, start
    epochs, done = plan.epochs or (passes("auto", total) if total else 0), 0
    known = classes_of(estimator, views)
    if getattr(estimator, "shuffle", False) and hasattr(estimator, "_mixes"):
        estimator._mixes = True
    before, seen = now, _samples(estimator)
    try:
        with progress(f"fit {name}", (total or 0) * epochs or None) as advance:
            while not done or done < epochs:
                blocks = views.blocks()
                if buffer is not None:
                    rng = np.random.default_rng([getattr(estimator, "random_state", None) or 0, done])
                    blocks = shuffled(blocks, rows=buffer, random_state=rng)
                for number, block in enumerate(blocks):
                    before, now, seen = now, now.after(block), _samples(estimator)
                    advance(len(block[0]))
                    if pending is not None and before.rows < pending.rows:
                        continue
                    if pending is not None:
                        pending.check(before, views.data)
                        pending = None
                    if done and not number:
                        begin_pass(estimator)
                    with located(views.data if buffer else rows_of(views.data, before.rows, block)):
                        estimator.partial_fit(*shaped(estimator, block), **known)
                    if now.due(before.rows):
                        _checkpoint(estimator, views, now, output, force=True)
                done, epochs = done + 1, epochs or passes("auto", now.rows)
    except KeyboardInterrupt:
        learned = now if _samples(estimator) > seen else before
        if (
            buffer is None
            and pending is None
            and learned.rows
            and _checkpoint(estimator, views, learned, output, force=own)
        ):
            typer.echo(f"stopped after {learned.rows} rows; go on with --resume {beside(output)}", err=True)
        raise
    if pending is not None:
        pending.check(now, views.data)
    return (now.rows - start.rows, 1) if start else (now.rows // done, done)


def _samples(estimator: BaseEstimator) -> int:
    return int(getattr(estimator, "n_samples_seen_", 0))


def _checkpoint(estimator: BaseEstimator, views: Views, now: Checkpoint, output: Path, *, force: bool) -> bool:
    """Keep an unfinished fit beside its output; where that cannot be, say so: the fit is worth more."""
    from ..estimators.persist import save

    keep_names(estimator, views)
    try:
        save(estimator, beside(output), force=force, progress=now.to_dict())
    except InputError as error:
        typer.echo(printable(f"note: no checkpoint after {now.rows} rows: {error}"), err=True)
        return False
    return True


@contextmanager
def _resumable(output: Path) -> Iterator[None]:
    """Say how a fit goes on that was told to stop."""
    try:
        yield
    except KeyboardInterrupt:
        if beside(output).exists():
            typer.echo(f"stopped; go on with the same command and --resume {beside(output)}", err=True)
        raise
