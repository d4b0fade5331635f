"""Running centring and scaling of a stream, sample by sample: the result does not depend on how the stream is cut."""

from __future__ import annotations

import numpy as np

from ._compile import entry


@entry
def normalise(X, center, scale, count, mean, power, out):
    """Fill ``out`` with (x_t - mean_t) / rms_t and update the running moments; return the sample count.

    mean_t is the mean of the samples up to t (0 unless ``center``), rms_t the root of the mean of |x_u - mean_u|^2 up
    to t; unless ``scale``, and while rms_t is 0, nothing is scaled. ``mean`` (d,) and ``power`` (1,) are updated in
    place, in float64.
    """
    for t in range(X.shape[0]):
        count += 1
        x, o = X[t], out[t]
        total, share = 0.0, 1.0 / count
        if center:
            for j in range(x.shape[0]):
                shift = x[j] - mean[j]
                mean[j] += share * shift
                shift *= 1.0 - share
                o[j] = shift
                total += shift * shift
        else:
            for j in range(x.shape[0]):
                o[j] = x[j]
                total += np.float64(x[j]) * x[j]
        power[0] += share * (total - power[0])
        if scale and power[0] > 0:
            factor = 1.0 / np.sqrt(power[0])
            for j in range(x.shape[0]):
                o[j] *= factor
    return count
