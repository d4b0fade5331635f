"""Circuits as data: signals, channels, laterals, neurons, steps; state and objective. No numerics engine, no torch."""

from .channels import Channel, Synapse
from .domains import Ball, Box, Domain
from .interneurons import Interneurons
from .laterals import Lateral, NoLateral
from .lifts import Lift, Outer
from .linear import Gram, SoftWhiten, Whiten
from .neurons import Inhibition, Neuron, PowerControl
from .objective import saddle_gradients, value
from .signals import FEEDBACK, OWN, SILENCE, Form, Z, of
from .spec import Circuit
from .state import State, init
from .steps import Step
from .totals import Total

__all__ = [
    "FEEDBACK",
    "OWN",
    "SILENCE",
    "Ball",
    "Box",
    "Channel",
    "Circuit",
    "Domain",
    "Form",
    "Gram",
    "Inhibition",
    "Interneurons",
    "Lateral",
    "Lift",
    "Neuron",
    "NoLateral",
    "Outer",
    "PowerControl",
    "SoftWhiten",
    "State",
    "Step",
    "Synapse",
    "Total",
    "Whiten",
    "Z",
    "init",
    "of",
    "saddle_gradients",
    "value",
]  # fmt: skip
