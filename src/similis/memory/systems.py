"""The two papers of this room: what each system is, as equations, boxes and arrows."""

from __future__ import annotations

from .._card import paper
from ..display import system as s


@paper(
    "smart2025incontext",
    name="in-context",
    title="In-context denoising with one-layer transformers: connections between attention and associative memory "
    "retrieval",
    authors="M. Smart, A. Bietti, A. M. Sengupta",
    year=2025,
    url="https://arxiv.org/abs/2502.05164",
    estimator="InContextDenoiser",
    claims=(
        "one layer of attention over a clean context reaches the Bayes bound of denoising",
        "it is one gradient step of a dense associative memory, and further steps do worse",
    ),
)
def in_context_denoising() -> s.System:
    """One layer of attention over a clean context: a step down the energy of an associative memory."""
    return s.System(
        name="in-context",
        title="attention over a clean context denoises a query in one step down an energy",
        equations=(
            s.Equation("objective", "min E |f(q) - x|^2,   q = x + N(0, noise I),   x and x_1 .. x_L from one prior",
                       r"\min_f\ & \mathbb E\,|f(q) - x|^2,\quad q = x + \mathcal N(0, \sigma_Z^2 I)"),
            s.Equation("Bayes", "f(q) = E[x | q]", r"& f(q) = \mathbb E[x \mid q]"),
            s.Equation("attention", "f(q) = alpha sum_t x_t softmax_t(beta x_t.q)     softmax",
                       r"& f(q) = \alpha \sum_t x_t\, \mathrm{softmax}_t(\beta\, x_t \cdot q)"),
            s.Equation("", "f(q) = alpha beta (1/L) sum_t x_t (x_t.q)         linear",
                       r"& f(q) = \alpha\beta\, \tfrac1L \sum_t x_t (x_t \cdot q)"),
            s.Equation("energy", "E(s) = |s|^2/(2 alpha) - (1/beta) log sum_t exp(beta x_t.s)",
                       r"& E(s) = \tfrac{|s|^2}{2\alpha} - \tfrac1\beta \log \sum_t e^{\beta x_t \cdot s}"),
            s.Equation("dynamics", "s <- s - alpha grad E(s), once, from s = q",
                       r"& s \leftarrow s - \alpha \nabla E(s),\ \text{once, from } s = q"),
            s.Equation("theory", "alpha = 1, beta = 1/noise; linear: alpha beta = 1/(variance + noise)",
                       r"& \alpha = 1,\ \beta = 1/\sigma_Z^2;\quad \alpha\beta = 1/(\sigma_0^2 + \sigma_Z^2)"),
        ),
        boxes=(
            s.Box("clean context\n$x_1 \\ldots x_L$\nkeys and values", 2.0, 5.4, 0, height=1.5),
            s.Box("noisy token\n$q = x + z$\nquery", 2.0, 2.6, 1, height=1.5),
            s.Box("attention\n$w = \\mathrm{softmax}(\\beta\\, x_t \\cdot q)$", 6.1, 4.0, 2, 3.0),
            s.Box("denoised\n$\\alpha\\, \\Sigma_t\\, w_t x_t$", 10.3, 4.0, 3),
        ),
        arrows=(s.Arrow(0, 2), s.Arrow(1, 2), s.Arrow(2, 3, "one step")),
    )  # fmt: skip


@paper(
    "smart2026empirical",
    name="denoise",
    title="Attention as In-Context Empirical Bayes: A Two-Stage View via Particle Dynamics",
    authors="M. Smart, S. Ganguly, N. Metya, Morozov, A. M. Sengupta",
    year=2026,
    url="https://arxiv.org/abs/2605.29351",
    estimator="EmpiricalBayesDenoiser",
    data="table",
    claims=(
        "when every token is noisy, depth refines the cloud of tokens as particles that run the noise backwards",
        "a long skip lets the noisy input ask the refined cloud: the posterior mean under the prior it recovered",
    ),
)
def empirical_bayes() -> s.System:
    """Layers of attention refine a cloud of noisy tokens; the input, through a long skip, asks the refined cloud."""
    return s.System(
        name="denoise",
        title="attention among noisy tokens refines their prior, and each input asks it for its posterior mean",
        equations=(
            s.Equation("objective", "min E |f(y_i) - x_i|^2,   y_i = x_i + N(0, noise I),   all tokens noisy",
                       r"\min_f\ & \mathbb E\,|f(y_i) - x_i|^2,\quad y_i = x_i + \mathcal N(0, \sigma^2 I)"),
            s.Equation("attention", "m_beta(q; X) = sum_j w_j x_j,   w_j ~ exp(-beta |q - x_j|^2 / 2)",
                       r"& m_\beta(q; X) = \sum_j w_j x_j,\quad w_j \propto e^{-\beta |q - x_j|^2/2}"),
            s.Equation("dynamics", "x_i <- x_i + eta (m_beta(x_i; X) - x_i)     stage 1, from X = Y, tied layers",
                       r"& x_i \leftarrow x_i + \eta\,(m_\beta(x_i; X) - x_i)"),
            s.Equation("", "f(y_i) = m_{1/noise}(y_i; X)                 stage 2, the long skip",
                       r"& f(y_i) = m_{1/\sigma^2}(y_i; X)"),
            s.Equation("depth", "eta layers = beta T,   T = noise/2 + log(1 + noise / variance) / (2 beta)",
                       r"& \eta\, n = \beta T,\quad T = \tfrac12\sigma^2 + \tfrac{1}{2\beta}\log(1 + \sigma^2/\tau^2)"),
            s.Equation("energy", "E(q) = -(1/beta) log sum_j exp(-beta |q - x_j|^2/2),   m = q - grad E",
                       r"& E(q) = -\tfrac1\beta \log \sum_j e^{-\beta |q - x_j|^2/2}"),
            s.Equation("limit", "dx/dt = grad log rho_t(x): reverse diffusion without a schedule",
                       r"& \dot x = \nabla \log \rho_t(x)"),
        ),
        boxes=(
            s.Box("noisy tokens\n$Y = X_0 + Z$", 1.5, 5.4, 1),
            s.Box("self-attention\n$\\beta$, step $\\eta$", 5.3, 5.4, 2),
            s.Box("refined cloud\n$X(T)$, keys", 9.6, 5.4, 0),
            s.Box("cross-attention\n$1/\\sigma^2$", 9.6, 2.2, 2),
            s.Box("posterior means\n$f(Y)$", 5.3, 2.2, 3),
            s.Box("long skip\nqueries", 5.3, 3.8, 1, 2.0, 0.9),
        ),
        arrows=(
            s.Arrow(0, 1), s.Arrow(1, 2, "tied layers"), s.Arrow(2, 3), s.Arrow(0, 5), s.Arrow(5, 3), s.Arrow(3, 4),
        ),
    )  # fmt: skip
