"""Similarity matching to inputs and labels together."""

from __future__ import annotations

from .._card import paper
from ..circuit import Circuit, Domain, Step
from ..derive import match, nonnegative, similarity, within


@paper(
    "bahroun2023",
    name="supervised",
    title="Unlocking the Potential of Similarity Matching: Scalability, Supervision and Pre-training",
    authors="Y. Bahroun, S. Sridharan, A. Acharya, D. B. Chklovskii, A. M. Sengupta",
    year=2023,
    url="https://arxiv.org/abs/2308.02427",
    estimator="SupervisedSimilarityMatching",
    claims=(
        "outputs are as similar as inputs and whitened labels together: <zz'> has the top eigenvalues of "
        "X'X + alpha L' C_ll^-1 L",
        "with both streams whitened, its canonical directions have the eigenvalues 1 + rho_i",
        "layers learn one after the other, each from its own input and the labels",
    ),
)
def supervised_similarity(
    n_components: int = 10,
    *,
    alpha: float = 0.1,
    whiten: bool = False,
    domain: Domain | None = None,
    tau: float = 0.5,
    step: Step | None = None,
) -> Circuit:
    """Nonnegative similarity matching with a label compartment V, silent at test: ``d = W x + sqrt(alpha) V l``.

    ``dV ~ (sqrt(alpha) z - V l) l'``: for one-hot labels V_c is the mean output in class c, times sqrt(alpha), and the
    label adds ``alpha / p_c`` to the similarity of two samples of class c. With ``whiten`` the input is whitened too.
    """
    alike = similarity("x", metric=float(whiten)) + alpha * similarity("label", metric=1.0)
    problem = match(alike, nonnegative if domain is None else within(domain))
    return problem.circuit(n_components, name="supervised", tau=tau, step=step or Step(0.05, 0.01))
