"""A circuit as a picture: a crossbar of input axons and dendrites, and below the somas the crossbar of laterals.

One grammar throughout: a triangle on a crossing excites, a flat bar inhibits, a crossing without either is no synapse,
and a dashed dendrite teaches without driving the soma.
"""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np

from .._optional import require
from ..circuit import Channel, Circuit
from ..circuit.notation import Latex
from . import equations
from .brush import DENDRITE, FAINT, INHIBITION, INK, PAPER, Brush
from .dynamics import settled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: heights: top of the channels, their foot, somas, first lateral row, outputs
TOP, FOOT, SOMA, ROW, OUTPUT = 7.3, 3.85, 3.1, 2.45, 0.75
#: columns: input cells, the words on the left and on the right
INPUT, LEFT, RIGHT = 1.35, 0.25, 8.6
#: where three stand for many, the gap before the last says so
MANY = (0.0, 1.0, 2.4)
RADIUS, STEM = 0.36, 0.19
COLORS = ("#2f6db5", "#d07a1f", "#3a8f6b", "#7a5ba6")


@singledispatch
def draw(circuit: Circuit | Any, ax: Axes | None = None) -> Axes:
    """Draw a circuit: input channels, compartments, somas, laterals with their signs, outputs.

    Three neurons, three inputs a channel and three interneurons stand for all; the first channel lies next to the soma.
    Words on the right say what each synapse reads, the curve inside the soma how it responds.

    Parameters
    ----------
    circuit : Circuit
    ax : matplotlib Axes, optional
        Where to draw; by default on a new pyplot figure of 6 x 4 inch.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    MissingDependencyError
        If matplotlib is absent.
    """
    if ax is None:
        figure = require("matplotlib.pyplot", extra="plot").figure(figsize=(6, 4), facecolor=PAPER)
        ax = figure.add_axes((0, 0, 1, 1))
    brush = Brush(ax)
    somas = _places(circuit.size, 3.1, 7.2)
    _channels(circuit, brush, somas)
    if circuit.lateral.has_interneurons:
        _interneurons(brush, somas, circuit.lateral.units_for(circuit.size), "n", "P", not circuit.settles)
    elif circuit.lateral.learns:
        _laterals(circuit, brush, somas)
    elif circuit.domain.total is not None:
        _interneurons(brush, somas, 1, r"\lambda", "b" if circuit.domain.learned else "1")
    _somas(circuit, brush, somas)
    _key(circuit, brush)
    return ax


def _places(count: int, first: float, last: float) -> list[float]:
    """Positions of one, two or (standing for many) three cells."""
    middle, span = (first + last) / 2, last - first
    if count <= 2:
        return [middle] if count == 1 else [middle - 0.28 * span, middle + 0.28 * span]
    return [first + span * place / MANY[-1] for place in MANY]


def _channels(circuit: Circuit, brush: Brush, somas: list[float]) -> None:
    """Each channel: its input cells, their axons, one compartment on every neuron, what the synapse reads."""
    count = len(circuit.channels)
    band = (TOP - FOOT) / count
    spacing = min(0.8, band / (MANY[-1] + 1.5))
    offsets = np.linspace(-1, 1, count) * min(0.3 * (count - 1), 0.45)
    brush.words(LEFT, 7.72, circuit.name.replace("$", r"\$"), INK, 9, bold=True)
    for c, channel in enumerate(circuit.channels):
        color, offset, hand = COLORS[c % len(COLORS)], offsets[c], Latex()
        middle = FOOT + band * (c + 0.5)
        rows = [middle + spacing * (MANY[-1] / 2 - place) for place in MANY]
        pad, radius = 0.5 * spacing, min(0.16, 0.33 * spacing)
        brush.panel(INPUT - 0.32, rows[-1] - pad, 0.64, rows[0] - rows[-1] + 2 * pad, color)
        brush.words(INPUT - 0.45, middle, f"${hand.input(channel.name)}$", color, 9, "right")
        for y in rows:
            brush.line((INPUT, somas[-1] + offset), (y, y), color, 0.7)
            brush.cell(INPUT, y, radius, color, PAPER)
        brush.dots(INPUT, (rows[1] + rows[2]) / 2, color, ((rows[1] - rows[2]) / 2 - radius) / 2, upright=True)
        for x in somas:
            foot, tip = rows[-1] - 0.6 * pad, rows[0] + 0.6 * pad
            brush.line((x + offset, x + offset), (foot, tip), color, 4.2, DENDRITE)
            bend = FOOT - 0.02
            brush.line(
                (x + offset, x + offset, x + 0.35 * offset),
                (foot, bend, SOMA),
                color,
                1.8,
                DENDRITE,
                channel.drive == 0,
            )
            for y in rows:
                brush.excite(x + offset - 0.09, y, color, min(0.1, 0.28 * spacing))
        above = rows[0] + max(0.27, 0.75 * pad)
        brush.words(somas[0] + offset - 0.14, above, f"${hand.current(channel.name)}$", color, 8, "right")
        _reading(circuit, channel, brush, middle, color)


def _reading(circuit: Circuit, channel: Channel, brush: Brush, y: float, color: str) -> None:
    """What the channel's synapses read, and the ways in which they differ from plain Hebb."""
    hand = Latex()
    reads = hand.signed(equations.post(circuit, channel, hand))
    notes = ["Hebbian"] if dict(channel.synapse.post.terms) == {"Z": 1.0} else []
    notes += ["shared weights"] if channel.synapse.weights else []
    notes += ["teaches only"] if channel.drive == 0.0 else []
    notes += [f"drive {channel.drive:g}"] if channel.drive not in (0.0, 1.0) else []
    notes += [f"leak {channel.leak:g}"] if channel.leak else []
    notes += [f"rate {channel.synapse.rate:g}"] if channel.synapse.rate != 1.0 else []
    notes += ["gated"] if channel.synapse.gated else []
    brush.words(RIGHT, y + 0.19 * bool(notes), f"${hand.weight(channel.weights)}$ reads ${reads}$", color)
    brush.words(RIGHT, y - 0.19, ", ".join(notes), FAINT, 7)


def _laterals(circuit: Circuit, brush: Brush, somas: list[float]) -> None:
    """The lateral crossbar: every axon's collateral meets every lateral dendrite with a flat bar."""
    rows = [ROW - 0.2 - 0.45 * j for j in range(len(somas))]
    stems = [x - STEM for x in somas]
    for x in stems:
        brush.line((x, x), (SOMA, rows[-1]), INK, 1.8, DENDRITE, not circuit.settles)
    for x, y in zip(somas, rows, strict=True):
        axon = x + STEM
        brush.line((min(stems), max(stems[-1], axon)), (y, y), INHIBITION)
        brush.joint(axon, y, INHIBITION)
        for stem in stems:
            brush.inhibit(stem + (0.12 if stem < axon else -0.12), y)
    middle = (rows[0] + rows[-1]) / 2
    until = circuit.lateral.until(Latex())
    until = f" until ${until}$" if until else ""
    brush.words(RIGHT, middle + 0.19, r"$-\mathbf{M}$ anti-Hebbian", INHIBITION)
    brush.words(RIGHT, middle - 0.19, f"inhibits{until}", FAINT, 7)


def _interneurons(brush: Brush, somas: list[float], count: int, name: str, weights: str, dashed: bool = False) -> None:
    """Two crossbars: axons excite the interneurons, whose axons meet the lateral dendrites with flat bars."""
    cells = _places(count, RIGHT + 0.1, RIGHT + 1.3)
    back = [ROW - 0.25 * j for j in range(len(cells))]
    out = [back[-1] - 0.36 - 0.25 * i for i in range(len(somas))]
    for x in somas:
        brush.line((x - STEM, x - STEM), (SOMA, back[-1]), INK, 1.8, DENDRITE, dashed)
    for cell, y in zip(cells, back, strict=True):
        brush.line((somas[0] - STEM, cell), (y, y), INHIBITION)
        brush.line((cell, cell), (y, out[-1]), INHIBITION, 1.6, DENDRITE)
        brush.cell(cell, y, 0.13, INHIBITION, PAPER)
        for x in somas:
            brush.inhibit(x - STEM + 0.12, y, 0.09)
    for x, y in zip(somas, out, strict=True):
        brush.line((x + STEM, cells[-1]), (y, y), INK)
        brush.joint(x + STEM, y, INK)
        for cell in cells:
            brush.excite(cell - 0.05, y, INK, 0.08)
    symbol = name if name.startswith("\\") else rf"\mathbf{{{name}}}"
    learned = weights != "1"
    brush.words(cells[-1] + 0.3, back[0] - 0.05, f"${symbol}$", INHIBITION, 8)
    kinds = (" anti-Hebbian", " Hebbian") if learned else (" fixed", " fixed")
    middle = (back[0] + back[-1]) / 2
    brush.words(somas[0] - 0.5, middle, rf"$-\mathbf{{{weights}}}$" + kinds[0], INHIBITION, 8, "right")
    middle = (out[0] + out[-1]) / 2
    brush.words(cells[-1] + 0.3, middle, rf"$\mathbf{{{weights}}}^{{\top}}$" + kinds[1], INK)


def _somas(circuit: Circuit, brush: Brush, somas: list[float]) -> None:
    """The neurons and their outputs."""
    hand = Latex()
    names = ["z_1", "z_2", "z_k" if circuit.size > 3 else "z_3"]
    for x, name in zip(somas, names, strict=False):
        brush.line((x + STEM, x + STEM), (SOMA, OUTPUT), INK, 1.1)
        brush.excite(x + STEM, OUTPUT - 0.12, INK, down=True)
        brush.words(x + STEM, OUTPUT - 0.38, f"${name}$", INK, 8, "center")
        brush.cell(x, SOMA, RADIUS, INK)
        brush.nonlinearity(x, SOMA, RADIUS, circuit.domain)
    if circuit.size > 3:
        brush.dots((somas[1] + somas[2]) / 2, SOMA, INK)
    bounds = circuit.domain.words(hand, hand.bold("z"))
    for place, rule in enumerate(circuit.neuron.rules(hand)):
        brush.words(RIGHT, SOMA + 0.3 * (place + 1), f"${rule}$", FAINT, 7)
    if not circuit.settles:
        brush.words(RIGHT, SOMA, f"${settled(circuit, hand)[0]}$, feedforward")
    else:
        brush.words(RIGHT, SOMA, f"${settled(circuit, hand)[0]}$" if circuit.domain.is_free else f"${bounds}$, settles")
    brush.words(RIGHT, OUTPUT - 0.38, f"{circuit.size} output{'s' * (circuit.size > 1)}", FAINT, 7)


def _key(circuit: Circuit, brush: Brush) -> None:
    """What the marks mean, of those that occur."""
    dashed = not circuit.settles or any(c.drive == 0.0 for c in circuit.channels)
    inhibits = circuit.lateral.learns or circuit.domain.total is not None
    occurs = {"excites": True, "inhibits": inhibits, "teaches only": dashed}
    meanings = [meaning for meaning, here in occurs.items() if here]
    for place, meaning in enumerate(reversed(meanings)):
        y = 0.27 + 0.31 * place
        brush.words(LEFT + 0.6, y, meaning, FAINT, 7)
        if meaning == "excites":
            brush.excite(LEFT + 0.35, y, INK)
        elif meaning == "inhibits":
            brush.inhibit(LEFT + 0.27, y, 0.1)
        else:
            brush.line((LEFT + 0.05, LEFT + 0.45), (y, y), INK, 1.8, DENDRITE, dashed=True)
