"""NOMAD as a system: equations and boxes."""

from __future__ import annotations

from .._card import paper
from ..display import Arrow, Box, Equation, System


@paper(
    "tepper2018nomad",
    name="nomad",
    title="Clustering is Semidefinitely Not That Hard: Nonnegative SDP for Manifold Disentangling",
    authors="M. Tepper, A. M. Sengupta, D. B. Chklovskii",
    year=2018,
    url="https://arxiv.org/abs/1706.06028",
    estimator="NOMAD",
    claims=(
        "the semidefinite relaxation of K-means disentangles manifolds: disjoint ones become disjoint blocks",
        "a conditional gradient and a low-rank heuristic reach sizes that generic solvers do not",
    ),
    data="table",
)
def nomad() -> System:
    """Clusters and manifolds by a nonnegative semidefinite program, with a certificate."""
    return System(
        name="nomad",
        title="a nonnegative semidefinite program for clusters and manifolds, with a certificate",
        equations=(
            Equation(
                "objective",
                "max <D, Q>,  Q >= 0,  Q psd,  Q 1 = 1,  tr Q = K",
                r"\max\ \langle D, Q\rangle,\quad Q \ge 0,\ Q \succeq 0,\ Q\mathbf 1 = \mathbf 1,\ \mathrm{tr}\,Q = K",
            ),
            Equation("similarity", "D = Xc Xc', rows of Xc centred (or a centred kernel)", r"D = X_c X_c^\top"),
            Equation("project", "Q = P(|T| + D/rho), P on {psd, row sums 1, trace K}", r"Q = P(|T| + D/\rho)"),
            Equation("move", "T <- T + a (Q - max(T, 0))", r"T \leftarrow T + a\,(Q - \max(T, 0))"),
            Equation(
                "certify",
                "optimum <= 1'(D + S)1/n + (K - 1) lambda_max(M (D + S) M),  S = rho max(-T, 0)",
                r"\mathrm{opt} \le \tfrac1n \mathbf 1^\top(D + S)\mathbf 1 + (K - 1)\,\lambda_{\max}(M(D + S)M)",
            ),
            Equation("low rank", "Q = Y Y',  Y >= 0,  Y (Y'1) = 1,  |Y|^2 = K", r"Q = YY^\top,\ Y \ge 0"),
        ),
        boxes=(
            Box("samples X", 1.6, 4.0, 0),
            Box("similarity\nD = Xc Xc'", 4.6, 4.0, 0),
            Box("low rank\nQ = YY', Y >= 0", 8.0, 6.2, 1, 2.8),
            Box("splitting\npsd | nonnegative", 8.0, 4.0, 1, 2.8),
            Box("bound by S >= 0", 8.0, 1.8, 2, 2.8),
            Box("Q, labels,\ncoordinates, gap", 10.9, 4.0, 3, 2.0),
        ),
        arrows=(
            Arrow(0, 1), Arrow(1, 2), Arrow(1, 3), Arrow(2, 3, "start"), Arrow(3, 4, "S"), Arrow(3, 5, "Q"),
            Arrow(4, 5, "gap"),
        ),
    )  # fmt: skip
