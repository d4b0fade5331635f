"""The neural Kalman filter: errors of the past correct the present estimate, and teach local synapses.

::

    e(t) = y(t+1-delay) - C xh(t+1-delay),   xh(t+1) = A xh(t) + B u(t) + L e(t)
    dA ~ (L e) xh(t-delay)',  dB ~ (L e) u(t-delay)',  dL ~ (L e) e(t-delay)',  dC ~ e xh(t+1-delay)'

L is A times the Kalman gain. The true gradient of |e|^2 would carry e back through C'; here it goes through L.
"""

from __future__ import annotations

import numpy as np

from .rule import Rule

#: numbers beyond this are no longer finite for any purpose
FAR = 1e9


def guess(C: np.ndarray, y: np.ndarray, bias: float, share: float) -> np.ndarray:
    """argmin |y - C x|^2 + ridge |x|^2, ridge a share of the mean power of a column; a bias neuron is known."""
    k = C.shape[1] - (bias != 0)
    H, rest = C[:, :k], y - bias * C[:, -1] if bias else y
    ridge = share * np.trace(H.T @ H) / k
    x = np.linalg.solve(H.T @ H + ridge * np.eye(k), H.T @ rest)
    return np.append(x, bias) if bias else x


def limit(y: np.ndarray, power: np.ndarray, clip: float) -> float:
    """How long an error may be: ``clip`` RMS norms of the observations so far, none of which counts for more."""
    if clip == 0:
        return np.inf
    size = float(np.nansum(y * y))
    if power[0] > 0:
        size = min(size, clip**2 * power[0] / power[1])
    power[:2] += size, 1.0
    return float(clip * np.sqrt(power[0] / power[1]))


def correct(
    C: np.ndarray, L: np.ndarray, y: np.ndarray, back: np.ndarray, longest: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """The error of the late prediction, 0 where y is missing, what it adds to the estimate, and its square."""
    e = np.nan_to_num(y - C @ back)
    square = float(e @ e)
    if square > longest**2:
        e = e * longest / np.sqrt(square)
    return e, L @ e, square


def plasticity(
    synapses: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], rule: Rule, eta: float, e: np.ndarray,
    Le: np.ndarray, back: np.ndarray, x: np.ndarray, u: np.ndarray, before: np.ndarray,
) -> None:  # fmt: skip
    """Each synapse: the current or error after it times the activity before it, at the time the error is about."""
    A, B, C, L = synapses
    if rule.damp > 0:
        eta /= 1.0 + rule.damp * eta * float(x @ x + back @ back + u @ u + before @ before)
    free = rule.free
    A += free[0] * eta * np.outer(Le, x)
    B += free[1] * eta * np.outer(Le, u)
    C += free[2] * eta * np.outer(e, back)
    L += free[3] * eta * np.outer(Le, before)
