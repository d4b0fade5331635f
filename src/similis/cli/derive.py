"""``similis derive``: a similarity objective in, its derivation and circuit out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import _options as opt
from ._output import emit
from .catalogue import draw_into


def derive(
    problem: Annotated[
        str,
        typer.Argument(
            metavar="PROBLEM", help="An objective and its constraints, e.g. 'match(similarity(x)), nonnegative'."
        ),
    ],
    n_components: Annotated[
        int, typer.Option("--n-components", "-k", min=1, metavar="K", help="Number of neurons.")
    ] = 4,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the circuit into FILE (svg, png, pdf).")
    ] = None,
    latex: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the steps as LaTeX into FILE.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the steps as a page into FILE.")] = None,
    force: opt.Force = False,
    as_json: opt.Json = False,
) -> None:
    """Derive the network that solves a similarity objective.

    Prints the objective, each substitution with its optimum, the dynamics, the learning rules, and what each synapse
    reads. What no local network computes is refused, with the reason.
    """
    from .._atomic import new_file
    from ..derive import read
    from ..derive.steps import Derivation

    files = [path for path in (figure, latex, html) if path is not None]
    if len({path.resolve() for path in files}) < len(files):
        raise typer.BadParameter("two files of one name", param_hint="--figure, --latex, --html")
    found = read(problem)
    circuit = found.circuit(n_components)
    steps = Derivation(found, circuit)
    if figure is not None:
        draw_into(circuit, figure, force)
    for path, page in ((latex, steps.latex), (html, steps.html)):
        if path is not None:
            with new_file(path, force=force) as draft:
                Path(draft).write_text(page(), encoding="utf-8")
    record = {"problem": found.source, "objective": str(found), "derivation": str(steps), "circuit": circuit.to_dict()}
    emit(record, as_json=as_json, text=f"{found}\n\n{steps}")
