"""Recursive extended least squares of a predictor in innovations form, sample by sample, compiled.

One row of activities phi holds, for each of the last moments, the observation, the error of its prediction and the
action, then a constant. Every synapse reads its error, its decorrelated activity (P phi)_j and one number told to all;
the lateral weights P = U diag(D) U' change by (P phi)(P phi)' over the same number. They are kept in factors (Bierman
1977), so that P is positive whatever rounding does.
"""

from __future__ import annotations

import math

import numpy as np

from ._compile import entry, inner
from .rows import put

#: rows in the running scale of the errors, and of the observations
MEMORY = 100
#: prior of a synapse: what this many rows at the scale of its activity would say
PRIOR = 1e-2
#: the synapses of the errors begin after so many rows for each synapse of a neuron
EARLY = 2
#: errors this small beside the observations are rounding
ROUNDING = 1e-20
#: where the squared errors of half of the observations fall by this factor, the past is put in the new unit
DROP = 4.0
#: share of the mean squared error of the whole stream below which a limit does not shrink, however still it has become:
#: an observation that steps from time to time would else creep to its new level, and the others with it
STILL = 0.1


@inner
def shift(phi, width, values, error, u):
    """Move the moments of phi back by one and put the newest in front."""
    n, p = values.shape[0], u.shape[0]
    for j in range(phi.shape[0] - 2, width - 1, -1):
        phi[j] = phi[j - width]
    for i in range(n):
        phi[i] = values[i]
        phi[n + i] = error[i]
    for i in range(p):
        phi[2 * n + i] = u[i]


@inner
def lateral(V, D, phi, keep, f, gain):
    """P = (P - P phi phi'P / (keep + phi'P phi)) / keep; gain = P phi before it; returns keep + phi'P phi.

    Row j of V is column j of the unit upper triangular U; D is 0 where an activity was never there.
    """
    k, total = phi.shape[0], keep
    for j in range(k):
        s = phi[j]
        for i in range(j):
            s += V[j, i] * phi[i]
        f[j] = s
    for j in range(k):
        gain[j] = D[j] * f[j]
        if D[j] == 0.0:
            continue
        g, new = gain[j], total + f[j] * gain[j]
        back = -f[j] / total
        for i in range(j):
            old = V[j, i]
            V[j, i] = old + gain[i] * back
            gain[i] += old * g
        D[j] *= total / (new * keep)
        total = new
    return total


@inner
def fallen(fast, slow):
    """By how much the squared errors fell: the median over observations of fast / slow, or 1 unless half fell far."""
    n, number = fast.shape[0], 0
    for i in range(n):
        if DROP * fast[i] < slow[i]:
            number += 1
    if 2 * number <= n:
        return 1.0
    ratio = np.ones(n)
    for i in range(n):
        if slow[i] > 0.0:
            ratio[i] = fast[i] / slow[i]
    return max(np.median(ratio), ROUNDING)


@inner
def within(value, power, usual, clip):
    """The value, at most ``clip`` roots of ``power``, or of a share of the ``usual`` one, from 0; as it is without."""
    most = clip * math.sqrt(max(power, STILL * usual))
    return min(max(value, -most), most) if most > 0.0 else value


@inner
def measured(y, origin, unit, n_seen, level, spread, slow, centre, clip, x):
    """x = (y - origin) / unit, NaN where missing: the origin is the first observation, the unit the first change.

    ``level`` and ``spread`` follow the mean and the variance of x over some MEMORY rows.
    """
    for i in range(y.shape[0]):
        x[i] = np.nan
        if math.isnan(y[i]):
            continue
        if n_seen[i] == 0.0 and centre:
            origin[i] = y[i]
        n_seen[i] += 1.0
        x[i] = y[i] - origin[i]
        if unit[i] == 0.0:
            if x[i] == 0.0:
                continue
            unit[i] = 2.0 ** math.floor(math.log2(abs(x[i])))
        x[i] /= unit[i]
        w, gap = 1.0 / min(n_seen[i], MEMORY), within(x[i] - level[i], spread[i], slow[i], clip)
        size = gap * gap
        if centre:
            level[i] += w * gap
            size *= 1.0 - w
        spread[i] += w * (size - spread[i])


@inner
def predicted(theta, phi, level, spread, slow, clip, plain, value):
    """plain = theta phi; value is at most ``clip`` deviations from the mean of the observations: it cannot run away."""
    for i in range(theta.shape[0]):
        s = 0.0
        for j in range(theta.shape[1]):
            s += theta[i, j] * phi[j]
        plain[i] = s
        value[i] = level[i] + within(s - level[i], spread[i], slow[i], clip)


@inner
def admit(D, phi, spread, slow, drive, width, grown):
    """A synapse begins when its activity is first there, and never knows less than its prior at today's scale.

    Those of the errors wait until the others have ``grown``: before, errors are those of knowing nothing.
    """
    n, k = spread.shape[0], D.shape[0]
    for j in range(k):
        at, power = j % width, 1.0
        if j < k - 1:
            if at < n:
                power = spread[at]
            elif at < 2 * n:
                if not grown:
                    continue
                power = max(slow[at - n], ROUNDING * spread[at - n])
            else:
                power = drive[at - 2 * n]
        if power > 0.0 and (D[j] * power * PRIOR > 1.0 or (D[j] == 0.0 and phi[j] != 0.0)):
            D[j] = 1.0 / (PRIOR * power)


@entry
def forecast(
    Y, U, delay, theta, V, D, phi, origin, unit, n_seen, level, spread, fast, slow, drive, known, centre, clip,
    growth, learn, out,
):  # fmt: skip
    """Predict a stream and, if ``learn``, learn from it; row t counts as t^growth.

    Row r of Y and U (T + delay, .) is time r - delay; NaN in Y is missing. ``out`` (T, n) is said before its row is
    heard, from what was heard up to ``delay`` rows before. theta (n, k), V (k, k), D (k,), phi (k,): synapses, lateral
    weights, activities; (n,) each: ``origin`` to ``spread`` of the observations, ``fast`` and ``slow`` means of squared
    errors; ``drive`` (p,): mean squares of actions; ``known`` (3,): rows learned from, those of
    them that are remembered, and all rows.
    """
    T, n, k, p = out.shape[0], theta.shape[0], theta.shape[1], U.shape[1]
    width = 2 * n + p
    f, gain, ahead, silent = np.empty(k), np.empty(k), np.empty(k), np.zeros(n)
    x, said, e, value = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    plain, first = np.empty(n), np.empty(n)
    for t in range(T):
        put(phi, ahead)
        for step in range(delay):
            predicted(theta, ahead, level, spread, slow, clip, plain, value)
            if step == 0:
                put(value, said)
                put(plain, first)
            if step < delay - 1:
                shift(ahead, width, value, silent, U[t + 1 + step])
        for i in range(n):
            out[t, i] = origin[i] + unit[i] * value[i]
        measured(Y[t + 1], origin, unit, n_seen, level, spread, slow, centre, clip, x)
        heard = 0
        for i in range(n):
            e[i] = 0.0
            if not math.isnan(x[i]):
                heard += 1
                e[i] = within(x[i] - said[i], fast[i], slow[i], clip)
                fast[i] += (e[i] * e[i] - fast[i]) / min(n_seen[i], MEMORY)
        for i in range(n):
            value[i] = said[i] + e[i]  # as observed, within the limits
        if learn and heard > 0:
            known[0] += 1.0
            keep = known[0] / (known[0] + growth)
            known[1] = keep * known[1] + 1.0
            for i in range(n):
                if not math.isnan(x[i]):
                    slow[i] += (e[i] * e[i] - slow[i]) / known[1]
            ratio = fallen(fast, slow) if known[0] > MEMORY else 1.0
            if ratio < 1.0:
                keep *= ratio
                known[1] = max(1.0, ratio * known[1])
                put(fast, slow)
            admit(D, phi, spread, slow, drive, width, known[0] > EARLY * k)
            total = lateral(V, D, phi, keep, f, gain)
            for i in range(n):
                if not math.isnan(x[i]):
                    move = (value[i] - first[i]) / total  # the error before any limit on what was said
                    for j in range(k):
                        theta[i, j] += move * gain[j]
                e[i] *= keep / total  # what is left of the error after learning from it
        known[2] += 1.0
        for i in range(p):
            drive[i] += (U[t + 1, i] * U[t + 1, i] - drive[i]) / min(known[2], MEMORY)
        shift(phi, width, value, e, U[t + 1])
