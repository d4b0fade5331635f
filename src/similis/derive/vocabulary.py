"""The words for constraints."""

from __future__ import annotations

import math

from ..circuit import Ball, Box, Domain, PowerControl, Total
from ..circuit.checks import expect_type
from .constraints import Feedforward, RowSums, Trace, Within
from .covariance import AtMostWhite, SoftWhite, White
from .refusals import expect_number, finite, refuse, written

#: z >= 0
nonnegative = Within(Box.nonnegative(), "nonnegative")
#: <z z'> = I
white = White()
#: <z z'> <= I; ``at_most_white(offset)`` with a barrier before the bound
at_most_white = AtMostWhite()
#: z = V x; ``feedforward("y")`` with another stream
feedforward = Feedforward()


def sparse(l1: float) -> Within:
    """A cost ``2 l1 <|z|_1>``: outputs below a threshold are 0.

    Parameters
    ----------
    l1 : float >= 0

    Examples
    --------
    >>> from similis.derive import match, similarity, sparse
    >>> print(match(similarity("x"), sparse(0.1)))
    min_Z 1/2 |X'X - Z'Z|^2 + 0.2 <|z|_1>
    """
    l1 = expect_number(l1, f"sparse({l1!r})")
    return Within(Box(l1=l1), f"sparse({written(l1)})")


def ball(radius: float = 1.0) -> Within:
    """``z >= 0``, ``|z| <= radius``: divisive inhibition.

    Parameters
    ----------
    radius : float > 0

    Examples
    --------
    >>> from similis.derive import align, ball, similarity
    >>> align(similarity("x"), ball(2)).circuit(3).domain
    Ball(radius=2.0)
    """
    radius = expect_number(radius, f"ball({radius!r})", strictly=True)
    return Within(Ball(radius), f"ball({written(radius)})")


def soft_white(share: float) -> SoftWhite:
    """Output variances shrink towards 1: a cost ``|<z z'> - share I|^2 / (2 (1 - share))``.

    Parameters
    ----------
    share : float between 0 (similarity matching) and 1 (white)

    Examples
    --------
    >>> from similis.derive import align, similarity, soft_white
    >>> align(similarity("x"), soft_white(0.3)).circuit(3).lateral
    SoftWhiten(tau=0.5, share=0.3)
    """
    return SoftWhite(share)


def row_sums(rho: float = 1.0, stiffness: float = math.inf) -> RowSums:
    """``z >= 0``, and rows of ``Z'Z/T`` sum to rho: outputs do not depend on the origin.

    Parameters
    ----------
    rho : float > 0
    stiffness : float > 0; a finite one makes it a cost, ``stiffness |Z'Z 1/T - rho 1|^2 / T``

    Examples
    --------
    >>> from similis.derive import align, identity, row_sums, similarity
    >>> print(align(similarity("x") - identity(0.05), row_sums(1)))
    max_Z <X'X - 0.05 T I, Z'Z>, z >= 0, Z'Z 1 / T = 1
    """
    rho = expect_number(rho, f"row_sums({rho!r})", strictly=True)
    return RowSums(Total.row_sum(rho, stiffness), _sums(rho, stiffness))


def trace(power: float, *, shift: float = 0.1, rate: float = 0.002, minimum: float = 1e-3) -> Trace:
    """``<|z|^2> = power``, by a self-inhibition that learns.

    Parameters
    ----------
    power : float > 0
    shift : float >= minimum, the self-inhibition at the beginning
    rate : float > 0, at which it learns
    minimum : float > 0, it never falls below

    Examples
    --------
    >>> from similis.derive import align, similarity, trace
    >>> align(similarity("x"), trace(2)).circuit(3).neuron.inhibition
    PowerControl(shift=0.1, target_power=2.0, rate=0.002, minimum=0.001)
    """
    power = expect_number(power, f"trace({power!r})", strictly=True)
    return Trace(PowerControl(shift, power, rate, minimum))


def between(lower: float = -math.inf, upper: float = math.inf) -> Within:
    """Bounds of every output.

    Parameters
    ----------
    lower, upper : floats, ``lower <= 0 < upper``

    Examples
    --------
    >>> from similis.derive import between, match, similarity
    >>> print(match(similarity("x"), between(-1, 1)))
    min_Z 1/2 |X'X - Z'Z|^2, -1 <= z <= 1
    """
    for bound in (lower, upper):
        if not finite(bound) and bound not in (-math.inf, math.inf):
            refuse(f"between({lower!r}, {upper!r})", "expected numbers")
    return within(Box(float(lower), float(upper)))


def within(domain: Domain) -> Within:
    """Outputs of any domain of :mod:`similis.circuit`.

    Parameters
    ----------
    domain : Domain

    Examples
    --------
    >>> from similis.circuit import Box
    >>> from similis.derive import within
    >>> print(within(Box.nonnegative(l1=0.1)))
    nonnegative, sparse(0.1)
    """
    expect_type(domain, Domain, "domain", "a Domain, e.g. Box.nonnegative()")
    if isinstance(domain, Total) and domain.learned:
        return RowSums(domain, _sums(domain.total, domain.stiffness))
    if isinstance(domain, Ball):
        return Within(domain, f"ball({written(domain.radius)})")
    return Within(domain, _box(domain) if isinstance(domain, Box) else f"within({domain})")


def centred(rate: float) -> Within:
    """A running mean is subtracted from outputs that do not settle.

    Parameters
    ----------
    rate : float in [0, 1), at which the mean follows

    Examples
    --------
    >>> from similis.derive import align, at_most_white, centred, feedforward, nonnegative, similarity
    >>> align(similarity("y"), at_most_white, feedforward, nonnegative, centred(0.01)).circuit(3).domain.mean_rate
    0.01
    """
    rate = expect_number(rate, f"centred({rate!r})")
    return Within(Box(mean_rate=rate), f"centred({written(rate)})")


def _box(box: Box) -> str:
    """The words that make a box."""
    bounds = {"lower": box.lower, "upper": box.upper}
    finite = ", ".join(f"{name}={written(bound)}" for name, bound in bounds.items() if math.isfinite(bound))
    words = ["nonnegative" if finite == "lower=0" else f"between({finite})"] if finite else []
    words += [f"sparse({written(box.l1)})"] if box.l1 else []
    words += [f"centred({written(box.mean_rate)})"] if box.mean_rate else []
    return ", ".join(words) or "between()"


def _sums(rho: float, stiffness: float) -> str:
    held = "" if math.isinf(stiffness) else f", stiffness={written(stiffness)}"
    return f"row_sums({written(rho)}{held})"
