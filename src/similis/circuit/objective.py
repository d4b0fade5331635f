"""The min-max objective of a circuit, and its saddle gradients.

Per sample (a_c = W_c x_c, z settled)::

    settling     L = z'Mz - 2 sum_c drive_c z.a_c + 2 l1 |z|_1 + sum_c (leak_c |W_c|^2 + metric_c |a_c|^2) - V(M)
    otherwise    L = z'Mz - 2 sum_{teachers c} z.a_c          + sum_c (leak_c |W_c|^2 + metric_c |a_c|^2) - V(M)

with V = |M|^2/2 (gram), Tr M (whiten), |P - rest I|^2 (interneurons, M = PP' + shift I), 0 (none). Weights W descend,
lateral weights ascend, z minimises (where the circuit settles) or follows the drive. This is the similarity-matching
objective after the Legendre transforms of the output-input and output-output terms (Pehlevan, Sengupta & Chklovskii
2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .._errors import InputError
from .spec import Circuit
from .state import State


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
    for c in circuit.channels:
        if (
            replace(circuit, channels=tuple(replace(o, post=None, gated=None) for o in circuit.channels)).channel(
                c.name
            )
            != c
        ):
            raise InputError(f"the synapse of channel {c.name!r} reads {c.post}, which this objective does not derive")
    currents = {c.name: data[c.name] @ state.W[c.name].T for c in circuit.channels if c.name in data}
    total = np.einsum("ti,ij,tj->", Z, state.M, Z) + 2 * circuit.settles * circuit.domain.l1 * np.abs(Z).sum()
    for c in circuit.channels:
        if c.name not in currents:
            continue
        a = currents[c.name]
        coupling = c.drive if circuit.settles else float(c.drive == 0.0)
        total += c.metric * (a * a).sum() - 2.0 * coupling * (Z * a).sum()
        total += len(Z) * c.leak * (state.W[c.name] ** 2).sum()  # type: ignore[operator]
    return float(total / len(Z) - _potential(circuit, state))


def _potential(circuit: Circuit, state: State) -> float:
    kind = circuit.lateral.kind
    if kind == "gram":
        return 0.5 * float((state.M**2).sum())
    if kind == "whiten":
        return float(np.trace(state.M))
    if kind == "interneurons" and state.P is not None:
        return float(((state.P - circuit.lateral.rest * np.eye(*state.P.shape)) ** 2).sum())
    return 0.0


def saddle_gradients(
    circuit: Circuit, state: State, data: Mapping[str, np.ndarray], Z: np.ndarray
) -> dict[str, np.ndarray]:
    """Gradients dL/dW_c (descent) and dL/dM or dL/dP (ascent) by the rules of the table, averaged over samples.

    Returns
    -------
    dict
        One (k, n_c) array for each channel heard and one for ``"M"`` or ``"P"``; the online rules are
        ``dW_c = -eta rate_c dL/dW_c`` and ``dM = (eta/tau) dL/dM``, ``dP = (eta/2tau) dL/dP``.
    """
    T, gradients = len(Z), {}
    currents = {c.name: data[c.name] @ state.W[c.name].T for c in circuit.channels if c.name in data}
    silent = np.zeros_like(Z)
    interior = circuit.domain.interior(Z)
    for c in circuit.channels:
        if c.name not in data:
            continue
        signals = {"Z": Z, "OWN": currents[c.name], "FEEDBACK": Z @ state.M.T}
        signals |= {f"of({name})": currents.get(name, silent) for name in circuit.names}
        post = sum((v * signals[s] for s, v in c.post.terms.items()), start=silent)  # type: ignore[union-attr]
        post = np.where(interior, post, 0.0) if c.gated else post
        gradients[c.name] = -2.0 * (post.T @ data[c.name] / T - c.leak * state.W[c.name])
    second = Z.T @ Z / T
    if circuit.lateral.kind == "interneurons" and state.P is not None:
        gradients["P"] = 2.0 * (second @ state.P - state.P + circuit.lateral.rest * np.eye(*state.P.shape))
    elif circuit.lateral.kind != "none":
        gradients["M"] = second - (state.M if circuit.lateral.kind == "gram" else np.eye(circuit.size))
    return gradients
