"""How wide the receptive fields of a population are that tiles a closed curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._errors import InputError
from .check import Matrix, matrix


def field_widths(Z: ArrayLike) -> Matrix:
    """Width of each neuron's receptive field: the share of the stimuli it answers, of a full turn of 360 degrees.

    Parameters
    ----------
    Z : array (n_stimuli, k)
        Outputs >= 0 to stimuli evenly spaced around a closed curve.

    Returns
    -------
    array (k,)
        Degrees in [0, 360]; 0 for a silent neuron.

    Raises
    ------
    InputError
        If an output is negative or not finite.
    """
    return 360.0 * (_outputs(Z) > 0).mean(axis=0)


def similarity_width(Z: ArrayLike) -> float:
    """Full width at half maximum of the similarity of outputs as a function of the angle between their stimuli.

        q(angle) = mean over theta of z(theta).z(theta + angle)

    Parameters
    ----------
    Z : array (n_stimuli, k)
        Outputs >= 0 to stimuli evenly spaced around a closed curve, in order.

    Returns
    -------
    float
        Degrees, interpolated between stimuli; 360 where the similarity never falls to a half.

    Raises
    ------
    InputError
        If an output is negative or not finite, or all are 0.
    """
    Z = _outputs(Z)
    if not Z.any():
        raise InputError("Z: every output is 0, so similarity has no width.")
    kernel = np.fft.ifft((np.abs(np.fft.fft(Z, axis=0)) ** 2).sum(axis=1)).real
    half, side = kernel[0] / 2, kernel[: len(kernel) // 2 + 1]
    below = np.flatnonzero(side <= half)
    if not len(below):
        return 360.0
    at = int(below[0])
    reach = at - 1 + (side[at - 1] - half) / (side[at - 1] - side[at])
    return float(2 * reach * 360.0 / len(Z))


def _outputs(Z: ArrayLike) -> Matrix:
    Z = matrix("Z", Z)
    if Z.min() < 0:
        raise InputError(f"Z: smallest output {Z.min():g}; expected outputs >= 0.")
    return Z
