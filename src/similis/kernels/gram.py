"""The products of an exact block, tiled for the thin shapes of streaming: a few rows against a few rows, d long.

Rows are sliced before the inner loops, so that their index provably starts at 0 and the loops become SIMD.
"""

from __future__ import annotations

from ._compile import entry, inner

#: columns at a time, so that a block of samples stays in the second-level cache
WIDTH = 1024


@inner
def _tile(X, Y, t, u, low, high, out):
    """out[t:t+4, u:u+4] += X[t:t+4, low:high] Y[u:u+4, low:high]'."""
    x0, x1, x2, x3 = X[t, low:high], X[t + 1, low:high], X[t + 2, low:high], X[t + 3, low:high]
    y0, y1, y2, y3 = Y[u, low:high], Y[u + 1, low:high], Y[u + 2, low:high], Y[u + 3, low:high]
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = out[t, u] - out[t, u]
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = s00
    for p in range(x0.shape[0]):
        s00 += x0[p] * y0[p]
        s01 += x0[p] * y1[p]
        s02 += x0[p] * y2[p]
        s03 += x0[p] * y3[p]
        s10 += x1[p] * y0[p]
        s11 += x1[p] * y1[p]
        s12 += x1[p] * y2[p]
        s13 += x1[p] * y3[p]
        s20 += x2[p] * y0[p]
        s21 += x2[p] * y1[p]
        s22 += x2[p] * y2[p]
        s23 += x2[p] * y3[p]
        s30 += x3[p] * y0[p]
        s31 += x3[p] * y1[p]
        s32 += x3[p] * y2[p]
        s33 += x3[p] * y3[p]
    o = out[t]
    o[u] += s00
    o[u + 1] += s01
    o[u + 2] += s02
    o[u + 3] += s03
    o = out[t + 1]
    o[u] += s10
    o[u + 1] += s11
    o[u + 2] += s12
    o[u + 3] += s13
    o = out[t + 2]
    o[u] += s20
    o[u + 1] += s21
    o[u + 2] += s22
    o[u + 3] += s23
    o = out[t + 3]
    o[u] += s30
    o[u + 1] += s31
    o[u + 2] += s32
    o[u + 3] += s33


@inner
def _dot(x, y, zero):
    for p in range(x.shape[0]):
        zero += x[p] * y[p]
    return zero


@entry
def products(X, W, A, G, project):
    """G = X X' (lower triangle; what lies above is not defined) and, if ``project``, A = X W'.

    Shapes: X (B, d), W (k, d), A (B, k), G (B, B).
    """
    B, d = X.shape
    k = W.shape[0]
    zero = X[0, 0] - X[0, 0]
    if project:
        A[:, :] = zero
    G[:B, :B] = zero
    rows, outs = B - B % 4, k - k % 4
    for low in range(0, d, WIDTH):
        high = min(d, low + WIDTH)
        for t in range(0, rows, 4):
            for u in range(0, t + 1, 4):
                _tile(X, X, t, u, low, high, G)
            if project:
                for i in range(0, outs, 4):
                    _tile(X, W, t, i, low, high, A)
                for i in range(outs, k):
                    for r in range(t, t + 4):
                        A[r, i] += _dot(X[r, low:high], W[i, low:high], zero)
        for t in range(rows, B):
            for u in range(t + 1):
                G[t, u] += _dot(X[t, low:high], X[u, low:high], zero)
            if project:
                for i in range(k):
                    A[t, i] += _dot(X[t, low:high], W[i, low:high], zero)
