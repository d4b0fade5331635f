"""Canonical correlations of two or more streams, by neurons with one dendritic compartment a stream."""

from __future__ import annotations

from ..circuit import Channel, Circuit, Domain, Lateral, Step
from ._card import paper


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
    ridges = ridge if isinstance(ridge, tuple) else (ridge,) * len(views)
    channels = tuple(Channel(name, metric=1.0, leak=value) for name, value in zip(views, ridges, strict=True))
    return Circuit("cca", n_components, channels, Lateral("gram", tau=tau), Domain.free(), step or Step(0.3, 1e-4))
