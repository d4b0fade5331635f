"""A circuit as one row of coefficients: what every compiled interpreter reads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .spec import Circuit

#: codes of the lateral rules in a compiled row
NONE, GRAM, WHITEN, INTERNEURONS = range(4)
_CODES = {"none": NONE, "gram": GRAM, "whiten": WHITEN, "interneurons": INTERNEURONS}


#: columns of ``Table.channels``; the coefficients of the compartments' currents follow from CURRENTS on
DRIVE, LEAK, RATE, OUTPUT, FEEDBACK, GATED, PRESYNAPTIC, CURRENTS = range(8)


class Table(NamedTuple):
    """The coefficients of a circuit with C channels, all numbers in one precision.

    ``post_c = OUTPUT_c z + CURRENTS_c . (a_1 .. a_C) + FEEDBACK_c A z``, multiplied by f' where ``GATED_c``.
    """

    channels: np.ndarray  # (C, CURRENTS + C), one row a channel
    lateral: int
    settles: bool  # z waits for A; otherwise A = I
    diagonal: bool  # A = (gain + shift) I
    linear: bool  # z = A^{-1} d
    tracked: bool  # ... with M^{-1} followed by rank-one updates
    reads_feedback: bool  # some synapse reads A z
    presynaptic: bool  # some synapse is gated by its own input: its weights do not shrink together
    constrained: bool  # b.z = total
    learned: bool  # ... with learned b, and thresholds a
    adaptive: bool  # the shift learns
    decoupled: bool  # interneurons hear R z, not P'z
    limited: bool  # no sample's step goes too far
    tau: np.floating
    gain: np.floating
    shift: np.floating
    rest: np.floating
    lower: np.floating
    upper: np.floating
    l1: np.floating
    radius: np.floating
    total: np.floating
    give: np.floating  # 1/soft
    centred: np.floating
    root: np.floating  # sqrt(threshold)
    power: np.floating
    power_rate: np.floating
    shift_min: np.floating
    zero: np.floating
    one: np.floating


def compile_circuit(circuit: Circuit, dtype: np.dtype | type) -> Table:
    """Write the circuit's choices as one row of the coefficient table."""
    number = np.dtype(dtype).type
    channels = np.zeros((len(circuit.channels), CURRENTS + len(circuit.channels)), dtype)
    for row, c in zip(channels, circuit.channels, strict=True):
        post = c.post.terms  # type: ignore[union-attr]
        row[:CURRENTS] = (
            c.drive, c.leak, c.rate, post.get("Z", 0), post.get("FEEDBACK", 0), bool(c.gated), c.presynaptic,
        )  # fmt: skip
        for u, name in enumerate(circuit.names, start=CURRENTS):
            row[u] = post.get(f"of({name})", 0) + (post.get("OWN", 0) if name == c.name else 0)
    domain, lateral = circuit.domain, circuit.lateral
    code = _CODES[lateral.kind]
    linear = circuit.settles and domain.is_free and code != NONE
    plain = lateral.gain == 1.0 and lateral.shift == 0.0 and lateral.power is None
    return Table(
        channels=channels,
        lateral=code,
        settles=circuit.settles,
        diagonal=code == NONE,
        linear=linear,
        tracked=linear and code == GRAM and plain,
        reads_feedback=bool(channels[:, FEEDBACK].any()),
        presynaptic=bool(channels[:, PRESYNAPTIC].any()),
        constrained=domain.total is not None,
        learned=domain.learned,
        adaptive=lateral.power is not None,
        decoupled=lateral.decoupled,
        limited=circuit.step.limited,
        tau=number(lateral.tau),
        gain=number(lateral.gain),
        shift=number(lateral.shift),
        rest=number(lateral.rest),
        lower=number(domain.lower),
        upper=number(domain.upper),
        l1=number(domain.l1),
        radius=number(domain.radius),
        total=number(domain.total or 0.0),
        give=number(1.0 / domain.soft),
        centred=number(domain.centred),
        root=number(circuit.threshold**0.5),
        power=number(lateral.power or 0.0),
        power_rate=number(lateral.power_rate),
        shift_min=number(lateral.shift_min),
        zero=number(0.0),
        one=number(1.0),
    )
