"""Similarity matching of one stream: principal subspace, whitening, nonnegative features.

``min_Y |X'X - Y'Y|^2 / T^2``: outputs as similar to each other as the inputs are.
"""

from __future__ import annotations

from .._card import paper
from ..circuit import Circuit, Step
from ..derive import align, match, nonnegative, similarity, soft_white, sparse, white


@paper(
    "pehlevan2015",
    name="psp",
    title="A Hebbian/Anti-Hebbian Neural Network for Linear Subspace Learning: A Derivation from Multidimensional "
    "Scaling of Streaming Data",
    authors="C. Pehlevan, T. Hu, D. B. Chklovskii",
    year=2015,
    url="https://arxiv.org/abs/1503.00669",
    estimator="SimilarityMatching",
    claims=("the filters M^{-1} W converge to the principal subspace", "eig(M) converge to the top eigenvalues"),
)
def principal_subspace(
    n_components: int = 2, *, whiten: bool | float = False, tau: float = 0.5, step: Step | None = None
) -> Circuit:
    """The principal subspace of a stream: ``z = M^{-1} W x``, ``dW ~ z x' - W``, ``dM ~ z z' - M``.

    With ``whiten``, ``dM ~ z z' - I``: the outputs keep the subspace and become uncorrelated with unit variance. A
    ``whiten`` of s between 0 and 1 shrinks their variances lambda to ``(1 - s) lambda + s``, ``dM ~ z z' - (1 - s) M -
    s I``.
    """
    x, share = similarity("x"), float(whiten)
    problem = match(x) if not share else align(x, white if share == 1.0 else soft_white(share))
    return problem.circuit(n_components, name="psp", tau=tau, step=step or Step(0.05, 0.005))


@paper(
    "pehlevan2014",
    name="nsm",
    title="A Hebbian/Anti-Hebbian Network Derived from Online Non-Negative Matrix Factorization "
    "Can Cluster and Discover Sparse Features",
    authors="C. Pehlevan, D. B. Chklovskii",
    year=2014,
    url="https://arxiv.org/abs/1503.00680",
    estimator="NonnegativeSimilarityMatching",
    claims=("online learning reaches the objective of offline symmetric nonnegative matrix factorisation of the Gram",),
)
def nonnegative_similarity(
    n_components: int = 10, *, l1: float = 0.0, tau: float = 0.5, step: Step | None = None
) -> Circuit:
    """Clusters and sparse features of a stream: principal subspace with ``z >= 0``; ``l1`` is a firing threshold."""
    problem = match(similarity("x"), nonnegative, sparse(l1))
    return problem.circuit(n_components, name="nsm", tau=tau, step=step or Step(0.05, 0.01))
