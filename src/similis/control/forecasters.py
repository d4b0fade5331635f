"""Filters that learn along a stream, as states of plain arrays: recursive least squares, and the published rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..kernels import control as kernel
from ..kernels.forecast import forecast
from .gate import entering
from .lqg import stable_gain
from .rule import Agents

State = dict[str, np.ndarray]
SYNAPSES = ("A", "B", "C", "L")
#: rows between the synapses of the published rule that enter the average
AVERAGE_EVERY = 128


class Forecaster(Protocol):
    """A rule; its state is a dict of arrays whose shapes follow from the sizes of the stream."""

    def reset(self, n: int, p: int, rng: np.random.Generator) -> State: ...
    def shapes(self, n: int, p: int) -> dict[str, tuple[int, ...]]: ...
    def learn(self, state: State, X: np.ndarray, U: np.ndarray) -> np.ndarray: ...
    def predict(self, state: State, X: np.ndarray, U: np.ndarray) -> np.ndarray: ...
    def synapses(self, state: State) -> State: ...
    def mean(self, state: State) -> tuple[np.ndarray, float]: ...
    def unknown(self, state: State) -> np.ndarray: ...


@dataclass(frozen=True)
class LeastSquares:
    """Extended least squares, recursive: y(t+1) from the last ``order`` observations, errors and actions.

    ::

        yh(t+1) = sum_l A_l y(t-l) + (L_l - A_l) e(t-l) + B_l u(t-l) + offset,    e = y - yh
        d(A_l, L_l - A_l, B_l, offset) = e (P phi)' / (keep + phi'P phi),    dP ~ -(P phi)(P phi)' / (keep + phi'P phi)
    """

    delay: int
    order: int
    centre: bool
    clip: float
    growth: float

    def reset(self, n: int, p: int, rng: np.random.Generator) -> State:
        state = {name: np.zeros(shape) for name, shape in self.shapes(n, p).items()}
        return self._silent(state)

    def shapes(self, n: int, p: int) -> dict[str, tuple[int, ...]]:
        k = self.order * (2 * n + p) + 1
        own: dict[str, tuple[int, ...]] = {"theta": (n, k), "V": (k, k), "D": (k,), "phi": (k,)}
        own |= dict.fromkeys(("origin", "unit", "n_seen", "level", "spread", "fast", "slow"), (n,))
        return own | {"drive": (p,), "known": (3,), "observations": (self.delay, n), "actions": (self.delay, p)}

    def learn(self, state: State, X: np.ndarray, U: np.ndarray) -> np.ndarray:
        return self._run(state, X, U, True)

    def predict(self, state: State, X: np.ndarray, U: np.ndarray) -> np.ndarray:
        state = self._silent({name: array.copy() for name, array in state.items()})
        n, width = len(state["theta"]), 2 * len(state["theta"]) + U.shape[1]
        found = self._stacked(state)
        L = stable_gain(found["A"], np.eye(n, len(found["A"])), found["L"], np.diag(state["slow"]))
        for lag in range(self.order):
            at, rows = lag * width, slice(lag * n, (lag + 1) * n)
            state["theta"][:, at + n : at + 2 * n] = L[rows] - state["theta"][:, at : at + n]
            state["phi"][at : at + n] = state["level"]
        return self._run(state, X, U, False)

    def synapses(self, state: State) -> State:
        found, n = self._stacked(state), len(state["theta"])
        unit = np.where(state["unit"] > 0, state["unit"], 1.0)
        row = np.tile(unit, self.order)
        A, B, L = row[:, None] * found["A"] / row, row[:, None] * found["B"], row[:, None] * found["L"] / unit
        return {"A": A, "B": B, "C": np.eye(n, len(row)), "L": L}

    def mean(self, state: State) -> tuple[np.ndarray, float]:
        return state["origin"] + state["unit"] * state["level"], 1.0

    def unknown(self, state: State) -> np.ndarray:
        """(n,) which observations never varied, or never came."""
        return state["unit"] == 0.0

    def _stacked(self, state: State) -> State:
        """A, B and L of the state in observer form, whose first n numbers are the prediction, in inner units."""
        n, p, m = len(state["theta"]), state["actions"].shape[1], self.order * len(state["theta"])
        lags = [state["theta"][:, at : at + 2 * n + p] for at in range(0, self.order * (2 * n + p), 2 * n + p)]
        A = np.eye(m, k=n)
        A[:, :n] = np.vstack([lag[:, :n] for lag in lags])
        return {
            "A": A, "B": np.vstack([lag[:, 2 * n :] for lag in lags]),
            "L": np.vstack([lag[:, :n] + lag[:, n : 2 * n] for lag in lags]),
        }  # fmt: skip

    def _silent(self, state: State) -> State:
        """Nothing has been heard of the stream yet."""
        state["observations"][:], state["actions"][:], state["phi"][:] = np.nan, 0.0, 0.0
        state["phi"][-1] = float(self.centre)
        return state

    def _run(self, state: State, X: np.ndarray, U: np.ndarray, learn: bool) -> np.ndarray:
        Y, actions, out = _after(state, "observations", X), _after(state, "actions", U), np.empty(X.shape)
        _enter(state, self.shapes(X.shape[1], U.shape[1]), Y, actions)
        own = [state[name] for name in list(state)[: -len(_PAST)]]
        forecast(Y, actions, self.delay, *own, self.centre, self.clip or np.inf, self.growth, learn, out)
        _keep(state, Y, actions, self.delay)
        return out


@dataclass(frozen=True)
class Published:
    """The filter of Bio-OFC as published, with limits: errors through L in place of C' move every synapse.

    ::

        e = y(t+1-delay) - C xh(t+1-delay),   xh(t+1) = A xh + B u + L e
        dA ~ (L e) xh(t-delay)',  dB ~ (L e) u(t-delay)',  dL ~ (L e) e(t-delay)',  dC ~ e xh(t+1-delay)'
    """

    delay: int
    n_latent: int
    centre: bool
    scaled: bool
    clip: float
    damp: float
    eta: float
    decay: float
    average: float

    def reset(self, n: int, p: int, rng: np.random.Generator) -> State:
        state = {name: np.zeros(shape) for name, shape in self.shapes(n, p).items()}
        start = Agents.new(n, p, self.n_latent, [rng])
        for name in SYNAPSES:
            state[name][:] = state[f"mean.{name}"][:] = getattr(start, name)[0]
        return self._silent(state)

    def shapes(self, n: int, p: int) -> dict[str, tuple[int, ...]]:
        m, d = self.n_latent, self.delay
        own: dict[str, tuple[int, ...]] = {"A": (m, m), "B": (m, p), "C": (n, m), "L": (m, n)}
        own |= {f"mean.{name}": own[name] for name in SYNAPSES}
        own |= {"power": (2,), "moments": (2 * n + 1,), "n_rows": (1,), "centre": (n,), "unit": (1,)}
        return own | {"xh": (d + 1, m), "errors": (d, n), "observations": (d, n), "actions": (d, p)}

    def learn(self, state: State, X: np.ndarray, U: np.ndarray) -> np.ndarray:
        T, first = len(X), int(state["n_rows"][0])
        centre, unit = self._moving(state, X)
        rows, out, start = (X - centre[1:]) / unit[1:, None], np.empty(X.shape), 0
        eta = self.eta / (1 + self.decay * np.arange(first, first + T))
        while start < T:
            at = slice(start, min(T, start + AVERAGE_EVERY - (first + start) % AVERAGE_EVERY))
            out[at] = self._run(state, rows[at], U[at], eta[at])
            if not sound(state):
                break  # the caller asks as well
            start = at.stop
            if self.average and (first + start) % AVERAGE_EVERY == 0:
                share = (self.average + 1) / ((first + start) // AVERAGE_EVERY + self.average)
                for name in SYNAPSES:
                    state[f"mean.{name}"] += share * (state[name] - state[f"mean.{name}"])
        state["n_rows"][0], state["centre"][:], state["unit"][0] = first + T, centre[-1], unit[-1]
        return out * unit[:-1, None] + centre[:-1]

    def predict(self, state: State, X: np.ndarray, U: np.ndarray) -> np.ndarray:
        state = self._silent({name: array.copy() for name, array in state.items()})
        state |= {name: array.copy() for name, array in self.synapses(state).items()}
        centre, unit = self.mean(state)
        X = np.where(self.unknown(state), np.nan, X)  # what their errors do was never learned
        return self._run(state, (X - centre) / unit, U, np.zeros(len(X))) * unit + centre

    def synapses(self, state: State) -> State:
        averaged = self.average and state["n_rows"][0] >= AVERAGE_EVERY
        return {name: state[f"mean.{name}" if averaged else name] for name in SYNAPSES}

    def mean(self, state: State) -> tuple[np.ndarray, float]:
        return state["centre"], float(state["unit"][0])

    def unknown(self, state: State) -> np.ndarray:
        """(n,) which observations never came."""
        return state["moments"][: len(state["C"])] == 0.0

    def _silent(self, state: State) -> State:
        for name in ("xh", "errors", "actions"):
            state[name][:] = 0.0
        state["observations"][:] = np.nan
        return state

    def _moving(self, state: State, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(T + 1, n) means and (T + 1,) RMS before the first row and after each."""
        n, there, moments = X.shape[1], ~np.isnan(X), state["moments"]
        known = np.where(there, X, 0.0)
        counts = np.cumsum(np.vstack([moments[:n], there]), axis=0)
        sums = np.cumsum(np.vstack([moments[n:-1], known]), axis=0)
        centre = sums / np.maximum(counts, 1) if self.centre else np.zeros_like(sums)
        squares = np.where(there, (known - centre[:-1]) * (known - centre[1:]), 0.0).sum(1)
        power = np.cumsum(np.append(moments[-1], squares))
        unit = np.sqrt(power / np.maximum(counts.sum(1), 1)) if self.scaled else np.ones(len(power))
        moments[:n], moments[n:-1], moments[-1] = counts[-1], sums[-1], power[-1]
        return centre, np.where(unit > 0, unit, 1.0)

    def _run(self, state: State, rows: np.ndarray, U: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Over rows in the moving unit; the state goes on, with the synapses and what the next rows need to know."""
        (T, n), d, out = rows.shape, self.delay, np.empty(rows.shape)
        Y, actions = _after(state, "observations", rows), _after(state, "actions", U)
        errors = _after(state, "errors", np.zeros((T, n)))
        xh = _after(state, "xh", np.zeros((T, self.n_latent)))
        _enter(state, self.shapes(n, U.shape[1]), Y, actions)
        synapses = (state[name] for name in SYNAPSES)
        kernel.stream(
            Y, actions, xh, errors, d, *synapses, eta, self.damp, self.clip, state["power"], 0.0, np.ones(4), out
        )
        _keep(state, Y, actions, d)
        state["xh"], state["errors"] = xh[T:].copy(), errors[T:].copy()
        return out


_PAST = ("observations", "actions")


def sound(state: State) -> bool:
    """Whether all numbers of a state are finite; observations may be missing."""
    return all(np.isfinite(array).all() for name, array in state.items() if name != "observations")


def _after(state: State, name: str, new: np.ndarray) -> np.ndarray:
    return np.vstack([state[name], new])


def _enter(state: State, shapes: dict[str, tuple[int, ...]], Y: np.ndarray, actions: np.ndarray) -> None:
    """Refuse what the compiled loop cannot read."""
    entering({name: (state[name], shape) for name, shape in shapes.items()}, missing=_PAST)
    entering({"X": (Y, Y.shape), "actions": (actions, actions.shape)}, missing=("X",))


def _keep(state: State, Y: np.ndarray, actions: np.ndarray, delay: int) -> None:
    state["observations"], state["actions"] = Y[-delay:].copy(), actions[-delay:].copy()
