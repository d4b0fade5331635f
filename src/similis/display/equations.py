"""The equations of a circuit, once for every notation: objective, drive, dynamics, synapses, lateral, step."""

from __future__ import annotations

from ..circuit import Channel, Circuit
from ..circuit.laterals import Term
from ..circuit.notation import Text
from ..circuit.totals import sum_words


def post(circuit: Circuit, channel: Channel, hand: Text) -> list[tuple[float, str]]:
    """What the channel's synapses read at the neuron, with the lateral current M z written out."""
    total: dict[str, float] = {}
    z = hand.bold("z")
    for signal, coefficient in channel.synapse.post.terms.items():
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


def lateral_current(circuit: Circuit, hand: Text) -> list[Term]:
    """The current A z, by the cells that carry it."""
    return _merged([*circuit.lateral.current(hand), *circuit.neuron.inhibition.words(hand, hand.bold("z"))])


def lateral_matrix(circuit: Circuit, hand: Text) -> str:
    """What z settles against: gain M + shift I, or P P' + shift I (decoupled: P R)."""
    return hand.signed(_merged([*circuit.lateral.matrix(hand), *circuit.neuron.inhibition.words(hand, hand.bold("I"))]))


def _merged(terms: list[Term]) -> list[Term]:
    """Terms of one symbol added up."""
    total: dict[str, float] = {}
    for coefficient, symbol in terms:
        total[symbol] = total.get(symbol, 0.0) + coefficient
    return [(coefficient, symbol) for symbol, coefficient in total.items()]


def objective(circuit: Circuit, hand: Text) -> str:
    """The min-max objective, averaged over samples (``similis.circuit.objective``)."""
    z, lateral, channels, neuron = hand.bold("z"), circuit.lateral, circuit.channels, circuit.neuron
    learning = [c for c in channels if c.synapse.rate and not c.synapse.weights]
    if lateral.has_interneurons:
        matrix = lateral_matrix(circuit, hand)
        terms = [(1.0, f"{z}{hand.T} {f'({matrix})' if ' + ' in matrix else matrix} {z}")]
    else:
        square = f"{z}{hand.T} {z}"
        through = f"{z}{hand.T} {hand.bold('M')} {z}" if lateral.learns else square
        terms = _merged([(lateral.acting, through), *neuron.inhibition.words(hand, square)])
    teaching = [c for c in channels if c.drive == 0.0 and not c.synapse.weights]
    taught = hand.grouped([(1.0, hand.current(c.name)) for c in teaching])
    drive = hand.bold("d") if circuit.settles else taught
    terms += [(-2.0 * (drive != "0"), f"{z}{hand.T} {drive}"), (2.0 * circuit.domain.l1, hand.absolute(z))]
    if circuit.domain.total is not None and circuit.domain.stiffness < float("inf"):
        excess = f"({sum_words(circuit.domain, hand)} - {hand.number(circuit.domain.total)})"
        terms.append((circuit.domain.stiffness, f"{excess}{hand.squared}"))
    terms += [(c.metric, hand.square(hand.current(c.name))) for c in channels]
    gated = [c for c in learning if c.synapse.input_gated]
    terms += [(c.leak, hand.gated_square(hand.weight(c.name), hand.input(c.name))) for c in gated]
    costs = [(c.leak, hand.square(hand.weight(c.name))) for c in learning if not c.synapse.input_gated]
    a, b = hand.bold("a"), hand.bold("b")
    outer = [hand.over("min", [hand.weight(c.name) for c in learning])] if learning else []
    rising = lateral.cost(hand)
    if neuron.threshold:
        rising.append((b, [(-1.0, hand.square(b))]))
    rising += neuron.inhibition.cost(hand)
    costs += [term for _, terms_ in rising for term in terms_]
    if rising:
        outer.append(hand.over("max", [symbol for symbol, _ in rising]))
    if circuit.domain.learned:
        outer.append(hand.stationary([a, b]))
        costs.append((-2.0, f"{a}{hand.T} {b}"))
    inner = [hand.over("min", [circuit.domain.words(hand, z) or z])] if circuit.settles else []
    body = hand.mean(" ".join([*inner, hand.signed(terms)]))
    return " ".join([*outer, hand.signed([(1.0, body), *costs])])


def drive(circuit: Circuit, hand: Text) -> list[str]:
    """What the soma hears, and the current of each compartment."""
    heard = [(c.drive, hand.current(c.name)) for c in circuit.channels]
    single = [(-(circuit.neuron.threshold**0.5), hand.bold("b")), (-float(circuit.domain.learned), hand.bold("a"))]
    total = hand.signed([*heard, *single])
    currents = [f"{hand.current(c.name)} = {hand.weight(c.weights)} {hand.input(c.name)}" for c in circuit.channels]
    x = hand.bold("x")
    product = hand.call("vec", f"{hand.change(x)} {x}{hand.T}")
    lifts = [f"{hand.input(c.name)} = {product}" for c in circuit.channels if c.lift == "outer"]
    return [f"{hand.bold('d')} = {total}", *currents, *lifts]


def synapses(circuit: Circuit, hand: Text) -> list[str]:
    """dW_c = 2 eta rate_c (post_c x_c' - leak_c W_c), one for each channel with weights of its own."""
    return [_synapse(circuit, circuit.channel(name), hand) for name in circuit.owners]


def _synapse(circuit: Circuit, channel: Channel, hand: Text) -> str:
    weights, leak, factor = hand.weight(channel.name), channel.leak, 2.0 * channel.synapse.rate
    change, eta = hand.change(weights), hand.eta
    sharing = [c for c in circuit.channels if c.synapse.weights == channel.name]
    if channel.synapse.rate == 0.0 and not sharing:
        return f"{change} = 0"
    terms, gate, x = _taught(circuit, channel, hand)
    if sharing:
        hebb = [(1.0, f"{gate}{hand.grouped(terms)} {x}")] if terms else []
        for other in sharing:
            share = other.synapse.rate / channel.synapse.rate if channel.synapse.rate else 1.0
            read, own, y = _taught(circuit, other, hand)
            hebb += [(share * c, f"{own}{symbol} {y}") for c, symbol in read]
        body = hand.signed([*hebb, (-leak, weights)])
        return f"{change} = {hand.signed([(factor, f'{eta} ({body})')])}"
    if channel.synapse.input_gated:
        hebb_ = f"{gate}{hand.grouped(terms)} {hand.bold('1')}{hand.T}"
        rest, own = hand.signed([(1.0, hebb_), (-leak, weights)]), hand.call("diag", hand.input(channel.name))
        return f"{change} = {hand.signed([(factor, f'{eta} ({rest}) {own}')])}"
    if not terms:
        return f"{change} = {hand.signed([(-factor * leak, f'{eta} {weights}')])}"
    if leak == 0.0 and len(terms) == 1:
        return f"{change} = {hand.signed([(factor * terms[0][0], f'{eta} {gate}{terms[0][1]} {x}')])}"
    product = f"{gate}{hand.grouped(terms)} {x}"
    body = product if leak == 0.0 else f"({hand.signed([(1.0, product), (-leak, weights)])})"
    return f"{change} = {hand.signed([(factor, f'{eta} {body}')])}"


def _taught(circuit: Circuit, channel: Channel, hand: Text) -> tuple[list[Term], str, str]:
    """What a synapse reads, its gate f' (may be empty), and its input, transposed."""
    terms, gate = [(c, s) for c, s in post(circuit, channel, hand) if c != 0.0], ""
    raw = f"{hand.bold('z')} + {hand.bold('m')}" if circuit.domain.mean_rate else hand.bold("z")
    bounds = circuit.domain.words(hand, raw)
    if channel.synapse.gated and bounds:
        strict = bounds.replace(hand.at_least, ">").replace(hand.at_most, "<")
        gate = f"{hand.indicator(strict)}{hand.dot} "
    return terms, gate, f"{hand.input(channel.name)}{hand.T}"


def lateral(circuit: Circuit, hand: Text) -> list[str]:
    """How the lateral weights learn, at rate eta/tau."""
    return circuit.lateral.rules(hand, lateral_matrix(circuit, hand))


def step(circuit: Circuit, hand: Text) -> str:
    """eta_t = max(floor, eta0 / (1 + decay t))."""
    eta0, decay, floor = circuit.step.eta0, circuit.step.decay, circuit.step.floor
    rate = hand.number(eta0)
    if decay:
        rate = hand.ratio(rate, hand.signed([(1.0, ""), (decay, hand.t)]))
    return f"{hand.eta} = {hand.call('max', hand.number(floor), rate) if floor and decay else rate}"
