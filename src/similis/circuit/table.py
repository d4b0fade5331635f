"""A circuit as one row of coefficients: what every compiled interpreter reads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .spec import Circuit

#: codes of the lateral rules in a compiled row
NONE, GRAM, WHITEN, INTERNEURONS = range(4)
_CODES = {"none": NONE, "gram": GRAM, "whiten": WHITEN, "interneurons": INTERNEURONS}


#: columns of ``Table.channels``; the coefficients of the compartments' currents follow from CURRENTS on
DRIVE, LEAK, RATE, OUTPUT, FEEDBACK, GATED, CURRENTS = range(7)


class Table(NamedTuple):
    """The coefficients of a circuit with C channels, all numbers in one precision.

    ``post_c = OUTPUT_c z + CURRENTS_c . (a_1 .. a_C) + FEEDBACK_c M z``, multiplied by f' where ``GATED_c``.
    """

    channels: np.ndarray  # (C, CURRENTS + C), one row a channel
    lateral: int
    settles: bool
    linear: bool  # z = M^{-1} d
    tracked: bool  # ... with M^{-1} followed by rank-one updates
    reads_feedback: bool  # some synapse reads M z
    tau: np.floating
    shift: np.floating
    rest: np.floating
    lower: np.floating
    upper: np.floating
    l1: np.floating
    zero: np.floating
    one: np.floating


def compile_circuit(circuit: Circuit, dtype: np.dtype | type) -> Table:
    """Write the circuit's choices as one row of the coefficient table."""
    number = np.dtype(dtype).type
    channels = np.zeros((len(circuit.channels), CURRENTS + len(circuit.channels)), dtype)
    for row, c in zip(channels, circuit.channels, strict=True):
        post = c.post.terms  # type: ignore[union-attr]
        row[:CURRENTS] = c.drive, c.leak, c.rate, post.get("Z", 0), post.get("FEEDBACK", 0), bool(c.gated)
        for u, name in enumerate(circuit.names, start=CURRENTS):
            row[u] = post.get(f"of({name})", 0) + (post.get("OWN", 0) if name == c.name else 0)
    lateral = _CODES[circuit.lateral.kind]
    linear = circuit.settles and circuit.domain.is_free and lateral != NONE
    return Table(
        channels=channels,
        lateral=lateral,
        settles=circuit.settles and lateral != NONE,
        linear=linear,
        tracked=linear and lateral == GRAM,
        reads_feedback=bool(channels[:, FEEDBACK].any()),
        tau=number(circuit.lateral.tau),
        shift=number(circuit.lateral.shift),
        rest=number(circuit.lateral.rest),
        lower=number(circuit.domain.lower),
        upper=number(circuit.domain.upper),
        l1=number(circuit.domain.l1),
        zero=number(0.0),
        one=number(1.0),
    )
