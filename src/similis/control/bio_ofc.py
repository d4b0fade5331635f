"""Bio-OFC in words: its equations, what each synapse reads, and the picture."""

from __future__ import annotations

from .._card import paper
from ..display import Arrow, Box, Equation, System


@paper(
    "friedrich2021",
    name="ofc",
    title="Neural optimal feedback control with local learning rules",
    authors="J. Friedrich, S. Golkar, S. Farashahi, A. Genkin, A. M. Sengupta, D. B. Chklovskii",
    year=2021,
    url="https://arxiv.org/abs/2111.06920",
    estimator="OptimalFeedbackController",
    claims=(
        "a filter and a controller learn together from late and noisy observations, knowing nothing of the plant",
        "every rule is local: the current after a synapse times the activity before it, or a trace times one number",
    ),
    data="episodes",
)
def bio_ofc() -> System:
    """Filter and controller in one network: late errors correct the present estimate, a cost teaches the actions."""
    equations = (
        Equation(
            "objective",
            "min E[ sum x'Qx + u'Ru ]  while  min E|y - C xh|^2,   y(t) heard at t + tau",
            r"&\min\ \mathbb{E}\sum_t x_t^\top Q x_t + u_t^\top R u_t,\qquad \min\ \mathbb{E}|y_t - C\hat x_t|^2",
        ),
        Equation(
            "dynamics",
            "e = y(t+1-tau) - C xh(t+1-tau),   xh(t+1) = A xh + B u + L e,   u = -K xh + noise",
            r"&e_t = y_{t+1-\tau} - C\hat x_{t+1-\tau},\quad \hat x_{t+1} = A\hat x_t + B u_t + L e_t,"
            r"\quad u_t = -K\hat x_t + \xi_t",
        ),
        Equation(
            "synapses",
            "dA ~ (L e) xh(t-tau)',  dB ~ (L e) u(t-tau)',  dC ~ e xh(t+1-tau)'",
            r"&\Delta A \propto L e_t \hat x_{t-\tau}^\top,\quad \Delta B \propto L e_t u_{t-\tau}^\top,\quad "
            r"\Delta C \propto e_t \hat x_{t+1-\tau}^\top",
        ),
        Equation(
            "lateral",
            "dL ~ (L e) e(t-tau)'      L is A times the Kalman gain",
            r"&\Delta L \propto L e_t e_{t-\tau}^\top",
        ),
        Equation(
            "policy",
            "Z = sum of noise xh' along the episode,  G = mu G + (cost - baseline) Z,  dK ~ G",
            r"&Z_t = \sum_{s \le t} \xi_s \hat x_s^\top,\quad G \leftarrow \mu G + (c_t - b_t) Z_t,\quad "
            r"\Delta K \propto G",
        ),
    )
    boxes = (
        Box("plant\n$x_{t+1} = Ax_t + Bu_t + v$", 2.1, 4.0, 3, 3.2),
        Box("errors $e$\n$\\tau$ late", 6.0, 6.3, 1, 2.2),
        Box("estimate $\\hat{x}$", 10.2, 4.0, 0, 2.4),
        Box("action $u$", 6.0, 1.7, 2, 2.2),
    )
    arrows = (
        Arrow(0, 1, "$y$, late"),
        Arrow(1, 2, "$L$", bend=-0.35),
        Arrow(2, 1, "$-C$", bend=-0.35),
        Arrow(2, 3, "$-K$", bend=-0.35),
        Arrow(3, 2, "$B$", bend=-0.35),
        Arrow(3, 0, "acts", bend=-0.2),
        Arrow(0, 3, "cost", dashed=True, bend=-0.35),
    )
    reads = (
        ("A", "its neuron's current L e; activity of the other neuron, tau + 1 steps ago"),
        ("B", "its neuron's current L e; the copy of the action, tau + 1 steps ago"),
        ("C", "the error neuron's own activity e; the estimate, tau steps ago"),
        ("L", "its neuron's current L e; the error, tau + 1 steps ago"),
        ("K", "its own trace of noise times estimate; the cost, one number told to all"),
    )
    return System(
        "ofc", "a filter and a controller that learn together while they act", equations, boxes, arrows, reads
    )
