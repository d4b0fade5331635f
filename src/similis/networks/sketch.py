"""A representer as a picture: the neuron, the error neuron that teaches it, the link at its synapses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._optional import require
from ..display import draw
from ..display.brush import CELL, DENDRITE, FAINT, INHIBITION, INK, PAPER, Brush
from .regularizers import OutputVariance
from .representer import Representer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INPUT, SOMA, ERROR = 1.5, (4.2, 2.9), (7.1, 2.9)
AXONS, TOP, OUTPUT = (6.2, 5.5, 4.5), 7.0, 0.85
BLUE, RADIUS = "#2f6db5", 0.5


@draw.register(Representer)
def _(network: Representer, ax: Axes | None = None) -> Axes:
    if ax is None:
        figure = require("matplotlib.pyplot", extra="plot").figure(figsize=(6, 4), facecolor=PAPER)
        ax = figure.add_axes((0, 0, 1, 1))
    brush = Brush(ax)
    loss, regularizer = network.loss, network.regularizer
    brush.words(0.25, 7.72, f"{network.name}: {loss.name} loss, {regularizer.name}", INK, 9, bold=True)
    brush.panel(INPUT - 0.35, AXONS[-1] - 0.4, 0.7, AXONS[0] - AXONS[-1] + 0.8, BLUE)
    brush.words(INPUT - 0.5, AXONS[1], r"$\mathbf{x}$", BLUE, 9, "right")
    for y in AXONS:
        brush.line((INPUT, SOMA[0]), (y, y), BLUE)
        brush.cell(INPUT, y, 0.17, BLUE, PAPER)
        brush.excite(SOMA[0] - 0.1, y, BLUE)
    brush.dots(INPUT, 0.5 * (AXONS[1] + AXONS[2]), BLUE, upright=True)
    brush.line((SOMA[0],) * 2, (SOMA[1], AXONS[0] + 0.3), BLUE, 4.2, DENDRITE)
    brush.cell(*SOMA, RADIUS, INK)
    brush.words(*SOMA, "$z$", INK, 9, "center")
    brush.line((SOMA[0],) * 2, (SOMA[1], OUTPUT), INK, 1.1)
    brush.excite(SOMA[0], OUTPUT - 0.1, INK, down=True)
    brush.words(SOMA[0], OUTPUT - 0.4, "output $z$", FAINT, 7, "center")
    # z and the teacher y meet in the error neuron, whose axon runs along the dendrite
    brush.joint(SOMA[0], 1.6, INK)
    brush.line((SOMA[0], ERROR[0] - 0.2, ERROR[0] - 0.2), (1.6, 1.6, ERROR[1] - RADIUS - 0.02), INK)
    brush.line((ERROR[0] - 0.34, ERROR[0] - 0.06), (ERROR[1] - RADIUS - 0.06,) * 2, INHIBITION, 2.2)
    brush.line((ERROR[0] + 0.22,) * 2, (OUTPUT, ERROR[1] - RADIUS - 0.2), INK)
    brush.line((ERROR[0] + 0.22,) * 2, (ERROR[1] - RADIUS - 0.2, ERROR[1]), INK)
    brush.words(ERROR[0] + 0.22, OUTPUT - 0.4, "teacher $y$", FAINT, 7, "center")
    brush.cell(*ERROR, RADIUS, INK, CELL)
    brush.words(*ERROR, "$a$", INK, 9, "center")
    path = (ERROR[0], ERROR[0], SOMA[0] + 0.24, SOMA[0] + 0.24), (ERROR[1] + RADIUS, TOP, TOP, AXONS[-1] - 0.25)
    brush.line(*path, INK, 1.4, DENDRITE, dashed=True)
    brush.words(0.5 * (SOMA[0] + ERROR[0]) + 0.1, TOP + 0.22, "teaches the synapses", FAINT, 7, "center")
    right = ERROR[0] + 0.75
    brush.words(right, ERROR[1] + 0.2, f"${loss.value[1].join(('l = ', ''))}$")
    brush.words(right, ERROR[1] - 0.22, f"$a = {loss.neuron[1]}$")
    z = np.linspace(-2.0, 2.0, 121)
    _curve(brush, (8.6, 3.7), z, loss.error(z, np.ones_like(z)), "$z$", "$a$, at $y = 1$")
    brush.words(right, TOP - 0.1, f"${regularizer.map[1]}$", BLUE)
    if not isinstance(regularizer, OutputVariance):
        h = np.stack([z, np.full_like(z, 0.5)], axis=1)  # one synapse beside another that stays
        _curve(brush, (8.6, 5.3), z, regularizer.link(h)[:, 0], "$h$", "link: $w$", BLUE)
    brush.words(right, 1.75, f"${regularizer.rule[1]}$", BLUE)
    brush.words(right, 1.35, regularizer.kind, FAINT, 7)
    return ax


def _curve(
    brush: Brush, corner: tuple[float, float], x: np.ndarray, y: np.ndarray, below: str, name: str, color: str = INK
) -> None:
    """A small graph, 1.6 wide and 1 high, with its zero lines."""
    left, foot = corner
    size = float(np.abs(y).max())
    middle = foot + 0.5
    brush.line((left, left + 1.6), (middle, middle), FAINT, 0.6)
    brush.line((left + 0.8,) * 2, (foot, foot + 1.0), FAINT, 0.6)
    brush.line(tuple(left + 0.8 + 0.4 * x), tuple(middle + 0.5 * y / size), color, 1.6, DENDRITE)
    brush.words(left + 1.7, middle, below, FAINT, 7)
    brush.words(left + 0.8, foot + 1.2, name, color, 7, "center")
