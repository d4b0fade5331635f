"""Canonical correlations of two or more streams, by neurons with one dendritic compartment a stream."""

from __future__ import annotations

from .._card import paper
from .._errors import InputError
from ..circuit import Channel, Circuit, Gram, Inhibition, Interneurons, Neuron, Step


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
    channels, lateral = _compartments(views, ridge), Gram(tau)
    return Circuit("cca", n_components, channels, lateral, Neuron(), step or Step(0.3, 1e-4))


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
    lateral = Interneurons(safe if tau is None else tau, weight_offset=1e-3)
    neuron = Neuron(inhibition=Inhibition(1.0 + threshold))
    channels = _compartments(views, ridge)
    return Circuit("adaptive cca", n_components, channels, lateral, neuron, step or Step(0.3, 3e-4))


def _compartments(views: tuple[str, ...], ridge: float | tuple[float, ...]) -> tuple[Channel, ...]:
    ridges = ridge if isinstance(ridge, tuple) else (ridge,) * len(views)
    return tuple(Channel(name, metric=1.0, leak=value) for name, value in zip(views, ridges, strict=True))
