"""The interpreter for mini-batches, in PyTorch: one step a batch, with the average of the rules over its samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import InputError
from .._optional import require
from ..circuit import Circuit, State
from ._input import Data, admit, diverged, rates
from .relax import clip, relax
from .trace import Trace

if TYPE_CHECKING:
    from torch import Tensor

#: settling ends when outputs move less than this times machine epsilon, or after so many iterations
TOLERANCE, ITERATIONS = 4.0, 50_000


def run(
    circuit: Circuit, state: State, data: Data, *, batch: int = 100, device: Any = "cpu", learn: bool = True,
    present: Mapping[str, np.ndarray] | None = None, trace: Trace | Sequence[Trace] | None = None,
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
    torch = require("torch", extra="torch")
    if circuit.domain.total is not None:
        raise InputError(
            f"circuit {circuit.name!r} settles under a total, which the batch engine does not know; "
            "use similis.engine.run"
        )
    if batch < 1:
        raise InputError(f"batch={batch}; expected an integer >= 1")
    rows, mute, T = admit(circuit, state, data, present)
    traces, eta = Trace.several(trace), rates(circuit, state.t, T, state.dtype)
    live = {name: torch.tensor(array, device=device) for name, array in state.arrays.items()}
    outputs = [np.zeros((0, circuit.size), state.dtype)]
    for start in range(0, T, batch):
        stop = min(start + batch, T)
        heard = {
            name: torch.tensor(~mute[i, start:stop, None], device=device)
            for i, name in enumerate(circuit.names)
            if not mute[i, start:stop].all()
        }
        x = {name: torch.where(heard[name], _rows(rows[name][start:stop], device), 0.0) for name in heard}
        a = {name: x[name] @ live[f"W.{name}"].T for name in x}
        nothing = torch.zeros((stop - start, circuit.size), dtype=live["M"].dtype, device=device)
        A = _against(circuit, live)
        Z = settle(circuit, live, sum((circuit.channel(name).drive * a[name] for name in a), start=nothing), A)
        outputs.append(Z.cpu().numpy())
        if not np.isfinite(outputs[-1]).all():
            first = int(np.argmin(np.isfinite(outputs[-1]).all(1)))
            raise diverged(circuit, state.t + start + first, rows)
        if learn:
            driven = sum((heard[c.name] for c in circuit.channels if c.drive and c.name in heard), start=nothing[:, :1])
            _learn(circuit, live, x, a, heard, Z, A, driven > 0, float(eta[start]))
            for each in traces:
                if each.due(state.t + start) <= stop - start:
                    each.record(_back(circuit, state, live, state.t + stop))
    return np.concatenate(outputs), _back(circuit, state, live, state.t + T) if learn else state.copy()


def settle(circuit: Circuit, live: Mapping[str, Tensor], D: Tensor, A: Tensor) -> Tensor:
    """Settle the rows of D against A in the circuit's domain; not finite where there is no minimum."""
    torch = require("torch", extra="torch")
    domain = circuit.domain
    if circuit.threshold:
        D = D - circuit.threshold**0.5 * live["cells.b"]
    bounds = {"lower": domain.lower, "upper": domain.upper, "l1": domain.l1}
    if not circuit.settles:
        return clip(D, **bounds) - live.get("cells.mean", 0.0)
    if domain.radius < np.inf:  # A = a I
        V, a = D.clamp(min=0), A[0, 0]
        size = torch.linalg.vector_norm(V, dim=1, keepdim=True)
        inside = V / a if a > 0 else V
        return torch.where(size > a * domain.radius, V * (domain.radius / size), inside)
    if domain.is_free:
        L, failed = torch.linalg.cholesky_ex(A)
        return torch.full_like(D, float("nan")) if failed else torch.cholesky_solve(D.T, L).T
    return relax(D, A, **bounds, iterations=ITERATIONS, tolerance=TOLERANCE * torch.finfo(D.dtype).eps)


def _learn(
    circuit: Circuit, live: dict[str, Tensor], x: Mapping[str, Tensor], a: Mapping[str, Tensor],
    heard: Mapping[str, Tensor], Z: Tensor, A: Tensor, driven: Tensor, eta: float,
) -> None:  # fmt: skip
    """One step of every rule, averaged over the batch; a sample that drives nobody teaches nothing."""
    torch = require("torch", extra="torch")
    B, lateral, domain = len(Z), circuit.lateral, circuit.domain
    Z, share = Z * driven, float(driven.to(Z.dtype).mean())
    nothing = torch.zeros_like(Z)
    signals = {"Z": Z, "FEEDBACK": Z @ A} | {f"of({name})": a.get(name, nothing) for name in circuit.names}
    whole = Z + live["cells.mean"] if domain.centred else Z
    interior = (whole > domain.lower) & (whole < domain.upper) & ((whole != 0) | (domain.l1 == 0.0))
    for c in circuit.channels:
        if c.name not in x:
            continue
        signals["OWN"], teaches, W = a[c.name], heard[c.name] & driven, live[f"W.{c.name}"]
        post = sum((v * signals[s] for s, v in circuit.reads(c.name).terms.items()), start=nothing) * teaches
        post = post * interior if c.gated else post
        gate = (x[c.name] * teaches).mean(0) if c.presynaptic else float(teaches.to(Z.dtype).mean())
        W += 2 * eta * c.rate * (post.T @ x[c.name] / B - (c.leak or 0.0) * W * gate)
    M, rate = live["M"], eta / lateral.tau
    if lateral.kind == "gram":
        M += rate * (Z.T @ Z / B - share * M)
    elif lateral.kind == "whiten":
        M += rate * (Z.T @ Z / B - share * torch.eye(circuit.size, dtype=M.dtype, device=M.device))
    elif lateral.kind == "interneurons":
        P = live["P"]
        R = live.get("R", P.T.clone())
        N, rest = Z @ R.T, lateral.rest * torch.eye(*P.shape, dtype=P.dtype, device=P.device)
        P += rate * (Z.T @ N / B - share * (P - rest))
        R += rate * (N.T @ Z / B - share * (R - rest.T))
        M.copy_(P @ R + lateral.shift * torch.eye(circuit.size, dtype=M.dtype, device=M.device))
    mean = Z.mean(0)
    if circuit.threshold:
        live["cells.b"] += 2 * eta * (circuit.threshold**0.5 * mean - share * live["cells.b"])
    if domain.centred:
        live["cells.mean"] += domain.centred * mean  # z is what lies above the mean
    if lateral.power is not None:
        live["cells.shift"] += lateral.power_rate * ((Z * Z).sum() / B - share * lateral.power)
        live["cells.shift"].clamp_(min=lateral.shift_min)


def _against(circuit: Circuit, live: Mapping[str, Tensor]) -> Tensor:
    """A = gain M + shift I (see ``similis.circuit.state.against``)."""
    torch = require("torch", extra="torch")
    M, lateral = live["M"], circuit.lateral
    if lateral.kind == "interneurons":
        return M
    shift = live.get("cells.shift", lateral.shift)
    return lateral.gain * M + shift * torch.eye(circuit.size, dtype=M.dtype, device=M.device)


def _rows(X: Any, device: Any) -> Tensor:
    torch = require("torch", extra="torch")
    return torch.tensor(X if isinstance(X, np.ndarray) else X.toarray(), device=device)


def _back(circuit: Circuit, state: State, live: Mapping[str, Tensor], t: int) -> State:
    """The tensors as a State of its own memory."""
    here = {name: tensor.cpu().numpy().copy() for name, tensor in live.items()}
    cells = {name: here[f"cells.{name}"] for name in state.cells}
    W = {name: here[f"W.{name}"] for name in circuit.names}
    return replace(State(W, here["M"], here.get("P"), R=here.get("R"), cells=cells), t=t)
