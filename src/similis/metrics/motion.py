"""How well motion is told from pairs of frames, and the detectors of the literature to compare with."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._errors import InputError
from .._random import Seed, generator
from .check import Matrix, matrix, same


def antisymmetry(A: ArrayLike) -> float:
    """Share of a square matrix that is antisymmetric, as the generator of a shift or a rotation is.

        |A - A'|^2 / (|A - A'|^2 + |A + A'|^2)

    Parameters
    ----------
    A : array (p, p)

    Returns
    -------
    float
        In [0, 1]; 1/2 for a matrix drawn at random.
    """
    A = matrix("A", A)
    same("rows and columns", rows=len(A), columns=A.shape[1])
    odd, even = float(np.sum((A - A.T) ** 2)), float(np.sum((A + A.T) ** 2))
    return odd / (odd + even) if odd + even > 0 else 0.0


def direction_selectivity(Z: ArrayLike, shift: ArrayLike) -> Matrix:
    """Direction selectivity index of each neuron.

        (r+ - r-) / (r+ + r-),    r+, r- the mean responses to motion of either sign

    Parameters
    ----------
    Z : array (n_samples, k)
        Responses, nonnegative.
    shift : array (n_samples,)
        Signed motion; samples at rest are left out.

    Returns
    -------
    array (k,)
        In [-1, 1]; 0 for a neuron that never answers.
    """
    Z, shift = _paired(Z, shift)
    forth, back = Z[shift > 0].mean(0), Z[shift < 0].mean(0)
    total = forth + back
    return np.divide(forth - back, total, out=np.zeros_like(total), where=total != 0)


def direction_accuracy(z: ArrayLike, shift: ArrayLike) -> float:
    """Share of moving samples whose sign of motion a signed signal tells, the signal's own sign left free.

    Parameters
    ----------
    z : array (n_samples,)
        An opponent signal; 0 counts as half right.
    shift : array (n_samples,)

    Returns
    -------
    float
        In [1/2, 1].
    """
    z, shift = _paired(np.reshape(z, (-1, 1)), shift)
    moving = shift != 0
    right = float(np.mean(np.sign(z[moving, 0]) * np.sign(shift[moving])))
    return (1 + abs(right)) / 2


def hassenstein_reichardt(X: ArrayLike, shape: tuple[int, ...] | None = None) -> Matrix:
    """Opponent correlators of neighbouring pixels, summed over the frame, one signal an axis.

        sum_i  dx_i x_{i+1} - dx_{i+1} x_i

    Parameters
    ----------
    X : array (n_samples, 2 p)
        Frame before, frame after; zero mean.
    shape : tuple, default (p,)
        The axes of a frame.

    Returns
    -------
    array (n_samples, number of axes)
        Negative for motion towards higher pixel numbers.

    References
    ----------
    Hassenstein & Reichardt, 1956, Zeitschrift fuer Naturforschung 11b:513, in differences as the papers here write it.
    """
    before, after, axes = _frames(X, shape)
    dx = after - before
    signals = []
    for axis in axes:
        first, second = (np.take(dx, at, axis) for at in _neighbours(dx.shape[axis]))
        x1, x2 = (np.take(before, at, axis) for at in _neighbours(dx.shape[axis]))
        signals.append((first * x2 - second * x1).reshape(len(dx), -1).sum(1))
    return np.column_stack(signals)


def barlow_levick(X: ArrayLike, shape: tuple[int, ...] | None = None) -> Matrix:
    """Opponent vetoes of neighbouring pixels, summed over the frame, one signal an axis.

        sum_i  [x'_i - x_{i+1}]_+ - [x'_{i+1} - x_i]_+

    A pixel's excitation now is vetoed by its neighbour's a moment ago.

    Parameters
    ----------
    X, shape : as in :func:`hassenstein_reichardt`

    Returns
    -------
    array (n_samples, number of axes)
        Positive for motion towards higher pixel numbers.

    References
    ----------
    Barlow & Levick, 1965, Journal of Physiology 178:477.
    """
    before, after, axes = _frames(X, shape)
    signals = []
    for axis in axes:
        now1, now2 = (np.take(after, at, axis) for at in _neighbours(after.shape[axis]))
        was1, was2 = (np.take(before, at, axis) for at in _neighbours(after.shape[axis]))
        opponent = np.maximum(now1 - was2, 0) - np.maximum(now2 - was1, 0)
        signals.append(opponent.reshape(len(after), -1).sum(1))
    return np.column_stack(signals)


def rao_ruderman(X: ArrayLike, *, max_iter: int = 100, random_state: Seed = 0) -> tuple[np.ndarray, Matrix]:
    """The generator that reconstructs changes best, by alternating least squares.

        min_{A, theta} sum_t |dx_t - theta_t A x_t|^2,    theta_t = dx_t . A x_t / |A x_t|^2

    Parameters
    ----------
    X : array (n_samples, 2 p)
        Frame before, frame after; zero mean.
    max_iter : int
    random_state : seed of the first A

    Returns
    -------
    A : array (p, p)
        Of unit norm.
    theta : array (n_samples,)

    References
    ----------
    Rao & Ruderman, 1999, NIPS 11:810 (the objective; one generator, first order).
    """
    before, after, _ = _frames(X, None)
    dx, p = after - before, before.shape[1]
    A: np.ndarray = generator(random_state).standard_normal((p, p))
    for _ in range(max_iter):
        last, A = A, A / np.linalg.norm(A)
        theta = _amounts(A, dx, before)
        weighted = theta[:, None] * before
        A = np.linalg.lstsq(weighted.T @ weighted, weighted.T @ dx, rcond=None)[0].T
        if np.linalg.norm(A - last) < 1e-9 * np.linalg.norm(A):
            break
    A = A / np.linalg.norm(A)
    return A, _amounts(A, dx, before)


def _amounts(A: np.ndarray, dx: Matrix, x: Matrix) -> Matrix:
    predicted = x @ A.T
    power = (predicted**2).sum(1)
    return np.divide((dx * predicted).sum(1), power, out=np.zeros_like(power), where=power > 0)


def _neighbours(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(n - 1), np.arange(1, n)


def _frames(X: ArrayLike, shape: tuple[int, ...] | None) -> tuple[Matrix, Matrix, range]:
    X = matrix("X", X)
    shape = shape or (X.shape[1] // 2,)
    if 2 * int(np.prod(shape)) != X.shape[1]:
        raise InputError(f"X: {X.shape[1]} columns; expected two frames of {shape}, side by side.")
    before, after = (frame.reshape(-1, *shape) for frame in np.split(X, 2, axis=1))
    return before, after, range(1, before.ndim)


def _paired(Z: ArrayLike, shift: ArrayLike) -> tuple[Matrix, Matrix]:
    Z, shift = matrix("Z", Z), matrix("shift", np.reshape(shift, (-1, 1)))[:, 0]
    same("samples (rows)", Z=len(Z), shift=len(shift))
    if not ((shift > 0).any() and (shift < 0).any()):
        raise InputError("shift: expected motion of both signs.")
    return Z, shift
