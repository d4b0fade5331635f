"""The obvious interpreter: NumPy, one sample at a time, the rules as they stand in the table. Slow on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import sparse

from ..circuit import Circuit, Domain, State
from ._input import Data, admit, diverged, rates
from .trace import Trace


def run(
    circuit: Circuit, state: State, data: Data, *, learn: bool = True, present: Mapping[str, np.ndarray] | None = None,
    trace: Trace | Sequence[Trace] | None = None,
) -> tuple[np.ndarray, State]:  # fmt: skip
    """Run the circuit over the rows of ``data``; see :func:`similis.engine.stream.run`, with which it must agree."""
    rows, mute, T = admit(circuit, state, data, present)
    traces = Trace.several(trace)
    state, eta = state.copy(), rates(circuit, state.t, T, state.dtype)
    W, M, k = state.W, state.M, circuit.size
    Z = np.zeros((T, k), state.dtype)
    for t in range(T):
        heard = [c for i, c in enumerate(circuit.channels) if not mute[i, t]]
        x = {c.name: _row(rows[c.name], t) for c in heard}
        a = {name: np.zeros(k, state.dtype) for name in circuit.names} | {n: W[n] @ x[n] for n in x}
        d = sum(c.drive * a[c.name] for c in circuit.channels)
        z = Z[t] = settle(M if circuit.settles else np.eye(k, dtype=state.dtype), d, circuit.domain)
        if not np.isfinite(z).all():
            raise diverged(circuit, state.t + t, rows)
        if not learn:
            continue
        if any(c.drive for c in heard):  # a population nobody drives learns nothing
            _learn(circuit, state, x, a, z, eta[t])
        for trace in traces:
            if (state.t + t + 1) % trace.every == 0:
                trace.record(replace(state, t=state.t + t + 1, Minv=None))
    return Z, replace(state, t=state.t + T * learn, Minv=None if learn else state.Minv)


def _learn(circuit: Circuit, state: State, x: dict, a: dict, z: np.ndarray, eta: float) -> None:
    """The four rules, as they stand in the table; changes the state's arrays."""
    W, M, P, lateral, k = state.W, state.M, state.P, circuit.lateral, circuit.size
    signals = {"Z": z, "FEEDBACK": M @ z} | {f"of({name})": current for name, current in a.items()}
    interior = circuit.domain.interior(z)
    for c in (c for c in circuit.channels if c.name in x):
        signals["OWN"] = a[c.name]
        post = sum(coefficient * signals[s] for s, coefficient in circuit.reads(c.name).terms.items()) + np.zeros(k)
        post = np.where(interior, post, 0.0) if c.gated else post
        W[c.name] += 2 * eta * c.rate * (np.outer(post, x[c.name]) - c.leak * W[c.name])
    rate = eta / lateral.tau
    if lateral.kind == "gram":
        M += rate * (np.outer(z, z) - M)
    elif lateral.kind == "whiten":
        M += rate * (np.outer(z, z) - np.eye(k))
    elif P is not None:
        P += rate * (np.outer(z, P.T @ z) - P + lateral.rest * np.eye(*P.shape))
        M[:] = P @ P.T + lateral.shift * np.eye(k)


def _row(X: np.ndarray, t: int) -> np.ndarray:
    return X[t].toarray().ravel() if sparse.issparse(X) else X[t]


def settle(M: np.ndarray, d: np.ndarray, domain: Domain) -> np.ndarray:
    """argmin_{lower <= z <= upper} z'Mz - 2 z'd + 2 l1 |z|_1, by a linear solve or coordinate descent.

    Not finite where M is not positive definite.
    """
    try:
        if domain.is_free:
            np.linalg.cholesky(M)  # a stationary point that is no minimum is not settled
            return np.linalg.solve(M, d)
    except np.linalg.LinAlgError:
        return np.full_like(d, np.nan)
    z, tolerance = np.zeros_like(d), 10 * np.finfo(d.dtype).eps
    for _ in range(20_000):
        before = z.copy()
        for i in range(len(d)):
            r = d[i] - M[i] @ z + M[i, i] * z[i]
            z[i] = np.clip(np.sign(r) * max(abs(r) - domain.l1, 0.0) / M[i, i], domain.lower, domain.upper)
        if not np.abs(z - before).max() > tolerance * np.abs(z).max():
            break
    inside = domain.interior(z)
    fixed = np.where(
        inside, 0, z
    )  # on the support the minimum is a linear solve, exact where the sweeps only approach it
    z[inside] = np.linalg.solve(M[np.ix_(inside, inside)], (d - M @ fixed - domain.l1 * np.sign(z))[inside])
    return z
