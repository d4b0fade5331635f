"""A circuit over a batch, in PyTorch: outputs that settle together, sums over the samples, one step from the sums.

Sums of parts add up to the sums of the whole, so that a batch may lie in several pieces, processes or machines. The
batch engine and the layers of ``similis.nn`` both are these functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .._errors import InputError
from .._optional import require
from ..circuit import Circuit, PowerControl
from ._input import excess, reach
from .relax import clip, relax

if TYPE_CHECKING:
    from torch import Tensor

Tensors = Mapping[str, "Tensor"]


def known(circuit: Circuit) -> None:
    """Refuse a circuit that cannot settle here."""
    if circuit.domain.total is not None:
        raise InputError(
            f"circuit {circuit.name!r} settles under a total, which the batch engine does not know; "
            "use similis.engine.run"
        )


def settling_matrix(circuit: Circuit, live: Tensors) -> Tensor:
    """A = gain M + shift I (see ``similis.circuit.state.settling_matrix``)."""
    torch = require("torch", extra="torch")
    M, lateral, inhibition = live["M"], circuit.lateral, circuit.neuron.inhibition
    if lateral.has_interneurons:
        return M
    shift = live.get("cells.shift", inhibition.shift)
    if lateral.acting == 1.0 and not inhibition.learns and not shift:
        return M
    return lateral.acting * M + shift * torch.eye(circuit.size, dtype=M.dtype, device=M.device)


def drive(circuit: Circuit, a: Tensors, nothing: Tensor) -> Tensor:
    """What the currents of the channels that spoke drive the neurons with; ``nothing`` are zeros, as many as outputs.

    A current of fewer rows is that of as many consecutive outputs as go into one.
    """
    return _sum([(circuit.channel(name).drive, current) for name, current in a.items()], nothing)


def settle(circuit: Circuit, live: Tensors, D: Tensor, A: Tensor, *, iterations: int, tolerance: float) -> Tensor:
    """Settle the rows of D against A in the circuit's domain; not finite where there is no minimum.

    ``iterations`` and ``tolerance`` are those of :func:`similis.engine.relax.relax`; free outputs and balls are exact.
    """
    torch = require("torch", extra="torch")
    domain = circuit.domain
    if circuit.neuron.threshold:
        D = D - circuit.neuron.threshold**0.5 * live["cells.b"]
    bounds = {"lower": domain.lower, "upper": domain.upper, "l1": domain.l1}
    if not circuit.settles:
        return clip(D, **bounds) - live.get("cells.mean", 0.0)
    if domain.radius < float("inf"):  # A = a I
        V, a = D.clamp(min=0), A[0, 0]
        size = torch.linalg.vector_norm(V, dim=1, keepdim=True)
        inside = V / a if a > 0 else V
        return torch.where(size > a * domain.radius, V * (domain.radius / size), inside)
    if domain.is_free:
        L, failed = torch.linalg.cholesky_ex(A)
        return torch.full_like(D, float("nan")) if failed else torch.cholesky_solve(D.T, L).T
    return relax(D, A, **bounds, iterations=iterations, tolerance=tolerance)


def sums(circuit: Circuit, live: Tensors, x: Tensors, a: Tensors, heard: Tensors, Z: Tensor, A: Tensor) -> dict:
    """What one step needs to know of a batch; a sample that drives nobody teaches nothing.

    Parameters
    ----------
    live : weights by name, as in ``State.arrays``
    x, a : rows (B, n_c) of the channels that spoke at all, and their currents (B, k) where a synapse reads them. Of a
        channel whose synapses are not gated there may be fewer, each heard at as many consecutive outputs, if ``heard``
        is empty
    heard : who spoke, (B, 1), of those of them that some samples lack
    Z, A : (B, k) settled outputs, and the (k, k) matrix they settled against

    Returns
    -------
    dict of tensors: ``count`` and ``driven`` (samples), ``Z`` (k,), ``ZZ`` (k, k), and for each channel
    ``post.name`` (k, n_c) and ``gate.name`` (samples that teach, or (n_c,) what the presynaptic gate let through); of
    limited steps ``power``, what the samples could overshoot by
    """
    torch = require("torch", extra="torch")
    count, domain, nothing = Z.new_tensor(float(len(Z))), circuit.domain, Z.new_zeros(1).expand_as(Z)
    driving = [c.name for c in circuit.channels if c.drive and c.name in x]
    everywhere = any(name not in heard for name in driving)
    driven = None if everywhere else sum((heard[name] for name in driving), start=nothing[:, :1]) > 0
    Z = Z if driven is None else Z * driven
    read = {signal for c in circuit.channels if c.name in x for signal in c.synapse.post.terms}
    signals = {"Z": Z} | ({"FEEDBACK": Z @ A} if "FEEDBACK" in read else {})
    signals |= {f"of({name})": a.get(name, nothing) for name in circuit.names}
    samples = count if driven is None else driven.sum().to(Z.dtype)
    found = {"count": count, "driven": samples, "Z": Z.sum(0), "ZZ": Z.T @ Z}
    if circuit.step.limited:
        each = sum((reach(c) * (x[c.name] ** 2).sum(1) for c in circuit.channels if c.name in x), start=nothing[:, 0])
        found["power"] = (each if driven is None else each * driven[:, 0]).sum()
    for c in circuit.channels:
        W, gated = live[f"W.{c.weights}"], c.synapse.input_gated
        if c.name not in x:
            found |= {f"post.{c.name}": torch.zeros_like(W), f"gate.{c.name}": W.new_zeros(W.shape[1] ** gated)}
            continue
        signals["OWN"], masks = (
            a.get(c.name, nothing),
            [mask for mask in (heard.get(c.name), driven) if mask is not None],
        )
        gate = x[c.name] if gated else torch.ones_like(nothing[:, :1]) if masks else count[None, None]
        for mask in masks:
            gate = gate * mask
        found[f"gate.{c.name}"] = gate.sum(0)
        if c.synapse.gated:
            whole = Z + live["cells.mean"] if domain.mean_rate else Z
            masks.append((whole > domain.lower) & (whole < domain.upper) & ((whole != 0) | (domain.l1 == 0.0)))
        terms = [(v, signals[s]) for s, v in circuit.reads(c.name).terms.items()]
        rows, each = len(x[c.name]), len(Z) // max(len(x[c.name]), 1)
        if rows < len(Z):  # what the synapses read at the outputs that hear one row
            terms = [(v * each, s) if len(s) == rows else (v, s.view(rows, each, -1).sum(1)) for v, s in terms]
        post = _sum(terms, nothing[:rows])
        for mask in masks:
            post = post * mask[:rows]
        found[f"post.{c.name}"] = post.T @ x[c.name]
    return found


def step(circuit: Circuit, live: Tensors, found: Tensors, eta: float) -> None:
    """One step of every rule, in place, with its average over the samples that were summed."""
    torch = require("torch", extra="torch")
    lateral, neuron, M = circuit.lateral, circuit.neuron, live["M"]
    n = found["count"]
    share, ZZ = found["driven"] / n, found["ZZ"] / n
    if circuit.step.limited:  # of a batch its averages
        eta /= excess(circuit, eta, float(found["power"] / n), float(ZZ.trace()), float((M * ZZ).sum()))
    one = torch.eye(circuit.size, dtype=M.dtype, device=M.device)
    for c in circuit.channels:
        W, rate = live[f"W.{c.weights}"], 2 * eta * c.synapse.rate
        if c.leak:
            W *= 1 - found[f"gate.{c.name}"] * (rate * c.leak / n)
        W += found[f"post.{c.name}"] * (rate / n)

    def second(B: Tensor | None) -> Tensor:
        return ZZ if B is None else ZZ @ B.T

    lateral.learn(live, second, share, eta / lateral.tau, one, neuron.inhibition.shift)
    if neuron.threshold:
        b = live["cells.b"]
        b += 2 * eta * (neuron.threshold**0.5 * found["Z"] / n - share * b)
    if neuron.domain.mean_rate:
        m = live["cells.mean"]
        m += neuron.domain.mean_rate * found["Z"] / n  # z is what lies above the mean
    if isinstance(control := neuron.inhibition, PowerControl):
        shift = live["cells.shift"]
        shift += control.rate * (ZZ.trace() - share * control.target_power)
        shift.clamp_(min=control.minimum)


def _sum(terms: list[tuple[float, Tensor]], nothing: Tensor) -> Tensor:
    """A linear form in tensors, as many rows as ``nothing``, zeros; each row of a shorter one counts for several."""
    n, total = len(nothing), None
    for coefficient, term in sorted(terms, key=lambda of: -len(of[1])):
        if len(term) < n:
            wide = (nothing if total is None else total).reshape(len(term), -1, term.shape[1])
            total = wide.add(term[:, None], alpha=coefficient).reshape(n, -1)
        elif total is None:
            total = term if coefficient == 1.0 else coefficient * term
        else:
            total = total.add(term, alpha=coefficient)
    return nothing if total is None else total
