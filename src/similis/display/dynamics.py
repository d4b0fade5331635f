"""The fast dynamics of a circuit in equations: how z moves within one sample, and where it settles."""

from __future__ import annotations

import math

from ..circuit import Circuit
from ..circuit.notation import Text
from ..circuit.totals import sum_words
from .equations import lateral_current, lateral_matrix


def dynamics(circuit: Circuit, hand: Text) -> list[str]:
    """The differential equations of one sample, then the point they settle at; only the point if nothing recurs."""
    if not circuit.settles or math.isfinite(circuit.domain.radius):
        return settled(circuit, hand)
    z, n = hand.bold("z"), hand.bold("n")
    l1, nonnegative = circuit.domain.l1, circuit.domain.lower == 0.0
    threshold = (-l1, "" if nonnegative else f"{hand.word('sign')}({z})")
    leak = [(-factor, current) for factor, current in lateral_current(circuit, hand)]
    total, b = circuit.domain.total, hand.bold("b" if circuit.domain.learned else "1")
    bounds = circuit.domain.words(hand, z) if total is None else f"{z} {hand.at_least} 0"
    held = (-float(total is not None), f"{hand.unit} {b}")
    flow = f"{hand.flow(z)} = {hand.signed([(1.0, hand.bold('d')), *leak, held, threshold])}"
    flows = [f"{flow}{', ' if bounds else ''}{bounds}"]
    if total is not None:
        leak = (-1 / circuit.domain.stiffness, hand.unit)
        flows.append(
            f"{hand.flow(hand.unit)} = {hand.signed([(1.0, sum_words(circuit.domain, hand)), (-total, ''), leak])}"
        )
    if circuit.lateral.has_interneurons:
        flows.append(f"{hand.flow(n)} = {hand.bold('P')}{hand.T} {z} - {n}")
    first, *rest = settled(circuit, hand)
    return [*flows, f"{hand.arrives}{first}", *rest]


def settled(circuit: Circuit, hand: Text) -> list[str]:
    """z = argmin_{z in K} z'Mz - 2 z'd + 2 l1 |z|_1; neuron by neuron where the domain bends it."""
    z, d, K = hand.bold("z"), hand.bold("d"), circuit.domain
    recurrent = circuit.settles and circuit.lateral.learns
    matrix = lateral_matrix(circuit, hand)
    letter = "M" if circuit.lateral.has_interneurons or matrix == hand.bold("M") else "A"
    if math.isfinite(K.radius):
        return [_on_a_ball(circuit, hand)]
    if K.total is not None:
        minus = hand.signed([(1.0, d), (-1.0, f"{hand.unit} {hand.bold('b' if K.learned else '1')}")])
        if not circuit.lateral.learns:
            return [f"{z} = {_over_own(circuit, hand, hand.positive(minus))}"]
    if K.is_free:
        matrix = f"({matrix})" if circuit.lateral.has_interneurons else matrix
        matrix = f"({matrix})" if " + " in matrix and not matrix.startswith("(") else matrix
        body = f"{matrix}{hand.inverse} {d}" if recurrent else _over_own(circuit, hand, d)
        return [f"{z} = {hand.signed([(1.0, body), (-float(K.mean_rate > 0), hand.bold('m'))])}"]
    rest = hand.entry("r", "i") if recurrent else d
    if K.lower == 0.0:
        body = hand.signed([(1.0, rest), (-K.l1, "")])
    else:
        body = hand.call("soft", rest, hand.number(K.l1)) if K.l1 else rest
    clipped = math.isfinite(K.upper) or (math.isfinite(K.lower) and K.lower != 0.0)
    body = hand.positive(body) if K.lower == 0.0 and not clipped else body
    if recurrent:
        body = f"({body})" if clipped and " - " in body else body
        body = hand.ratio(body, hand.entry(letter, "ii"))
    if clipped:
        body = hand.call("clip", body, *(limit(value, hand) for value in (K.lower, K.upper)))
    if not recurrent:
        body = _over_own(circuit, hand, body)
        return [f"{z} = {hand.signed([(1.0, body), (-float(K.mean_rate > 0), hand.bold('m'))])}"]
    taken = [(-float(K.total is not None), f"{hand.unit} {hand.entry('b', 'i') if K.learned else ''}".strip())]
    heard = hand.signed([(1.0, hand.entry("d", "i")), *taken, (-1.0, hand.others(letter))])
    whole = [f"{hand.bold('A')} = {matrix}"] if letter == "A" else []
    return [f"{hand.entry('z', 'i')} = {body}", f"{rest} = {heard}", *whole]


def _over_own(circuit: Circuit, hand: Text, body: str) -> str:
    """Divided by the neuron's self-inhibition, where there is no other inhibition."""
    if not circuit.settles or circuit.lateral.learns:
        return body
    own = hand.signed([(c, s.replace(hand.bold("z"), "").strip()) for c, s in lateral_current(circuit, hand)])
    return body if own == "1" else hand.ratio(body, own)


def _on_a_ball(circuit: Circuit, hand: Text) -> str:
    """Divisive inhibition: on the sphere where the drive is strong enough, and always where nothing else holds z."""
    z, positive = hand.bold("z"), hand.positive(hand.bold("d"))
    sphere = hand.ratio(hand.signed([(circuit.domain.radius, positive)]), hand.length(positive))
    own = circuit.lateral.acting + circuit.neuron.inhibition.shift
    if own == 0.0:
        return f"{z} = {sphere}"
    inside = _over_own(circuit, hand, positive)
    return f"{z} = {inside}, {hand.word('or')} {sphere} {hand.word('if')} {hand.word('shorter')}"


def limit(value: float, hand: Text) -> str:
    """A bound of the domain, infinite ones included."""
    if math.isfinite(value):
        return hand.number(value)
    return ("-" if value < 0 else "") + hand.infinity
