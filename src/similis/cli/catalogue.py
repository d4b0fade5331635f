"""``similis list`` and ``similis show``: which networks there are, and what one computes and reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._text import table
from . import _options as opt
from ._models import card, card_of
from ._output import emit, refuse_inputs

if TYPE_CHECKING:
    from typing import Any


def list_networks(as_json: opt.Json = False) -> None:
    """List the networks, their papers and their estimators."""
    from .._card import written

    rows = [(card["name"], card["estimator"], card["year"], card["title"]) for card in written()]
    columns = ("name", "estimator", "year", "paper")
    record = {"networks": [dict(zip(columns, row, strict=True)) for row in rows]}
    emit(record, as_json=as_json, text=table(columns, rows))


def show(
    name: Annotated[str, typer.Argument(metavar="NETWORK", help="A name from `similis list`, or a model file.")],
    n_components: Annotated[
        int, typer.Option("--n-components", "-k", min=1, metavar="K", help="Number of neurons.")
    ] = 4,
    as_latex: Annotated[bool, typer.Option("--latex", help="Print the equations as LaTeX only.")] = False,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the circuit into FILE (svg, png, pdf).")
    ] = None,
    force: opt.Force = False,
    as_json: opt.Json = False,
) -> None:
    """Print a network's equations.

    Paper, objective, dynamics, learning rules, and the signals that each synapse reads.
    """
    from ..display.describe import describe, latex, signals_table

    if Path(name).is_file():
        from ..estimators.persist import load

        estimator = load(name)
        own = card_of(estimator)
        network = (
            getattr(estimator, "circuit_", None) or getattr(estimator, "representer_", None) or (own and own.build())
        )
        about = {"model": name, "estimator": str(estimator), "samples": int(estimator.n_samples_seen_)}
    else:
        entry = card(name)
        network = entry.network(n_components)
        about = {"name": name, "paper": entry.title, "authors": entry.authors, "year": entry.year, "url": entry.url}
        about |= {"claims": "; ".join(entry.claims), "estimator": entry.estimator}
        about |= {} if entry.classifier is None else {"--labels": entry.classifier}
    if figure is not None:
        refuse_inputs(figure, name, hint="--figure")
        draw_into(network, figure, force)
    from ..circuit import Circuit
    from ..derive import objective_of
    from ..derive.steps import Derivation

    derivation = ""
    if isinstance(network, Circuit) and (problem := objective_of(network)) is not None:
        derivation = Derivation(problem, network).substitutions()
        about |= {"objective": str(problem)}
    signals = signals_table(network)
    equations, formulas = describe(network), latex(network)
    record = about | {"equations": equations, "latex": formulas, "signals": signals}
    record |= {"derivation": derivation} if derivation else {}
    heading = "\n".join(f"{key:<10} {value}" for key, value in about.items())
    parts = [heading, *filter(None, [derivation]), equations]
    if signals:
        parts.append(table(("synapse", "reads"), [(row["synapse"], row["locality"]) for row in signals]))
    text = formulas if as_latex else "\n\n".join(parts)
    emit(record, as_json=as_json, text=text)


def draw_into(network: Any, path: Path, force: bool) -> None:
    """Draw a network into a file."""
    from .._atomic import new_file
    from .._optional import require
    from ..display.draw import draw

    kind = path.suffix.lstrip(".").lower()
    if kind not in ("svg", "png", "pdf"):
        raise typer.BadParameter(f"{path}: use .svg, .png or .pdf", param_hint="--figure")
    canvas = require("matplotlib.figure", extra="plot").Figure(figsize=(6, 4))
    draw(network, canvas.add_axes((0, 0, 1, 1)))
    with new_file(path, force=force) as draft:
        canvas.savefig(draft, format=kind, dpi=200)
