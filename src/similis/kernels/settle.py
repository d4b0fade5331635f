"""Settling: z = argmin_{lower <= z <= upper} z'Mz - 2 z'd + 2 l1 |z|_1, compiled."""

from __future__ import annotations

import numpy as np

from ._compile import inner

#: coordinate sweeps before settling gives up (only a singular M needs more)
MAX_SWEEPS = 2000


@inner
def cholesky_solve(M, n, L, b):
    """Solve M[:n, :n] x = b in place by Cholesky in the work array L; False if M is not positive definite.

    The diagonal of L holds reciprocals; four entries of a row are found at a time.
    """
    for i in range(n):
        row, whole = L[i], i - i % 4
        for j in range(0, whole, 4):
            r0, r1, r2, r3 = L[j], L[j + 1], L[j + 2], L[j + 3]
            s0, s1, s2, s3 = M[i, j], M[i, j + 1], M[i, j + 2], M[i, j + 3]
            for p in range(j):
                s0 -= row[p] * r0[p]
                s1 -= row[p] * r1[p]
                s2 -= row[p] * r2[p]
                s3 -= row[p] * r3[p]
            s0 *= r0[j]
            s1 = (s1 - s0 * r1[j]) * r1[j + 1]
            s2 = (s2 - s0 * r2[j] - s1 * r2[j + 1]) * r2[j + 2]
            s3 = (s3 - s0 * r3[j] - s1 * r3[j + 1] - s2 * r3[j + 2]) * r3[j + 3]
            row[j], row[j + 1], row[j + 2], row[j + 3] = s0, s1, s2, s3
        for j in range(whole, i):
            total = M[i, j]
            for p in range(j):
                total -= row[p] * L[j, p]
            row[j] = total * L[j, j]
        pivot = M[i, i]
        for p in range(i):
            pivot -= row[p] * row[p]
        if not pivot > 0:
            return False
        row[i] = 1 / np.sqrt(pivot)
    substitute(L, n, b)
    return True


@inner
def substitute(L, n, b):
    """Solve L L' x = b in place, L from :func:`cholesky_solve`, which keeps the reciprocals of its diagonal."""
    for i in range(n):
        total = b[i]
        for p in range(i):
            total -= L[i, p] * b[p]
        b[i] = total * L[i, i]
    for i in range(n - 1, -1, -1):
        b[i] *= L[i, i]
        for p in range(i):
            b[p] -= L[i, p] * b[i]


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
def subspace_minimum(M, d, lower, upper, l1, z, order, B, L, b):
    """Fill b with the minimiser over the free coordinates of z, listed in ``order``; return how many, or -1."""
    k, n = d.shape[0], np.intp(0)
    for i in range(k):
        if z[i] > lower and z[i] < upper and (l1 == 0 or z[i] != 0):
            order[n] = i
            n += 1
    for p in range(n):
        i = order[p]
        b[p] = d[i]
        if l1 > 0:
            b[p] -= l1 if z[i] > 0 else -l1
        for q in range(p + 1):
            B[p, q] = M[i, order[q]]
    at = 0
    for j in range(k):
        if at < n and order[at] == j:
            at += 1
        elif z[j] != 0:  # held at a bound
            for p in range(n):
                b[p] -= M[order[p], j] * z[j]
    return n if cholesky_solve(B, n, L, b) else -1


@inner
def satisfied(M, d, lower, upper, l1, z, g, tol):
    """Fill g = d - M z; whether the coordinates at a bound (or, with l1, at 0) want to stay, up to rounding of g."""
    k = d.shape[0]
    for i in range(k):
        g[i] = d[i]
    for j in range(k):
        if z[j] != 0:
            for i in range(k):
                g[i] -= z[j] * M[j, i]
    energy = tol - tol
    for i in range(k):
        energy += z[i] * d[i]
    for i in range(k):
        size = tol * (abs(d[i]) + np.sqrt(M[i, i] * abs(energy)))  # by Cauchy-Schwarz
        push = g[i] - (l1 if lower == 0 else -l1)  # at the lower bound; z = lower < 0 pays l1 the other way
        if (z[i] == lower and push > size) or (z[i] == upper and g[i] < l1 - size):
            return False
        if l1 > 0 and z[i] == 0 and lower < 0 and abs(g[i]) > l1 + size:
            return False
    return True


@inner
def polish(M, d, lower, upper, l1, z, g, tol, order, B, L, b):
    """Go to the minimiser over the free coordinates, dropping those that reach a bound on the way (an active-set step).

    The objective never rises. True if z then is the minimiser, to machine precision. Work: order (int), B, L (k, k), b.
    """
    zero = tol - tol
    for _ in range(d.shape[0] + 1):
        n = subspace_minimum(M, d, lower, upper, l1, z, order, B, L, b)
        if n < 0:
            return False
        reach, blocked, wall = tol / tol, -1, zero
        for p in range(n):
            old, low, high = z[order[p]], lower, upper
            if l1 > 0:  # the sign is part of the subspace
                low, high = (max(lower, zero), upper) if old > 0 else (lower, min(upper, zero))
            for bound in (low, high):
                if (b[p] < bound if bound == low else b[p] > bound) and (bound - old) / (b[p] - old) < reach:
                    reach, blocked, wall = (bound - old) / (b[p] - old), p, bound
        for p in range(n):
            z[order[p]] += reach * (b[p] - z[order[p]])
        if blocked < 0:
            for p in range(n):
                z[order[p]] = b[p]
            return satisfied(M, d, lower, upper, l1, z, g, tol)
        z[order[blocked]] = wall
    return False


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
                held = value == lower or value == upper or value == 0
                support_changed = support_changed or held != (z[i] == lower or z[i] == upper or z[i] == 0)
                z[i] = value
                for j in range(k):
                    g[j] -= delta * M[i, j]
                change = max(change, abs(delta))
            size = max(size, abs(value))
        if not np.isfinite(change):
            return False
        if change <= tol * size:
            return True
        if not support_changed or sweep % 8 == 7:
            if polish(M, d, lower, upper, l1, z, g, tol, order, B, L, b):
                return True
            satisfied(M, d, lower, upper, l1, z, g, tol)  # polish moved z; bring g = d - M z up to date
    return False
