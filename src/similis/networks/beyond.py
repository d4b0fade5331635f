"""Networks of one line each: slow features, minimum noise, parts that views share.

Streams of RMS norm 1 suit the default steps. Each has an exact solution beside it in the tests.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import add

from .._card import paper
from ..circuit import Circuit, Step
from ..derive import lagged, match, nonnegative, similarity


def slow_features(n_components: int = 2, *, ridge: float = 0.0, tau: float = 10.0, step: Step | None = None) -> Circuit:
    """What changes least in a stream: ``match(similarity(lagged("x", 1) + "x", metric_of="x"))``.

    Outputs span the top solutions of ``C_bb v = lambda C_xx v`` with b(t) = x(t) + x(t-1), lambda = 2 + 2 rho, rho the
    autocorrelation at lag 1 (Wiskott & Sejnowski 2002; as a network Lipshutz, Windolf, Golkar & Chklovskii 2020). The
    circuit has the channels ``x_sum`` and ``x``, with one matrix of weights; :meth:`similis.derive.Problem.streams`
    makes their rows. Where directions of x differ a hundredfold in variance, whiten x before: the metric is learned as
    slowly as its smallest direction. Where the slowest features are nearly equally slow, as in movies,
    :func:`minimum_noise` has the same ones, farther apart, and learns them (``benchmarks/bench_slow.py``).

    Parameters
    ----------
    n_components : int
    ridge : float >= 0, added to C_xx
    tau : float, laterals learn at rate eta/tau
    step : Step, default ``Step(0.2, 2e-3)``

    Examples
    --------
    >>> from similis.networks import slow_features
    >>> slow_features(2).names
    ('x_sum', 'x')
    """
    problem = match(similarity(lagged("x", 1) + "x", metric_of="x", ridge=ridge))
    return problem.circuit(n_components, name="slow features", tau=tau, step=step or Step(0.2, 2e-3))


def minimum_noise(
    n_components: int = 2, *, ridge: float = 0.01, tau: float = 10.0, step: Step | None = None
) -> Circuit:
    """What stands out most from its own changes: ``match(similarity("x", metric_of="x" - lagged("x", 1)))``.

    Outputs span the top solutions of ``C_xx v = lambda (C_dd + ridge I) v``, d(t) = x(t) - x(t-1): the signal-to-noise
    ratio where noise is what changes from sample to sample (minimum noise fraction, Green et al. 1988). Without ridge
    these are the slow features of x.

    Parameters
    ----------
    n_components : int
    ridge : float > 0, in units of the mean square of x, without which a constant would have an infinite ratio
    tau : float, laterals learn at rate eta/tau
    step : Step, default ``Step(0.02, 1e-3)``

    Examples
    --------
    >>> from similis.networks import minimum_noise
    >>> minimum_noise(2).names
    ('x', 'x_change')
    """
    problem = match(similarity("x", metric_of="x" - lagged("x", 1), ridge=ridge))
    return problem.circuit(n_components, name="minimum noise", tau=tau, step=step or Step(0.02, 1e-3))


@paper(
    "lipshutz2020slow",
    name="slow",
    title="A biologically plausible neural network for Slow Feature Analysis",
    authors="D. Lipshutz, C. Windolf, S. Golkar, D. B. Chklovskii",
    year=2020,
    url="https://arxiv.org/abs/2010.12644",
    estimator="SlowFeatureAnalysis",
    claims=("a network with local rules learns the slowest linear features of a stream",),
)
def slowest_features(n_components: int = 2, *, tau: float = 3.0, step: Step | None = None) -> Circuit:
    """The network of :class:`similis.SlowFeatureAnalysis`: :func:`minimum_noise` of rows whose changes are white.

    Parameters
    ----------
    n_components : int
    tau : float, laterals learn at rate eta/tau; stable up to n_features / 2 where changes have RMS norm 1
    step : Step, default ``Step(0.2, 3e-4)``, for pairs of rows in random order

    Examples
    --------
    >>> from similis.networks import slowest_features
    >>> slowest_features(2).names
    ('x', 'x_change')
    """
    return replace(minimum_noise(n_components, ridge=0.0, tau=tau, step=step or Step(0.2, 3e-4)), name="slow")


def shared_parts(
    n_components: int = 8,
    *,
    views: tuple[str, ...] = ("a", "b", "c"),
    ridge: float = 0.01,
    tau: float = 1.0,
    step: Step | None = None,
) -> Circuit:
    """Nonnegative features that several views agree on: ``match(sum of similarity(view, metric=1)), nonnegative``.

    Canonical correlation of several views with outputs that cannot be negative: clusters and parts that are seen from
    everywhere. The optimum is a symmetric nonnegative factorisation of the summed, whitened Gram.

    Parameters
    ----------
    n_components : int
    views : names of the streams
    ridge : float >= 0, added to each view's moment
    tau : float, laterals learn at rate eta/tau
    step : Step, default ``Step(0.05, 1e-3)``

    Examples
    --------
    >>> from similis.networks import shared_parts
    >>> shared_parts(4).names
    ('a', 'b', 'c')
    """
    alike = reduce(add, (similarity(view, metric=1.0, ridge=ridge) for view in views))
    problem = match(alike, nonnegative)
    return problem.circuit(n_components, name="shared parts", tau=tau, step=step or Step(0.05, 1e-3))
