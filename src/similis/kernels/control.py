"""Episodes of a learning controller on a plant, and a filter along a stream, compiled.

Time in an agent: xh[t] estimates the state that action u[t] will meet. An observation of it arrives ``delay`` steps
later. Rows of the histories are shifted by ``delay``, so that what lies before the episode is a row of zeros.
"""

from __future__ import annotations

import math

import numpy as np

from ._compile import entry, inner
from .rows import approach, largeness, put, squared

NO_BASELINE, MEAN, MOMENT = range(3)
#: estimates beyond this many are no longer finite for any purpose
FAR = 1e9


@inner
def longest(y, power, clip):
    """How long an error may be: ``clip`` RMS norms of the observations so far, none of which counts for more."""
    if clip == 0.0:
        return np.inf
    size = 0.0
    for i in range(y.shape[0]):
        if not math.isnan(y[i]):
            size += y[i] * y[i]
    if power[0] > 0.0:
        size = min(size, clip * clip * power[0] / power[1])
    power[0] += size
    power[1] += 1.0
    return clip * math.sqrt(power[0] / power[1])


@inner
def correct(A, B, C, L, y, back, xh, u, limit, bias, e, Le, new):
    """e = y - C back (0 where y is missing; at most ``limit`` long), Le = L e, new = A xh + B u + Le; returns |e|^2.

    The square is that of the error before it was limited.
    """
    n, m, p, size = C.shape[0], C.shape[1], B.shape[1], 0.0
    for i in range(n):
        if math.isnan(y[i]):
            e[i] = 0.0
            continue
        total = y[i]
        for j in range(m):
            total -= C[i, j] * back[j]
        e[i] = total
        size += total * total
    if size > limit * limit:
        shrink = limit / math.sqrt(size)
        for i in range(n):
            e[i] *= shrink
    free = m if bias == 0.0 else m - 1
    for i in range(free):
        total = 0.0
        for j in range(n):
            total += L[i, j] * e[j]
        Le[i] = total
        for j in range(m):
            total += A[i, j] * xh[j]
        for j in range(p):
            total += B[i, j] * u[j]
        new[i] = total
    if free < m:
        Le[free], new[free] = 0.0, bias
    return size


@inner
def plasticity(A, B, C, L, eta, damp, free, e, Le, back, x, u, before):
    """A += eta Le x', B += eta Le u', L += eta Le before', C += eta e back': post-synaptic times pre-synaptic.

    x, u, before are the estimate, action and error that ``back`` was computed from. ``damp`` divides the step by
    1 + damp eta (their squares): how far the error can be moved by one step.
    """
    n, m, p = C.shape[0], C.shape[1], B.shape[1]
    if damp > 0.0:
        power = 0.0
        for j in range(m):
            power += x[j] * x[j] + back[j] * back[j]
        for j in range(p):
            power += u[j] * u[j]
        for j in range(n):
            power += before[j] * before[j]
        eta /= 1.0 + damp * eta * power
    for i in range(m):
        step = eta * Le[i]
        for j in range(m):
            A[i, j] += free[0] * step * x[j]
        for j in range(p):
            B[i, j] += free[1] * step * u[j]
        for j in range(n):
            L[i, j] += free[3] * step * before[j]
    for i in range(n):
        step = free[2] * eta * e[i]
        for j in range(m):
            C[i, j] += step * back[j]


@inner
def guess(C, y, bias, share, N, x):
    """x = argmin |y - C x|^2 + ridge |x|^2, ridge = ``share`` of the mean power of a column, by Cholesky's square root.

    With a bias the last neuron is constant and no unknown.
    """
    n, m = C.shape
    k, ridge = m if bias == 0.0 else m - 1, 0.0
    for i in range(k):
        total = 0.0
        for a in range(n):
            total += C[a, i] * (y[a] - (0.0 if bias == 0.0 else bias * C[a, k]))
        x[i] = total
        for j in range(i + 1):
            total = 0.0
            for a in range(n):
                total += C[a, i] * C[a, j]
            N[i, j] = total
        ridge += N[i, i]
    ridge *= share / k
    for i in range(k):
        for j in range(i + 1):
            total = N[i, j] + (ridge if i == j else 0.0)
            for a in range(j):
                total -= N[i, a] * N[j, a]
            N[i, j] = math.sqrt(max(total, 1e-300)) if i == j else total / N[j, j]
        total = x[i]
        for a in range(i):
            total -= N[i, a] * x[a]
        x[i] = total / N[i, i]
    for i in range(k - 1, -1, -1):
        total = x[i]
        for a in range(i + 1, k):
            total -= N[a, i] * x[a]
        x[i] = total / N[i, i]
    if k < m:
        x[k] = bias


@inner
def quadratic(M, x):
    """x' M x."""
    total = 0.0
    for i in range(x.shape[0]):
        row = 0.0
        for j in range(x.shape[0]):
            row += M[i, j] * x[j]
        total += x[i] * row
    return total


@inner
def step_cost(Q, R, goal, root, x, u, gap):
    """(x - goal)'Q(x - goal) + u'Ru, or the sum of their roots."""
    for i in range(x.shape[0]):
        gap[i] = x[i] - goal[i]
    state, effort = quadratic(Q, gap), quadratic(R, u)
    return math.sqrt(max(state, 0.0)) + math.sqrt(max(effort, 0.0)) if root else state + effort


@inner
def trust(g, eta, sigma, clip, x, power):
    """Shorten g so that a step of eta g changes no action by more than a hundredth of the exploring noise.

    Actions are those for estimates of the RMS norm so far, and for the present one.
    """
    size = squared(x)
    power[5] += min(size, clip * clip * power[5] / power[6]) if power[5] > 0.0 else size
    power[6] += 1.0
    push = 0.0
    for i in range(g.shape[0]):
        push += squared(g[i])
    change = eta * math.sqrt(push * max(size, power[5] / power[6]))
    most = 0.01 * sigma
    if change > most:
        for i in range(g.shape[0]):
            for j in range(g.shape[1]):
                g[i, j] *= most / change


@entry
def episodes(
    F, G, H, low, high, signal, Q, R, goal, root, sensing, acting,
    X0, V, W, noise, lengths,
    A, B, C, L, K, momentum, baseline, power, meanA, meanB, meanC, meanL, meanK,
    eta, eta_K, sigma, share, fade, mu, kind, memory, clip, damp, bias, ridge, free, natural,
    cost, error, alive, paths, actions,
):  # fmt: skip
    """Run episodes of every seed; weights (S, ...) and what belongs to them change in place.

    Plant: x(t+1) = F x + G u(t - acting) + v, kept within low and high; y = H x + w, seen ``sensing`` steps later.
    ``X0`` (S, E, .), ``V`` (S, E, T, .), ``W`` (S, E, T + 1, .), ``noise`` (S, E, T, .) are what chance does;
    ``eta``, ``eta_K``, ``sigma``, ``share`` (E,) the rates of each episode. ``cost``, ``error`` (S, E): the sum of
    costs, and the mean square of the errors. ``alive`` (S,) turns 0 where numbers left the finite. ``paths``
    (S, E or 0, T + 1, .) and ``actions`` keep states and actions if they have room.
    """
    S, E, d = X0.shape
    n, m, p, T, delay = H.shape[0], A.shape[1], G.shape[1], V.shape[2], sensing + acting
    xh, U, errors = np.zeros((T + delay + 2, m)), np.zeros((T + delay + 2, p)), np.zeros((T + delay + 2, n))
    Y, traces, N = np.zeros((T + 1, n)), np.zeros((acting + 1, p, m)), np.zeros((m, m))
    x, fresh, gap, Le, idle = np.zeros(d), np.zeros(d), np.zeros(d), np.zeros(m), np.zeros(p)
    for s in range(S):
        a, b, c, gain, k, g, base = A[s], B[s], C[s], L[s], K[s], momentum[s], baseline[s]
        for ep in range(E):
            if not alive[s]:
                cost[s, ep], error[s, ep] = np.nan, np.nan
                continue
            steps, rate, policy, spread = lengths[ep], eta[ep], eta_K[ep], sigma[ep]
            xh[: delay + 1], U[: delay + 1], errors[: delay + 1], traces[:] = 0.0, 0.0, 0.0, 0.0
            for i in range(d):
                x[i] = X0[s, ep, i]
            for i in range(n):
                Y[0, i] = W[s, ep, 0, i]
                for j in range(d):
                    Y[0, i] += H[i, j] * x[j]
            first = delay - acting  # the row of the state that Y[0] shows
            guess(c, Y[0], bias, ridge, N, xh[first])
            for r in range(first, delay):
                for i in range(m):
                    total = 0.0
                    for j in range(m):
                        total += a[i, j] * xh[r, j]
                    xh[r + 1, i] = total
                if bias != 0.0:
                    xh[r + 1, m - 1] = bias
            paid, squares, seen = step_cost(Q, R, goal, root, x, idle, gap), 0.0, 0
            for t in range(steps):
                now, old = t + delay, t + 1  # rows of xh[t] and of xh[t + 1 - delay]
                trace, earlier = traces[t % (acting + 1)], traces[(t - 1) % (acting + 1)]
                for i in range(p):
                    xi, total = spread * noise[s, ep, t, i], 0.0
                    for j in range(m):
                        total -= k[i, j] * xh[now, j]
                        trace[i, j] = (fade * earlier[i, j] if t > 0 else 0.0) + xi * xh[now, j]
                    U[now, i] = total + xi
                done = U[now - acting]
                factor = 1.0 if signal == 0.0 else signal * math.sqrt(squared(done))
                for i in range(d):
                    total = factor * V[s, ep, t, i]
                    for j in range(d):
                        total += F[i, j] * x[j]
                    for j in range(p):
                        total += G[i, j] * done[j]
                    fresh[i] = min(max(total, low[i]), high[i])
                for i in range(d):
                    x[i] = fresh[i]
                for i in range(n):
                    total = W[s, ep, t + 1, i]
                    for j in range(d):
                        total += H[i, j] * x[j]
                    Y[t + 1, i] = total
                if paths.shape[1] > 0:
                    put(x, paths[s, ep, t + 1])
                    put(done, actions[s, ep, t])
                e = errors[now]
                if t + 1 >= sensing:
                    y = Y[t + 1 - sensing]
                    limit = longest(y, power[s], clip)
                    squares += correct(a, b, c, gain, y, xh[old], xh[now], U[now], limit, bias, e, Le, xh[now + 1])
                    seen += 1
                    if rate > 0.0:
                        plasticity(
                            a, b, c, gain, rate, damp, free, e, Le, xh[old], xh[old - 1], U[old - 1], errors[old - 1]
                        )
                else:
                    for i in range(m):
                        total = 0.0
                        for j in range(m):
                            total += a[i, j] * xh[now, j]
                        for j in range(p):
                            total += b[i, j] * U[now, j]
                        xh[now + 1, i] = total
                    if bias != 0.0:
                        xh[now + 1, m - 1] = bias
                    for i in range(n):
                        e[i] = 0.0
                value = step_cost(Q, R, goal, root, x, done, gap)
                paid += value
                if policy > 0.0:
                    if clip > 0.0:
                        if power[s, 3] > 0.0:
                            value = min(value, clip * power[s, 2] / power[s, 3])
                        power[s, 2] += value
                        power[s, 3] += 1.0
                    blame = value
                    if kind == MEAN:
                        blame -= base[0]
                    elif kind == MOMENT:
                        blame -= base[t]
                        base[t] += memory * (value - base[t])
                    learned = traces[(t - acting) % (acting + 1)]
                    live = 1.0 if t >= acting else 0.0
                    pace = live * blame
                    if natural:
                        size = 0.0
                        for i in range(p):
                            size += squared(learned[i])
                        power[s, 6] += 1.0
                        w = max(memory / T, 1.0 / power[s, 6])
                        power[s, 4] += w * (blame * blame - power[s, 4])
                        power[s, 5] += w * (size - power[s, 5])
                        size = math.sqrt(power[s, 4]) * max(power[s, 5], size)
                        known = size > 0.0 and power[s, 6] > T  # the first episode only measures
                        pace = (1.0 - mu) * spread * spread * pace / size if known else 0.0
                    for i in range(p):
                        for j in range(m):
                            g[i, j] = mu * g[i, j] + pace * learned[i, j]
                    if clip > 0.0 and not natural:
                        trust(g, policy, spread, clip, xh[now], power[s])
                    for i in range(p):
                        for j in range(m):
                            k[i, j] += policy * g[i, j]
            if paths.shape[1] > 0:
                put(X0[s, ep], paths[s, ep, 0])
            if kind == MEAN and policy > 0.0:
                base[0] += memory * (paid / (steps + 1) - base[0])
            cost[s, ep], error[s, ep] = paid, squares / max(seen, 1)
            size = largeness(a) + largeness(b) + largeness(c) + largeness(gain) + largeness(k)
            if not (abs(paid) < FAR * FAR and squares < FAR * FAR and size < FAR):
                alive[s] = 0
                continue
            w = share[ep]
            if w > 0.0:
                approach(meanA[s], a, w)
                approach(meanB[s], b, w)
                approach(meanC[s], c, w)
                approach(meanL[s], gain, w)
                approach(meanK[s], k, w)


@entry
def stream(Y, U, xh, errors, delay, A, B, C, L, eta, damp, clip, power, bias, free, out):
    """Filter a stream; row r of Y (T + delay, n), U, ``errors`` and xh (T + delay + 1, m) is time r - delay.

    Rows up to time 0 of xh, and up to time -1 of the others, are what came before; NaN in Y is missing. ``eta`` (T,)
    steps; ``out`` (T, n) holds C xh[t], predicted from what was seen up to t - delay.
    """
    n, m, Le = C.shape[0], C.shape[1], np.zeros(C.shape[1])
    for t in range(out.shape[0]):
        now, old = t + delay, t + 1
        for i in range(n):
            total = 0.0
            for j in range(m):
                total += C[i, j] * xh[now, j]
            out[t, i] = total
        e = errors[now]
        limit = longest(Y[old], power, clip)
        correct(A, B, C, L, Y[old], xh[old], xh[now], U[now], limit, bias, e, Le, xh[now + 1])
        if eta[t] > 0.0:
            plasticity(A, B, C, L, eta[t], damp, free, e, Le, xh[old], xh[old - 1], U[old - 1], errors[old - 1])
