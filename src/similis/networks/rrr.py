"""Regression of one stream on another through a few neurons, without errors sent back."""

from __future__ import annotations

from .._card import paper
from ..circuit import Circuit, Step
from ..derive import align, at_most_white, feedforward, similarity


@paper(
    "golkar2020",
    name="rrr",
    title="A simple normative network approximates local non-Hebbian learning in the cortex",
    authors="S. Golkar, D. Lipshutz, Y. Bahroun, A. M. Sengupta, D. B. Chklovskii",
    year=2020,
    url="https://arxiv.org/abs/2010.12660",
    estimator="ReducedRankRegression",
    claims=(
        "the two-layer map converges to reduced-rank regression in the metric of y that was asked for",
        "eig(P P') converge to the squared singular values, for the CCA metric the squared canonical correlations",
    ),
)
def reduced_rank_regression(
    n_components: int = 2,
    *,
    metric: float = 0.0,
    target_rate: float = 0.01,
    tau: float = 50.0,
    step: Step | None = None,
) -> Circuit:
    """x drives, y teaches: ``z = Wx x``, ``dWx ~ (Wy y - P P' z) x'``, ``dWy ~ (z - s Wy y) y' - (1 - s) Wy``,
    ``dP ~ z (P'z)' - P``.

    ``min |y - Sigma^-1 Vy Vx' x|^2_Sigma`` with ``Sigma^-1 = s Cyy + (1 - s) I``: squared error for ``metric`` s = 0,
    canonical correlations for s = 1. P P' is the multiplier of the gain control ``<z z'> = I``.
    The default rates are for streams of RMS norm 1: the teaching synapses and the interneurons are slow, which damps
    the oscillation between them and z (see docs/decisions).
    """
    problem = align(similarity("y", metric=metric), at_most_white, feedforward)
    rates, step = {"y": target_rate}, step or Step(0.25, 1e-4)
    return problem.circuit(n_components, name="rrr", tau=tau, step=step, rates=rates, init_scale=1 / 3)
