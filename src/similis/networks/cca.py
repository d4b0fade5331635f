"""Canonical correlations of two or more streams, by neurons with one dendritic compartment a stream."""

from __future__ import annotations

from functools import reduce
from operator import add

from .._card import paper
from .._errors import InputError
from ..circuit import Circuit, Step
from ..derive import Expression, align, at_most_white, identity, match, similarity


@paper(
    "lipshutz2020",
    name="cca",
    title="A Biologically Plausible Neural Network for Multichannel Canonical Correlation Analysis",
    authors="D. Lipshutz, Y. Bahroun, S. Golkar, A. M. Sengupta, D. B. Chklovskii",
    year=2020,
    url="https://arxiv.org/abs/2010.00525",
    estimator="OnlineCCA",
    claims=(
        "the outputs span the top canonical directions of the streams",
        "eig(M) converge to 1 + rho_i for two streams",
        "with interneurons, outputs above a threshold of correlation survive and are white; the others fall silent",
    ),
)
def canonical_correlation(
    n_components: int = 2,
    *,
    views: tuple[str, ...] = ("x", "y"),
    ridge: float | tuple[float, ...] = 0.0,
    tau: float = 30.0,
    step: Step | None = None,
) -> Circuit:
    """The streams' common signal: ``z = M^{-1} sum_c a_c``, ``dW_c ~ (z - a_c) x_c' - ridge_c W_c``, ``dM ~ z z' - M``.

    Every compartment is taught by what the others and the laterals say, ``z - a_c``. A leak of W_c
    is a ridge on C_cc in the constraint.
    The default rates are for streams of RMS norm 1.
    """
    problem = match(_whitened(views, ridge))
    return problem.circuit(n_components, name="cca", tau=tau, step=step or Step(0.3, 1e-4))


def adaptive_canonical_correlation(
    n_components: int = 2,
    *,
    threshold: float = 0.5,
    views: tuple[str, ...] = ("x", "y"),
    ridge: float | tuple[float, ...] = 0.0,
    tau: float | None = None,
    step: Step | None = None,
) -> Circuit:
    """As many outputs as there are correlations above a threshold, and white: canonical correlation with interneurons.

    ``z = (P P' + alpha I)^{-1} sum_c a_c``, ``dW_c`` as above, ``dP ~ z (P'z)' - P``, alpha = 1 + threshold. At the
    fixed point ``<z z'>`` has an eigenvalue 1 for every rho_i > threshold, up to ``n_components``, and 0 for the rest;
    ``eig(P P') = {rho_i - threshold} and 0``.

    Surplus neurons fall silent if ``tau < (1 + rho) / (2 b (rho - threshold))`` for each rho that survives, b the
    largest eigenvalue of the streams' covariances; else they rotate for ever. In streams of RMS norm 1, b <= 1: the
    default, ``tau = 1 / (1 - threshold)``, is safe whatever the streams (docs/decisions/0006).
    """
    if not 0.0 <= threshold < 1.0:
        raise InputError(f"threshold={threshold!r}; expected a correlation in [0, 1)")
    safe = 1.0 / (1.0 - threshold)
    problem = align(_whitened(views, ridge) - identity(1.0 + threshold), at_most_white(1e-3))
    tau, step = safe if tau is None else tau, step or Step(0.3, 3e-4)
    return problem.circuit(n_components, name="adaptive cca", tau=tau, step=step)


def _whitened(views: tuple[str, ...], ridge: float | tuple[float, ...]) -> Expression:
    """The sum of the whitened streams' similarities."""
    ridges = ridge if isinstance(ridge, tuple) else (ridge,) * len(views)
    if not views or len(set(views)) < len(views):
        raise InputError(f"views={views}; expected one or more distinct names")
    several = (similarity(name, metric=1.0, ridge=value) for name, value in zip(views, ridges, strict=True))
    return reduce(add, several)
