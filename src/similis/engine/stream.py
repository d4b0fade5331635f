"""The fast interpreter: the same trajectory as sample-by-sample learning, in exact blocks (see ``kernels.stream``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import linalg, sparse

from .._errors import InputError
from .._threads import one_thread
from ..circuit import Circuit, Lift, State
from ..circuit.state import settling_matrix
from ..circuit.table import CURRENTS, DRIVE, Table, compile_circuit
from ..kernels.gram import products
from ..kernels.stream import DONE, workspace
from ..kernels.stream import learn as learn_block
from ._cells import pack, unpack
from ._input import Data, Rows, admit, diverged, rates
from .trace import Trace

#: weights of at most so many bytes stay in the first-level cache: plain loops beat matrix products
CACHE_BYTES = 36_000
#: M^{-1} is recomputed from M whenever the laterals have forgotten by exp(-this): until then rounding errors grow, by
#: up to exp(this) in directions that no output reaches
REFRESH = {"float32": 1.0, "float64": 8.0}
#: with so few neurons our own X W' beats the general matrix product
SMALL_K = 16
#: where fewer of the updates are not zero (rectified neurons), a neuron learns from a lift by the samples it answered
DENSE_FRACTION = 0.75
#: samples in a block of plain loops or of pure inference
PLAIN_BLOCK = 256


def run(
    circuit: Circuit, state: State, data: Data, *, learn: bool = True, present: Mapping[str, np.ndarray] | None = None,
    trace: Trace | Sequence[Trace] | None = None, block: int | None = None,
) -> tuple[np.ndarray, State]:  # fmt: skip
    """Run a circuit over the rows of ``data``.

    Parameters
    ----------
    circuit : Circuit
    state : State, where to start; never changed
    data : (T, n) rows, or {channel: (T, n_c) rows}; rows are an array, scipy.sparse or a ``circuit.lifts.Lift``; an
        absent channel is silent
    learn : whether the weights change
    present : {channel: (T,) bool}, on which samples a channel speaks
    trace : Trace or several, what to record on the way
    block : samples a block; chosen by k if None. The result does not depend on it beyond rounding.

    Returns
    -------
    Z : (T, k) outputs, each from the weights before its own update
    state : State after the last sample

    Raises
    ------
    InputError, DivergenceError
    """
    with one_thread():
        return _run(circuit, state, data, learn, present, Trace.several(trace), block)


def _run(
    circuit: Circuit, state: State, data: Data, learn: bool, present: Mapping[str, np.ndarray] | None,
    traces: tuple[Trace, ...], block: int | None,
) -> tuple[np.ndarray, State]:  # fmt: skip
    if block is not None and block < 1:
        raise InputError(f"block={block}; expected an integer >= 1, or None")
    rows, mute, T = admit(circuit, state, data, present, learn)
    table = compile_circuit(circuit, state.dtype)
    Z = np.zeros((T, circuit.size), state.dtype)
    if not learn:
        return _infer(circuit, table, state, rows, mute, Z), state
    eta = rates(circuit, state.t, T, state.dtype)
    work = _Workspace(circuit, table, state, block, rows)
    limits, start = work.limits(eta), 0
    while start < T:
        stop = min(T, start + work.block)
        for trace in traces:
            stop = min(stop, start + trace.due(state.t + start))
        for total, reach in limits:
            before = total[start - 1] if start else 0.0
            stop = max(start + 1, min(stop, int(np.searchsorted(total, before + reach))))
        failed = work.learn(rows, mute[:, start:stop], eta[start:stop], slice(start, stop), Z[start:stop])
        if failed != DONE:
            raise diverged(circuit, state.t + start + failed, rows)
        work.refresh(state.t + start, state.t + stop, rows)
        for trace in traces:
            if (state.t + stop) % trace.every == 0:
                trace.record(work.state(state.t + stop))
        start = stop
    return Z, work.state(state.t + T)


class _Workspace:
    """Private copies of the weights and the buffers of one run."""

    def __init__(self, circuit: Circuit, table: Table, state: State, block: int | None, rows: Mapping) -> None:
        self.circuit, self.table = circuit, table
        self.widths = [state.W[name].shape[1] for name in circuit.owners]
        self.offsets = np.concatenate([[0], np.cumsum(self.widths)])
        self.inputs = [state.W[c.weights].shape[1] for c in circuit.channels]
        ends = np.cumsum(self.inputs)
        homes = [self.offsets[circuit.owners.index(c.weights)] for c in circuit.channels]
        self.places = np.stack([ends - self.inputs, ends, homes, np.add(homes, self.inputs)], axis=1)
        k, C = circuit.size, len(circuit.names)
        # weights gated by their own inputs do not shrink together, shared ones have two inputs: no blocks
        self.plain = table.plain or (k * int(self.offsets[-1]) * state.dtype.itemsize <= CACHE_BYTES and block is None)
        lifted = any(isinstance(X, Lift) for X in rows.values())  # its similarities cost next to nothing
        self.block = PLAIN_BLOCK if self.plain else block or (128 if lifted else 64 if k > 32 else 32)
        dtype = state.dtype
        self.M, self.P = state.M.copy(), np.zeros((k, 0), dtype) if state.P is None else state.P.copy()
        self.R = np.zeros((0, k), dtype) if state.R is None else state.R.copy()
        self.start, self.cells = state, pack(circuit, table, state)
        if table.tracked:
            self.N = _inverse(circuit, self.M, state.t, rows) if state.Minv is None else state.Minv.copy()
        else:
            self.N = np.zeros((0, 0), dtype)
        if self.plain:
            # in C order whatever the state's: another layout would be compiled anew
            self.flat = np.ascontiguousarray(np.concatenate([state.W[name] for name in circuit.owners], axis=1))
            self.A, self.G = np.zeros((C, 0, k), dtype), np.zeros((C, 0, 0), dtype)
        else:
            self.flat = np.zeros((k, 0), dtype)
            self.W = {name: np.array(state.W[name], order="C") for name in circuit.owners}
            self.A, self.G = np.zeros((C, self.block, k), dtype), np.zeros((C, self.block, self.block), dtype)
        self.dense = workspace(table, k)
        self.coef, self.scale = np.zeros((C, self.block, k), dtype), np.ones(C, dtype)
        self.tol = dtype.type(10 * np.finfo(dtype).eps)
        self.reach = -0.25 * float(np.log(np.finfo(dtype).tiny))  # a block may shrink W by no more than this (log)

    def limits(self, eta: np.ndarray) -> list[tuple[np.ndarray, float]]:
        """What may not grow beyond a reach within a block, as running totals, where a block could come so far.

        -log s_t of the fastest channel, for s_t must stay in the floating-point range; and sum(eta/tau), for the drift
        of M^{-1} is corrected between blocks.
        """
        fastest = max(2.0 * c.synapse.rate * c.leak for c in self.circuit.channels)
        limits = []
        if not self.plain:
            limits.append((-np.log1p(-fastest * eta.astype(float)), self.reach))
        if self.table.tracked:
            limits.append((eta.astype(float) / self.circuit.lateral.tau, REFRESH[eta.dtype.name]))
        return [(np.cumsum(x), reach) for x, reach in limits if len(x) and self.block * x.max() >= reach]

    def learn(self, rows: Mapping, mute: np.ndarray, eta: np.ndarray, at: slice, Z: np.ndarray) -> int:
        """One block: two products in, the sequential part in k-space, one product out."""
        B, names = len(eta), self.circuit.names
        mute = np.ascontiguousarray(mute)
        X = {name: _own(rows[name][at]) for name in names if name in rows}
        C, tall, k = self.A.shape  # a short block is contiguous too: another layout would be compiled anew
        A, G, flat = self.A.reshape(-1)[: C * min(B, tall) * k].reshape(C, min(B, tall), k), self.G, self.flat[:, :0]
        if self.plain:
            silent = [np.zeros((B, width), Z.dtype) for width in self.inputs]
            parts = [_dense(X[name]) if name in X else none for name, none in zip(names, silent, strict=True)]
            flat = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        else:
            for c, name in enumerate(names):
                if name in X:
                    _products(X[name], self.W[name], A[c], G[c])
        failed = learn_block(
            self.table, True, _total(self.table), self.dense, eta, mute, A, G, flat, self.places, self.flat, self.M,
            self.P, self.R, self.N, self.cells, self.tol, Z, self.coef, self.scale,
        )  # fmt: skip
        if failed != DONE:
            return failed
        if not self.plain:
            for c, name in enumerate(names):
                if name in X and not mute[c].all():
                    self.W[name] = _update(self.W[name], self.scale[c], self.coef[c, :B], X[name])
        if len(self.P.T) and self.table.settles:
            self.M = self._through_interneurons()
        return DONE

    def refresh(self, t: int, later: int, rows: Mapping) -> None:
        """Recompute M^{-1} if a multiple of REFRESH in sum(eta/tau) lies between the two samples."""
        if self.table.tracked:
            every = REFRESH[self.M.dtype.name] * self.circuit.lateral.tau
            if self.circuit.step.total(t) // every != self.circuit.step.total(later) // every:
                self.N = _inverse(self.circuit, self.M, later - 1, rows)

    def _through_interneurons(self) -> np.ndarray:
        """M = P P' + shift I, or P R + shift I."""
        back = self.R if self.table.decoupled else self.P.T
        return self.P @ back + self.table.shift * np.eye(len(self.M), dtype=self.M.dtype)

    def state(self, t: int) -> State:
        if self.plain:
            W = {
                n: self.flat[:, a:b].copy()
                for n, a, b in zip(self.circuit.owners, self.offsets, self.offsets[1:], strict=False)
            }
        else:
            W = {name: array.copy() for name, array in self.W.items()}
        P = self.P.copy() if self.table.interneurons else None
        R = self.R.copy() if self.table.decoupled else None
        Minv = self.N.copy() if self.table.tracked else None
        M = self.M.copy() if P is None else self._through_interneurons()
        return State(W, M, P, t, Minv, R, unpack(self.start, self.cells))


def _products(X: Rows, W: np.ndarray, A: np.ndarray, G: np.ndarray) -> None:
    """A = X W', G = X X'."""
    if not isinstance(X, np.ndarray):
        A[:] = X @ W.T
        G[: len(A), : len(A)] = _dense(X @ X.T)
        return
    thin = len(W) <= SMALL_K
    products(X, W, A, G, thin)
    if not thin:
        np.dot(X, W.T, out=A)


def _update(W: np.ndarray, scale: np.floating, coef: np.ndarray, X: Rows) -> np.ndarray:
    """scale (W + coef' X), in place."""
    if sparse.issparse(X):
        W += coef.T @ X
        W *= scale
        return W
    if not isinstance(X, Lift):
        return _add(W, scale, coef, X)
    if np.count_nonzero(coef) > DENSE_FRACTION * coef.size:
        return _add(W, scale, *X.factors(coef))
    for w, c in zip(W, coef.T, strict=True):
        spoke = np.flatnonzero(c)
        _add(w, scale, *X[spoke].factors(c[spoke, None])) if len(spoke) else np.multiply(w, scale, out=w)
    return W


def _add(W: np.ndarray, scale: np.floating, A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """scale (W + A' B), in place; W is as long as the product."""
    gemm = linalg.blas.dgemm if W.dtype == np.float64 else linalg.blas.sgemm
    folded = W.reshape(A.shape[1], B.shape[1])
    return gemm(scale, B.T, A.T, scale, folded.T, trans_b=True, overwrite_c=True).T.reshape(W.shape)


def _total(table: Table) -> np.floating | None:
    return table.total if table.constrained else None


def _own(X: Rows) -> Rows:
    """Rows the kernels may have: a read-only array is another type to the compiler."""
    return X.copy() if isinstance(X, np.ndarray) and not X.flags.writeable else X


def _dense(X: Rows) -> np.ndarray:
    return X if isinstance(X, np.ndarray) else X.toarray()


def _inverse(circuit: Circuit, M: np.ndarray, sample: int, rows: Mapping[str, Rows]) -> np.ndarray:
    """M^{-1}, bitwise symmetric (see ``kernels.neuron.apply_pending``)."""
    N = linalg.cho_solve(_factor(circuit, M, sample, rows), np.eye(len(M), dtype=M.dtype))
    return np.ascontiguousarray((N + N.T) / 2)


def _factor(circuit: Circuit, M: np.ndarray, sample: int, rows: Mapping[str, Rows]) -> tuple[np.ndarray, bool]:
    """The Cholesky factor of M; DivergenceError where M is not positive definite."""
    try:
        return linalg.cho_factor(M)
    except (linalg.LinAlgError, ValueError) as error:
        raise diverged(circuit, sample, rows) from error


def _infer(circuit: Circuit, table: Table, state: State, rows: Mapping, mute: np.ndarray, Z: np.ndarray) -> np.ndarray:
    """Outputs with the weights as they are."""
    drive = np.zeros_like(Z)
    for c, channel in enumerate(circuit.channels):
        if channel.name in rows:
            current = channel.drive * np.asarray(rows[channel.name] @ state.W[channel.weights].T)
            drive += np.where(mute[c][:, None], 0, current)
    if table.linear:
        if table.root:
            drive -= table.root * state.cells["b"]
        return linalg.cho_solve(
            _factor(circuit, settling_matrix(circuit, state), state.t, rows), drive.T, check_finite=False
        ).T
    k, row = circuit.size, np.zeros((1, CURRENTS + 1), Z.dtype)
    row[0, DRIVE] = 1
    one = table._replace(channels=row)
    none, tol = np.zeros((0, 0), Z.dtype), Z.dtype.type(10 * np.finfo(Z.dtype).eps)
    heard, places, weightless = np.zeros((1, len(Z)), bool), np.zeros((1, 4), np.int64), np.zeros((k, 0), Z.dtype)
    failed = learn_block(
        one, False, _total(one), workspace(one, k), np.zeros(0, Z.dtype), heard, drive[None], none[None], none, places,
        weightless, state.M.copy(), weightless, none, none, pack(circuit, table, state), tol, Z,
        drive[None], np.ones(1, Z.dtype),
    )  # fmt: skip
    if failed != DONE:
        raise diverged(circuit, state.t, rows)
    return Z
