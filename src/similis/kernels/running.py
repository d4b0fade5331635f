"""Running centring and scaling of a stream, sample by sample: the result does not depend on how the stream is cut."""

from __future__ import annotations

import numpy as np

from ._compile import entry, inner

#: entries of ``track``: samples that the moments stand for, power, share of the last rows that are far above it, rows
#: in succession far below it, rows in succession that are idle
WEIGHT, POWER, ABOVE, BELOW, STILL = range(5)
#: the moments remember some so many samples; of them, after a change of gain
WINDOW, RECENT = 10_000.0, 64.0
#: in units of the power: up to OUTLIER the squared norm of a row counts in full, above ABSURD it is no measurement
OUTLIER, ABSURD = 64.0, 1e12
#: the gain has changed when more than half of some 32 rows are HIGH times above the power, or PATIENCE rows in
#: succession LOW times below it; while the moments are young, YOUNG such rows say that they began with outliers
HIGH, LOW, PATIENCE, YOUNG = 4.0, 1.0 / 16.0, 128.0, 16.0
#: rows that repeat the one before them, or are SILENT times the power, are idle from the so-manieth in succession on
SILENT, IDLE = 1e-8, 16.0


@inner
def judge(total, repeated, center, track):
    """Take in a row of squared norm ``total`` about the mean; return how far the mean moves to it, whether it teaches.

    Both are 0 for rows that say nothing: those of a sensor that is off or stuck, or beyond the range of floats.
    """
    power = track[POWER]
    if not np.isfinite(total):
        return 0.0, False
    if power == 0.0:
        if track[WEIGHT] > 0.0 and total == 0.0:  # nothing has varied yet
            track[STILL] += 1.0
            return 0.0, False
        if track[STILL] > 0.0:  # it was constant: the stream begins here
            track[WEIGHT] = track[STILL] = 0.0
        track[WEIGHT] += 1.0
        step = 1.0 / track[WEIGHT]
        track[POWER] = step * (total * (1.0 - step) ** 2 if center else total)
        return step, True
    ratio, old = total / power, track[WEIGHT] >= RECENT
    track[STILL] = track[STILL] + 1.0 if repeated or ratio == 0.0 or (old and ratio < SILENT) else 0.0
    if track[STILL] >= IDLE:
        return 0.0, False
    weight = 1.0 if ratio <= OUTLIER else np.sqrt(OUTLIER / ratio)
    track[ABOVE] += ((1.0 if ratio > HIGH else 0.0) - track[ABOVE]) / 32.0
    fallen = track[BELOW] >= PATIENCE  # then until a row is of the size of the power again
    track[BELOW] = track[BELOW] + 1.0 if ratio < LOW or (fallen and ratio < 1.0) else 0.0
    if not old and track[BELOW] >= YOUNG:  # the first rows were outliers: the stream begins with the next one
        track[WEIGHT] = track[POWER] = track[BELOW] = 0.0
        return 0.0, False
    if (ratio > HIGH and track[ABOVE] > 0.5) or track[BELOW] >= PATIENCE:
        track[WEIGHT] = min(track[WEIGHT], RECENT)
        track[POWER] = power * min(max(ratio, 1.0 / OUTLIER), OUTLIER) ** 0.125
        return 0.125 * weight, ratio <= ABSURD
    track[WEIGHT] = min(track[WEIGHT] + 1.0, WINDOW)
    share = 1.0 / track[WEIGHT]
    step = share * weight
    own = min(total, OUTLIER * power) * ((1.0 - step) ** 2 if center else 1.0)
    track[POWER] = power + share * (own - power)
    return step, ratio <= ABSURD


@entry
def normalise(X, center, scale, track, mean, last, out, sizes):
    """Fill ``out`` with (x_t - mean_t) / rms_t and ``sizes`` with its squared norm, -1 where the row says nothing.

    mean_t is the mean of the samples up to t (0 unless ``center``), rms_t the root of the mean of |x_u - mean_u|^2 up
    to t, as robust averages (see ``judge``); unless ``scale`` these are plain averages of all rows, each of which says
    something, and nothing is divided. ``track`` (5,), ``mean`` (d,) and ``last`` (d,), the row before, are updated.
    """
    for t in range(X.shape[0]):
        x, o = X[t], out[t]
        total, repeated, teaches = 0.0, True, True
        for j in range(x.shape[0]):
            shift = x[j] - mean[j]
            total += shift * shift
        if scale:
            j = 0
            while repeated and j < x.shape[0]:
                repeated = x[j] == (X[t - 1, j] if t else last[j])
                j += 1
            step, teaches = judge(total, repeated, center, track)
        else:
            track[WEIGHT] += 1.0
            step = 1.0 / track[WEIGHT]
            own = total * (1.0 - step) ** 2 if center else total
            track[POWER] += step * (own - track[POWER])
        keep, move = 1.0, 0.0
        if center:
            keep, move = 1.0 - step, step
        factor = keep / np.sqrt(track[POWER]) if scale and track[POWER] > 0 else keep
        sizes[t] = factor * factor * total if teaches else -1.0
        for j in range(x.shape[0]):
            shift = x[j] - mean[j]
            mean[j] += move * shift
            o[j] = factor * shift
    if X.shape[0]:
        last[:] = X[-1]


@entry
def weigh(squares, scale, track, factors, sizes):
    """The same for rows that are never centred and of which the squared norms are known: fill 1 / rms_t."""
    for t in range(squares.shape[0]):
        teaches = True
        if scale:
            _, teaches = judge(squares[t], False, False, track)
        else:
            track[WEIGHT] += 1.0
            track[POWER] += (squares[t] - track[POWER]) / track[WEIGHT]
        factors[t] = 1.0 / np.sqrt(track[POWER]) if scale and track[POWER] > 0 else 1.0
        sizes[t] = factors[t] * factors[t] * squares[t] if teaches else -1.0
