"""The rules of a circuit over a batch: first sums over its samples, then one step made from the sums.

Sums of parts add up to the sums of the whole, so that a batch may lie in several pieces, processes or machines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .._optional import require
from ..circuit import Circuit, PowerControl
from ._input import excess, reach

if TYPE_CHECKING:
    from torch import Tensor

Tensors = Mapping[str, "Tensor"]


def sums(circuit: Circuit, live: Tensors, x: Tensors, a: Tensors, heard: Tensors, Z: Tensor, A: Tensor) -> dict:
    """What one step needs to know of a batch; a sample that drives nobody teaches nothing.

    Parameters
    ----------
    live : weights by name, as in ``State.arrays``
    x, a, heard : rows (B, n_c), currents (B, k) and who spoke (B, 1), of the channels that spoke at all
    Z, A : (B, k) settled outputs, and the (k, k) matrix they settled against

    Returns
    -------
    dict of tensors: ``count`` and ``driven`` (samples), ``Z`` (k,), ``ZZ`` (k, k), and for each channel
    ``post.name`` (k, n_c) and ``gate.name`` (samples that teach, or (n_c,) what the presynaptic gate let through); of
    limited steps ``power``, what the samples could overshoot by
    """
    torch = require("torch", extra="torch")
    domain, nothing = circuit.domain, torch.zeros_like(Z)
    driven = sum((heard[c.name] for c in circuit.channels if c.drive and c.name in heard), start=nothing[:, :1]) > 0
    Z = Z * driven
    signals = {"Z": Z, "FEEDBACK": Z @ A} | {f"of({name})": a.get(name, nothing) for name in circuit.names}
    whole = Z + live["cells.mean"] if domain.mean_rate else Z
    interior = (whole > domain.lower) & (whole < domain.upper) & ((whole != 0) | (domain.l1 == 0.0))
    found = {"count": Z.new_tensor(len(Z)), "driven": driven.sum().to(Z.dtype), "Z": Z.sum(0), "ZZ": Z.T @ Z}
    if circuit.step.limited:
        each = (reach(c) * (x[c.name] ** 2).sum(1) for c in circuit.channels if c.name in x)
        found["power"] = (sum(each, start=nothing[:, 0]) * driven[:, 0]).sum()
    for c in circuit.channels:
        W, gated = live[f"W.{c.weights}"], c.synapse.input_gated
        if c.name not in x:
            found |= {f"post.{c.name}": torch.zeros_like(W), f"gate.{c.name}": W.new_zeros(W.shape[1] ** gated)}
            continue
        signals["OWN"], teaches = a[c.name], heard[c.name] & driven
        post = sum((v * signals[s] for s, v in circuit.reads(c.name).terms.items()), start=nothing) * teaches
        post = post * interior if c.synapse.gated else post
        found[f"post.{c.name}"] = post.T @ x[c.name]
        gate = x[c.name] * teaches if gated else teaches.to(Z.dtype)
        found[f"gate.{c.name}"] = gate.sum(0)
    return found


def step(circuit: Circuit, live: Tensors, found: Tensors, eta: float) -> None:
    """One step of every rule, in place, with its average over the samples that were summed."""
    torch = require("torch", extra="torch")
    lateral, neuron, M = circuit.lateral, circuit.neuron, live["M"]
    mean = {name: total / found["count"] for name, total in found.items()}
    share, ZZ = mean["driven"], mean["ZZ"]
    if circuit.step.limited:  # of a batch its averages
        eta /= excess(circuit, eta, float(mean["power"]), float(ZZ.trace()), float((M * ZZ).sum()))
    one = torch.eye(circuit.size, dtype=M.dtype, device=M.device)
    for c in circuit.channels:
        W = live[f"W.{c.weights}"]
        W += 2 * eta * c.synapse.rate * (mean[f"post.{c.name}"] - c.leak * W * mean[f"gate.{c.name}"])

    def second(B: Tensor | None) -> Tensor:
        return ZZ if B is None else ZZ @ B.T

    lateral.learn(live, second, share, eta / lateral.tau, one, neuron.inhibition.shift)
    if neuron.threshold:
        b = live["cells.b"]
        b += 2 * eta * (neuron.threshold**0.5 * mean["Z"] - share * b)
    if neuron.domain.mean_rate:
        m = live["cells.mean"]
        m += neuron.domain.mean_rate * mean["Z"]  # z is what lies above the mean
    if isinstance(control := neuron.inhibition, PowerControl):
        shift = live["cells.shift"]
        shift += control.rate * (ZZ.trace() - share * control.target_power)
        shift.clamp_(min=control.minimum)
