"""The words for constraints."""

from __future__ import annotations

import math

from ..circuit import Ball, Box, Domain, PowerControl, Total
from .constraints import Feedforward, RowSums, Trace, Within
from .refusals import expect_number, written
from .spreads import AtMostWhite, SoftWhite, White

#: z >= 0
nonnegative = Within(Box.nonnegative(), "nonnegative")
#: <z z'> = I
white = White()
#: <z z'> <= I; ``at_most_white(offset)`` with a barrier before the bound
at_most_white = AtMostWhite()
#: z = V x; ``feedforward("y")`` with another stream
feedforward = Feedforward()


def sparse(l1: float) -> Within:
    """A price ``2 l1 <|z|_1>``: outputs below a threshold are 0. ``l1`` is a float >= 0."""
    l1 = expect_number(l1, f"sparse({l1!r})")
    return Within(Box(l1=l1), f"sparse({written(l1)})")


def ball(radius: float = 1.0) -> Within:
    """``z >= 0``, ``|z| <= radius``; a float > 0."""
    radius = expect_number(radius, f"ball({radius!r})", strictly=True)
    return Within(Ball(radius), f"ball({written(radius)})")


def soft_white(share: float) -> SoftWhite:
    """Output variances shrink towards 1; ``share`` is a float between 0 and 1."""
    return SoftWhite(share)


def row_sums(rho: float = 1.0, stiffness: float = math.inf) -> RowSums:
    """``z >= 0`` and rows of Z'Z/T that sum to ``rho`` > 0; a finite ``stiffness`` > 0 makes it a price."""
    rho = expect_number(rho, f"row_sums({rho!r})", strictly=True)
    return RowSums(Total.row_sum(rho, stiffness), _sums(rho, stiffness))


def trace(power: float, *, shift: float = 0.1, rate: float = 0.002, minimum: float = 1e-3) -> Trace:
    """``<|z|^2> = power`` > 0.

    ``shift`` is the self-inhibition at the beginning, ``rate`` > 0 that at which it learns, and it never falls below
    ``minimum`` > 0.
    """
    power = expect_number(power, f"trace({power!r})", strictly=True)
    return Trace(PowerControl(shift, power, rate, minimum))


def between(lower: float = -math.inf, upper: float = math.inf) -> Within:
    """Bounds of every output, ``lower <= 0 < upper``."""
    return within(Box(float(lower), float(upper)))


def within(domain: Domain) -> Within:
    """Outputs of any domain of :mod:`similis.circuit`."""
    if isinstance(domain, Total) and domain.learned:
        return RowSums(domain, _sums(domain.total, domain.stiffness))
    if isinstance(domain, Ball):
        return Within(domain, f"ball({written(domain.radius)})")
    return Within(domain, _box(domain) if isinstance(domain, Box) else f"within({domain})")


def centred(rate: float) -> Within:
    """A running mean is subtracted from outputs that are the drive; it follows at ``rate``, in [0, 1)."""
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
