"""The paper as a system: what is asked of a composition, by which networks, and how sure the answer is."""

from __future__ import annotations

from .._card import paper
from ..circuit import Arrow, Box, Equation, System


@paper(
    "kaplan2025superconductivity",
    name="tc",
    title="Deep Learning Based Superconductivity: Prediction and Experimental Tests",
    authors="D. Kaplan, A. Zhang, J. Blawat, R. Jin, R. J. Cava, V. Oudovenko, G. Kotliar, A. M. Sengupta, W. Xie",
    year=2025,
    url="https://arxiv.org/abs/2412.13012",
    estimator="CriticalTemperatureRegressor",
    data="formulas",
    claims=(
        "networks that see the composition alone predict whether a material superconducts, and its critical "
        "temperature, as well as forests on chemical descriptors",
        "they pointed to a new superconductor, Mo20Re6Si4, measured at 5.4 K",
    ),
)
def superconductor() -> System:
    """Critical temperature from composition: attention over known compositions, and over the elements of one."""
    return System(
        name="tc",
        title="attention over known compositions and over elements predicts the critical temperature",
        equations=(
            Equation("objective", "min sum_i |y_i - sum_j w_ij y_j|^2,  w_ij ~ exp(-t |z_i - z_j|), j of other systems",
                     r"\min\ & \textstyle\sum_i |y_i - \sum_j w_{ij} y_j|^2,\quad w_{ij} \propto e^{-t|z_i - z_j|}"),
            Equation("features", "x_e = amount_e / sum of amounts;   c(x) fractions, ranks, logarithms, descriptors",
                     r"& x_e = a_e / \textstyle\sum_e a_e,\quad c(x)"),
            Equation("similarity", "z = (a * c, V c, network(c))", r"& z = (a \odot c,\ V c,\ g(c))"),
            Equation("recall", "r(x) = .7 k(z, Z) (K + ridge I)^-1 y + .3 sum_j w_j y_j,   K_ij = exp(-|z_i - z_j|/2)",
                     r"& r(x) = .7\, k(z, Z)(K + \rho I)^{-1} y + .3 \textstyle\sum_j w_j y_j"),
            Equation("set", "s(x) = attention among element tokens, keys biased by log x_e",
                     r"& s(x) = \mathrm{attention}(\{(e, x_e)\}),\ \text{bias } \log x_e"),
            Equation("answer", "Tc, P(superconducts), P(Tc > threshold) = means over members",
                     r"& T_c,\ P(T_c > 0),\ P(T_c > \theta)"),
            Equation("interval", "Tc +- q,   q: 90 % of the errors of held-out compositions most alike",
                     r"& T_c \pm q_{90\%}"),
        ),
        boxes=(
            Box("formula\nMo20Re6Si4", 1.5, 4.0, 0),
            Box("coordinates\n$c(x)$", 4.4, 5.6, 0),
            Box("element tokens\n$(e, x_e)$", 4.4, 2.4, 0),
            Box("known compositions\nrecall", 7.6, 5.6, 1, 2.6),
            Box("self-attention\nover elements", 7.6, 2.4, 2, 2.6),
            Box("$T_c \\pm q$, P,\nnovelty", 10.8, 4.0, 3, 2.0),
        ),
        arrows=(
            Arrow(0, 1), Arrow(0, 2), Arrow(1, 3), Arrow(2, 4), Arrow(3, 5), Arrow(4, 5),
        ),
    )  # fmt: skip
