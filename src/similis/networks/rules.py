"""The table of the duality principle in words: for a terminal, for a page, and what its synapses read."""

from __future__ import annotations

from typing import Any

from ..display import describe, latex, signals_table
from ..display.describe import paragraph
from .losses import LOSSES
from .regularizers import REGULARIZERS
from .representer import Representer


@describe.register(Representer)
def _(network: Representer) -> str:
    loss, regularizer = network.loss, network.regularizer
    lines = [f"{network.name}: {loss.name} loss, {regularizer.name} regulariser; one neuron an output, one channel", ""]
    for word, rows in (
        ("objective", [f"min_w < l(z; y) > + alpha R(w),  z = w.x,  l = {loss.value[0]},  R = {regularizer.value[0]}"]),
        ("dual", [f"max_a - < l*(-a; y) > - alpha R*(h),  {loss.domain[0]},  l* = {loss.cost[0]}"]),
        ("", ["h = < a x > / alpha;  primal - dual is never negative, and 0 at the optimum alone"]),
        ("dynamics", [f"a = -dl/dz = {loss.neuron[0]}, the error neuron"]),
        ("synapses", [f"w = grad R*(h):  {regularizer.map[0]}"]),
        ("", [f"{regularizer.rule[0]}  ({regularizer.kind})"]),
        ("lateral", ["none"]),
    ):
        lines += paragraph(word, rows)
    lines += ["", "any loss with any regulariser:", ""]
    for loss_kind in LOSSES.values():
        lines += [f"{loss_kind.name:<21}l = {loss_kind.value[0]}"]
        lines += [f"{'':<21}{loss_kind.domain[0]};  a = {loss_kind.neuron[0]}"]
    lines += [""]
    for kind in REGULARIZERS.values():
        rows = [f"R = {kind.value[0]}", kind.map[0], kind.rule[0]]
        lines += [f"{kind.name if row is rows[0] else '':<21}{row}" for row in rows]
    return "\n".join(lines)


@latex.register(Representer)
def _(network: Representer) -> str:
    loss, regularizer = network.loss, network.regularizer
    rows = (
        r"&\min_{\mathbf{w}} \langle l(z; y) \rangle + \alpha R(\mathbf{w}) = "
        r"\max_a -\langle l^*(-a; y) \rangle - \alpha R^*(\mathbf{h})",
        f"l(z; y) &= {loss.value[1]}",
        f"R(\\mathbf{{w}}) &= {regularizer.value[1]}",
        f"l^*(-a; y) &= {loss.cost[1]}, \\quad {loss.domain[1]}",
        r"\mathbf{h} &= \langle a \mathbf{x} \rangle / \alpha",
        rf"a &= -\partial l / \partial z = {loss.neuron[1]}",
        regularizer.map[1].replace(" = ", " &= ", 1),
        regularizer.rule[1].replace(" = ", " &= ", 1).replace(r" \propto ", r" &\propto ", 1),
    )
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


@signals_table.register(Representer)
def _(network: Representer) -> list[dict[str, Any]]:
    more = {
        "output-variance": ", its output z[i]",
        "entropy": ", the total of its weights",
        "p-norm": ", the norm of its weights",
    }
    own = more.get(network.regularizer.name, "")
    return [
        {
            "synapse": "x -> z",
            "weights": "W",
            "presynaptic": "x",
            "postsynaptic": {"a": 1.0},
            "leak": 1.0,
            "rate": 1.0,
            "gated": False,
            "locality": f"W[i,j] reads x[j] before it, the error a[i]{own} at neuron i, and itself",
        }
    ]
