"""Similarity matching of patches, with filters and laterals shared over the image."""

from __future__ import annotations

from .._card import paper
from ..display import Arrow, Box, Equation, System


@paper(
    "bahroun2023",
    name="conv",
    title="Unlocking the Potential of Similarity Matching: Scalability, Supervision and Pre-training",
    authors="Y. Bahroun, S. Sridharan, A. Acharya, D. B. Chklovskii, A. M. Sengupta",
    year=2023,
    url="https://arxiv.org/abs/2308.02427",
    estimator="ConvSimilarityMatchingTransformer",
    claims=(
        "convolutional layers learn from local rules alone, one after the other",
        "a linear read-out of the learned features beats one of untrained random filters",
    ),
    data="images",
)
def convolutional_similarity(n_components: int = 32) -> System:
    """Outputs as similar as the patches of images are: :class:`similis.nn.ConvSimilarityMatching` in equations.

    ``min_{Y >= 0} |X'X + alpha L' C_ll^-1 L - Y'Y|^2``, x a patch and l the class of its image; every position is a
    sample, and all positions share W, V and M.
    """
    return System(
        "conv",
        f"{n_components} neurons at every position of an image, which share their filters",
        (
            Equation(
                "objective",
                "min_{Y >= 0} |X'X + alpha L' C_ll^-1 L - Y'Y|^2 over all patches x of all images",
                r"\min_{Y \ge 0}\ & \lVert X^\top X + \alpha L^\top C_{ll}^{-1} L - Y^\top Y \rVert^2",
            ),
            Equation(
                "dynamics",
                "y = argmin_{y >= 0} y'M y - 2 y'(W x + sqrt(alpha) V l) + 2 l1 |y|_1 at every position",
                r"y &= \arg\min_{y \ge 0} y^\top M y - 2 y^\top (W x + \sqrt{\alpha} V l) + 2 l_1 |y|_1",
            ),
            Equation("synapses", "dW = 2 eta (<y x'> - W)", r"\Delta W &= 2 \eta (\langle y x^\top \rangle - W)"),
            Equation(
                "",
                "dV = 2 eta (sqrt(alpha) <y l'> - V <l l'>)",
                r"\Delta V &= 2 \eta (\sqrt{\alpha} \langle y l^\top \rangle - V \langle l l^\top \rangle)",
            ),
            Equation(
                "lateral",
                "dM = (eta/tau) (<y y'> - M), averages over positions and images of a batch",
                r"\Delta M &= (\eta/\tau) (\langle y y^\top \rangle - M)",
            ),
        ),
        (
            Box("image", 1.4, 4.6, 0),
            Box("patch $x$\ncontrast, ZCA", 4.4, 4.6, 0),
            Box("class $l$\nwhile learning", 4.4, 1.6, 1),
            Box("$y \\geq 0$\nat every position", 8.0, 4.6, 2, width=2.8),
            Box("pooled\nfeatures", 10.9, 4.6, 3, width=1.8),
            Box("all neurons\nat the position", 8.6, 1.6, 2, width=2.8),
        ),
        (
            Arrow(0, 1),
            Arrow(1, 3, "$W$"),
            Arrow(2, 3, "$V$", dashed=True),
            Arrow(3, 4),
            Arrow(5, 3, "$M$"),
        ),
        (
            ("W", "y, x"),
            ("V (labels)", "y, V l, l"),
            ("M (lateral)", "y, y of the other neurons at the position"),
        ),
    )
