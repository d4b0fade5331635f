"""Running centring and scaling of a stream, sample by sample: the result does not depend on how the stream is cut."""

from __future__ import annotations

import numpy as np

from ._compile import entry, inner
from .rows import put

#: entries of ``track``: samples that the moments stand for, power, share of the last rows that are far above it, rows
#: in succession far below it, rows in succession that stand still; rows of the past that did not stand still for longer
#: than was to be expected, and of them those that moved
WEIGHT, POWER, ABOVE, BELOW, STILL, ROWS, MOVES = range(7)
#: the moments remember some so many samples; of them, after a change of gain
WINDOW, RECENT = 10_000.0, 64.0
#: in units of the power: up to OUTLIER the squared norm of a row counts in full, above ABSURD it is no measurement
OUTLIER, ABSURD = 64.0, 1e12
#: the gain has changed when more than half of some 32 rows are HIGH times above the power, or PATIENCE rows in
#: succession LOW times below it; while the moments are young, YOUNG such rows say that they began with outliers
HIGH, LOW, PATIENCE, YOUNG = 4.0, 1.0 / 16.0, 128.0, 16.0
#: rows stand still that repeat the one before them, or are SILENT times the power. Where every row moves they are idle
#: from the so-manieth in succession on, else in proportion later: before the past is known it counts as so many rows,
#: of which so many moved
SILENT, IDLE, BEFORE, MOVED = 1e-8, 16.0, 16.0, 8.0
#: a feature that varies so many times as much as all others together outweighs them, if those vary by more than
#: rounding; rows in which that is looked for
OUTWEIGHS, ROUNDING, LOOK = 1e3, 1e-12, 256


@inner
def stood(still, track):
    """How many times longer than its past explains the stream has stood still; a row is idle from 1 on.

    Where a row repeats the last one by chance, runs of it are exp(-IDLE) rare at the limit, however frequent it is.
    """
    track[STILL] = track[STILL] + 1.0 if still else 0.0
    run = (track[ROWS] + BEFORE) / (track[MOVES] + MOVED)
    times = track[STILL] / (IDLE * (2.0 * run - 1.0))
    if times < 1.0:
        fade = 0.5 if track[ROWS] >= WINDOW else 1.0
        track[ROWS] = fade * track[ROWS] + 1.0
        track[MOVES] = fade * track[MOVES] + (0.0 if still else 1.0)
    return max(times, 1.0) if still and track[MOVES] <= 1.0 else times  # nothing has varied yet


@inner
def judge(total, repeated, verdict, center, track):
    """Take in a row of squared norm ``total`` about the mean.

    ``verdict`` says whether the row is idle (1) or not (0); -1 leaves it to the stream itself. Returns how far the mean
    moves to the row, whether it teaches, and how many times longer than expected the stream has stood still. Rows do
    not teach that are idle, those of a sensor that is off or stuck, or beyond the range of floats.
    """
    power = track[POWER]
    if not np.isfinite(total):
        return 0.0, False, np.inf
    if power == 0.0:
        total = 0.0 if repeated else total  # not what rounding left of the distance to the mean
        still, before = track[WEIGHT] > 0.0 and total == 0.0, track[STILL]
        times = stood(still, track)
        if verdict > 0 or (verdict < 0 and times >= 1.0):
            return 0.0, False, times
        if before > 0.0 and not still and track[WEIGHT] <= 1.0:  # it was constant: the stream begins here
            track[WEIGHT] = 0.0
        track[WEIGHT] += 1.0
        step = 1.0 / track[WEIGHT]
        track[POWER] = step * (total * (1.0 - step) ** 2 if center else total)
        return step, True, times
    ratio, old = total / power, track[WEIGHT] >= RECENT
    still = repeated or ratio == 0.0 or (old and ratio < SILENT)
    times = stood(still, track)
    if verdict > 0 or (verdict < 0 and times >= 1.0):
        return 0.0, False, times
    weight = 1.0 if ratio <= OUTLIER else np.sqrt(OUTLIER / ratio)
    track[ABOVE] += ((1.0 if ratio > HIGH else 0.0) - track[ABOVE]) / 32.0
    fallen = track[BELOW] >= PATIENCE  # then until a row is of the size of the power again
    if not still:  # rows that are mostly 0 are no smaller for it
        track[BELOW] = track[BELOW] + 1.0 if ratio < LOW or (fallen and ratio < 1.0) else 0.0
    if not old and track[BELOW] >= YOUNG:  # the first rows were outliers: the stream begins with the next one
        track[WEIGHT] = track[POWER] = track[BELOW] = 0.0
        return 0.0, False, times
    if (ratio > HIGH and track[ABOVE] > 0.5) or track[BELOW] >= PATIENCE:
        track[WEIGHT] = min(track[WEIGHT], RECENT)
        track[POWER] = power * min(max(ratio, 1.0 / OUTLIER), OUTLIER) ** 0.125
        return 0.125 * weight, ratio <= ABSURD, times
    track[WEIGHT] = min(track[WEIGHT] + 1.0, WINDOW)
    share = 1.0 / track[WEIGHT]
    step = share * weight
    own = min(total, OUTLIER * power) * ((1.0 - step) ** 2 if center else 1.0)
    track[POWER] = power + share * (own - power)
    return step, ratio <= ABSURD, times


@inner
def outweighs(spread):
    """Whether one feature varies far more than all others together, which vary by more than rounding."""
    most, rest = 0.0, 0.0
    for j in range(spread.shape[0]):
        most, rest = max(most, spread[j]), rest + min(most, spread[j])
    return rest * OUTWEIGHS**2 < most and rest > ROUNDING**2 * most


@entry
def normalise(X, center, scale, refuse, verdict, track, mean, spread, last, out, sizes, times):
    """Fill ``out`` with (x_t - mean_t) / rms_t and ``sizes`` with its squared norm, -1 where the row does not teach.

    mean_t is the mean of the samples up to t (0 unless ``center``), rms_t the root of the mean of |x_u - mean_u|^2 up
    to t, as robust averages (see ``judge``); unless ``scale`` these are plain averages of all rows, each of which
    teaches, and nothing is divided. ``verdict`` (T,) says which rows are idle; if empty, the past does. ``times`` is
    filled with how many times longer than expected the stream has stood still. ``track`` (7,), ``mean`` (d,),
    ``spread`` (d,), the features' mean squares over some LOOK rows, and ``last`` (d,), the row before, are updated.
    With ``refuse`` the row is returned at which one feature outweighs all others, else -1.
    """
    for t in range(X.shape[0]):
        x, o = X[t], out[t]
        total, repeated, teaches = 0.0, True, True
        for j in range(x.shape[0]):
            shift = x[j] - mean[j]
            total += shift * shift
        j = 0
        while repeated and j < x.shape[0]:
            repeated = x[j] == (X[t - 1, j] if t else last[j])
            j += 1
        if scale:
            step, teaches, times[t] = judge(total, repeated, verdict[t] if verdict.shape[0] else -1, center, track)
        else:
            times[t] = stood(repeated, track)
            track[WEIGHT] += 1.0
            step = 1.0 / track[WEIGHT]
            own = total * (1.0 - step) ** 2 if center else total
            track[POWER] += step * (own - track[POWER])
        keep, move = 1.0, 0.0
        if center:
            keep, move = 1.0 - step, step
        factor = keep / np.sqrt(track[POWER]) if scale and track[POWER] > 0 else keep
        sizes[t] = factor * factor * total if teaches else -1.0
        share = 1.0 / min(max(track[WEIGHT], 1.0), LOOK) if refuse and teaches else 0.0
        each = keep * keep * min(1.0, OUTLIER * track[POWER] / total) if total > 0.0 else 0.0
        if share > 0.0:
            for j in range(x.shape[0]):
                shift = x[j] - mean[j]
                mean[j] += move * shift
                o[j] = factor * shift
                spread[j] += share * (each * shift * shift - spread[j])
        else:
            for j in range(x.shape[0]):
                shift = x[j] - mean[j]
                mean[j] += move * shift
                o[j] = factor * shift
        if refuse and ((t + 1) % LOOK == 0 or t == X.shape[0] - 1) and outweighs(spread):
            return t
    if X.shape[0]:
        put(X[-1], last)
    return -1


@entry
def weigh(squares, scale, verdict, track, factors, sizes, times):
    """The same for rows that are never centred and of which the squared norms are known: fill 1 / rms_t."""
    for t in range(squares.shape[0]):
        teaches = True
        if scale:
            given = verdict[t] if verdict.shape[0] else -1
            _, teaches, times[t] = judge(squares[t], False, given, False, track)
        else:
            times[t] = stood(squares[t] == 0.0, track)
            track[WEIGHT] += 1.0
            track[POWER] += (squares[t] - track[POWER]) / track[WEIGHT]
        factors[t] = 1.0 / np.sqrt(track[POWER]) if scale and track[POWER] > 0 else 1.0
        sizes[t] = factors[t] * factors[t] * squares[t] if teaches else -1.0
