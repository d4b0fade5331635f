"""The two loops that run every circuit: exact blocks for large inputs, plain loops for tiny ones.

Exact blocks: within a block W_c(t) = s_t (W_c(0) + sum_{u<t} c_u x_u'), so the currents of sample t are
s_t (A_t + sum_{u<t} G_tu c_u) with A = X W_c(0)' and G = X X': the input dimension never enters the loop.
"""

from __future__ import annotations

import numpy as np

from ._compile import entry, inner
from .neuron import (
    DRIVE,
    FEEDBACK,
    INPUT_GATED,
    LEAK,
    RATE,
    adapt,
    adapt_cells,
    currents,
    excess,
    finish,
    finite,
    hear,
    inhibit,
    leap,
    news,
    read,
    settle,
)

DONE = -1


def workspace(table, k):
    """What ``learn`` needs to settle densely: an order of the neurons, three (k, k) and two (k,) arrays; or None."""
    if table.tracked or table.diagonal or not table.settles:
        return None
    kind = table.one.dtype
    matrices = (np.zeros((k, k), kind), np.zeros((k, k), kind), np.zeros((k, k), kind))
    return np.zeros(k, np.int64), *matrices, np.zeros(k, kind), np.zeros(k, kind)


@inner
def catch_up(weights, coef, scale, a):
    """a <- scale (a + sum_u weights_u coef_u): what the earlier samples of the block taught."""
    whole = weights.shape[0] - weights.shape[0] % 4
    for u in range(0, whole, 4):
        g0, g1, g2, g3 = weights[u], weights[u + 1], weights[u + 2], weights[u + 3]
        c0, c1, c2, c3 = coef[u], coef[u + 1], coef[u + 2], coef[u + 3]
        for i in range(a.shape[0]):
            a[i] += g0 * c0[i] + g1 * c1[i] + g2 * c2[i] + g3 * c3[i]
    for u in range(whole, weights.shape[0]):
        g0, c0 = weights[u], coef[u]
        for i in range(a.shape[0]):
            a[i] += g0 * c0[i]
    for i in range(a.shape[0]):
        a[i] *= scale


@inner
def heard_power(table, plain, X, places, G, mute, t):
    """The sum of rate |x|^2 over the channels that speak and read A z."""
    total = table.zero
    for c in range(mute.shape[0]):
        share = abs(table.channels[c, FEEDBACK]) * table.channels[c, RATE]
        if share > 0 and not mute[c, t]:
            if plain:
                x = X[t, places[c, 0] : places[c, 1]]
                for j in range(x.shape[0]):
                    total += share * x[j] * x[j]
            else:
                total += share * G[c, t, t]
    return total


@entry
def learn(table, learning, total, dense, eta, mute, A, G, X, places, W, M, P, R, N, cells, tol, Z, coef, scale):
    """Run one block; return DONE or the index of the first sample that did not settle to finite numbers.

    Parameters (C channels, B samples, k neurons)
    ----------
    total: of the outputs, or None; dense: arrays to settle densely with, or None (see ``workspace``). What is None is
    not compiled: four kinds of settling, each compiled when a first circuit needs it
    eta (B,), set to 0 where nothing is learned, smaller where steps are limited; mute (C, B) bool, silent samples; tol:
    of settling
    A (C, B, k), G (C, B, B): the products above; empty (B = 0) selects plain loops over X (B, n) and W (k, n), channels
    side by side; ``places`` (C, 4) are the first column of a channel and that behind it, in X and in W, updated here
    M, P, R (of decoupled interneurons), N (= M^{-1}): laterals, updated in place (M not where N is tracked, nor where
    nothing settles against P P')
    cells (4, k): what single neurons carry, rows as in ``kernels.neuron``, updated in place
    Z (B, k), coef (C, B, k) = c_u, scale (C,) = s_B: filled
    """
    C, k = scale.shape[0], M.shape[0]
    plain = A.shape[1] == 0
    two = table.one + table.one
    a, post = np.zeros((C, k), W.dtype), np.zeros((C, k), W.dtype)
    d, f = np.zeros(k, W.dtype), np.zeros(k, W.dtype)
    n, track = np.zeros(P.shape[1], W.dtype), np.ones(1, W.dtype)
    V = np.zeros((4, k if table.tracked else 0), W.dtype)
    for c in range(C):
        scale[c] = table.one
    failed, pending = DONE, np.intp(0)
    for t in range(Z.shape[0]):
        z = Z[t]
        for i in range(k):
            d[i] = table.zero
        driven = False
        for c in range(C):
            driven = driven or (table.channels[c, DRIVE] != 0 and not mute[c, t])
            if mute[c, t]:
                for i in range(k):
                    a[c, i] = table.zero
                continue
            if plain:
                currents(W, X[t, places[c, 0] : places[c, 1]], places[c, 2], places[c, 3], a[c])
            else:
                for i in range(k):
                    a[c, i] = A[c, t, i]
                if learning:
                    catch_up(G[c, t, :t], coef[c], scale[c], a[c])
            for i in range(k):
                d[i] += table.channels[c, DRIVE] * a[c, i]
        inhibit(table, cells, d)
        if not (settle(table, total, dense, M, N, track, V, d, z, tol, cells) and finite(z)):
            failed = t
            break
        if not learning:
            continue
        if not driven:  # a population nobody drives learns nothing
            eta[t] = table.zero
            for c in range(C):
                for i in range(k):
                    coef[c, t, i] = table.zero
            continue
        if table.interneurons:
            hear(table, P, R, z, n)
        read(table, M, P, d, a, z, f, n, post, cells)
        worth = table.one
        if table.limited:
            if table.learned:
                worth /= leap(table, eta[t], z)
                eta[t] *= news(table, z, cells)
            else:
                worth /= excess(table, eta[t], heard_power(table, plain, X, places, G, mute, t), z, f)
            eta[t] *= worth
        for c in range(C):
            rate = two * eta[t] * table.channels[c, RATE]
            keep = table.one - rate * table.channels[c, LEAK]
            if mute[c, t]:
                for i in range(k):
                    coef[c, t, i] = table.zero
            elif plain:
                x, gated = X[t, places[c, 0] : places[c, 1]], table.channels[c, INPUT_GATED] != 0
                for i in range(k):
                    w, push = W[i, places[c, 2] : places[c, 3]], rate * post[c, i]
                    if gated:
                        for j in range(x.shape[0]):
                            w[j] += x[j] * (push - (table.one - keep) * w[j])
                    else:
                        for j in range(x.shape[0]):
                            w[j] = keep * w[j] + push * x[j]
            else:
                scale[c] *= keep
                share = rate / scale[c]
                for i in range(k):
                    coef[c, t, i] = share * post[c, i]
        adapt(table, eta[t] / table.tau, M, P, R, N, track, V, pending, z, f, n)
        adapt_cells(table, two * eta[t], worth, z, cells)
        pending = (pending + 1) % 4
    if learning and table.tracked:
        finish(table, eta, Z, M, N, track, V)
    return failed
