"""The interpreter for mini-batches, in PyTorch: one step a batch, with the average of the rules over its samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import InputError
from .._optional import require
from ..circuit import Circuit, State
from ._input import Data, admit, diverged, rates
from ._rules import drive, known, settle, settling_matrix, step, sums
from .trace import Trace

if TYPE_CHECKING:
    from torch import Tensor

#: settling ends when outputs move less than this times machine epsilon, or after so many iterations
TOLERANCE, ITERATIONS = 4.0, 50_000


def run(
    circuit: Circuit, state: State, data: Data, *, batch: int = 100, device: Any = "cpu", learn: bool = True,
    present: Mapping[str, np.ndarray] | None = None, trace: Trace | Sequence[Trace] | None = None,
    reduce: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None,
) -> tuple[np.ndarray, State]:  # fmt: skip
    """Run the circuit over the rows of ``data``, ``batch`` samples at a time, on any device.

    The samples of a batch settle together, against the same weights; then every rule makes one step with its average
    over the batch, at the learning rate of the batch's first sample. With ``batch=1`` that is the reference engine.

    Parameters
    ----------
    circuit, state, data, learn, present, trace
        As in :func:`similis.engine.run`; a trace records at the end of the batch in which it is due.
    batch : int >= 1, samples a step (the last batch may be smaller)
    device : torch.device or its name, such as ``"cuda"``
    reduce : makes the sums of all processes from those of this one, such as ``similis.nn.all_reduce``; each process
        gives its own rows, in as many batches as the others

    Returns
    -------
    Z : (T, k) array of outputs, in the state's dtype
    state : State after them

    Raises
    ------
    InputError
        If the circuit holds totals, which this engine cannot settle, or data do not fit.
    MissingDependencyError
        Without PyTorch.
    """
    known(circuit)
    if batch < 1:
        raise InputError(f"batch={batch}; expected an integer >= 1")
    rows, mute, T = admit(circuit, state, data, present, learn)
    traces, t, live = Trace.several(trace), state.t, _live(state, device)
    outputs = [np.zeros((0, circuit.size), state.dtype)]
    for start in range(0, T, batch):
        stop = min(start + batch, T)
        eta, count = float(rates(circuit, t, stop - start, state.dtype)[0]), stop - start
        signals = _hear(circuit, live, {name: X[start:stop] for name, X in rows.items()}, mute[:, start:stop], t)
        outputs.append(signals[3].cpu().numpy())
        if learn:
            found = sums(circuit, live, *signals)
            if reduce is not None:
                found = reduce(found)
                count = int(found["count"])
            step(circuit, live, found, eta)
            for each in traces:
                if each.due(t) <= count:
                    each.record(_back(live, t + count))
        t += count
    return np.concatenate(outputs), _back(live, t) if learn else state.copy()


def statistics(
    circuit: Circuit, state: State, data: Data, *, device: Any = "cpu",
    present: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Sums over the rows of ``data``, which settle together: all that one step of the rules needs.

    Sums of parts add up to the sums of the whole: ``apply(circuit, state, sums, eta)`` of what the parts add up to is
    the step of :func:`run` on the whole, wherever the parts lie.

    Parameters
    ----------
    circuit, state, data, device, present : as in :func:`run`

    Returns
    -------
    dict of arrays in the state's dtype, small as the weights are, whatever the number of rows
    """
    known(circuit)
    rows, mute, _ = admit(circuit, state, data, present)
    live = _live(state, device)
    found = sums(circuit, live, *_hear(circuit, live, rows, mute, state.t))
    return {name: total.cpu().numpy() for name, total in found.items()}


def apply(circuit: Circuit, state: State, found: Mapping[str, np.ndarray], eta: float | None = None) -> State:
    """The state one step later: every rule moves by its average over the samples that were summed.

    Parameters
    ----------
    found : sums as :func:`statistics` returns them
    eta : learning rate; None is the circuit's own at the state's sample
    """
    torch = require("torch", extra="torch")
    eta = float(rates(circuit, state.t, 1, state.dtype)[0]) if eta is None else eta
    live = _live(state, "cpu")
    step(circuit, live, {name: torch.as_tensor(total) for name, total in found.items()}, eta)
    return _back(live, state.t + int(found["count"]))


def _live(state: State, device: Any) -> dict[str, Tensor]:
    torch = require("torch", extra="torch")
    return {name: torch.tensor(array, device=device) for name, array in state.arrays.items()}


def _hear(
    circuit: Circuit, live: Mapping[str, Tensor], rows: Mapping[str, Any], mute: np.ndarray, t: int
) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor], Tensor, Tensor]:
    """Rows and currents of the channels that spoke at all, who spoke; settled outputs Z, and A they settled against.

    Raises
    ------
    DivergenceError
        Where an output is not finite; ``t`` is the number of the first row.
    """
    torch = require("torch", extra="torch")
    M = live["M"]
    spoke = {name: mute[i] for i, name in enumerate(circuit.names) if not mute[i].all()}
    x = {name: _rows(rows[name], M.device) for name in spoke}
    heard = {name: torch.tensor(~silent[:, None], device=M.device) for name, silent in spoke.items() if silent.any()}
    x |= {name: torch.where(speaks, x[name], 0.0) for name, speaks in heard.items()}
    a = {name: x[name] @ live[f"W.{circuit.channel(name).weights}"].T for name in x}
    A, D = settling_matrix(circuit, live), drive(circuit, a, M.new_zeros((mute.shape[1], circuit.size)))
    Z = settle(circuit, live, D, A, iterations=ITERATIONS, tolerance=TOLERANCE * torch.finfo(M.dtype).eps)
    finite = torch.isfinite(Z).all(1)
    if not bool(finite.all()):
        raise diverged(circuit, t + int((~finite).to(torch.uint8).argmax()), rows)
    return x, a, heard, Z, A


def _rows(X: Any, device: Any) -> Tensor:
    torch = require("torch", extra="torch")
    return torch.tensor(X if isinstance(X, np.ndarray) else X.toarray(), device=device)


def _back(live: Mapping[str, Tensor], t: int) -> State:
    """The tensors as a State of its own memory."""
    return State.of({name: tensor.cpu().numpy().copy() for name, tensor in live.items()}, t)
