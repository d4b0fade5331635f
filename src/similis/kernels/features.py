"""Running scales of the features of a stream, for networks whose answer does not depend on units."""

from __future__ import annotations

import numpy as np

from ._compile import entry, inner
from .rows import put
from .running import OUTLIER, POWER, RECENT, ROUNDING, WEIGHT, judge

#: rows between renewals of the scales, once the moments are old
EVERY = 16
#: fourth powers count up to so many times their mean, and from so small a share of it: less is a feature that stands
#: still, which says nothing
MOST, LEAST = OUTLIER**2, 1e-12
#: where all rows are known, how many times the power one of them counts for at most
LONG, MOST_TOTAL = 16.0, 1e300


@inner
def take(j, own, share, fourth):
    """Follow the fourth power of a feature, of which ``own`` is the square now."""
    m = fourth[j]
    square = own * own
    fourth[j] = m + (share if square > LEAST * m else 0.0) * (min(square, MOST * m) - m)


@inner
def finest(gain, mean, power):
    """The gain, unless rounding of the mean would then be heard."""
    return gain if gain * abs(mean) * ROUNDING <= np.sqrt(power) else np.sqrt(power) / (abs(mean) * ROUNDING)


@inner
def renew(gains, fourth, mean, power):
    """Give all features fourth powers of one mean, that which leaves their sum of squares about what it is."""
    level, n = 0.0, 0
    for j in range(gains.shape[0]):
        if fourth[j] > 0.0:
            level += np.sqrt(fourth[j])
            n += 1
    for j in range(gains.shape[0]):
        if fourth[j] > 0.0:
            gain = gains[j] * np.sqrt(level / (n * np.sqrt(fourth[j])))
            gains[j] = finest(gain, mean[j], power) if power > 0.0 else gain
            fourth[j] = (level / n) ** 2  # of rounding too, which would pull the level down


@inner
def begin(x, mean, power, share, gains, fourth):
    """Give a feature that varies for the first time the scale of this change; return how many still have none."""
    unset, size = 0, np.sqrt(power / x.shape[0]) if power > 0.0 else 1.0
    for j in range(x.shape[0]):
        if gains[j] == 0.0:
            shift = abs(x[j] - mean[j])
            if 0.0 < shift < np.inf:
                gains[j] = finest(size / shift, mean[j], power) if power > 0.0 else size / shift
                fourth[j] = share * (gains[j] * shift) ** 4
            else:
                unset += 1
    return unset


@entry
def standardise(X, center, seen, known, verdict, track, mean, gains, fourth, last, out, sizes, times):
    """As ``running.normalise`` with a scale, of features that were divided by their own sizes before.

    ``gains`` (d,) are what features are multiplied by, 0 of those that have not varied, and ``fourth`` (d,) the mean
    fourth powers of the products; the power in ``track`` is theirs. The size of a feature is the fourth root of its
    mean fourth power: of common ones a multiple of the deviation, while rare ones are not blown up as much as that
    would. It is renewed at every row while the moments are young, then at one in EVERY; ``seen`` rows came before.
    Sizes that are ``known`` from so many rows are not forgotten faster than these would be.
    """
    d = X.shape[1]
    unset, old, before = 0, np.empty(d), np.empty(d)
    for j in range(d):
        unset += 1 if known == 0 and gains[j] == 0.0 else 0
    for t in range(X.shape[0]):
        x, o = X[t], out[t]
        total, repeated, young = 0.0, True, known == 0 and track[WEIGHT] < RECENT
        share = 1.0 / (track[WEIGHT] + 1.0)
        if young:
            put(gains, old)
            put(fourth, before)
        if unset > 0:
            unset = begin(x, mean, track[POWER], share, gains, fourth)
        if young:
            keep = 1.0 - share if center else 1.0
            for j in range(d):
                take(j, (keep * (x[j] - mean[j]) * gains[j]) ** 2, share, fourth)
            renew(gains, fourth, mean, track[POWER])
        for j in range(d):
            value = (x[j] - mean[j]) * gains[j]
            total += value * value
        j = 0
        while repeated and j < d:
            repeated = x[j] == (X[t - 1, j] if t else last[j])
            j += 1
        step, teaches, times[t] = judge(total, repeated, verdict[t] if verdict.shape[0] else -1, center, track)
        keep, move = (1.0 - step, step) if center else (1.0, 0.0)
        factor = keep / np.sqrt(track[POWER]) if track[POWER] > 0.0 else keep
        sizes[t] = factor * factor * total if teaches else -1.0
        share = 1.0 / max(track[WEIGHT], known, 1.0) if teaches and not young else 0.0
        each = keep * keep * min(1.0, OUTLIER * track[POWER] / total) if total > 0.0 else 0.0
        for j in range(d):
            shift = x[j] - mean[j]
            mean[j] += move * shift
            o[j] = factor * shift * gains[j]
            if share > 0.0:
                take(j, each * (shift * gains[j]) ** 2, share, fourth)
        if track[POWER] == 0.0 and known == 0:  # nothing has varied yet
            for j in range(d):
                gains[j] = fourth[j] = 0.0
            unset = d
        elif young and not teaches:
            put(old, gains)
            put(before, fourth)
            unset = d  # counted anew
        elif not young and (seen + t + 1) % EVERY == 0:
            renew(gains, fourth, mean, track[POWER])
    if X.shape[0]:
        put(X[-1], last)


@entry
def gauge(X, power, mean, gains, fourth):
    """Make ``gains`` those of all rows, and ``fourth`` one number: what was known of some of them only begins it.

    Rows of more than LONG times the power count as if they had that.
    """
    unset, n = 1, 0
    for j in range(gains.shape[0]):
        fourth[j] = 0.0
    for t in range(X.shape[0]):
        x, total = X[t], 0.0
        if unset > 0:
            unset = begin(x, mean, power, 0.0, gains, fourth)
        for j in range(x.shape[0]):
            value = (x[j] - mean[j]) * gains[j]
            total += value * value
        if total <= MOST_TOTAL:
            n += 1
            each = min(1.0, LONG * power / total) if total > 0.0 else 0.0
            for j in range(x.shape[0]):
                own = each * ((x[j] - mean[j]) * gains[j]) ** 2
                fourth[j] += own * own
    for j in range(gains.shape[0]):
        fourth[j] /= max(n, 1)
    renew(gains, fourth, mean, power)
