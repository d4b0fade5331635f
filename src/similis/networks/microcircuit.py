"""A cortical microcircuit that is told what it should have said: two layers learn without errors sent back."""

from __future__ import annotations

from .._card import paper
from ..circuit import Circuit, Step
from ..derive import align, at_most_white, centred, feedforward, nonnegative, similarity


@paper(
    "golkar2020local",
    name="local-supervision",
    title="A biologically plausible neural network for local supervision in cortical microcircuits",
    authors="S. Golkar, D. Lipshutz, Y. Bahroun, A. M. Sengupta, D. B. Chklovskii",
    year=2020,
    url="https://arxiv.org/abs/2011.15031",
    estimator="LocalSupervisionClassifier",
    claims=(
        "the linear network converges to the optimum of the two-layer least squares problem, as backprop does",
        "the network of rectified units comes within half a per cent of backprop's accuracy",
    ),
)
def local_supervision(
    n_components: int = 64,
    *,
    linear: bool = False,
    mean_rate: float = 1e-3,
    decoupled: bool = False,
    target_rate: float = 0.01,
    tau: float = 50.0,
    step: Step | None = None,
) -> Circuit:
    """x drives, y teaches: ``z = f(W1 x)``, ``dW1 ~ f' (W2'y - P P' z) x'``, ``dW2' ~ z y' - W2'``,
    ``dP ~ z (P'z)' - P``.

    f is a rectifier whose running mean is subtracted (``z = [W1 x]_+ - m``, m follows at ``mean_rate``), or the
    identity. ``decoupled``: the way from pyramidal cells to interneurons has weights R of its own, ``n = R z``,
    ``dR ~ n z' - R``. The default rates are for x of RMS norm 1 and one-hot y.
    """
    rectified = () if linear else (nonnegative, centred(mean_rate))
    problem = align(similarity("y"), at_most_white, feedforward, *rectified)
    return problem.circuit(
        n_components,
        name="local-supervision",
        tau=tau,
        step=step or Step(0.25, 1e-4),
        rates={"y": target_rate},
        decoupled=decoupled,
        init_scale=1 / 3 if linear else 0.1,
    )
