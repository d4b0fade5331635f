"""Motion from pairs of consecutive frames: similarity matching of transformations."""

from __future__ import annotations

from .._card import paper
from ..circuit import Circuit, Step
from ..derive import match, nonnegative, similarity


@paper(
    "bahroun2019",
    name="motion",
    title="A Similarity-preserving Neural Network Trained on Transformed Images Recapitulates Salient Features of the "
    "Fly Motion Detection Circuit",
    authors="Y. Bahroun, A. M. Sengupta, D. B. Chklovskii",
    year=2019,
    url="https://arxiv.org/abs/2102.05503",
    estimator="MotionDetector",
    claims=(
        "a network trained on pairs of frames learns the generators of their transformations",
        "rectified neurons are direction-selective and combine at least three adjacent pixels",
    ),
)
def motion_detection(
    n_components: int = 2, *, rectify: bool = True, tau: float = 0.5, step: Step | None = None
) -> Circuit:
    """Detectors of small transformations: similarity matching of ``chi = vec(dx x')``, x a frame and dx its change.

    ``min_Z sum_tu ((dx_t . dx_u)(x_t . x_u) - z_t . z_u)^2``, with z >= 0 if ``rectify``. A neuron's current is
    ``dx' W_a x``: at every synapse a temporal change is multiplied by an intensity. Give rows as
    :class:`similis.circuit.Outer`; the products are then never written out.
    """
    problem = match(similarity("x") * similarity("dx"), *((nonnegative,) if rectify else ()))
    return problem.circuit(n_components, name="motion", tau=tau, step=step or Step(0.05, 0.001))
