"""From a circuit back to its objective."""

from __future__ import annotations

from functools import reduce
from operator import add

from .._errors import InputError
from ..circuit import Channel, Circuit, Gram, Interneurons, NoLateral, PowerControl, SoftWhiten, Whiten
from ..circuit.domains import Box
from .constraints import Constraint, Feedforward, Trace
from .covariance import AtMostWhite, SoftWhite, White
from .expression import Expression
from .outputs import constant, identity, output
from .problem import Problem, align, match
from .streams import signal
from .terms import Product, Similarity
from .vocabulary import within


def objective_of(circuit: Circuit) -> Problem | None:
    """The problem from which a circuit is derived, or None where it has no similarity objective.

    Parameters
    ----------
    circuit : Circuit

    Returns
    -------
    Problem or None
        ``problem.circuit(...)`` gives the circuit back, field by field, steps and learning rates being what they are.

    Examples
    --------
    >>> from similis.derive import objective_of
    >>> from similis.networks import manifold_tiling
    >>> print(objective_of(manifold_tiling(16)))
    max_Z <X'X - 0.3 11', Z'Z>, z >= 0, |z| <= 1
    """
    try:
        problem = _read(circuit)
        return problem if problem is not None and rebuilt(problem, circuit) == circuit else None
    except InputError:
        return None


def rebuilt(problem: Problem, like: Circuit) -> Circuit:
    """The problem's circuit with the name, size, steps and rates of another."""
    lateral = like.lateral
    rates = {c.name: c.synapse.rate for c in like.channels}
    found = problem.circuit(like.size, name=like.name, tau=lateral.tau, step=like.step, rates=rates)
    if isinstance(lateral, Interneurons):
        return problem.circuit(
            like.size, name=like.name, tau=lateral.tau, step=like.step, rates=rates, units=lateral.units,
            decoupled=lateral.decoupled, init_scale=lateral.init_scale,
        )  # fmt: skip
    return found


def _read(circuit: Circuit) -> Problem | None:
    lateral, neuron = circuit.lateral, circuit.neuron
    measured = {c.synapse.weights: c for c in circuit.channels if c.synapse.weights}
    own = [c for c in circuit.channels if not c.synapse.weights]
    passing = [c for c in own if c.drive and not circuit.settles]
    alike: Expression = reduce(add, (_attraction(c, measured, circuit) for c in own if c not in passing))
    constraints: list[Constraint] = [Feedforward(c.name) for c in passing]
    if neuron.domain != Box():
        constraints.append(within(neuron.domain))
    if neuron.threshold:
        alike -= constant(neuron.threshold)
    if isinstance(neuron.inhibition, PowerControl):
        constraints.append(Trace(neuron.inhibition))
    elif neuron.inhibition.shift:
        alike -= identity(neuron.inhibition.shift)
    if isinstance(lateral, Gram):
        if lateral.gain == 1.0:
            return match(alike, *constraints)
        return align(alike - 0.5 * lateral.gain * output, *constraints)
    if isinstance(lateral, Whiten):
        constraints.append(White())
    elif isinstance(lateral, SoftWhiten):
        constraints.append(SoftWhite(lateral.share))
    elif isinstance(lateral, Interneurons):
        constraints.append(AtMostWhite(lateral.weight_offset))
    elif not isinstance(lateral, NoLateral) or lateral.gain:
        if not isinstance(lateral, NoLateral):
            return None
        alike -= identity(lateral.gain)
    return align(alike, *constraints)


def _attraction(c: Channel, measured: dict[str, Channel], circuit: Circuit) -> Expression:
    weight = c.drive**2 if circuit.settles else 1.0
    if c.lift:
        return weight * Product(signal("x"), signal("dx"), c.name)
    other = measured.get(c.name)
    metric = other.metric if other else c.metric
    term = Similarity(signal(c.name), metric, c.leak - (1.0 - metric), signal(other.name) if other else None)
    return weight * term
