"""Depth as particle dynamics: tokens that attend to each other run the noise backwards, then meet their inputs again.

Stage 1, tied self-attention layers: ``x_i <- x_i + eta (m_beta(x_i) - x_i)``, the flow ``dx/dt = grad log (rho*G)(x)``
in time ``t = eta layers / beta``. Stage 2, the long skip: the untouched input asks the refined cloud at the precision
of the noise, ``x_i = m_{1/s2}(y_i)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from .._errors import InputError
from .admit import count, floats, positive
from .cloud import Engine, kernel_mean

#: layers of stage 1 beyond which a horizon is taken for a mistake
MOST = 10_000


def flow(tokens: np.ndarray, beta: float, eta: float = 0.1, *, engine: Engine = "auto") -> Iterator[np.ndarray]:
    """Stage 1 without an end: the cloud after 0, 1, 2, ... layers.

    Parameters
    ----------
    tokens : (N, n) array
    beta : float > 0, precision of the kernel, one over its squared width
    eta : float in (0, 1], size of a layer's step; 1 is pure attention (Gaussian blurring mean shift), 0.1 and less
        follows the flow
    engine : as in :func:`similis.memory.kernel_mean`

    Yields
    ------
    (N, n) array
    """
    check_step(eta)
    tokens = floats("tokens", tokens)
    while True:
        yield tokens
        tokens = tokens + tokens.dtype.type(eta) * (kernel_mean(tokens, tokens, beta, engine=engine) - tokens)


def refine(
    tokens: np.ndarray, beta: float, n_layers: int, eta: float = 0.1, *, engine: Engine = "auto"
) -> np.ndarray:  # fmt: skip
    """Stage 1: the cloud after so many layers; parameters as in :func:`flow`."""
    return next(islice(flow(tokens, beta, eta, engine=engine), count("n_layers", n_layers), None))


def two_stage(
    noisy: np.ndarray, noise: float, *, beta: float, horizon: float, eta: float = 0.1, engine: Engine = "auto"
) -> np.ndarray:
    """Attention as empirical Bayes: refine the cloud of noisy tokens, then let each input ask the refined cloud.

    Parameters
    ----------
    noisy : (N, n) array, clean tokens plus N(0, noise I)
    noise : float > 0, variance of the noise per coordinate
    beta : float > 0, precision of stage 1; ``beta noise`` of 1 to 4 is sensible, 2 a good default
    horizon : float >= 0, time of stage 1, see :func:`horizon`
    eta, engine : as in :func:`flow`

    Returns
    -------
    (N, n) array, approximate posterior means
    """
    noise = positive("noise", noise)
    return kernel_mean(noisy, refine(noisy, beta, depth(horizon, beta, eta), eta, engine=engine), 1 / noise)


def horizon(noise: float, beta: float = np.inf, prior_variance: float | None = None) -> float:
    """Time of stage 1 that undoes the noise: ``T = noise/2 + log(1 + noise / prior_variance) / (2 beta)``.

    The second term is the price of a kernel of finite width; exact in the mean field for a Gaussian prior of that
    variance per coordinate. For a mixture take the variance within a component.

    Parameters
    ----------
    noise : float > 0, variance of the noise
    beta : float > 0, precision of the kernel
    prior_variance : float > 0, needed where beta is finite

    Raises
    ------
    InputError
        For a parameter that is not positive.
    """
    noise = positive("noise", noise)
    if beta == np.inf:
        return noise / 2
    beta, prior_variance = positive("beta", beta), positive("prior_variance", prior_variance)
    return noise / 2 + float(np.log1p(noise / prior_variance)) / (2 * beta)


def depth(horizon: float, beta: float, eta: float) -> int:
    """Layers that cover a horizon: ``eta layers = beta horizon``, rounded; refused where they are more than 10,000."""
    layers = positive("horizon", horizon, zero=True) * positive("beta", beta) / check_step(eta)
    if layers > MOST:
        raise InputError(
            f"horizon={horizon:.3g} with beta={beta:.3g} and eta={eta:.3g} takes {layers:.3g} layers; expected at most "
            f"{MOST:,}. A horizon is about half the variance of the noise; a larger eta takes fewer layers"
        )
    return round(layers)


def check_step(eta: float) -> float:
    """A step in (0, 1]."""
    if positive("eta", eta) > 1:
        raise InputError(f"eta={eta}; expected a step in (0, 1], such as 0.1")
    return float(eta)


def gaussian_variance(start: float, beta: float, time: np.ndarray | float) -> np.ndarray:
    """Mean-field variance of a Gaussian cloud at times of stage 1, ``dv/dt = -2 v / (v + 1/beta)``.

    Solves ``v + log(v)/beta = start + log(start)/beta - 2 time``, by Lambert's W.
    """
    from scipy.special import lambertw

    start, beta = positive("start", start), positive("beta", beta)
    log_right = beta * (start - 2 * np.asarray(time, float)) + np.log(beta * start)
    # beta v exp(beta v) = exp(log_right); beyond the range of exp, W(e^r) solves w + log w = r
    with np.errstate(over="ignore"):
        w = np.where(log_right < 500, lambertw(np.exp(np.minimum(log_right, 500.0))).real, log_right)
    for _ in range(4):
        w = w - (w + np.log(np.maximum(w, 1e-300)) - log_right) * w / (1 + w)
    return w / beta
