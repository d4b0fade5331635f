"""Tiling a manifold with localised receptive fields."""

from __future__ import annotations

import math

from .._card import paper
from ..circuit import Circuit, Step
from ..derive import align, ball, constant, similarity


@paper(
    "sengupta2018",
    name="tiling",
    title="Manifold-tiling Localized Receptive Fields are Optimal in Similarity-preserving Neural Networks",
    authors="A. M. Sengupta, M. Tepper, C. Pehlevan, A. Genkin, D. B. Chklovskii",
    year=2018,
    url="https://doi.org/10.1101/338947",
    estimator="ManifoldTiling",
    claims=(
        "receptive fields are localised and tile the manifold",
        "on a ring they are truncated cosines, whose width the threshold sets",
    ),
)
def manifold_tiling(n_components: int = 16, *, threshold: float = 0.3, step: Step | None = None) -> Circuit:
    """Outputs of bounded norm aligned with similarities above a threshold: ``z = v/|v|, v = [W x - sqrt(alpha) b]_+``.

    ``min_{Z >= 0, |z_t| <= 1} -Tr (X'X - alpha E) Z'Z / T^2`` with ``dW ~ z x' - W``, ``db ~ sqrt(alpha) z - b``. The
    inhibition is divisive, one number for all neurons; no lateral weights. Default rates are for samples of norm 1.
    """
    problem, step = align(similarity("x") - constant(threshold), ball(1.0)), step or Step(0.05, 1e-3, floor=0.0025)
    return problem.circuit(n_components, name="tiling", step=step)


def ring_half_width(threshold: float) -> float:
    """Half-width psi (radians) of the optimal field ``[cos phi - cos psi]_+`` on the unit circle.

    Solves ``alpha = cos psi (psi/2 - sin(2 psi)/4) / (sin psi - psi cos psi)``: pi/2 at alpha = 0, to 0 at alpha = 1.
    """
    low, high = 1e-3, math.pi / 2
    for _ in range(60):  # the right-hand side falls from 1 to 0
        psi = (low + high) / 2
        reached = math.cos(psi) * (psi / 2 - math.sin(2 * psi) / 4) / (math.sin(psi) - psi * math.cos(psi))
        low, high = (psi, high) if reached > threshold else (low, psi)
    return (low + high) / 2
