"""Settling under a total: z = argmin_{z >= 0, b.z = total} z'Az - 2 z'd, with the multiplier lambda of the total.

z solves the problem without the total for the drive d - lambda b, and b.z falls as lambda rises: one number is sought.
A soft total is b.z = total + compliance lambda.
"""

from __future__ import annotations

import numpy as np

from ._compile import inner
from .settle import cholesky_solve, coordinate_descent, substitute

#: Newton steps on lambda before settling gives up; b.z is piecewise linear and monotone in lambda: a few are enough
MAX_STEPS = 200
#: exchanges of the support that are tried first, and how many of them in a row may bring nothing
EXCHANGES, PATIENCE = 30, 3


@inner
def settle_diagonal(own, d, b, total, compliance, z, unit):
    """A = own I: drop the neurons whose lambda is too high for them until none is left to drop (Michelot's projection).

    Fills z and unit[0] = lambda; False if no weight b is positive.
    """
    k = d.shape[0]
    zero = own - own
    for i in range(k):
        z[i] = own  # a mark: still active
    while True:
        top, bottom, best, active = -own * total, own * compliance, -1, 0
        for i in range(k):
            if z[i] > 0:
                top += b[i] * d[i]
                bottom += b[i] * b[i]
                active += 1
        if not (bottom > 0 and np.isfinite(top)):
            return False
        unit[0], left = top / bottom, 0
        for i in range(k):
            if z[i] > 0 and b[i] > 0 and (best < 0 or d[i] * b[best] > d[best] * b[i]):
                best = i
            if z[i] > 0 and d[i] > unit[0] * b[i]:
                left += 1
            else:
                z[i] = zero
        if left == active or left == 0:
            break
    if left <= 1 and best >= 0:  # one takes all; its drive, of which rounding may leave nothing, does not matter
        share = total + compliance * unit[0]
        if share > 0:
            z[best] = share / b[best]
        else:  # a soft total is not worth any output
            z[best], unit[0] = zero, -total / compliance
        return True
    for i in range(k):
        if z[i] > 0:
            z[i] = (d[i] - unit[0] * b[i]) / own
    return True


@inner
def settle_total(A, d, b, total, compliance, z, unit, g, tol, order, work, L, x):
    """Exchange the support until it is right. Where that goes round in circles, take Newton steps on lambda,
    safeguarded by bisection, until a step that keeps the support: its end is the solution.

    Fills z and unit[0] = lambda; False if A is not positive definite or no weight b is positive.
    """
    k, zero = d.shape[0], tol - tol
    infinite, own = tol / tol / zero, zero
    for i in range(k):
        own += A[i, i] / k
    if not (own > 0 and settle_diagonal(own, d, b, total, compliance, z, unit)):
        return False
    low, high, y = -infinite, infinite, np.empty_like(d)
    if exchange(A, d, b, total, compliance, z, unit, tol, order, work, L, x, y):
        return True
    for _ in range(MAX_STEPS):
        value = unit[0]
        for i in range(k):
            y[i] = d[i] - value * b[i]
        if not coordinate_descent(A, y, zero, infinite, zero, z, g, tol, order, work, L, x):
            return False
        n, excess = np.intp(0), -total - compliance * value
        for i in range(k):
            if z[i] > 0:
                order[n] = i
                n += 1
                excess += b[i] * z[i]
        for p in range(n):
            x[p] = b[order[p]]
            for q in range(p + 1):
                work[p, q] = A[order[p], order[q]]
        if not cholesky_solve(work, n, L, x):  # z falls by x when lambda rises by 1
            return False
        slope = compliance
        for p in range(n):
            slope += b[order[p]] * x[p]
        if excess > 0:
            low = value
        else:
            high = value
        step = excess / slope if slope > 0 else -(abs(value) + tol / tol)
        if abs(step) <= tol * abs(value):
            return True
        if not low < value + step < high:
            step = (high - low) / 2 + low - value
        elif slope > 0 and stays(A, d, b, z, value + step, step, x, order, n, y, tol):
            unit[0] = value + step
            return True
        unit[0] = value + step
    return False


@inner
def exchange(A, d, b, total, compliance, z, unit, tol, order, work, L, x, y):
    """Solve on the support of z; drop who came out negative, add who is pushed up, all at once, and again.

    Block principal pivoting (Kim & Park 2011). True if nothing was left to exchange: then z and unit[0] are the
    solution, else z is of no use. A few solves on the support, where sweeps would visit every neuron many times.
    """
    k, fewest, patience = d.shape[0], d.shape[0] + 1, PATIENCE
    for _ in range(EXCHANGES):
        n = np.intp(0)
        for i in range(k):
            if z[i] > 0:
                order[n] = i
                n += 1
        for p in range(n):
            x[p], y[p] = d[order[p]], b[order[p]]
            for q in range(p + 1):
                work[p, q] = A[order[p], order[q]]
        if n == 0 or not cholesky_solve(work, n, L, x):
            return False
        substitute(L, n, y)
        top, bottom = -total, compliance
        for p in range(n):
            top += b[order[p]] * x[p]
            bottom += b[order[p]] * y[p]
        if not bottom > 0:
            return False
        value, wrong = top / bottom, 0
        for p in range(n):
            x[p] -= value * y[p]
            wrong += not x[p] > 0
        for i in range(k):
            if not z[i] > 0:
                push, size = d[i] - value * b[i], abs(d[i]) + abs(value * b[i])
                for p in range(n):
                    push -= A[i, order[p]] * x[p]
                if push > tol * size:
                    z[i] = push  # joins
                    wrong += 1
        for p in range(n):
            z[order[p]] = max(x[p], tol - tol)
        if wrong == 0:
            unit[0] = value
            return True
        patience = PATIENCE if wrong < fewest else patience - 1
        fewest = min(fewest, wrong)
        if patience == 0:
            return False
    return False


@inner
def stays(A, d, b, z, value, step, x, order, n, y, tol):
    """Move z to its place for lambda = value, if no neuron enters or leaves the support on the way; y is work."""
    k = d.shape[0]
    for i in range(k):
        y[i] = tol - tol
    for p in range(n):
        y[order[p]] = z[order[p]] - step * x[p]
        if not y[order[p]] > 0:
            return False
    for i in range(k):
        if z[i] == 0:
            push, size = d[i] - value * b[i], abs(d[i]) + abs(value * b[i])
            for p in range(n):
                push -= A[i, order[p]] * y[order[p]]
            if push > tol * size:
                return False
    for i in range(k):
        z[i] = y[i]
    return True
