"""Learning through the dual: error neurons, synaptic links, coordinate ascent and the memoryless rule, compiled.

Rows come as ``values``, with ``columns`` and ``starts`` of a CSR matrix, or dense: ``columns`` empty, rows of equal
length in one piece. Behind the columns lies one constant input, ``const``: the intercept is a synapse like the others.
"""

from __future__ import annotations

import math

import numpy as np

from ._compile import entry, inner

SQUARED, LOGISTIC, HINGE, EPSILON = range(4)
L2, ENTROPY, P_NORM, VARIANCE = range(4)
#: samples between the weights that enter the average
EVERY = 64
#: share of the step that would take a sample's own error to zero: no step is longer
SAFE = 0.99
#: samples after which the scale of the rows has forgotten, and how much one row may count in it
WINDOW, LOUDEST = 128.0, 16.0


@inner
def dot(values, columns, start, stop, const, w):
    """w . x, of one row."""
    total = 0.0
    if columns.shape[0] == 0:
        x = values[start:stop]
        for j in range(x.shape[0]):
            total += w[j] * x[j]
    else:
        for i in range(start, stop):
            total += w[columns[i]] * values[i]
    return total + const * w[w.shape[0] - 1]


@inner
def meet(values, columns, start, stop, const, w):
    """w . x and x . x, in one reading of the row."""
    total, bend = 0.0, const * const
    if columns.shape[0] == 0:
        x = values[start:stop]
        for j in range(x.shape[0]):
            total += w[j] * x[j]
            bend += np.float64(x[j]) * x[j]
    else:
        for i in range(start, stop):
            total += w[columns[i]] * values[i]
            bend += np.float64(values[i]) * values[i]
    return total + const * w[w.shape[0] - 1], bend


@inner
def add(values, columns, start, stop, const, factor, w):
    """w += factor x, of one row."""
    if columns.shape[0] == 0:
        x = values[start:stop]
        for j in range(x.shape[0]):
            w[j] += factor * x[j]
    else:
        for i in range(start, stop):
            w[columns[i]] += factor * values[i]
    w[w.shape[0] - 1] += factor * const


@inner
def leak(values, columns, start, stop, const, keep, factor, h):
    """h = keep h + factor x, of one row."""
    last = h.shape[0] - 1
    if columns.shape[0] == 0:
        x = values[start:stop]
        for j in range(x.shape[0]):
            h[j] = keep * h[j] + factor * x[j]
        h[last] = keep * h[last] + factor * const
    else:
        for j in range(last + 1):
            h[j] *= keep
        add(values, columns, start, stop, const, factor, h)


@inner
def largest(x):
    """max |x|, in four chains at a time: one would wait for itself at every number."""
    a = b = c = d = 0.0
    whole = x.shape[0] // 4 * 4
    for j in range(0, whole, 4):
        a, b = max(a, abs(x[j])), max(b, abs(x[j + 1]))
        c, d = max(c, abs(x[j + 2])), max(d, abs(x[j + 3]))
    for j in range(whole, x.shape[0]):
        a = max(a, abs(x[j]))
    return max(max(a, b), max(c, d))


@inner
def curvature(values, start, stop, const, kind, exponent, total):
    """How much R* can bend along a row: its dual norm squared over the strong convexity of R."""
    x, bend = values[start:stop], 0.0
    if kind == ENTROPY:
        bend = max(largest(x), abs(const))
        return total * bend * bend
    if kind == P_NORM:
        for j in range(x.shape[0]):
            bend += np.float64(abs(x[j])) ** exponent
        return (exponent - 1.0) * (bend + abs(const) ** exponent) ** (2.0 / exponent)
    for j in range(x.shape[0]):
        bend += np.float64(x[j]) * x[j]
    return bend + const * const


@inner
def odds(h, top, w, bits):
    """w = sinh(h), returning sum cosh(h), both over exp(top) / 2; |h| <= top.

    exp(x), for x = |h| - top, is a polynomial (to 2e-13) in a loop without calls, which the compiler makes wide.
    """
    scales, far, mass = bits.view(np.float64), math.exp(-2.0 * top) if top < 300.0 else 0.0, 0.0
    for j in range(h.shape[0]):
        x = max(abs(h[j]) - top, -600.0)
        n = np.int64(x * 1.4426950408889634 - 0.5)
        r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10
        p = 1.0 / 3628800.0
        p = p * r + 1.0 / 362880.0
        p = p * r + 1.0 / 40320.0
        p = p * r + 1.0 / 5040.0
        p = p * r + 1.0 / 720.0
        p = p * r + 1.0 / 120.0
        p = p * r + 1.0 / 24.0
        p = p * r + 1.0 / 6.0
        p = p * r + 0.5
        p = p * r + 1.0
        w[j] = p * r + 1.0
        bits[j] = (n + 1023) << 52
    for j in range(h.shape[0]):
        up = w[j] * scales[j]
        down = far / up
        mass += up + down
        w[j] = math.copysign(up - down, h[j])
    return mass


@inner
def link(kind, exponent, total, h, w, bits):
    """w = grad R*(h): U sinh(h) / sum cosh(h) for the entropy, sign(h) |h|^(q-1) / |h|_q^(q-2) for a p-norm."""
    n, top = h.shape[0], largest(h)
    if kind == ENTROPY:
        factor = total / odds(h, top, w, bits)
        for j in range(n):
            w[j] *= factor
    elif top > 0.0:
        mass = 0.0
        if exponent == 3.0:  # p = 3/2, the default: no power to compute
            for j in range(n):
                size = abs(h[j]) * (1.0 / top)
                w[j] = size * size
                mass += size * w[j]
        else:
            for j in range(n):
                size = abs(h[j]) * (1.0 / top)
                w[j] = size ** (exponent - 1.0)
                mass += size * w[j]
        factor = top * mass ** ((2.0 - exponent) / exponent)
        for j in range(n):
            w[j] = math.copysign(factor * w[j], h[j])
    else:
        w[:] = 0.0


@inner
def error(loss, z, y, epsilon):
    """The error neuron: a = -dl/dz."""
    if loss == SQUARED:
        return y - z
    if loss == LOGISTIC:
        return y / (1.0 + math.exp(min(y * z, 700.0)))
    if loss == HINGE:
        return y if y * z < 1.0 else 0.0
    gap = y - z
    return math.copysign(1.0, gap) if abs(gap) > epsilon else 0.0


@inner
def bends(loss):
    """The largest d2l/dz2; of a loss with kinks 1, which has no meaning but a step."""
    return 0.25 if loss == LOGISTIC else 1.0


@inner
def settle(loss, a, z, y, q, epsilon):
    """The dual variable that maximises -l*(-a') - (a' - a) z - q (a' - a)^2 / 2."""
    if loss == SQUARED:
        return a + (y - z - a) / (1.0 + q)
    if loss == LOGISTIC:
        # y a' = sigma(-s), for the root of s - y z - q (sigma(-s) - y a): increasing, with its inflection at 0, from
        # where Newton's steps approach the root from one side
        s = 0.0
        for _ in range(100):
            share = 1.0 / (1.0 + math.exp(min(s, 700.0)))
            step = (s - y * z - q * (share - y * a)) / (1.0 + q * share * (1.0 - share))
            s -= step
            if abs(step) <= 1e-15 * (1.0 + abs(s)):
                break
        return y / (1.0 + math.exp(min(s, 700.0)))
    if q <= 0.0:
        return error(loss, z, y, epsilon)
    if loss == HINGE:
        return y * min(max(y * a + (1.0 - y * z) / q, 0.0), 1.0)
    free = a + (y - z) / q
    size = min(max(abs(free) - epsilon / q, 0.0), 1.0)
    return math.copysign(size, free)


@entry
def curvatures(values, starts, const, kind, exponent, total, out):
    """Fill ``out`` (T,) with the curvature along each row."""
    for t in range(out.shape[0]):
        out[t] = curvature(values, starts[t], starts[t + 1], const, kind, exponent, total)


@entry
def links(kind, exponent, total, H, W):
    """Fill W, row by row, with grad R*(H)."""
    bits = np.empty(H.shape[1], np.int64)
    for k in range(H.shape[0]):
        link(kind, exponent, total, H[k], W[k], bits)


@entry
def ascend(values, columns, starts, const, Y, order, loss, epsilon, kind, exponent, total, scale, q, active, A, H, W):
    """One pass of dual coordinate ascent, sample by sample in ``order``, for every active output.

    ``scale`` is 1/(alpha T); ``q`` (T,) the curvature times it. A (K, T) dual variables, H (K, n) Hebbian sums
    sum_t a_t x_t / (alpha T), W (K, n) their links (the same array as H where the link is the identity) change in
    place.
    """
    bits = np.empty(H.shape[1], np.int64)
    for t in order:
        start, stop = starts[t], starts[t + 1]
        for k in range(A.shape[0]):
            if not active[k]:
                continue
            a, z = A[k, t], dot(values, columns, start, stop, const, W[k])
            new = settle(loss, a, z, Y[k, t], q[t], epsilon)
            if new != a:
                A[k, t] = new
                add(values, columns, start, stop, const, scale * (new - a), H[k])
                if kind == ENTROPY or kind == P_NORM:
                    link(kind, exponent, total, H[k], W[k], bits)


@inner
def subtract(x, count, mean, out):
    """out = x - mean of the rows before it; of the first, itself."""
    for j in range(x.shape[0]):
        if count == 0:
            mean[j] = x[j]
        out[j] = x[j] - mean[j]


@inner
def recent(count):
    """Share of a sample in a mean where the t-th weighs about t^3: a start unlike the rest is soon forgotten."""
    return 4.0 / (count + 4.0)


@inner
def rate(bend, sharp, leak, alpha, eta0, decay, count, power, safe):
    """eta_t of a row of this curvature, and 1 if it was damped, else 0.

    eta0 / (1 + decay t) over the curvature of the objective, ``sharp`` times the rows' plus alpha times R's (``leak``,
    0 where R is made of the rows too), for rows of curvature ``power``, a running mean; but at most ``safe`` over the
    curvature at this very row.
    """
    if not (power[0] > 0.0 and bend > 0.0):
        power[0] = max(power[0], bend)
    elif count < EVERY:  # of the first rows the geometric mean, so that none of them decides alone
        power[0] *= (bend / power[0]) ** (1.0 / (count + 1.0))
    else:
        power[0] += (min(bend, LOUDEST * power[0]) - power[0]) / WINDOW
    each = sharp if leak > 0.0 else sharp + alpha
    usual, here = each * power[0] + alpha * leak, each * bend + alpha * leak
    eta = eta0 / ((1.0 + decay * count) * usual) if usual > 0.0 else 0.0
    if eta * here > safe:
        return safe / here, 1
    return eta, 0


@entry
def learn(
    values, columns, starts, const, Y, loss, epsilon, kind, exponent, total, alpha, ridge, eta0, decay, count, power,
    centred, mean, shifted, target, H, W, average, said,
):  # fmt: skip
    """One pass of the memoryless rule, ``h += eta_t (a x - alpha h)``, ``w = grad R*(h)``.

    eta_t is that of ``rate``. Output variance: ``w += eta_t ((a - alpha z) x - alpha ridge w)``, ridge in units of the
    mean squared input. Out of rows and targets are taken their running means, ``mean`` (n - 1,) if ``centred`` and
    ``target`` (K,) if ``shifted``. H, W, the means, ``power`` (2,) and ``average`` change in place: the average of W,
    and last that of the outputs to an input 0, for means of different times were taken out. Weights count in it as much
    as the rows that they were learned from, ``power[0]``, later ones more; ``power[1]`` is the sum. ``said`` (K, T) is
    filled with a, what the error neurons said to each sample when it came.

    Returns the sample count, the number of damped steps, and whether all errors were finite; at one that is not,
    learning ends.
    """
    K, n = W.shape
    bits, linked, damped = np.empty(n, np.int64), kind == ENTROPY or kind == P_NORM, 0
    sharp, leaks = bends(loss), 0.0 if kind == VARIANCE else 1.0
    # a link's curvature is only a bound, far above what steps can bear: a row gets no more than twice what others get
    safe = SAFE * max(1.0, 2.0 * eta0) if linked else SAFE
    row = np.empty(n - 1 if centred else 0, values.dtype)
    shrunk = 1.0  # where the link is the identity the weights are shrunk * H: a leak costs nothing
    for t in range(starts.shape[0] - 1):
        data, start, stop = values, starts[t], starts[t + 1]
        if centred:
            subtract(values[start:stop], count, mean, row)
            data, start, stop = row, 0, n - 1
        if linked:
            first, bend = 0.0, curvature(data, start, stop, const, kind, exponent, total)
        else:
            first, bend = meet(data, columns, start, stop, const, W[0])
        eta, was = rate(bend, sharp, leaks, alpha, eta0, decay, count, power, safe)
        keep = 1.0 - eta * alpha * (leaks if kind != VARIANCE else ridge * power[0] / n)
        before, shrunk = shrunk, 1.0 if linked else shrunk * keep
        damped += was
        if centred or shifted:  # a row much longer than the others moves the means no more than they do
            share = recent(count) * (math.sqrt(min(LOUDEST * power[0] / bend, 1.0)) if bend > 0.0 else 1.0)
        if centred:
            add(row, columns, 0, n - 1, 0.0, share, mean)
        for k in range(K):
            z = before * (dot(data, columns, start, stop, const, W[k]) if k > 0 or linked else first)
            y = Y[k, t]
            if shifted:
                target[k] = target[k] if count > 0 else y
                y -= target[k]
                target[k] += share * y
            a = error(loss, z, y, epsilon)
            said[k, t] = a
            if not (bend < math.inf and abs(z - y) < math.inf):  # isfinite is v - v == 0, reassociated away
                return count, damped, False
            if kind == VARIANCE:
                a -= alpha * z
            if linked:
                leak(data, columns, start, stop, const, keep, eta * a, H[k])
                link(kind, exponent, total, H[k], W[k], bits)
            elif a != 0.0:
                add(data, columns, start, stop, const, eta * a / shrunk, W[k])
        count += 1
        if count % EVERY == 0:
            power[1] += count // EVERY * power[0]
            share = count // EVERY * power[0] / power[1] if power[1] > 0.0 else 1.0
            for k in range(K):
                offset = target[k] + shrunk * W[k, n - 1]
                for j in range(n - 1):
                    w = shrunk * W[k, j]
                    offset -= w * mean[j]
                    average[k, j] += share * (w - average[k, j])
                average[k, n - 1] += share * (offset - average[k, n - 1])
        if shrunk < 1e-100 or t == starts.shape[0] - 2:
            for k in range(K):
                for j in range(n):
                    W[k, j] *= shrunk
            shrunk = 1.0
    return count, damped, True


@entry
def learn_pairs(Z, G, Y, loss, epsilon, alpha, eta0, decay, count, power, shifted, target, C, said):
    """The memoryless rule on similarities: each sample whose error is not 0 is kept with it, as a pair.

    Z (K, B) outputs of the pairs so far for a block of samples, G (B, B) the block's own similarities. Fills C (K, B),
    the coefficients of the block. Returns the factor by which the leak has shrunk those before, the number of damped
    steps and whether all errors were finite.
    """
    shrunk, damped = 1.0, 0
    for t in range(G.shape[0]):
        eta, was = rate(G[t, t], bends(loss), 1.0, alpha, eta0, decay, count, power, SAFE)
        before, shrunk = shrunk, shrunk * (1.0 - eta * alpha)
        damped += was
        for k in range(Z.shape[0]):
            z, y = Z[k, t], Y[k, t]
            for u in range(t):
                z += C[k, u] * G[t, u]
            if shifted:
                target[k] = target[k] if count > 0 else y
                y -= target[k]
                target[k] += recent(count) * y
            said[k, t] = error(loss, before * z, y, epsilon)
            C[k, t] = eta * said[k, t] / shrunk
            if not abs(C[k, t]) < math.inf:
                return shrunk, damped, False
        count += 1
    for k in range(C.shape[0]):
        for t in range(C.shape[1]):
            C[k, t] *= shrunk
    return shrunk, damped, True
