"""A system that is no circuit of neurons: its equations, and the boxes that data pass through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._optional import require
from .brush import INK, PAPER, Brush
from .describe import describe, latex, paragraph, signals_table
from .draw import COLORS, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Equation:
    """One line: the word in the margin (may be empty), the equation for a terminal and as LaTeX (may be empty)."""

    word: str
    text: str
    latex: str = ""


@dataclass(frozen=True)
class Box:
    """A stage at (x, y) of a page 12 wide and 8 high; `words` may hold line breaks and mathtext.

    ``color`` picks one of the colours of channels.
    """

    words: str
    x: float
    y: float
    color: int = 0
    width: float = 2.4
    height: float = 1.1


@dataclass(frozen=True)
class Arrow:
    """From box to box, by their places in the list; dashed where it teaches; `bend` curves it away from others."""

    source: int
    target: int
    words: str = ""
    dashed: bool = False
    bend: float = 0.0


@dataclass(frozen=True)
class System:
    """What `describe`, `latex` and `draw` say of a system.

    Parameters
    ----------
    name, title : str
        Short name, and one line that says what it is.
    equations : tuple of Equation
        On at most one screen; the first is the objective.
    boxes : tuple of Box
    arrows : tuple of Arrow
    reads : tuple of (synapse, what it reads), for systems with local learning rules
    """

    name: str
    title: str
    equations: tuple[Equation, ...]
    boxes: tuple[Box, ...] = ()
    arrows: tuple[Arrow, ...] = ()
    reads: tuple[tuple[str, str], ...] = ()


@describe.register(System)
def _(system: System) -> str:
    lines = [f"{system.name}: {system.title}", ""]
    for equation in system.equations:
        lines += paragraph(equation.word, [equation.text])
    return "\n".join(lines)


@latex.register(System)
def _(system: System) -> str:
    rows = [equation.latex for equation in system.equations if equation.latex]
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


@signals_table.register(System)
def _(system: System) -> list[dict[str, Any]]:
    return [{"synapse": synapse, "locality": reads} for synapse, reads in system.reads]


@draw.register(System)
def _(system: System, ax: Axes | None = None) -> Axes:
    if ax is None:
        figure = require("matplotlib.pyplot", extra="plot").figure(figsize=(6, 4), facecolor=PAPER)
        ax = figure.add_axes((0, 0, 1, 1))
    brush = Brush(ax)
    brush.words(0.25, 7.72, system.name, INK, 9, bold=True)
    for box in system.boxes:
        color = COLORS[box.color % len(COLORS)]
        brush.panel(box.x - box.width / 2, box.y - box.height / 2, box.width, box.height, color)
        for place, line in enumerate(lines := box.words.split("\n")):
            brush.words(box.x, box.y + 0.36 * ((len(lines) - 1) / 2 - place), line, color, 8, "center")
    for arrow in system.arrows:
        source, target = system.boxes[arrow.source], system.boxes[arrow.target]
        brush.arrow(_rim(source, target), _rim(target, source), arrow.words, dashed=arrow.dashed, bend=arrow.bend)
    return ax


def _rim(box: Box, other: Box) -> tuple[float, float]:
    """Where the line from the middle of a box to that of another leaves it."""
    dx, dy = other.x - box.x, other.y - box.y
    share = min(box.width / (2 * abs(dx)) if dx else 1.0, box.height / (2 * abs(dy)) if dy else 1.0)
    return box.x + share * dx, box.y + share * dy
