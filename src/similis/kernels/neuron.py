"""One sample in k-space: from the compartments' currents to the output, the synaptic signals and the laterals."""

from __future__ import annotations

import numpy as np

from ._compile import inline, strict
from .settle import cholesky_solve, clip, coordinate_descent

# the codes and columns of circuit.table, repeated because kernels know no other room
GRAM, WHITEN, INTERNEURONS = 1, 2, 3
DRIVE, LEAK, RATE, OUTPUT, FEEDBACK, GATED, CURRENTS = range(7)


@inline
def matvec(N, x, y):
    """y = N x, four rows at a time."""
    k, d = N.shape
    whole = k - k % 4
    for i in range(0, whole, 4):
        n0, n1, n2, n3 = N[i], N[i + 1], N[i + 2], N[i + 3]
        s0 = s1 = s2 = s3 = x[0] - x[0]
        for j in range(d):
            s0 += n0[j] * x[j]
            s1 += n1[j] * x[j]
            s2 += n2[j] * x[j]
            s3 += n3[j] * x[j]
        y[i] = s0
        y[i + 1] = s1
        y[i + 2] = s2
        y[i + 3] = s3
    for i in range(whole, k):
        s0 = x[0] - x[0]
        for j in range(d):
            s0 += N[i, j] * x[j]
        y[i] = s0


@inline
def tracked_product(N, V, x, y):
    """y = (N - V'V) x; V (4, k) holds the rank-one terms of Sherman-Morrison not yet applied to N."""
    matvec(N, x, y)
    v0, v1, v2, v3 = V[0], V[1], V[2], V[3]
    s0 = s1 = s2 = s3 = x[0] - x[0]
    for j in range(x.shape[0]):
        s0 += v0[j] * x[j]
        s1 += v1[j] * x[j]
        s2 += v2[j] * x[j]
        s3 += v3[j] * x[j]
    for j in range(x.shape[0]):
        y[j] -= s0 * v0[j] + s1 * v1[j] + s2 * v2[j] + s3 * v3[j]


@strict
def apply_pending(N, V):
    """N <- N - V'V, V <- 0, bitwise symmetric: a skew error in N would grow as (1 - eta/tau)^-t."""
    v0, v1, v2, v3 = V[0], V[1], V[2], V[3]
    for i in range(N.shape[0]):
        row, a0, a1, a2, a3 = N[i], v0[i], v1[i], v2[i], v3[i]
        for j in range(N.shape[0]):
            row[j] -= a0 * v0[j] + a1 * v1[j] + a2 * v2[j] + a3 * v3[j]
    V[:, :] = v0[0] - v0[0]


@inline
def settle(table, M, N, track, V, d, z, g, tol, order, B, L, b):
    """Fill z for the drive d; False if M is not positive definite or settling fails."""
    k = d.shape[0]
    if not table.settles:
        for i in range(k):
            z[i] = clip(d[i], table.lower, table.upper, table.l1)
        return True
    if table.tracked:  # M^{-1} = track (N - V'V)
        tracked_product(N, V, d, z)
        for i in range(k):
            z[i] *= track[0]
        return True
    if table.linear:
        for i in range(k):
            z[i] = d[i]
        return cholesky_solve(M, k, L, z)
    return coordinate_descent(M, d, table.lower, table.upper, table.l1, z, g, tol, order, B, L, b)


@inline
def read(table, M, d, a, z, f, post):
    """post_c = OUTPUT_c z + CURRENTS_c . a + FEEDBACK_c M z, gated by f'."""
    C, k = a.shape
    if table.reads_feedback:
        if table.tracked:
            f[:] = d  # M z = d once settled
        else:
            matvec(M, z, f)
    for c in range(C):
        row = table.channels[c]
        for i in range(k):
            post[c, i] = row[OUTPUT] * z[i]
        for u in range(C):
            if row[CURRENTS + u] != 0:
                for i in range(k):
                    post[c, i] += row[CURRENTS + u] * a[u, i]
        if row[FEEDBACK] != 0:
            for i in range(k):
                post[c, i] += row[FEEDBACK] * f[i]
        if row[GATED] != 0:
            for i in range(k):
                if z[i] <= table.lower or z[i] >= table.upper or (table.l1 > 0 and z[i] == 0):
                    post[c, i] = table.zero


@inline
def adapt(table, rate, M, P, N, track, V, pending, z, f, n):
    """Learn the laterals at ``rate`` = eta/tau from the output z."""
    k = z.shape[0]
    keep = table.one - rate
    if table.tracked:  # Sherman-Morrison on M <- keep (M + q z z'); M itself follows after the block
        v, total = V[pending], table.zero
        tracked_product(N, V, z, f)
        for i in range(k):
            total += f[i] * z[i]
        q = track[0] * rate / keep
        root = np.sqrt(q / (table.one + q * total))
        for i in range(k):
            v[i] = root * f[i]
        track[0] = track[0] / keep
        if pending == 3:
            apply_pending(N, V)
    elif table.lateral == GRAM:
        for i in range(k):
            push = rate * z[i]
            for j in range(k):
                M[i, j] = keep * M[i, j] + push * z[j]
    elif table.lateral == WHITEN:
        for i in range(k):
            push = rate * z[i]
            for j in range(k):
                M[i, j] += push * z[j]
            M[i, i] -= rate
    elif table.lateral == INTERNEURONS:
        size = table.zero
        for p in range(P.shape[1]):
            n[p] = table.zero
        for i in range(k):
            for p in range(P.shape[1]):
                n[p] += P[i, p] * z[i]
        for p in range(P.shape[1]):
            size += n[p] * n[p]
        for i in range(k):
            f[i] = table.zero
            for p in range(P.shape[1]):
                f[i] += P[i, p] * n[p]
        for i in range(k):
            for p in range(P.shape[1]):
                P[i, p] = keep * P[i, p] + rate * z[i] * n[p]
            for j in range(k):  # P P' after the step, from P P' before it
                old = M[i, j] - table.shift if i == j else M[i, j]
                new = keep * keep * old + rate * keep * (f[i] * z[j] + z[i] * f[j]) + rate * rate * size * z[i] * z[j]
                M[i, j] = new + table.shift if i == j else new
        if table.rest > 0:
            push = rate * table.rest
            for i in range(min(P.shape)):
                P[i, i] += push
                M[i, i] -= push * push
                for j in range(k):  # (P + push I)(P + push I)' from P P'
                    M[j, i] += push * P[j, i]
                    M[i, j] += push * P[j, i]


@inline
def finish(table, eta, Z, M, N, track, V):
    """After a block with tracked M^{-1}: N = M^{-1}, and M <- prod(keep) M + sum_t weight_t z_t z_t'."""
    k = N.shape[0]
    apply_pending(N, V)
    for i in range(k):
        for j in range(k):
            N[i, j] *= track[0]
            M[i, j] *= table.one / track[0]
    B, weight, rate = Z.shape[0], table.one, np.zeros(Z.shape[0], Z.dtype)
    for t in range(B - 1, -1, -1):
        rate[t] = weight * eta[t] / table.tau
        weight *= table.one - eta[t] / table.tau
    for t in range(0, B - 3, 4):
        z0, z1, z2, z3 = Z[t], Z[t + 1], Z[t + 2], Z[t + 3]
        for i in range(k):
            row, p0, p1, p2, p3 = M[i], rate[t] * z0[i], rate[t + 1] * z1[i], rate[t + 2] * z2[i], rate[t + 3] * z3[i]
            for j in range(k):
                row[j] += p0 * z0[j] + p1 * z1[j] + p2 * z2[j] + p3 * z3[j]
    for t in range(B - B % 4, B):
        z0 = Z[t]
        for i in range(k):
            row, p0 = M[i], rate[t] * z0[i]
            for j in range(k):
                row[j] += p0 * z0[j]


@inline
def finite(z):
    for i in range(z.shape[0]):
        if not np.isfinite(z[i]):
            return False
    return True
