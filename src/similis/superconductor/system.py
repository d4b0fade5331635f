"""The paper as a system: what is asked of a composition, by which networks, and how sure the answer is."""

from __future__ import annotations

from .._card import paper
from ..display import Arrow, Box, Equation, System


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
    """Critical temperature from composition: regression from known compositions, and attention among elements."""
    return System(
        name="tc",
        title="what is known, read by kernel regression and attention, and attention among elements, predict Tc",
        equations=(
            Equation("objective", "min sum_i |y_i - answer without i|^2 + sum_i |y_i - answer without i's system|^2",
                     r"\min\ & \textstyle\sum_i |y_i - \hat y_{-i}|^2 + \sum_i |y_i - \hat y_{-g(i)}|^2"),
            Equation("features", "x_e = amount_e / sum;   c(x) amounts of elements and of groups, ranks, descriptors",
                     r"& x_e = a_e / \textstyle\sum_e a_e,\quad c(x)"),
            Equation("scales", "g_e(x) rises with the amount of e, element or group;   z = t (V c, network(c))",
                     r"& g_e(x)\ \text{rising in}\ x_e,\quad z = t\,(V c,\ n(c))"),
            Equation("gate", "one of two similarities for Tc has g_e exp(gate_e(descriptors)) instead",
                     r"& g_e(x)\, e^{\gamma_e(x)}\ \text{in one of two}"),
            Equation("similarity", "K_ij = 1 / (1 + d_ij),   d = sum_e |g_e(x) - g_e(x')| + |z(x) - z(x')|",
                     r"& K_{ij} = \frac{1}{1 + d_{ij}},\quad d = \textstyle\sum_e |g_e(x) - g_e(x')| + |z(x) - z(x')|"),
            Equation("left out", "without g:  y_g - P_gg^-1 (P y)_g,   P = (K + ridge I)^-1",
                     r"& \hat y_{-g} = y_g - P_{gg}^{-1} (P y)_g,\quad P = (K + \rho I)^{-1}"),
            Equation("kernel", "sum_j (P y)_j / (1 + d_j)", r"& \textstyle\sum_j (P y)_j / (1 + d_j)"),
            Equation("recall", "sum_j w_j y_j,   w_j ~ exp(-d_j)",
                     r"& \textstyle\sum_j w_j y_j,\quad w_j \propto e^{-d_j}"),
            Equation("set", "attention among element tokens (e, x_e), keys biased by log x_e",
                     r"& \mathrm{attention}(\{(e, x_e)\}),\ \text{bias } \log x_e"),
            Equation("answer", "Tc, P(superconducts), P(Tc > threshold) = means over members",
                     r"& T_c,\ P(T_c > 0),\ P(T_c > \theta)"),
            Equation("above", "half of P(Tc > threshold) by P(superconducts) / (1 + ((threshold + 1 K)/(Tc + 1 K))^5)",
                     r"& \tfrac12 P(T_c > \theta) + \tfrac12 P(T_c > 0) / (1 + (\tfrac{\theta + 1}{T_c + 1})^5)"),
            Equation("interval", "Tc +- q (s + 1 K),   s: deviation of the held-out answers most alike",
                     r"& T_c \pm q_{90\%}\,(s + 1\,\mathrm{K})"),
        ),
        boxes=(
            Box("formula\nMo20Re6Si4", 1.5, 4.0, 0),
            Box("coordinates\n$c(x)$", 4.4, 5.6, 0),
            Box("element tokens\n$(e, x_e)$", 4.4, 2.4, 0),
            Box("known compositions\nkernel, recall", 7.6, 5.6, 1, 2.6),
            Box("self-attention\nover elements", 7.6, 2.4, 2, 2.6),
            Box("$T_c \\pm q$, P,\nnovelty", 10.8, 4.0, 3, 2.0),
        ),
        arrows=(
            Arrow(0, 1), Arrow(0, 2), Arrow(1, 3), Arrow(2, 4), Arrow(3, 5), Arrow(4, 5),
        ),
    )  # fmt: skip
