"""The strokes of a circuit diagram: wires, cells, synapse marks, words; all scale with the axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._optional import require
from ..circuit import Domain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: the page, in units of half an inch at 6 x 4 inch
PAGE = (12.0, 8.0)
INHIBITION, CELL, INK, FAINT, PAPER = "#b23a48", "#eceff1", "#37474f", "#78868e", "#ffffff"
#: depth of a wire, a dendrite, a mark, a cell
WIRE, DENDRITE, MARK, BODY = 1, 2, 3, 4


class Brush:
    """Draws on one pair of axes in page units."""

    def __init__(self, ax: Axes) -> None:
        self.ax = ax
        self.patches = require("matplotlib.patches", extra="plot")
        box, dpi = ax.get_window_extent(), ax.figure.dpi
        self.scale = 2.0 * min(box.width / PAGE[0], box.height / PAGE[1]) / dpi
        ax.set(xlim=(0, PAGE[0]), ylim=(0, PAGE[1]), aspect="equal")
        ax.set_axis_off()

    def line(
        self, xs: tuple[float, ...], ys: tuple[float, ...], color: str, width: float = 0.8, depth: int = WIRE,
        dashed: bool = False,
    ) -> None:  # fmt: skip
        """An axon (thin) or a dendrite (thick)."""
        width *= self.scale
        style = (0, (1.6, 1.2)) if dashed else "-"
        cap = "butt" if dashed else "round"
        self.ax.plot(
            xs,
            ys,
            color=color,
            linewidth=width,
            linestyle=style,
            zorder=depth,
            solid_capstyle="round",
            dash_capstyle=cap,
        )

    def excite(self, x: float, y: float, color: str, size: float = 0.1, down: bool = False) -> None:
        """A triangle whose tip touches (x, y): from the left, or from above."""
        ahead, side = np.array([0.0, -1.0] if down else [1.0, 0.0]), np.array([1.0, 0.0] if down else [0.0, 1.0])
        tip = np.array([x, y])
        corners = [tip, tip - 1.8 * size * ahead + size * side, tip - 1.8 * size * ahead - size * side]
        self.ax.add_patch(self.patches.Polygon(corners, facecolor=color, edgecolor="none", zorder=MARK))

    def inhibit(self, x: float, y: float, size: float = 0.13) -> None:
        """A flat bar."""
        self.line((x, x), (y - size, y + size), INHIBITION, 2.2, MARK)

    def arrow(
        self, start: tuple[float, float], end: tuple[float, float], words: str = "", *, dashed: bool = False,
        bend: float = 0.0,
    ) -> None:  # fmt: skip
        """From stage to stage of a system, with words beside its middle."""
        style = {"color": INK, "linewidth": 0.9 * self.scale, "linestyle": "--" if dashed else "-"}
        arc = f"arc3,rad={bend}"
        head = self.patches.FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=8 * self.scale, connectionstyle=arc, zorder=MARK, **style
        )
        self.ax.add_patch(head)
        (x0, y0), (x1, y1) = start, end
        upright = abs(y1 - y0) > abs(x1 - x0)
        x, y = (x0 + x1 + bend * (y1 - y0)) / 2, (y0 + y1 - bend * (x1 - x0)) / 2
        self.words(x + 0.12 * upright, y + 0.24 * (not upright), words, FAINT, 7, "left" if upright else "center")

    def joint(self, x: float, y: float, color: str) -> None:
        """Where an axon branches."""
        self.ax.add_patch(self.patches.Circle((x, y), 0.06, facecolor=color, edgecolor="none", zorder=MARK))

    def cell(self, x: float, y: float, radius: float, edge: str, face: str = CELL) -> None:
        width = 1.1 * self.scale
        circle = self.patches.Circle((x, y), radius, facecolor=face, edgecolor=edge, linewidth=width, zorder=BODY)
        self.ax.add_patch(circle)

    def nonlinearity(self, x: float, y: float, radius: float, domain: Domain) -> None:
        """The soma's response, drawn inside it: a line, clipped and thresholded as the domain says."""
        u = np.linspace(-1.0, 1.0, 81)
        v = np.sign(u) * np.maximum(np.abs(u) - 0.35 * (domain.l1 > 0), 0.0)
        low = -np.inf if np.isinf(domain.lower) else -0.5 * (domain.lower < 0)
        v = np.clip(v, low, np.inf if np.isinf(domain.upper) else 0.5)
        middle = 0.5 * (v.min() + v.max())
        self.line(tuple(x + 0.6 * radius * u), tuple(y + 0.6 * radius * (v - middle)), INK, 1.3, BODY + 1)

    def panel(self, x: float, y: float, width: float, height: float, color: str) -> None:
        """A pale field behind a population."""
        style = self.patches.BoxStyle.Round(pad=0.0, rounding_size=0.2)
        box = self.patches.FancyBboxPatch(
            (x, y), width, height, boxstyle=style, facecolor=color, alpha=0.12, edgecolor="none", zorder=0
        )
        self.ax.add_patch(box)

    def dots(self, x: float, y: float, color: str, spread: float = 0.13, upright: bool = False) -> None:
        """And so on."""
        spread = min(0.13, spread)
        for shift in (-spread, 0.0, spread):
            at = (x, y + shift) if upright else (x + shift, y)
            self.ax.add_patch(self.patches.Circle(at, 0.27 * spread, facecolor=color, edgecolor="none", zorder=MARK))

    def words(
        self,
        x: float,
        y: float,
        text: str,
        color: str = INK,
        size: float = 7.5,
        align: str = "left",
        bold: bool = False,
    ) -> None:
        """One line of text, smaller where the page ends before it."""
        words = self.ax.text(
            x, y, text, color=color, fontsize=size * self.scale, ha=align, va="center", zorder=BODY + 2,
            weight="bold" if bold else "normal",
        )  # fmt: skip
        pixels = self.ax.transData.transform([(0.0, 0.0), (1.0, 0.0)])
        width = words.get_window_extent().width / (pixels[1, 0] - pixels[0, 0])
        room = x - 0.1 if align == "right" else PAGE[0] - x - 0.1
        if align != "center" and width > room:
            words.set_fontsize(size * self.scale * room / width)
