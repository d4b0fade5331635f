"""From the rules of a problem to a circuit, its streams, and the weights that are optimal for given outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import InputError
from ..circuit import (
    Box,
    Channel,
    Circuit,
    Inhibition,
    Interneurons,
    Lateral,
    Neuron,
    NoLateral,
    Outer,
    State,
    Step,
    init,
)
from .constraints import RowSums
from .refusals import refuse
from .streams import signal
from .substitute import Rules
from .terms import Product

if TYPE_CHECKING:
    from .problem import Problem


def circuit_of(
    problem: Problem, size: int, name: str, tau: float, step: Step, rates: Mapping[str, float],
    interneurons: Mapping[str, Any],
) -> Circuit:  # fmt: skip
    """The circuit; see :meth:`similis.derive.Problem.circuit`."""
    found = problem.rules
    _possible(found, size)
    channels = tuple(c for rule in found.attractions for c in rule.channels(rates))
    if found.feedforward is not None:
        channels = (Channel(found.feedforward.stream, leak=0.0), *channels)
    lateral: Lateral = NoLateral(tau, 0.0) if found.lateral is None else found.lateral.lateral(tau)
    if isinstance(lateral, Interneurons):
        lateral = replace(lateral, **interneurons)
    elif interneurons != {"units": None, "decoupled": False, "init_scale": 1.0}:
        refuse(problem.source, "has no interneurons; units, decoupled and init_scale have no meaning")
    inhibition = Inhibition(found.cost.alpha if found.cost else 0.0)
    neuron = Neuron(
        found.within.domain if found.within else Box(),
        found.trace.control if found.trace else inhibition,
        found.threshold.alpha if found.threshold else 0.0,
        found.feedforward is None,
    )
    return Circuit(name, size, channels, lateral, neuron, step)


def streams_of(rules: Rules, data: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Rows for every channel; see :meth:`similis.derive.Problem.streams`."""
    terms = [rule.term for rule in rules.attractions]
    signals = [s for t in terms for s in ((t.left, t.right) if isinstance(t, Product) else (t.signal, t.measured))]
    way = rules.feedforward
    skip = max(s.lag for s in signals)
    found: dict[str, Any] = {}
    if way is not None:
        found[way.stream] = signal(way.stream).rows(data, skip)
    for term in terms:
        if isinstance(term, Product):
            found[term.channel] = Outer(term.right.rows(data, skip), term.left.rows(data, skip))
        else:
            found[term.channel] = term.signal.rows(data, skip)
            found[term.measured.name] = term.measured.rows(data, skip)
    return found


def optimum_of(rules: Rules, circuit: Circuit, streams: Mapping[str, Any], Z: np.ndarray) -> State:
    """The optimal weights; see :meth:`similis.derive.Problem.optimum`."""
    solved: dict[str, np.ndarray] = {}
    for rule in rules.all:
        solved |= rule.solve(streams, Z)
    state = init(circuit, {name: X.shape[1] for name, X in streams.items()})
    way = rules.feedforward
    if way is not None:
        solved[f"W.{way.stream}"] = np.linalg.lstsq(streams[way.stream], Z)[0].T
    W = {name: solved[f"W.{name}"] for name in state.W}
    cells = {name: solved.get(f"cells.{name}", array) for name, array in state.cells.items()}
    if "P" not in solved:
        return replace(state, W=W, M=solved.get("M", state.M), cells=cells)
    P = solved["P"][:, : circuit.lateral.units_for(circuit.size)]
    return replace(state, W=W, P=P, M=P @ P.T + circuit.neuron.inhibition.shift * np.eye(len(P)), cells=cells)


def _possible(found: Rules, size: int) -> None:
    """Nonnegative outputs with row sums rho have a power between rho and size times rho."""
    if found.trace is None or not isinstance(found.within, RowSums):
        return
    power, rho = found.trace.control.target_power, found.within.domain.total or 0.0
    if not rho <= power <= size * rho:
        raise InputError(
            f"trace={power} of {size} neurons; expected {rho} to {size * rho}, all that their row sums allow"
        )
