"""Circuits as data: signals, specification, state, objective, description. No numerics engine, no torch."""

from .describe import describe, latex, signals_table
from .draw import draw
from .lifts import Lift, Outer
from .objective import saddle_gradients, value
from .signals import FEEDBACK, OWN, SILENCE, Form, Z, of
from .spec import Channel, Circuit, Domain, Lateral, Step
from .state import State, init

__all__ = [
    "FEEDBACK", "OWN", "SILENCE", "Channel", "Circuit", "Domain", "Form", "Lateral", "Lift", "Outer", "State", "Step",
    "Z", "describe", "draw", "init", "latex", "of", "saddle_gradients", "signals_table", "value",
]  # fmt: skip
