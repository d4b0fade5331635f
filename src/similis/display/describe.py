"""A circuit in words: its equations for a terminal and for a page, and the list of what every synapse reads."""

from __future__ import annotations

import re
from functools import singledispatch
from textwrap import wrap
from typing import Any

from ..circuit import Circuit
from ..circuit.notation import Latex, Text
from . import equations
from .dynamics import dynamics

#: columns of a terminal, and of the words at its left
WIDTH, MARGIN = 88, 11

#: synapses of the single units, at the rate of W: from, to, weights, what is before them, what is behind
_ROW_SUM = [("z", "lambda", "b", "z[i]", ""), ("lambda", "z", "a", "lambda", "Z")]
_THRESHOLD = [("1", "z", "b", "1", "Z")]


@singledispatch
def describe(circuit: Circuit | Any) -> str:
    """State a circuit as equations, on at most one screen for the networks of the catalogue.

    Networks that are no circuits register their own words, here and for `latex`, `signals_table` and `draw`.

    ::

        objective  min_W max_M < min_z  z' M z - 2 z' d + metric |a|^2 > + leak |W|^2 - V(M)
        drive      d = sum_c drive_c a_c
        dynamics   dz/ds = d - M z, and where it settles
        synapses   dW_c = 2 eta_t rate_c (post_c x_c' - leak_c W_c)
        lateral    dM = (eta_t/tau) (z z' - M), or its kin
        units      db, da, dm, dmu: single units, thresholds, means, self-inhibition, where there are any
        step       eta_t = max(floor, eta0 / (1 + decay t))

    Parameters
    ----------
    circuit : Circuit

    Returns
    -------
    str
        Lines of at most 88 characters. ``< . >`` is the average over samples, ``'`` the transpose, ``a_c`` the current
        of channel c's compartment, ``n`` the interneurons, ``1[.]`` the gate of a plastic synapse.

    See Also
    --------
    latex : the same equations for a page
    signals_table : what every synapse reads
    """
    lines = [str(circuit), ""]
    for word, sentences in _sections(circuit, Text()):
        lines += paragraph(word, sentences if word == "synapses" else _joined(sentences))
    return "\n".join(lines)


def paragraph(word: str, rows: list[str]) -> list[str]:
    """Lines of a terminal: rows, broken where they are long, behind a word in the margin."""
    lines = []
    for row in rows:
        for part in _wrapped(row):
            lines.append(f"{word:<{MARGIN}}{part}")
            word = ""
    return lines


@singledispatch
def latex(circuit: Circuit | Any) -> str:
    r"""State a circuit as one LaTeX ``aligned`` environment.

    Parameters
    ----------
    circuit : Circuit

    Returns
    -------
    str
        Lines in order: objective, drive, dynamics, synapses, lateral, step. Without the environment, the ``&`` and the
        closing ``\\`` every line is within what matplotlib's mathtext renders.
    """
    lines = []
    for word, sentences in _sections(circuit, Latex()):
        for sentence in sentences:
            if word == "objective" and not _derived(circuit):
                continue
            lines.append(f"&{sentence}" if word == "objective" else sentence.replace(" = ", " &= ", 1))
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


@singledispatch
def signals_table(circuit: Circuit | Any) -> list[dict[str, Any]]:
    """List, synapse by synapse, the signals its learning rule reads: all are present at that synapse.

    The rule of weight w_ij is ``dw_ij = 2 eta_t rate (post_i pre_j - leak w_ij)``, and ``post`` is a linear form in
    signals of neuron i alone.

    Parameters
    ----------
    circuit : Circuit

    Returns
    -------
    list of dict
        For each family of plastic synapses: ``synapse`` (from and to), ``weights``, ``presynaptic`` (one signal),
        ``postsynaptic`` (coefficient of each signal read at the receiving cell), ``leak``, ``rate`` (in units of
        2 eta_t), ``gated`` (learning waits for f' of the neuron), ``gated by input`` and ``locality`` (a sentence).
        Fixed lateral weights have no row.
    """
    hand = Text()
    rows: list[dict[str, Any]] = []
    current = hand.grouped(equations.lateral_current(circuit, hand))
    current = current if current.startswith("(") or " " not in current else f"({current})"
    for c in circuit.channels:
        synapse, terms = c.synapse, dict(c.synapse.post.terms)
        names = {"Z": "z[i]", "OWN": f"{hand.current(c.name)}[i]", "FEEDBACK": f"{current}[i]"}
        names |= {f"of({name})": f"{hand.current(name)}[i]" for name in circuit.names}
        rows.append(
            {
                "synapse": f"{c.name} -> z",
                "weights": hand.weight(c.weights),
                "presynaptic": hand.input(c.name),
                "postsynaptic": terms,
                "leak": c.leak,
                "rate": synapse.rate,
                "gated": bool(synapse.gated),
                "gated by input": synapse.input_gated,
                "locality": " and ".join(names[signal] for signal in terms) + " at neuron i" if terms else "",
            }
        )
    for source, target, weights, signal, cell, leak in circuit.lateral.synapses:
        rows.append(
            {
                "synapse": f"{source} -> {target}",
                "weights": weights,
                "presynaptic": source,
                "postsynaptic": {signal: 1.0},
                "leak": leak,
                "rate": 0.5 / circuit.lateral.tau,
                "gated": False,
                "gated by input": False,
                "locality": f"{target}[i] at {cell} i",
            }
        )
    for row in rows:
        seen = f"{row['weights']}[i,j] reads {row['presynaptic']}[j] before it"
        behind = f", {row['locality']}" if row["locality"] else ""
        fixed = f"{row['weights']}[i,j] is fixed"
        row["locality"] = seen + behind + ", and itself" * bool(row["leak"]) if row["rate"] else fixed
    return rows + [
        _single(*unit) for unit in _ROW_SUM * circuit.domain.learned + _THRESHOLD * bool(circuit.neuron.threshold)
    ]


def _single(source: str, target: str, weights: str, before: str, signal: str) -> dict[str, Any]:
    behind = ", z[i] at neuron i" if signal else ""
    return {
        "synapse": f"{source} -> {target}",
        "weights": weights,
        "presynaptic": source,
        "postsynaptic": {signal: 1.0} if signal else {},
        "leak": 1.0,
        "rate": 1.0,
        "gated": False,
        "gated by input": False,
        "locality": f"{weights}[i] reads {before} before it{behind}, and itself",
    }


def _derived(circuit: Circuit) -> bool:
    return all(circuit.derives(c) for c in circuit.channels) and circuit.lateral.has_objective


def _sections(circuit: Circuit, hand: Text) -> list[tuple[str, list[str]]]:
    if _derived(circuit):
        objective = equations.objective(circuit, hand)
    elif not circuit.lateral.has_objective:
        objective = "none: decoupled interneurons have one only where R = P'"
    else:
        names = [c.name for c in circuit.channels if not circuit.derives(c)]
        objective = f"none: the synapses of {', '.join(names)} are declared, not derived from one"
    sections = [
        ("objective", [objective]),
        ("drive", equations.drive(circuit, hand)),
        ("dynamics", dynamics(circuit, hand)),
        ("synapses", equations.synapses(circuit, hand)),
        ("lateral", equations.lateral(circuit, hand)),
        ("units", circuit.neuron.rules(hand)),
        ("step", [equations.step(circuit, hand)]),
    ]
    return [(word, sentences) for word, sentences in sections if sentences]


def _joined(sentences: list[str]) -> list[str]:
    """Short sentences share a line."""
    rows: list[str] = []
    for sentence in sentences:
        fresh = sentence.startswith(Text.arrives)
        if rows and not fresh and len(rows[-1]) + len(sentence) + 3 <= WIDTH - MARGIN:
            rows[-1] += f",  {sentence}"
        else:
            rows.append(sentence)
    return rows


def _wrapped(row: str) -> list[str]:
    """Break a long row before a sign or behind a comma, never between a coefficient and its symbol."""
    bound = re.sub(r"(?<!,) (?![+-] )", "\0", row)
    parts = wrap(bound, WIDTH - MARGIN, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return [part.replace("\0", " ") for part in parts]
