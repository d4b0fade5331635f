"""Data drawn from models whose answer is known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from .._errors import InputError
from .._random import Seed, generator

Matrix = NDArray[np.float64]


class Views(NamedTuple):
    """Two views of the same samples, with the covariances of the model they were drawn from."""

    X: Matrix
    Y: Matrix
    Cxx: Matrix
    Cyy: Matrix
    Cxy: Matrix


def spiked_covariance(
    n_samples: int = 10_000,
    n_features: int = 50,
    n_spikes: int = 4,
    *,
    spikes: tuple[float, float] = (1.0, 0.5),
    noise: float = 2e-3,
    normalize: bool = True,
    random_state: Seed | None = None,
) -> tuple[Matrix, Matrix]:
    """Gaussian samples with a few strong directions over white noise.

        x = U' diag(sqrt(lambda)) s + sqrt(noise) e,    s, e ~ N(0, I),    lambda linear from spikes[0] to spikes[1]

    Parameters
    ----------
    n_samples, n_features, n_spikes : int
        n, d, k.
    spikes : (float, float), default (1, 0.5)
        Variances of the first and the last strong direction.
    noise : float, default 2e-3
        Variance of the noise in every direction.
    normalize : bool, default True
        Divide by the mean norm of the samples, which the default steps of online rules expect.
    random_state : int, Generator or None

    Returns
    -------
    X : array (n_samples, n_features)
    U : array (n_spikes, n_features)
        Orthonormal rows: the population's principal directions, strongest first.

    Raises
    ------
    InputError
        If a size is below one, n_spikes is above n_features or a variance is negative.

    References
    ----------
    Giovannucci et al., 2018, arXiv 1808.02083 (the synthetic data of its experiments).
    """
    _check_sizes(n_samples=n_samples, n_features=n_features, n_spikes=n_spikes)
    _check_variances(spikes=min(spikes), noise=noise)
    if n_spikes > n_features:
        raise InputError(f"n_spikes: got {n_spikes}, expected at most n_features = {n_features}.")
    rng = generator(random_state)
    U = np.linalg.qr(rng.standard_normal((n_features, n_spikes)))[0].T
    scales = np.sqrt(np.linspace(*spikes, n_spikes))
    X = (rng.standard_normal((n_samples, n_spikes)) * scales) @ U
    X += np.sqrt(noise) * rng.standard_normal((n_samples, n_features))
    if normalize:
        X /= np.linalg.norm(X, axis=1).mean()
    return X, U


def correlated_views(
    n_samples: int = 100_000,
    n_x: int = 50,
    n_y: int = 30,
    n_latent: int = 8,
    *,
    noise: float = 1.0,
    random_state: Seed | None = None,
) -> Views:
    """Two noisy linear views of one latent Gaussian.

        x = A s + e,    y = B s + f,    s ~ N(0, I),    A, B with N(0, 1) entries,    e, f ~ N(0, noise I)

    so Cxx = A A' + noise I, Cyy = B B' + noise I, Cxy = A B'.

    Parameters
    ----------
    n_samples, n_x, n_y, n_latent : int
        Samples, features of either view, dimension of what they share.
    noise : float, default 1
        Variance of the noise.
    random_state : int, Generator or None

    Returns
    -------
    Views
        X (n_samples, n_x), Y (n_samples, n_y), Cxx, Cyy, Cxy.

    Raises
    ------
    InputError
        If a size is below one or the noise is negative.

    References
    ----------
    Lipshutz et al., 2021, arXiv 2010.00525 (the sizes are those of the authors' synthetic data).
    """
    _check_sizes(n_samples=n_samples, n_x=n_x, n_y=n_y, n_latent=n_latent)
    _check_variances(noise=noise)
    rng = generator(random_state)
    A, B = rng.standard_normal((n_x, n_latent)), rng.standard_normal((n_y, n_latent))
    S = rng.standard_normal((n_samples, n_latent))
    X = S @ A.T + np.sqrt(noise) * rng.standard_normal((n_samples, n_x))
    Y = S @ B.T + np.sqrt(noise) * rng.standard_normal((n_samples, n_y))
    return Views(X, Y, A @ A.T + noise * np.eye(n_x), B @ B.T + noise * np.eye(n_y), A @ B.T)


def gaussian_blobs(
    n_samples: int = 1000,
    n_features: int = 2,
    n_clusters: int = 3,
    *,
    separation: float = 10.0,
    random_state: Seed | None = None,
) -> tuple[Matrix, NDArray[np.int64]]:
    """Equally likely round clusters of unit variance.

        x = separation * c_label + e,    c_j uniform on the unit sphere,    e ~ N(0, I)

    Parameters
    ----------
    n_samples, n_features, n_clusters : int
    separation : float, default 10
        Distance of the centres from the origin, in standard deviations.
    random_state : int, Generator or None

    Returns
    -------
    X : array (n_samples, n_features)
    labels : array (n_samples,)
        0 to n_clusters - 1.

    Raises
    ------
    InputError
        If a size is below one.
    """
    _check_sizes(n_samples=n_samples, n_features=n_features, n_clusters=n_clusters)
    rng = generator(random_state)
    centres = rng.standard_normal((n_clusters, n_features))
    centres *= separation / np.linalg.norm(centres, axis=1, keepdims=True)
    labels = rng.integers(n_clusters, size=n_samples)
    return centres[labels] + rng.standard_normal((n_samples, n_features)), labels


def ring(
    n_samples: int = 1000, n_features: int = 2, *, noise: float = 0.0, random_state: Seed | None = None
) -> tuple[Matrix, Matrix]:
    """Points spread uniformly over the unit circle of a random plane.

        x = cos(angle) u + sin(angle) v + sqrt(noise) e,    u, v orthonormal

    Parameters
    ----------
    n_samples, n_features : int
        With two features the plane is the whole space and u, v its axes.
    noise : float, default 0
        Variance of the noise in every direction.
    random_state : int, Generator or None

    Returns
    -------
    X : array (n_samples, n_features)
    angle : array (n_samples,)
        In [0, 2 pi).

    Raises
    ------
    InputError
        If there are fewer than two features, no samples or the noise is negative.
    """
    _check_sizes(n_samples=n_samples, n_features=n_features)
    _check_variances(noise=noise)
    if n_features < 2:
        raise InputError(f"n_features: got {n_features}, expected at least 2: a ring needs a plane.")
    rng = generator(random_state)
    plane = np.eye(2) if n_features == 2 else np.linalg.qr(rng.standard_normal((n_features, 2)))[0].T
    angle = rng.uniform(0.0, 2 * np.pi, n_samples)
    X = np.column_stack([np.cos(angle), np.sin(angle)]) @ plane
    return X + np.sqrt(noise) * rng.standard_normal(X.shape), angle


def slow_signals(
    n_samples: int = 20_000,
    n_features: int = 12,
    n_slow: int = 3,
    *,
    noise: float = 0.25,
    random_state: Seed | None = None,
) -> tuple[Matrix, Matrix]:
    """Slow signals mixed into noisy columns; rows are in the order of time.

        x(t) = A s(t) + sqrt(noise k) e(t),    A_ij, e_i ~ N(0, 1),    <s_i^2> = 1

    Signals are in turn sine waves with periods of 80 to 400 samples and filtered noise with correlation times of 15 to
    60 samples.

    Parameters
    ----------
    n_samples, n_features, n_slow : int
        n, d, k.
    noise : float, default 0.25
        Variance of the white noise in a column, as a share of the variance of the signals in it.
    random_state : int, Generator or None

    Returns
    -------
    X : array (n_samples, n_features)
    S : array (n_samples, n_slow)

    Raises
    ------
    InputError
        If a size is below one or the variance is negative.
    """
    _check_sizes(n_samples=n_samples, n_features=n_features, n_slow=n_slow)
    _check_variances(noise=noise)
    rng, t, signals = generator(random_state), np.arange(n_samples), []
    for i in range(n_slow):
        a = np.exp(-1 / rng.uniform(15, 60))
        wave = np.sqrt(2) * np.sin(2 * np.pi * t / rng.uniform(80, 400) + rng.uniform(0, 2 * np.pi))
        filtered = lfilter([np.sqrt(1 - a * a)], [1, -a], rng.standard_normal(n_samples))
        signals.append(filtered if i % 2 else wave)
    S = np.column_stack(signals)
    X = S @ rng.standard_normal((n_slow, n_features))
    return X + np.sqrt(noise * n_slow) * rng.standard_normal(X.shape), S


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise InputError(f"{name}: got {size}, expected at least 1.")


def _check_variances(**variances: float) -> None:
    for name, variance in variances.items():
        if not (np.isfinite(variance) and variance >= 0):
            raise InputError(f"{name}: got {variance}, expected a finite variance >= 0.")
