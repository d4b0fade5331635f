"""Settling: z = argmin_{lower <= z <= upper} z'Mz - 2 z'd + 2 l1 |z|_1, compiled."""

from __future__ import annotations

import numpy as np

from ._compile import inner

#: coordinate sweeps before settling gives up (only a singular M needs more)
MAX_SWEEPS = 2000


@inner
def cholesky_solve(M, n, L, b):
    """Solve M[:n, :n] x = b in place by Cholesky in the work array L; False if M is not positive definite."""
    for i in range(n):
        for j in range(i + 1):
            total = M[i, j]
            for p in range(j):
                total -= L[i, p] * L[j, p]
            if i == j:
                if not total > 0:
                    return False
                L[i, i] = np.sqrt(total)
            else:
                L[i, j] = total / L[j, j]
    for i in range(n):
        total = b[i]
        for p in range(i):
            total -= L[i, p] * b[p]
        b[i] = total / L[i, i]
    for i in range(n - 1, -1, -1):
        b[i] /= L[i, i]
        for p in range(i):
            b[p] -= L[i, p] * b[i]
    return True


@inner
def clip(value, lower, upper, l1):
    """The scalar settling with M = 1: soft threshold, then the box."""
    if value > l1:
        value -= l1
    elif value < -l1:
        value += l1
    else:
        value = value - value  # zero in the caller's precision
    return min(max(value, lower), upper)


@inner
def polish(M, d, lower, upper, l1, z, g, tol, order, B, L, b):
    """Solve exactly on the free coordinates of z; accept (True) only if all KKT conditions then hold.

    On return with True, z is the minimiser to machine precision. Work arrays: order (int), B, L (k, k), b.
    """
    k = d.shape[0]
    n = 0
    for i in range(k):
        if z[i] > lower and z[i] < upper and (l1 == 0 or z[i] != 0):
            order[n] = i
            n += 1
    for p in range(n):
        i = order[p]
        total = d[i]
        if l1 > 0:
            total -= l1 if z[i] > 0 else -l1
        for q in range(p + 1):
            B[p, q] = M[i, order[q]]
        b[p] = total
    at = 0  # clipped coordinates with a nonzero value contribute to the right-hand side
    for j in range(k):
        if at < n and order[at] == j:
            at += 1
        elif z[j] != 0:
            for p in range(n):
                b[p] -= M[order[p], j] * z[j]
    if not cholesky_solve(B, n, L, b):
        return False
    for p in range(n):
        i = order[p]
        if not (b[p] >= lower and b[p] <= upper) or (l1 > 0 and b[p] * z[i] < 0):
            return False
    for i in range(k):
        g[i] = d[i]
    at = 0
    for j in range(k):
        value = z[j]
        if at < n and order[at] == j:
            value = b[at]
            at += 1
        if value != 0:
            for i in range(k):
                g[i] -= value * M[j, i]
    energy = tol - tol
    for p in range(n):
        energy += b[p] * d[order[p]]
    at = 0
    for i in range(k):
        size = tol * (abs(d[i]) + np.sqrt(M[i, i] * abs(energy)))  # rounding of g_i, by Cauchy-Schwarz
        if at < n and order[at] == i:
            at += 1
        elif (z[i] == lower and g[i] > l1 + size) or (z[i] == upper and g[i] < -l1 - size) or (l1 > 0 and z[i] == 0 and lower < 0 and abs(g[i]) > l1 + size):
            return False
    for p in range(n):
        z[order[p]] = b[p]
    return True


@inner
def coordinate_descent(M, d, lower, upper, l1, z, g, tol, order, B, L, b):
    """Settle by cyclic coordinate descent from z = 0, finished exactly by :func:`polish`.

    z_i <- clip((d_i - sum_{j != i} M_ij z_j) / M_ii), monotone and parameter-free. Returns False if it did not settle.
    """
    k = d.shape[0]
    for i in range(k):
        z[i] = d[i] - d[i]
        g[i] = d[i]  # g = d - M z
    for sweep in range(MAX_SWEEPS):
        change = size = tol - tol
        support_changed = False
        for i in range(k):
            value = clip((g[i] + M[i, i] * z[i]) / M[i, i], lower, upper, l1 / M[i, i])
            delta = value - z[i]
            if delta != 0:
                if (value == lower or value == upper or value == 0) != (z[i] == lower or z[i] == upper or z[i] == 0):
                    support_changed = True
                z[i] = value
                for j in range(k):
                    g[j] -= delta * M[i, j]
                change = max(change, abs(delta))
            size = max(size, abs(value))
        if not np.isfinite(change):
            return False
        if change <= tol * size:
            return True
        if not support_changed or sweep % 16 == 15:
            if polish(M, d, lower, upper, l1, z, g, tol, order, B, L, b):
                return True
            for i in range(k):  # polish left its own residual in g
                g[i] = d[i]
            for j in range(k):
                if z[j] != 0:
                    for i in range(k):
                        g[i] -= z[j] * M[j, i]
    return False
