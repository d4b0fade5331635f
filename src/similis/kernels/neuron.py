"""One sample in k-space: from the compartments' currents to the output, the synaptic signals and the laterals."""

from __future__ import annotations

import numpy as np

from ._compile import inner, strict
from .settle import cholesky_solve, clip, coordinate_descent
from .total import settle_diagonal, settle_total

# the columns of circuit.table, repeated because kernels know no other room
DRIVE, LEAK, RATE, OUTPUT, FEEDBACK, GATED, INPUT_GATED, CURRENTS = range(8)
#: rows of the array of what single neurons carry
B, A, MEAN, SINGLE = range(4)
#: columns of its last row: the shift that acts beside M, the inhibitory unit lambda
SHIFT, LAMBDA = 0, 1
#: where steps are limited: by how much P may grow at one sample, or b under learned row sums, and how common a neuron's
#: answer may be before it is news no more
GROWTH, LEAP, NEWS = 0.25, 4.0, 2.0


@inner
def currents(W, x, low, high, a):
    """a = W x over some columns of W, four rows at a time; sliced row by row, so rows are seen to be contiguous."""
    k, zero = W.shape[0], x.dtype.type(0)
    whole = k - k % 4
    for i in range(0, whole, 4):
        w0, w1, w2, w3 = W[i, low:high], W[i + 1, low:high], W[i + 2, low:high], W[i + 3, low:high]
        s0 = s1 = s2 = s3 = zero
        for j in range(x.shape[0]):
            s0 += w0[j] * x[j]
            s1 += w1[j] * x[j]
            s2 += w2[j] * x[j]
            s3 += w3[j] * x[j]
        a[i] = s0
        a[i + 1] = s1
        a[i + 2] = s2
        a[i + 3] = s3
    for i in range(whole, k):
        w0, s0 = W[i, low:high], zero
        for j in range(x.shape[0]):
            s0 += w0[j] * x[j]
        a[i] = s0


@inner
def matvec(N, x, y):
    """y = N x."""
    currents(N, x, np.intp(0), x.shape[0], y)


@inner
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
    zero = v0[0] - v0[0]
    for i in range(N.shape[0]):
        v0[i] = v1[i] = v2[i] = v3[i] = zero


@inner
def inhibit(table, cells, d):
    """d <- d - sqrt(threshold) b, or d - a under learned row sums: what the single units take from the drive."""
    if table.root > 0:
        for i in range(d.shape[0]):
            d[i] -= table.root * cells[B, i]
    if table.learned:
        for i in range(d.shape[0]):
            d[i] -= cells[A, i]


@inner
def settle(table, total, dense, M, N, track, V, d, z, tol, cells):
    """Fill z for the drive d; False if A = gain M + shift I is not positive definite or settling fails."""
    k = d.shape[0]
    if not table.settles:
        for i in range(k):
            z[i] = clip(d[i], table.lower, table.upper, table.l1) - cells[MEAN, i]
        return True
    if dense is None:
        if table.tracked:  # M^{-1} = track (N - V'V)
            tracked_product(N, V, d, z)
            for i in range(k):
                z[i] *= track[0]
            return True
        own = table.gain + cells[SINGLE, SHIFT]
        if total is None:
            return settle_alone(own, d, table.lower, table.upper, table.l1, table.radius, z)
        return settle_diagonal(own, d, cells[B], total, table.compliance, z, cells[SINGLE, LAMBDA:])
    order, work, L, S, g, b = dense
    matrix = settling_matrix(table, M, cells, S)
    if total is not None:
        unit = cells[SINGLE, LAMBDA:]
        return settle_total(matrix, d, cells[B], total, table.compliance, z, unit, g, tol, order, work, L, b)
    if table.linear:
        for i in range(k):
            z[i] = d[i]
        return cholesky_solve(matrix, k, L, z)
    return coordinate_descent(matrix, d, table.lower, table.upper, table.l1, z, g, tol, order, work, L, b)


@inner
def settle_alone(own, d, lower, upper, l1, radius, z):
    """argmin own |z|^2 - 2 z'd + 2 l1 |z|_1 in the box, |z| <= radius; own may be 0 where the radius is finite."""
    k, zero = d.shape[0], own - own
    size = factor = zero
    for i in range(k):
        z[i] = clip(d[i], own * lower, own * upper, l1) if own > 0 else max(d[i], zero)
        size += z[i] * z[i]
    size = np.sqrt(size)
    if size > own * radius:
        factor = radius / size
    elif own > 0:
        factor = 1 / own
    for i in range(k):
        z[i] *= factor
    return True


@inner
def settling_matrix(table, M, cells, S):
    """A = gain M + shift I: what z settles against; M itself where that is the same."""
    shift = cells[SINGLE, SHIFT]
    if table.gain == 1 and shift == 0:
        return M
    for i in range(M.shape[0]):
        for j in range(M.shape[0]):
            S[i, j] = table.gain * M[i, j]
        S[i, i] += shift
    return S


@inner
def read(table, M, P, d, a, z, f, n, post, cells):
    """post_c = OUTPUT_c z + CURRENTS_c . a + FEEDBACK_c A z, gated by f'."""
    C, k = a.shape
    if table.reads_feedback:
        if table.tracked:
            for i in range(k):
                f[i] = d[i]  # M z = d once settled
        elif table.interneurons and not table.settles:  # M itself is not needed, nor followed
            matvec(P, n, f)
            for i in range(k):
                f[i] += table.shift * z[i]
        else:
            matvec(M, z, f)
            for i in range(k):
                f[i] = table.gain * f[i] + cells[SINGLE, SHIFT] * z[i]
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
                raw = z[i] + cells[MEAN, i]
                if raw <= table.lower or raw >= table.upper or (table.l1 > 0 and raw == 0):
                    post[c, i] = table.zero


@inner
def hear(table, P, R, z, n):
    """What interneurons hear: n = P'z, or R z where they are decoupled."""
    if table.decoupled:
        matvec(R, z, n)
        return
    for p in range(n.shape[0]):
        n[p] = table.zero
    k = z.shape[0]
    whole = k - k % 4
    for i in range(0, whole, 4):
        p0, p1, p2, p3, z0, z1, z2, z3 = P[i], P[i + 1], P[i + 2], P[i + 3], z[i], z[i + 1], z[i + 2], z[i + 3]
        for p in range(n.shape[0]):
            n[p] += z0 * p0[p] + z1 * p1[p] + z2 * p2[p] + z3 * p3[p]
    for i in range(whole, k):
        p0, z0 = P[i], z[i]
        for p in range(n.shape[0]):
            n[p] += z0 * p0[p]


@inner
def follow(table, rate, M, P, z, f, n):
    """M = P P' + shift I after the step, from P P' before it."""
    k, keep, size = z.shape[0], table.one - rate, table.zero
    for p in range(n.shape[0]):
        size += n[p] * n[p]
    matvec(P, n, f)
    for i in range(k):
        row, left, right = M[i], rate * keep * z[i], rate * (keep * f[i] + rate * size * z[i])
        for j in range(k):
            row[j] = keep * keep * row[j] + left * f[j] + right * z[j]
        row[i] += (table.one - keep * keep) * table.shift


@inner
def excess(table, eta, power, z, f):
    """How many times too large the step ``eta`` is for this sample, at least 1; see ``circuit.Step``.

    ``power`` is the sum of rate |x|^2 over the channels that read f = A z.
    """
    size, bend = table.zero, table.zero
    for i in range(z.shape[0]):
        size += z[i] * z[i]
        bend += z[i] * f[i]
    times = max(table.one, eta / table.tau * size / (table.one * GROWTH))
    return max(times, (table.one + table.one) * eta * power * bend / size) if size > 0 else times


@inner
def leap(table, eta, z):
    """The same under learned row sums: how many times too far the neurons that answer would go, at least 1."""
    size = table.zero
    for i in range(z.shape[0]):
        size += z[i] * z[i]
    return max(table.one, (eta + eta) * size / (table.one * LEAP))


@inner
def news(table, z, cells):
    """Under learned row sums the share of the step that a sample is worth, at most 1.

    Little where a neuron answers that answers nearly all samples, for the others would be forgotten.
    """
    usual, whole = table.zero, table.zero
    for i in range(z.shape[0]):
        share = cells[B, i] * z[i]
        whole += share
        usual += share * cells[B, i] * cells[B, i]
    return min(table.one, max(table.zero, table.one * NEWS * (whole - usual) / whole)) if whole > 0 else table.one


@inner
def adapt(table, rate, M, P, R, N, track, V, pending, z, f, n):
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
    elif table.interneurons:
        if table.settles:
            follow(table, rate, M, P, z, f, n)
        for i in range(k):
            row, push = P[i], rate * z[i]
            for p in range(n.shape[0]):
                row[p] = keep * row[p] + push * n[p]
        if table.decoupled:
            for p in range(n.shape[0]):
                row, push = R[p], rate * n[p]
                for i in range(k):
                    row[i] = keep * row[i] + push * z[i]
        if table.weight_offset > 0:
            settle_to_rest(table, rate * table.weight_offset, M, P, R)
    elif table.plastic:
        stays, down = table.one - rate * table.lateral_leak, rate * table.pull
        for i in range(k):
            push = rate * z[i]
            for j in range(k):
                M[i, j] = stays * M[i, j] + push * z[j]
            M[i, i] -= down


@inner
def settle_to_rest(table, push, M, P, R):
    """P <- P + push I (and R, where it is not P'), and M, where it follows P P'."""
    both = min(P.shape)
    if table.settles:
        for i in range(M.shape[0]):
            for j in range(both):
                M[i, j] += push * P[i, j]
                M[j, i] += push * P[i, j]
        for i in range(both):
            M[i, i] += push * push
    for i in range(both):
        P[i, i] += push
        if table.decoupled:
            R[i, i] += push


@inner
def adapt_cells(table, rate, worth, z, cells):
    """Learn what single neurons carry, at ``rate`` = 2 eta: b, a, the running mean, the shift.

    ``worth`` is the share of the shift's own rate that a limited step keeps.
    """
    k, keep = z.shape[0], table.one - rate
    if table.root > 0:
        for i in range(k):
            cells[B, i] = keep * cells[B, i] + rate * table.root * z[i]
    if table.learned:
        for i in range(k):
            cells[B, i] = keep * cells[B, i] + rate * z[i]
            cells[A, i] = keep * cells[A, i] + rate * cells[SINGLE, LAMBDA] * z[i]
    if table.mean_rate > 0:
        for i in range(k):
            cells[MEAN, i] += table.mean_rate * z[i]
    if table.adaptive:
        size = table.zero
        for i in range(k):
            size += z[i] * z[i]
        shift = cells[SINGLE, SHIFT] + worth * table.power_rate * (size - table.power)
        cells[SINGLE, SHIFT] = max(table.shift_min, shift)


@inner
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


@inner
def finite(z):
    for i in range(z.shape[0]):
        if not np.isfinite(z[i]):
            return False
    return True
