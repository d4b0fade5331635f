"""Learning to filter and to act at once, from late and noisy observations; and the exact optimum beside it."""

from .agent import Agent, diverged
from .bio_ofc import bio_ofc
from .episodes import RandomStreams, Record, run
from .expect import Innovations, Reflex, Rollout, expected_cost
from .lqg import (
    innovation_error,
    optimal_cost,
    predict,
    regulator,
    steady_gain,
    steady_regulator,
    uncertainty,
)
from .plant import Plant
from .rule import Agents, Rule
from .tasks import FIELD, double_integrator, flight, reaching, tracking

__all__ = [
    "FIELD",
    "Agent",
    "Agents",
    "Innovations",
    "Plant",
    "RandomStreams",
    "Record",
    "Reflex",
    "Rollout",
    "Rule",
    "bio_ofc",
    "diverged",
    "double_integrator",
    "expected_cost",
    "flight",
    "innovation_error",
    "optimal_cost",
    "predict",
    "reaching",
    "regulator",
    "run",
    "steady_gain",
    "steady_regulator",
    "tracking",
    "uncertainty",
]
