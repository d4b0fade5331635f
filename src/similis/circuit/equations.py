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
    """The current A z, by the cells that carry it."""
    z, kind = hand.bold("z"), circuit.lateral.kind
    if kind == "interneurons":
        return [(1.0, f"{hand.bold('P')} {hand.bold('n')}"), (circuit.lateral.shift, z)]
    return [*_against(circuit, hand, f"{hand.bold('M')} {z}", z)]


def _against(circuit: Circuit, hand: Text, through: str, alone: str) -> list[tuple[float, str]]:
    """gain M + shift I, as it acts: ``through`` M, and on every neuron ``alone``; the shift is mu where it learns."""
    lateral = circuit.lateral
    fixed = lateral.shift if lateral.power is None else 0.0
    learns = [(1.0, f"{hand.mu} {alone}")] if lateral.power is not None else []
    if lateral.kind == "none":
        return [(lateral.gain + fixed, alone), *learns]
    return [(lateral.gain, through), (fixed, alone), *learns]


def lateral_matrix(circuit: Circuit, hand: Text) -> str:
    """What z settles against: gain M + shift I, or P P' + shift I (decoupled: P R)."""
    lateral, P, one = circuit.lateral, hand.bold("P"), hand.bold("I")
    if lateral.kind == "interneurons":
        back = hand.bold("R") if lateral.decoupled else f"{P}{hand.T}"
        return signed([(1.0, f"{P} {back}"), (lateral.shift, one)], hand)
    return signed(_against(circuit, hand, hand.bold("M"), one), hand)


def domain(circuit: Circuit, hand: Text, z: str) -> str:
    """Where an output may live, e.g. ``z >= 0``; empty where it is free."""
    lower, upper, total = circuit.domain.lower, circuit.domain.upper, circuit.domain.total
    if total is not None and math.isinf(circuit.domain.soft):
        return f"{z} {hand.at_least} 0, {sum_of(circuit, hand)} = {hand.number(total)}"
    if math.isfinite(circuit.domain.radius):
        return f"{z} {hand.at_least} 0, {hand.length(z)} {hand.at_most} {hand.number(circuit.domain.radius)}"
    if math.isfinite(lower) and math.isfinite(upper):
        return f"{hand.number(lower)} {hand.at_most} {z} {hand.at_most} {hand.number(upper)}"
    if math.isfinite(lower):
        return f"{z} {hand.at_least} {hand.number(lower)}"
    return f"{z} {hand.at_most} {hand.number(upper)}" if math.isfinite(upper) else ""


def sum_of(circuit: Circuit, hand: Text) -> str:
    """b' z, the sum that a total holds."""
    return f"{hand.bold('b' if circuit.domain.learned else '1')}{hand.T} {hand.bold('z')}"


def objective(circuit: Circuit, hand: Text) -> str:
    """The min-max objective, averaged over samples (``similis.circuit.objective``)."""
    z, lateral, channels = hand.bold("z"), circuit.lateral, circuit.channels
    learning = [c for c in channels if c.rate]
    if lateral.kind == "interneurons":
        matrix = lateral_matrix(circuit, hand)
        terms = [(1.0, f"{z}{hand.T} {f'({matrix})' if ' + ' in matrix else matrix} {z}")]
    else:
        terms = _against(circuit, hand, f"{z}{hand.T} {hand.bold('M')} {z}", f"{z}{hand.T} {z}")
    taught = grouped([(1.0, hand.current(c.name)) for c in channels if c.drive == 0.0], hand)
    drive = hand.bold("d") if circuit.settles else taught
    terms += [(-2.0 * (drive != "0"), f"{z}{hand.T} {drive}"), (2.0 * circuit.domain.l1, hand.absolute(z))]
    if circuit.domain.total is not None and math.isfinite(circuit.domain.soft):
        excess = f"({sum_of(circuit, hand)} - {hand.number(circuit.domain.total)})"
        terms.append((circuit.domain.soft, f"{excess}{hand.squared}"))
    terms += [(c.metric, hand.square(hand.current(c.name))) for c in channels]
    terms += [
        (c.leak or 0.0, hand.gated_square(hand.weight(c.name), hand.input(c.name))) for c in learning if c.presynaptic
    ]
    costs = [(c.leak or 0.0, hand.square(hand.weight(c.name))) for c in learning if not c.presynaptic]
    M, P, a, b = (hand.bold(letter) for letter in "MPab")
    outer, ascending = [hand.over("min", [hand.weight(c.name) for c in learning])] if learning else [], []
    if lateral.kind != "none":
        ascending.append(P if lateral.kind == "interneurons" else M)
        cost = {"gram": -0.5 * lateral.gain, "whiten": -1.0, "interneurons": -1.0}[lateral.kind]
        size = f"{ascending[0]} - {hand.number(lateral.rest)} {hand.bold('I')}" if lateral.rest else ascending[0]
        costs.append((cost, f"{hand.word('Tr')} {M}" if lateral.kind == "whiten" else hand.square(size)))
    if circuit.threshold:
        ascending.append(b)
        costs.append((-1.0, hand.square(b)))
    if lateral.power is not None:
        ascending.append(hand.mu)
        costs.append((-lateral.power, hand.mu))
    if ascending:
        outer.append(hand.over("max", ascending))
    if circuit.domain.learned:
        outer.append(hand.stationary([a, b]))
        costs.append((-2.0, f"{a}{hand.T} {b}"))
    inner = [hand.over("min", [domain(circuit, hand, z) or z])] if circuit.settles else []
    body = hand.mean(" ".join([*inner, signed(terms, hand)]))
    return " ".join([*outer, signed([(1.0, body), *costs], hand)])


def drive(circuit: Circuit, hand: Text) -> list[str]:
    """What the soma hears, and the current of each compartment."""
    heard = [(c.drive, hand.current(c.name)) for c in circuit.channels]
    single = [(-(circuit.threshold**0.5), hand.bold("b")), (-float(circuit.domain.learned), hand.bold("a"))]
    total = signed([*heard, *single], hand)
    currents = [f"{hand.current(c.name)} = {hand.weight(c.name)} {hand.input(c.name)}" for c in circuit.channels]
    x = hand.bold("x")
    product = hand.call("vec", f"{hand.change(x)} {x}{hand.T}")
    lifts = [f"{hand.input(c.name)} = {product}" for c in circuit.channels if c.lift == "outer"]
    return [f"{hand.bold('d')} = {total}", *currents, *lifts]


def synapse(circuit: Circuit, channel: Channel, hand: Text) -> str:
    """dW_c = 2 eta rate_c (post_c x_c' - leak_c W_c)."""
    weights, x = hand.weight(channel.name), f"{hand.input(channel.name)}{hand.T}"
    terms, gate = [(c, s) for c, s in post(circuit, channel, hand) if c != 0.0], ""
    raw = f"{hand.bold('z')} + {hand.bold('m')}" if circuit.domain.centred else hand.bold("z")
    bounds = domain(replace(circuit, domain=replace(circuit.domain, l1=0.0)), hand, raw)
    if channel.gated and bounds:
        strict = bounds.replace(hand.at_least, ">").replace(hand.at_most, "<")
        gate = f"{hand.indicator(strict)}{hand.dot} "
    leak, factor = channel.leak or 0.0, 2.0 * channel.rate
    change, eta = hand.change(weights), hand.eta
    if channel.rate == 0.0:
        return f"{change} = 0"
    if channel.presynaptic:
        hebb = f"{gate}{grouped(terms, hand)} {hand.bold('1')}{hand.T}"
        rest = signed([(1.0, hebb), (-leak, weights)], hand)
        gate = hand.call("diag", hand.input(channel.name))
        return f"{change} = {signed([(factor, f'{eta} ({rest}) {gate}')], hand)}"
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
        return [f"{M} = {hand.bold('I')}, {hand.word('fixed')}"] if circuit.lateral.gain else []
    if kind == "interneurons":
        R, decoupled = hand.bold("R"), circuit.lateral.decoupled
        ways = [(P, z, n), (R, n, z)] if decoupled else [(P, z, n)]
        resting = (circuit.lateral.rest, hand.bold("I"))
        learned = [(W, signed([(1.0, f"{to} {of}{hand.T}"), (-1.0, W), resting], hand)) for W, to, of in ways]
        return [
            *(f"{hand.change(W)} = {rate} ({rule})" for W, rule in learned),
            f"{n} = {R if decoupled else f'{P}{hand.T}'} {z}",
            f"{M} = {lateral_matrix(circuit, hand)}",
            tau,
        ]
    rest = M if kind == "gram" else hand.bold("I")
    return [f"{hand.change(M)} = {rate} ({z} {z}{hand.T} - {rest})", tau]


def single_units(circuit: Circuit, hand: Text) -> list[str]:
    """How the synapses of single units, thresholds, running means and self-inhibition learn."""
    z, a, b, m = (hand.bold(letter) for letter in "zabm")
    rules, rate = [], signed([(2.0, hand.eta)], hand)
    if circuit.threshold:
        rules.append(f"{hand.change(b)} = {rate} ({signed([(circuit.threshold**0.5, z), (-1.0, b)], hand)})")
    if circuit.domain.learned:
        rules.append(f"{hand.change(b)} = {rate} ({z} - {b})")
        rules.append(f"{hand.change(a)} = {rate} ({hand.unit} {z} - {a})")
    if circuit.domain.centred:
        rules.append(f"{hand.change(m)} = {signed([(circuit.domain.centred, z)], hand)}")
    if circuit.lateral.power is not None:
        rest = f"({hand.square(z)} - {hand.number(circuit.lateral.power)})"
        rules.append(f"{hand.change(hand.mu)} = {signed([(circuit.lateral.power_rate, rest)], hand)}")
        rules.append(f"{hand.mu} {hand.at_least} {hand.number(circuit.lateral.shift_min)}")
    return rules


def step(circuit: Circuit, hand: Text) -> str:
    """eta_t = max(floor, eta0 / (1 + decay t))."""
    eta0, decay, floor = circuit.step.eta0, circuit.step.decay, circuit.step.floor
    rate = hand.number(eta0)
    if decay:
        rate = hand.ratio(rate, signed([(1.0, ""), (decay, hand.t)], hand))
    return f"{hand.eta} = {hand.call('max', hand.number(floor), rate) if floor and decay else rate}"
