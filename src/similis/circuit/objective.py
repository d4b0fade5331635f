"""The min-max objective of a circuit, and its saddle gradients.

Per sample (a_c = W_c x_c, z settled)::

    settling     L = z'Az - 2 sum_c drive_c z.a_c + 2 l1 |z|_1 + sum_c (leak_c |W_c|^2 + metric_c |a_c|^2) - V(M)
    otherwise    L = z'Mz - 2 sum_{teachers c} z.a_c          + sum_c (leak_c |W_c|^2 + metric_c |a_c|^2) - V(M)

with A = gain M + shift I and V = gain |M|^2/2 (gram), Tr M (whiten), |P - rest I|^2 (interneurons, M = PP' +
shift I), 0 (none). Weights W descend, lateral weights ascend, z minimises (where the circuit settles) or follows the
drive. This is the similarity-matching objective after the Legendre transforms of the output-input and output-output
terms (Pehlevan, Sengupta & Chklovskii 2018). Single units add

    threshold    2 sqrt(threshold) z.b - |b|^2               b ascends: -(X'X - threshold E) is aligned with
    row sums     2 z.a - 2 a.b + 2 lambda (b.z - total)      lambda ascends; b moves along dL/da, a along dL/db
    power        shift (|z|^2 - power)                       the shift ascends

and a channel gated by its own input has sum_ij x_j W_ij^2 for |W|^2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._errors import InputError
from .channels import Channel
from .neurons import PowerControl
from .spec import Circuit
from .state import State, settling_matrix


def value(circuit: Circuit, state: State, data: Mapping[str, np.ndarray], Z: np.ndarray) -> float:
    """Average of L over the samples.

    Parameters
    ----------
    data : (T, n_c) array for each channel; a channel that is absent is silent
    Z : (T, k) outputs

    Raises
    ------
    InputError
        If a channel's synapse is not the one this objective derives.
    """
    refuse_without_objective(circuit)
    sums = {"count": len(Z), "Z": Z.sum(0), "ZZ": Z.T @ Z, "size": np.abs(Z).sum()}
    for c in (c for c in circuit.channels if c.name in data):
        X, a = data[c.name], data[c.name] @ state.W[c.weights].T
        sums |= {f"pull.{c.name}": coupling(circuit, c) * (Z * a).sum(), f"power.{c.name}": (a * a).sum()}
        sums[f"gate.{c.name}"] = X.sum(0) if c.synapse.input_gated else len(Z)
    total = value_of_sums(circuit, state, sums)
    if circuit.domain.total is not None and np.isfinite(circuit.domain.stiffness):
        excess = Z @ state.cells.get("b", np.ones(circuit.size)) - circuit.domain.total
        total += circuit.domain.stiffness * float((excess**2).mean())
    return total


def refuse_without_objective(circuit: Circuit) -> None:
    """Raise InputError where the rules are not those an objective derives."""
    if not circuit.lateral.has_objective:
        raise InputError("decoupled interneurons have an objective only where R = P'; expected decoupled=False")
    for c in circuit.channels:
        if not circuit.derives(c):
            given = f"the synapse of channel {c.name!r} reads {c.synapse.post}"
            raise InputError(f"{given}, which this objective does not derive")


def coupling(circuit: Circuit, channel: Channel) -> float:
    """The coefficient of -2 z.a_c in the objective."""
    return channel.drive if circuit.settles else float(channel.drive == 0.0 and not channel.synapse.weights)


def value_of_sums(circuit: Circuit, state: State, sums: Mapping[str, Any]) -> float:
    """Average of L from sums over samples, but for the unit of a soft total.

    Parameters
    ----------
    sums : ``count``, ``Z`` (k,), ``ZZ`` (k, k), ``size`` (of |z|_1; where there is a threshold l1) and for each channel
        heard ``pull.name`` (coupling z.a_c), ``power.name`` (|a_c|^2; where it has a metric) and ``gate.name`` (the
        samples that heard it, or the sum of its rows where they gate)
    """
    n, total = float(sums["count"]), float((settling_matrix(circuit, state) * sums["ZZ"]).sum())
    if circuit.settles and circuit.domain.l1:
        total += 2 * circuit.domain.l1 * float(sums["size"])
    for c in circuit.channels:
        if f"pull.{c.name}" in sums:
            total += c.metric * float(sums[f"power.{c.name}"]) if c.metric else 0.0
            squares = np.einsum("ij,ij->j", state.W[c.weights], state.W[c.weights])
            total += c.leak * float((sums[f"gate.{c.name}"] * squares).sum())
            total -= 2 * float(sums[f"pull.{c.name}"])
    return total / n - circuit.lateral.potential(state.laterals) + _single(circuit, state, sums["Z"] / n)


def _single(circuit: Circuit, state: State, mean: np.ndarray) -> float:
    """What the single units add; ``mean`` is that of the outputs."""
    cells, total = state.cells, 0.0
    if circuit.neuron.threshold:
        total += 2 * circuit.neuron.threshold**0.5 * float(mean @ cells["b"]) - float(cells["b"] @ cells["b"])
    if circuit.domain.learned:
        total += 2 * float(mean @ cells["a"]) - 2 * float(cells["a"] @ cells["b"])
    if isinstance(inhibition := circuit.neuron.inhibition, PowerControl):
        total -= float(cells["shift"][0]) * inhibition.target_power
    return total


def saddle_gradients(
    circuit: Circuit, state: State, data: Mapping[str, np.ndarray], Z: np.ndarray
) -> dict[str, np.ndarray]:
    """Gradients of L by the rules of the table, averaged over samples.

    Returns
    -------
    dict
        One (k, n_c) array dL/dW_c for each channel heard, one for ``"M"`` or ``"P"``, and where the circuit has them
        dL/db, dL/da and dL/dshift as ``"b"``, ``"a"``, ``"shift"``. The rules are ``dW_c = -eta rate_c dL/dW_c``,
        ``dM = (eta/tau) dL/dM / gain``, ``dP = (eta/2tau) dL/dP``, ``dshift = power_rate dL/dshift``; under a threshold
        ``db = eta dL/db``; under row sums ``db = eta dL/da``, ``da = eta dL/db``.
    """
    T = len(Z)
    gradients: dict[str, np.ndarray] = {}
    currents = {c.name: data[c.name] @ state.W[c.weights].T for c in circuit.channels if c.name in data}
    silent, A = np.zeros_like(Z), settling_matrix(circuit, state)
    interior = circuit.domain.interior(Z + state.cells.get("mean", 0))
    for c in circuit.channels:
        if c.name not in data:
            continue
        signals = {"Z": Z, "OWN": currents[c.name], "FEEDBACK": Z @ A.T}
        signals |= {f"of({name})": currents.get(name, silent) for name in circuit.names}
        post = sum((v * signals[s] for s, v in c.synapse.post.terms.items()), start=silent)
        post = np.where(interior, post, 0.0) if c.synapse.gated else post
        shares = data[c.name].mean(0) if c.synapse.input_gated else 1.0
        slope = -2.0 * (post.T @ data[c.name] / T - c.leak * shares * state.W[c.weights])
        gradients[c.weights] = gradients[c.weights] + slope if c.weights in gradients else slope
    gradients |= circuit.lateral.gradients(state.laterals, Z.T @ Z / T)
    return gradients | _single_gradients(circuit, state, currents, Z)


def _single_gradients(
    circuit: Circuit, state: State, currents: Mapping[str, np.ndarray], Z: np.ndarray
) -> dict[str, np.ndarray]:
    """dL/db, dL/da, dL/dshift."""
    cells, mean, gradients = state.cells, Z.mean(0), {}
    if circuit.neuron.threshold:
        gradients["b"] = 2 * (circuit.neuron.threshold**0.5 * mean - cells["b"])
    if circuit.domain.learned:
        tiny = np.finfo(float).tiny
        d = sum(circuit.channel(name).drive * a for name, a in currents.items()) - cells["a"]
        heard = cells["b"] * (Z > 0)  # on the support d - A z = lambda b
        unit = ((d - Z @ settling_matrix(circuit, state)) * heard).sum(1) / np.maximum((heard**2).sum(1), tiny)
        if np.isfinite(circuit.domain.stiffness):
            unit = circuit.domain.stiffness * (Z @ cells["b"] - circuit.domain.total)
        gradients["a"] = 2 * (mean - cells["b"])
        gradients["b"] = 2 * ((unit[:, None] * Z).mean(0) - cells["a"])
    if isinstance(inhibition := circuit.neuron.inhibition, PowerControl):
        gradients["shift"] = np.array([(Z * Z).sum(1).mean() - inhibition.target_power])
    return gradients
