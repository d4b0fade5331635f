"""The obvious interpreter: NumPy, one sample at a time, the rules as they stand in the table. Slow on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from ..circuit import Box, Circuit, Domain, PowerControl, State
from ..circuit.state import settling_matrix
from ._input import Data, Rows, admit, diverged, excess, rates, reach, worth
from .trace import Trace


def run(
    circuit: Circuit, state: State, data: Data, *, learn: bool = True, present: Mapping[str, np.ndarray] | None = None,
    trace: Trace | Sequence[Trace] | None = None,
) -> tuple[np.ndarray, State]:  # fmt: skip
    """Run the circuit over the rows of ``data``; see :func:`similis.engine.stream.run`, with which it must agree."""
    rows, mute, T = admit(circuit, state, data, present, learn)
    traces = Trace.several(trace)
    state, eta = state.copy(), rates(circuit, state.t, T, state.dtype)
    W, k = state.W, circuit.size
    Z = np.zeros((T, k), state.dtype)
    for t in range(T):
        heard = [c for i, c in enumerate(circuit.channels) if not mute[i, t]]
        x = {c.name: _row(rows[c.name], t) for c in heard}
        a = {name: np.zeros(k, state.dtype) for name in circuit.names}
        a |= {c.name: W[c.weights] @ x[c.name] for c in heard}
        d = sum(c.drive * a[c.name] for c in circuit.channels) - inhibition(circuit, state)
        A = settling_matrix(circuit, state) if circuit.settles else np.eye(k, dtype=state.dtype)
        z, unit = settle(A, d, circuit.domain, state.cells)
        Z[t] = z
        if not np.isfinite(z).all():
            raise diverged(circuit, state.t + t, rows)
        if not learn:
            continue
        if any(c.drive for c in heard):  # a population nobody drives learns nothing
            _learn(circuit, state, x, a, z, unit, eta[t])
        for trace in traces:
            if (state.t + t + 1) % trace.every == 0:
                trace.record(replace(state, t=state.t + t + 1, Minv=None))
    return Z, replace(state, t=state.t + T * learn, Minv=None if learn else state.Minv)


def inhibition(circuit: Circuit, state: State) -> np.ndarray:
    """What the threshold unit (sqrt(threshold) b) or the thresholds of row sums (a) take from the drive."""
    if circuit.neuron.threshold:
        return state.dtype.type(circuit.neuron.threshold**0.5) * state.cells["b"]
    return state.cells.get("a", np.zeros(circuit.size, state.dtype))


def _learn(circuit: Circuit, state: State, x: dict, a: dict, z: np.ndarray, unit: float, eta: float) -> None:
    """The rules, as they stand in the table; changes the state's arrays."""
    W, lateral, k = state.W, circuit.lateral, circuit.size
    feedback = settling_matrix(circuit, state) @ z
    kept = 1.0
    if circuit.step.limited and circuit.domain.learned:
        kept, told = worth(eta, z, state.cells["b"])
        eta *= kept * told
    elif circuit.step.limited:
        power = sum(reach(c) * (x[c.name] @ x[c.name]) for c in circuit.channels if c.name in x)
        eta /= excess(circuit, eta, power, z @ z, z @ feedback)
    signals = {"Z": z, "FEEDBACK": feedback} | {f"of({name})": current for name, current in a.items()}
    interior = circuit.domain.interior(z + state.cells.get("mean", 0))
    for c in (c for c in circuit.channels if c.name in x):
        synapse, signals["OWN"] = c.synapse, a[c.name]
        post = sum(coefficient * signals[s] for s, coefficient in synapse.post.terms.items()) + np.zeros(k)
        post = np.where(interior, post, 0.0) if synapse.gated else post
        leaving = c.leak * W[c.weights] * (x[c.name] if synapse.input_gated else 1)
        W[c.weights] += 2 * eta * synapse.rate * (np.outer(post, x[c.name]) - leaving)

    def second(B: np.ndarray | None) -> np.ndarray:
        return np.outer(z, z if B is None else B @ z)

    lateral.learn(state.laterals, second, 1.0, eta / lateral.tau, np.eye(k), circuit.neuron.inhibition.shift)
    _learn_cells(circuit, state.cells, z, unit, eta, kept)


def _learn_cells(circuit: Circuit, cells: dict, z: np.ndarray, unit: float, eta: float, kept: float) -> None:
    """What single neurons carry: synapses of the single units, thresholds, the mean, the shift."""
    neuron = circuit.neuron
    if neuron.threshold:
        cells["b"] += 2 * eta * (neuron.threshold**0.5 * z - cells["b"])
    if neuron.domain.learned:
        cells["b"] += 2 * eta * (z - cells["b"])
        cells["a"] += 2 * eta * (unit * z - cells["a"])
    if neuron.domain.mean_rate:
        cells["mean"] += neuron.domain.mean_rate * z  # z is what lies above the mean
    if isinstance(control := neuron.inhibition, PowerControl):
        shift = cells["shift"] + kept * control.rate * (z @ z - control.target_power)
        cells["shift"][:] = np.maximum(control.minimum, shift)


def _row(X: Rows, t: int) -> np.ndarray:
    return X[t] if isinstance(X, np.ndarray) else X[t : t + 1].toarray().ravel()


def settle(A: np.ndarray, d: np.ndarray, domain: Domain, cells: Mapping[str, np.ndarray]) -> tuple[np.ndarray, float]:
    """argmin_{z in domain} z'Az - 2 z'd + 2 l1 |z|_1, and the multiplier lambda of a total (0 where there is none).

    Not finite where A is not positive definite (on a ball A may be 0).
    """
    if domain.total is not None:
        return _under_a_total(A, d, cells.get("b", np.ones_like(d)), domain)
    if domain.radius < np.inf:  # A = a I
        v, a = np.maximum(d, 0), A[0, 0]
        size = np.linalg.norm(v)
        if size > a * domain.radius:
            return v * (domain.radius / size), 0.0
        return (v / a if a > 0 else v), 0.0
    return _unconstrained(A, d, domain) - cells.get("mean", 0), 0.0


def _under_a_total(A: np.ndarray, d: np.ndarray, b: np.ndarray, domain: Domain) -> tuple[np.ndarray, float]:
    """z >= 0 with b.z = total + lambda/soft: the root of a falling function of lambda, then exact on its support."""
    plain, compliance = Box.nonnegative(), 1 / domain.stiffness

    def excess(unit: float) -> float:
        return float(b @ _unconstrained(A, d - unit * b, plain) - domain.total - compliance * unit)

    if not (np.isfinite(d).all() and np.isfinite(b).all() and b.max() > 0):
        return np.full_like(d, np.nan), 0.0
    reach = 1.0 + np.abs(d).max() / b.max()
    while not excess(-reach) > 0:
        reach *= 2
    low, reach = -reach, 1.0
    while not excess(reach) < 0:
        reach *= 2
    unit = brentq(excess, low, reach, xtol=1e-13, rtol=1e-13)
    S = _unconstrained(A, d - unit * b, plain) > 0
    both = np.linalg.solve(A[np.ix_(S, S)], np.stack([d[S], b[S]], axis=1))
    unit = (b[S] @ both[:, 0] - domain.total) / (b[S] @ both[:, 1] + compliance)
    z = np.zeros_like(d)
    z[S] = both[:, 0] - unit * both[:, 1]
    return z, float(unit)


def _unconstrained(A: np.ndarray, d: np.ndarray, domain: Domain) -> np.ndarray:
    """Settling in a box, by a linear solve or coordinate descent."""
    try:
        if domain.is_free:
            np.linalg.cholesky(A)  # a stationary point that is no minimum is not settled
            return np.linalg.solve(A, d)
    except np.linalg.LinAlgError:
        return np.full_like(d, np.nan)
    z = np.zeros_like(d)
    for _ in range(20_000):
        before, z = z, _swept(A, d, z, domain)
        # on the support the minimum is a linear solve, exact where the sweeps only approach it
        exact = _solved(A, d, z, domain)
        if _still(_swept(A, d, exact, domain), exact) or _still(z, before) or not np.isfinite(z).all():
            break
    return exact


def _swept(A: np.ndarray, d: np.ndarray, z: np.ndarray, domain: Domain) -> np.ndarray:
    """One sweep of coordinate descent: each coordinate in turn goes where it is best."""
    z = z.copy()
    for i in range(len(d)):
        r = d[i] - A[i] @ z + A[i, i] * z[i]
        z[i] = min(max(np.sign(r) * max(abs(r) - domain.l1, 0.0) / A[i, i], domain.lower), domain.upper)
    return z


def _solved(A: np.ndarray, d: np.ndarray, z: np.ndarray, domain: Domain) -> np.ndarray:
    """The minimum over the coordinates off their bounds, the others and all signs as in z; NaN where there is none."""
    inside = domain.interior(z)
    among, rest = A[np.ix_(inside, inside)], d - A @ np.where(inside, 0, z) - domain.l1 * np.sign(z)
    z = z.copy()
    try:
        np.linalg.cholesky(among)
        z[inside] = np.linalg.solve(among, rest[inside])
    except np.linalg.LinAlgError:
        z[inside] = np.nan
    return z


def _still(z: np.ndarray, before: np.ndarray) -> bool:
    return bool(np.abs(z - before).max() <= 10 * np.finfo(z.dtype).eps * np.abs(z).max())
