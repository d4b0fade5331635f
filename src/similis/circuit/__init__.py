"""Circuits as data: signals, specification, state, objective, description. No numerics engine, no torch."""

from .describe import describe, latex, signals_table
from .draw import draw
from .lifts import Lift, Outer
from .objective import saddle_gradients, value
from .signals import FEEDBACK, OWN, SILENCE, Form, Z, of
from .spec import Channel, Circuit, Domain, Lateral, Step
from .state import State, init
from .system import Arrow, Box, Equation, System

__all__ = [
    "FEEDBACK", "OWN", "SILENCE", "Arrow", "Box", "Channel", "Circuit", "Domain", "Equation", "Form", "Lateral", "Lift",
    "Outer", "State", "Step", "System", "Z", "describe", "draw", "init", "latex", "of", "saddle_gradients",
    "signals_table", "value",
]  # fmt: skip
