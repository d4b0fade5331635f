"""The fast dynamics of a circuit in equations: how z moves within one sample, and where it settles."""

from __future__ import annotations

import math

from .equations import domain, lateral_current, lateral_matrix, signed
from .notation import Text
from .spec import Circuit


def dynamics(circuit: Circuit, hand: Text) -> list[str]:
    """The differential equations of one sample, then the point they settle at; only the point if nothing recurs."""
    if not circuit.settles:
        return settled(circuit, hand)
    z, n = hand.bold("z"), hand.bold("n")
    l1, nonnegative = circuit.domain.l1, circuit.domain.lower == 0.0
    threshold = (-l1, "" if nonnegative else f"{hand.word('sign')}({z})")
    leak = [(-factor, current) for factor, current in lateral_current(circuit, hand)]
    bounds = domain(circuit, hand, z)
    flow = f"{hand.flow(z)} = {signed([(1.0, hand.bold('d')), *leak, threshold], hand)}"
    flows = [f"{flow}{', ' if bounds else ''}{bounds}"]
    if circuit.lateral.kind == "interneurons":
        flows.append(f"{hand.flow(n)} = {hand.bold('P')}{hand.T} {z} - {n}")
    first, *rest = settled(circuit, hand)
    return [*flows, f"{hand.arrives}{first}", *rest]


def settled(circuit: Circuit, hand: Text) -> list[str]:
    """z = argmin_{z in K} z'Mz - 2 z'd + 2 l1 |z|_1; neuron by neuron where the domain bends it."""
    z, d, K = hand.bold("z"), hand.bold("d"), circuit.domain
    recurrent = circuit.settles and circuit.lateral.kind != "none"
    if K.is_free:
        matrix = lateral_matrix(circuit, hand)
        matrix = f"({matrix})" if circuit.lateral.kind == "interneurons" else matrix
        return [f"{z} = {matrix}{hand.inverse} {d}" if recurrent else f"{z} = {d}"]
    rest = hand.entry("r", "i") if recurrent else d
    if K.lower == 0.0:
        body = signed([(1.0, rest), (-K.l1, "")], hand)
    else:
        body = hand.call("soft", rest, hand.number(K.l1)) if K.l1 else rest
    clipped = math.isfinite(K.upper) or (math.isfinite(K.lower) and K.lower != 0.0)
    body = hand.positive(body) if K.lower == 0.0 and not clipped else body
    if recurrent:
        body = f"({body})" if clipped and " - " in body else body
        body = hand.ratio(body, hand.entry("M", "ii"))
    if clipped:
        body = hand.call("clip", body, *(limit(value, hand) for value in (K.lower, K.upper)))
    if not recurrent:
        return [f"{z} = {body}"]
    return [f"{hand.entry('z', 'i')} = {body}", f"{rest} = {hand.entry('d', 'i')} - {hand.others}"]


def limit(value: float, hand: Text) -> str:
    """A bound of the domain, infinite ones included."""
    if math.isfinite(value):
        return hand.number(value)
    return ("-" if value < 0 else "") + hand.infinity
