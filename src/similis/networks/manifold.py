"""Semi-supervised classification on manifolds: tiles, and labels that spread from tile to tile."""

from __future__ import annotations

from .._card import paper
from ..circuit import Channel, Circuit, Neuron, NoLateral, Step, Synapse, Total
from .flexible import row_sum_similarity


@paper(
    "genkin2019",
    name="manifold",
    title="A Neural Network for Semi-Supervised Learning on Manifolds",
    authors="A. Genkin, A. M. Sengupta, D. B. Chklovskii",
    year=2019,
    url="https://arxiv.org/abs/1908.08145",
    estimator="ManifoldClassifier",
    claims=(
        "one label a class is enough where classes are manifolds apart from each other",
        "the correlations between tiles take the place of a graph between samples",
        "all learning is Hebbian and online, with the label channel silent most of the time",
    ),
)
def label_propagation(n_components: int = 2, *, emphasis: float = 10.0, step: Step | None = None) -> Circuit:
    """Layer 2, a neuron a class: ``z = proj(V s + kappa l)`` on the simplex, ``dV_ij ~ s_j (z_i - V_ij)``.

    s are shares of tiles that sum to 1. Columns of V stay on the simplex, so without a label ``z = V s``, the mean of
    the tiles' classes, and with one (``kappa = 1 + emphasis``) ``z = l`` for any ``sum(s) <= emphasis``. The gate s_j
    makes V_j the conditional mean of z given tile j: V spreads labels along the tiles' correlations ``<s s'>``. The
    label synapses are one to one and do not learn.
    """
    channels = (
        Channel("x", synapse=Synapse(input_gated=True)),
        Channel("label", drive=1.0 + emphasis, synapse=Synapse(rate=0.0)),
    )
    return Circuit("manifold", n_components, channels, NoLateral(), Neuron(Total()), step or Step(0.2))


def soft_tiles(n_components: int, *, sharpness: float = 0.5, step: Step | None = None) -> Circuit:
    """Layer 1: the row-sum network as soft tiles, whose trace is ``sharpness k``.

    Row sums make tiles of regions, wherever the origin is: ``b.z = 1``, ``z_i = [W_i x - a_i - lambda b_i]_+ / mu``.
    The trace, to which mu is steered, is near k for hard tiles and near 1 for tiles as wide as the data.
    """
    k = n_components
    step = step or Step(0.05, 0.01, floor=0.05 / k)  # a tile must average many of the few samples that fall into it
    return row_sum_similarity(k, trace=max(1.0, sharpness * k), mu=1 / k, step=step)
