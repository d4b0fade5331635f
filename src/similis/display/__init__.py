"""Networks in words and as pictures: equations for a terminal and a page, what every synapse reads, a diagram."""

from .describe import describe, latex, signals_table
from .draw import draw
from .history import plot_history
from .system import Arrow, Box, Equation, System

__all__ = ["Arrow", "Box", "Equation", "System", "describe", "draw", "latex", "plot_history", "signals_table"]
