"""A circuit as one row of coefficients: what every compiled interpreter reads."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .spec import Circuit

#: columns of ``Table.channels``; the coefficients of the compartments' currents follow from CURRENTS on
DRIVE, LEAK, RATE, OUTPUT, FEEDBACK, GATED, INPUT_GATED, CURRENTS = range(8)


class Table(NamedTuple):
    """The coefficients of a circuit with C channels, all numbers in one precision.

    ``post_c = OUTPUT_c z + CURRENTS_c . (a_1 .. a_C) + FEEDBACK_c A z``, multiplied by f' where ``GATED_c``.
    """

    channels: np.ndarray  # (C, CURRENTS + C), one row a channel
    settles: bool  # z waits for A; otherwise A = I
    diagonal: bool  # A = (gain + shift) I
    linear: bool  # z = A^{-1} d
    tracked: bool  # ... with M^{-1} followed by rank-one updates
    reads_feedback: bool  # some synapse reads A z
    plain: bool  # weights of a channel do not shrink together, or are shared: no blocks
    constrained: bool  # b.z = total
    learned: bool  # ... with learned b, and thresholds a
    limited: bool  # no sample's step goes too far
    plastic: bool = False  # laterals learn, dM ~ z z' - lateral_leak M - pull I,
    interneurons: bool = False  # or M = P P' + shift I, or P R + shift I,
    decoupled: bool = False  # where interneurons hear R z, not P'z
    adaptive: bool = False  # the shift learns
    tau: np.floating = np.float64(1)
    gain: np.floating = np.float64(1)
    lateral_leak: np.floating = np.float64(0)
    pull: np.floating = np.float64(0)
    weight_offset: np.floating = np.float64(0)
    shift: np.floating = np.float64(0)
    lower: np.floating = np.float64(0)
    upper: np.floating = np.float64(0)
    l1: np.floating = np.float64(0)
    radius: np.floating = np.float64(0)
    total: np.floating = np.float64(0)
    compliance: np.floating = np.float64(0)  # 1/stiffness of the total
    mean_rate: np.floating = np.float64(0)
    root: np.floating = np.float64(0)  # sqrt(threshold)
    power: np.floating = np.float64(0)
    power_rate: np.floating = np.float64(0)
    shift_min: np.floating = np.float64(0)
    zero: np.floating = np.float64(0)
    one: np.floating = np.float64(1)


def compile_circuit(circuit: Circuit, dtype: np.dtype | type) -> Table:
    """Write the circuit's choices as one row of the coefficient table."""
    number = np.dtype(dtype).type
    channels = np.zeros((len(circuit.channels), CURRENTS + len(circuit.channels)), dtype)
    for row, c in zip(channels, circuit.channels, strict=True):
        synapse, post = c.synapse, c.synapse.post.terms
        row[:CURRENTS] = (
            c.drive, c.leak, synapse.rate, post.get("Z", 0), post.get("FEEDBACK", 0), bool(synapse.gated),
            synapse.input_gated,
        )  # fmt: skip
        for u, name in enumerate(circuit.names, start=CURRENTS):
            row[u] = post.get(f"of({name})", 0) + (post.get("OWN", 0) if name == c.name else 0)
    lateral, neuron, domain = circuit.lateral, circuit.neuron, circuit.domain
    linear = neuron.settles and domain.is_free and lateral.learns
    whole = lateral.acting == 1.0 and neuron.inhibition.shift == 0.0 and not neuron.inhibition.learns
    numbers = {
        "gain": 1.0, "tau": lateral.tau, "lower": domain.lower, "upper": domain.upper, "l1": domain.l1,
        "radius": domain.radius, "total": domain.total or 0.0, "compliance": 1.0 / domain.stiffness,
        "mean_rate": domain.mean_rate, "root": neuron.threshold**0.5,
    } | lateral.row() | neuron.inhibition.row()  # fmt: skip
    given: dict[str, Any] = {
        name: value if isinstance(value, bool) else number(value)
        for name, value in (Table._field_defaults | numbers).items()
    }
    return Table(
        channels=channels,
        settles=neuron.settles,
        diagonal=not lateral.learns,
        linear=linear,
        tracked=linear and whole and lateral.averages,
        reads_feedback=bool(channels[:, FEEDBACK].any()),
        plain=bool(channels[:, INPUT_GATED].any()) or any(c.synapse.weights for c in circuit.channels),
        constrained=domain.total is not None,
        learned=domain.learned,
        limited=circuit.step.limited,
        **given,
    )
