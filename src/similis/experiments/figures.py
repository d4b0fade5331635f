"""Pictures for the report: SVG whose ink follows the page's colours, and pixel-exact image tiles."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._optional import require
from ..circuit import Circuit
from ..display import describe, draw
from ._registry import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

BLUE, ORANGE, GREEN, PURPLE, GREY = "#3f83c1", "#d3782b", "#3b9a6d", "#9a6bc0", "#8b9099"  # read on white and black
_INK, _FAINT = "#010203", "#040506"  # stand-ins, and with them what `display.draw` uses, become the page's own colours:
_PAGE = {
    _INK: "currentColor",
    _FAINT: "var(--rule)",
    "#000000": "currentColor",
    "#37474f": "currentColor",
    "#78868e": "var(--quiet)",
    "#eceff1": "var(--tag)",
    "#ffffff": "var(--paper)",
    "#2f6db5": BLUE,
    "#b23a48": "#cf5160",
}
_STYLE: dict[str, Any] = {
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _FAINT,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "svg.fonttype": "none",
}


def canvas(width: float = 5.6, height: float = 3.5, *, n_columns: int = 1, share_y: bool = False) -> tuple[Canvas, Any]:
    """Empty axes in the report's style, outside pyplot's global state; sizes in inches."""
    matplotlib = require("matplotlib", extra="plot")
    require("matplotlib.figure", extra="plot")
    with matplotlib.rc_context(_STYLE):
        figure = matplotlib.figure.Figure(figsize=(width, height), layout="constrained")
        return figure, figure.subplots(1, n_columns, sharey=share_y)


def drawing(network: Any) -> Figure:
    """The diagram of a network, which brings its own layout."""
    matplotlib = require("matplotlib", extra="plot")
    require("matplotlib.figure", extra="plot")
    figure = matplotlib.figure.Figure(figsize=(6, 4))
    draw(network, figure.add_axes((0, 0, 1, 1)))
    if not isinstance(network, Circuit):
        title = describe(network).splitlines()[0]
        return svg(figure, caption=f"{title}.", alt=f"Diagram of {title}", salt=f"network/{network.name}")
    heard, size = " and ".join(network.names), network.size
    return svg(
        figure,
        caption=f"The circuit: {heard} drive{'s' * (len(network.names) == 1)} {size} neurons; what each synapse reads.",
        alt=f"Diagram of the circuit {network.name}: inputs {heard}, {size} neurons and their lateral connections.",
        salt=f"circuit/{network.name}",
    )


def label(ax: Axes, x: str, y: str = "", title: str = "") -> None:
    """Name the axes and, where curves are named, add a legend without a box."""
    ax.set(xlabel=x, ylabel=y, title=title)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False, fontsize=9)


def svg(figure: Canvas, *, caption: str, alt: str, salt: str, wide: bool = False) -> Figure:
    """Finish a canvas as SVG text; `salt` keeps element ids apart when many drawings share a page."""
    matplotlib = require("matplotlib", extra="plot")
    buffer = io.BytesIO()
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": salt}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue().decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(width|height)="[\d.]+pt" ?', "", text, count=2)  # the page sets the size, the viewBox the shape
    mark = re.sub(r"\W+", "-", salt)
    text = re.sub(r'(\bid="|url\(#|xlink:href="#)', rf"\1{mark}-", text)
    for colour, own in _PAGE.items():
        text = re.sub(rf"(fill|stroke): {colour}\b", rf"\1: {own}", text)
    text = re.sub(r"font: ([^;\"]*?)'[^\"]*?sans-serif", r"font: \1var(--sans)", text)
    return Figure(caption, alt, text.encode(), "svg", wide)


def curves(
    ax: Axes, samples: np.ndarray, errors: np.ndarray, *, label: str, colour: str, style: str = "-", log_y: bool = True
) -> None:
    """Median over seeds against samples seen (logarithmic) with the range shaded; `errors` is (n_seeds, n_points)."""
    errors = np.atleast_2d(errors)
    ax.semilogx(samples, np.median(errors, axis=0), style, color=colour, label=label)
    ax.set_yscale("log" if log_y else "linear")
    if len(errors) > 1:
        ax.fill_between(samples, errors.min(axis=0), errors.max(axis=0), color=colour, alpha=0.18, linewidth=0)


def tiles(images: np.ndarray, *, caption: str, alt: str, n_columns: int = 8, signed: bool = False) -> Figure:
    """Images side by side as one PNG, each on its own scale.

    Parameters
    ----------
    images : array of shape (n_images, height, width), or (n_images, height, width, 3) for colours around grey
    signed : bool
        Centre the colours at zero (blue negative, red positive) instead of grey from low to high.
    """
    require("matplotlib.image", extra="plot")
    colours = require("matplotlib", extra="plot").colormaps["RdBu_r" if signed else "gray"]
    n, height, width = images.shape[:3]
    n_rows, gap = -(-n // n_columns), max(1, height // 14)
    sheet = np.zeros((n_rows * (height + gap) - gap, n_columns * (width + gap) - gap, 4))
    for i, image in enumerate(images):
        top, left = (i // n_columns) * (height + gap), (i % n_columns) * (width + gap)
        in_colour = image.ndim == 3
        size = np.abs(image).max()
        low, high = (-size, size) if signed or in_colour else (image.min(), image.max())
        pixels = (image - low) / max(high - low, 1e-12)
        sheet[top : top + height, left : left + width, : 3 + (not in_colour)] = pixels if in_colour else colours(pixels)
        sheet[top : top + height, left : left + width, 3] = 1.0
    zoom = max(1, round(640 / sheet.shape[1]))
    return Figure(caption, alt, _png(sheet.repeat(zoom, axis=0).repeat(zoom, axis=1)), "png")


def heatmaps(matrices: Sequence[np.ndarray], *, caption: str, alt: str) -> Figure:
    """Square matrices of one size side by side as one PNG on a shared scale from 0 to 1, dark is large."""
    require("matplotlib.image", extra="plot")
    colours = require("matplotlib", extra="plot").colormaps["magma_r"]
    gap = np.zeros((len(matrices[0]), max(2, len(matrices[0]) // 24), 4))
    parts = [part for matrix in matrices for part in (gap, colours(np.clip(matrix, 0.0, 1.0)))][1:]
    return Figure(caption, alt, _png(np.concatenate(parts, axis=1)), "png")


def similarities(
    representations: Sequence[np.ndarray], labels: np.ndarray, *, caption: str, alt: str, per_class: int = 30
) -> Figure:
    """Cosines between a few samples of each class, sorted by class, one matrix a representation.

    ``{}`` in the caption becomes their number.
    """
    chosen = np.concatenate([np.flatnonzero(labels == label)[:per_class] for label in np.unique(labels)])
    cosines = []
    for rows in (R[chosen] for R in representations):
        rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        cosines.append(rows @ rows.T)
    return heatmaps(cosines, caption=caption.format(len(chosen)), alt=alt)


def _png(sheet: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    require("matplotlib.image", extra="plot").imsave(buffer, sheet, format="png", metadata={"Software": None})
    return buffer.getvalue()
