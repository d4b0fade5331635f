"""A map of three elements: a triangle, coloured by what is expected there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_UP = np.sqrt(3) / 2


def corners(shares: NDArray) -> NDArray[np.float64]:
    """(n, 2) places of (n, 3) shares in a triangle: the first element left, the second right, the third on top."""
    return np.stack([shares[:, 1] + shares[:, 2] / 2, _UP * shares[:, 2]], 1)


def ternary_map(
    ax: Any, elements: Sequence[str], shares: NDArray, values: NDArray, *, mark: NDArray | None = None, unit: str = "K"
) -> Any:
    """Draw values over the triangle of three elements, on matplotlib's axes.

    Parameters
    ----------
    ax : matplotlib axes
    elements : three symbols
    shares : (n, 3), rows of sum 1, on a regular grid
    values : (n,)
    mark : (3,) shares of a composition to ring

    Returns
    -------
    the colour bar
    """
    x, y = corners(shares).T
    drawn = ax.tricontourf(x, y, values, levels=24, cmap="magma")
    ax.tricontour(x, y, values, levels=6, colors="white", linewidths=0.4)
    for (a, b), symbol, side in zip(((0, 0), (1, 0), (0.5, _UP)), elements, ("right", "left", "center"), strict=True):
        ax.annotate(
            symbol, (a, b), (0, 8 if b else -4), textcoords="offset points", ha=side, va="bottom" if b else "top"
        )
    if mark is not None:
        ax.plot(*corners(np.asarray(mark)[None]).T, "o", markersize=9, markerfacecolor="none", markeredgecolor="cyan")
    ax.set_aspect("equal")
    ax.axis("off")
    bar = ax.figure.colorbar(drawn, ax=ax, shrink=0.7)
    bar.set_label(unit)
    return bar
