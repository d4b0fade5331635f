"""The equations of a circuit, once for every notation: objective, drive, dynamics, synapses, lateral, step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from .notation import Text
from .spec import Channel, Circuit


def signed(terms: Iterable[tuple[float, str]], hand: Text) -> str:
    """A sum: coefficients 0 vanish, 1 are not written; an empty symbol stands for the number alone."""
    text = ""
    for coefficient, symbol in terms:
        if coefficient == 0.0:
            continue
        size = "" if abs(coefficient) == 1.0 and symbol else hand.number(abs(coefficient))
        sign = ("-", " - ")[bool(text)] if coefficient < 0 else ("", " + ")[bool(text)]
        text += sign + " ".join(part for part in (size, symbol) if part)
    return text or "0"


def grouped(terms: Iterable[tuple[float, str]], hand: Text) -> str:
    """A sum, in parentheses where it has more than one term."""
    text = signed(terms, hand)
    return f"({text})" if " + " in text or " - " in text else text


def derived(circuit: Circuit, channel: Channel) -> bool:
    """Whether the channel's synapse is the one the objective derives."""
    bare = tuple(replace(c, post=None, gated=None) for c in circuit.channels)
    other = replace(circuit, channels=bare).channel(channel.name)
    return dict(other.post.terms) == dict(channel.post.terms) and other.gated == channel.gated  # type: ignore[union-attr]


def post(circuit: Circuit, channel: Channel, hand: Text) -> list[tuple[float, str]]:
    """What the channel's synapses read at the neuron, with the lateral current M z written out."""
    total: dict[str, float] = {}
    z = hand.bold("z")
    for signal, coefficient in channel.post.terms.items():  # type: ignore[union-attr]
        if signal == "Z":
            parts = [(1.0, z)]
        elif signal == "FEEDBACK":
            parts = lateral_current(circuit, hand)
        else:
            name = channel.name if signal == "OWN" else signal.removeprefix("of(").removesuffix(")")
            parts = [(1.0, hand.current(name))]
        for factor, symbol in parts:
            total[symbol] = total.get(symbol, 0.0) + factor * coefficient
    return [(coefficient, symbol) for symbol, coefficient in total.items()]


def lateral_current(circuit: Circuit, hand: Text) -> list[tuple[float, str]]:
    """The current M z, by the cells that carry it."""
    z, kind = hand.bold("z"), circuit.lateral.kind
    if kind == "none":
        return [(1.0, z)]
    if kind == "interneurons":
        return [(1.0, f"{hand.bold('P')} {hand.bold('n')}"), (circuit.lateral.shift, z)]
    return [(1.0, f"{hand.bold('M')} {z}")]


def lateral_matrix(circuit: Circuit, hand: Text) -> str:
    """M itself: M, I, or P P' + shift I."""
    kind, P = circuit.lateral.kind, hand.bold("P")
    if kind == "interneurons":
        return signed([(1.0, f"{P} {P}{hand.T}"), (circuit.lateral.shift, hand.bold("I"))], hand)
    return hand.bold("I") if kind == "none" else hand.bold("M")


def domain(circuit: Circuit, hand: Text, z: str) -> str:
    """Where an output may live, e.g. ``z >= 0``; empty where it is free."""
    lower, upper = circuit.domain.lower, circuit.domain.upper
    if math.isfinite(lower) and math.isfinite(upper):
        return f"{hand.number(lower)} {hand.at_most} {z} {hand.at_most} {hand.number(upper)}"
    if math.isfinite(lower):
        return f"{z} {hand.at_least} {hand.number(lower)}"
    return f"{z} {hand.at_most} {hand.number(upper)}" if math.isfinite(upper) else ""


def objective(circuit: Circuit, hand: Text) -> str:
    """The min-max objective, averaged over samples (``similis.circuit.objective``)."""
    z, kind, channels = hand.bold("z"), circuit.lateral.kind, circuit.channels
    matrix = lateral_matrix(circuit, hand)
    quadratic = "" if kind == "none" else f" ({matrix})" if " + " in matrix else f" {matrix}"
    taught = grouped([(1.0, hand.current(c.name)) for c in channels if c.drive == 0.0], hand)
    drive = hand.bold("d") if circuit.settles else taught
    terms = [(1.0, f"{z}{hand.T}{quadratic} {z}"), (-2.0 * (drive != "0"), f"{z}{hand.T} {drive}")]
    terms.append((2.0 * circuit.domain.l1, hand.absolute(z)))
    terms += [(c.metric, hand.square(hand.current(c.name))) for c in channels]
    costs = [(c.leak or 0.0, hand.square(hand.weight(c.name))) for c in channels]
    M, P, rest = hand.bold("M"), hand.bold("P"), hand.number(circuit.lateral.rest)
    potential = {
        "gram": (-0.5, hand.square(M)),
        "whiten": (-1.0, f"{hand.word('Tr')} {M}"),
        "interneurons": (-1.0, hand.square(f"{P} - {rest} {hand.bold('I')}" if circuit.lateral.rest else P)),
        "none": (0.0, ""),
    }
    outer = [hand.over("min", [hand.weight(c.name) for c in channels])]
    if kind != "none":
        outer.append(hand.over("max", [P if kind == "interneurons" else M]))
    inner = [hand.over("min", [domain(circuit, hand, z) or z])] if circuit.settles else []
    body = hand.mean(" ".join([*inner, signed(terms, hand)]))
    return " ".join([*outer, signed([(1.0, body), *costs, potential[kind]], hand)])


def drive(circuit: Circuit, hand: Text) -> list[str]:
    """What the soma hears, and the current of each compartment."""
    total = signed([(c.drive, hand.current(c.name)) for c in circuit.channels], hand)
    currents = [f"{hand.current(c.name)} = {hand.weight(c.name)} {hand.input(c.name)}" for c in circuit.channels]
    return [f"{hand.bold('d')} = {total}", *currents]


def synapse(circuit: Circuit, channel: Channel, hand: Text) -> str:
    """dW_c = 2 eta rate_c (post_c x_c' - leak_c W_c)."""
    weights, x = hand.weight(channel.name), f"{hand.input(channel.name)}{hand.T}"
    terms, gate = [(c, s) for c, s in post(circuit, channel, hand) if c != 0.0], ""
    bounds = domain(replace(circuit, domain=replace(circuit.domain, l1=0.0)), hand, hand.bold("z"))
    if channel.gated and bounds:
        strict = bounds.replace(hand.at_least, ">").replace(hand.at_most, "<")
        gate = f"{hand.indicator(strict)}{hand.dot} "
    leak, factor = channel.leak or 0.0, 2.0 * channel.rate
    change, eta = hand.change(weights), hand.eta
    if not terms:
        return f"{change} = {signed([(-factor * leak, f'{eta} {weights}')], hand)}"
    if leak == 0.0 and len(terms) == 1:
        return f"{change} = {signed([(factor * terms[0][0], f'{eta} {gate}{terms[0][1]} {x}')], hand)}"
    hebb = f"{gate}{grouped(terms, hand)} {x}"
    body = hebb if leak == 0.0 else f"({signed([(1.0, hebb), (-leak, weights)], hand)})"
    return f"{change} = {signed([(factor, f'{eta} {body}')], hand)}"


def lateral(circuit: Circuit, hand: Text) -> list[str]:
    """How the lateral weights learn, at rate eta/tau."""
    kind, z, M, P, n = circuit.lateral.kind, *(hand.bold(letter) for letter in "zMPn")
    rate = f"({hand.eta}/{hand.tau})"
    tau = f"{hand.tau} = {hand.number(circuit.lateral.tau)}"
    if kind == "none":
        return [f"{M} = {hand.bold('I')}, {hand.word('fixed')}"]
    if kind == "interneurons":
        learned = [(1.0, f"{z} {n}{hand.T}"), (-1.0, P), (circuit.lateral.rest, hand.bold("I"))]
        return [
            f"{hand.change(P)} = {rate} ({signed(learned, hand)})",
            f"{n} = {P}{hand.T} {z}",
            f"{M} = {lateral_matrix(circuit, hand)}",
            tau,
        ]
    rest = M if kind == "gram" else hand.bold("I")
    return [f"{hand.change(M)} = {rate} ({z} {z}{hand.T} - {rest})", tau]


def step(circuit: Circuit, hand: Text) -> str:
    """eta_t = max(floor, eta0 / (1 + decay t))."""
    eta0, decay, floor = circuit.step.eta0, circuit.step.decay, circuit.step.floor
    rate = hand.number(eta0)
    if decay:
        rate = hand.ratio(rate, signed([(1.0, ""), (decay, hand.t)], hand))
    return f"{hand.eta} = {hand.call('max', hand.number(floor), rate) if floor and decay else rate}"
