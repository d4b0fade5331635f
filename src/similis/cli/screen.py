"""``similis screen``: all compositions of a few elements, ranked, and a map of three."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import _options as opt
from ._output import emit, refuse_inputs

if TYPE_CHECKING:
    from ..estimators import CriticalTemperatureRegressor
    from ..superconductor.screen import Ranking


def screen(
    model: opt.Model,
    elements: Annotated[str, typer.Option(metavar="A,B,C", help="Elements to combine, such as Mo,Re,Si.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="CSV to write, best first.")],
    max_atoms: Annotated[int, typer.Option(min=1, metavar="N", help="Atoms shared among the elements.")] = 30,
    top: Annotated[int, typer.Option(min=1, metavar="N", help="Compositions to write.")] = 1000,
    heat_map: Annotated[
        Path | None, typer.Option("--map", metavar="PNG", help="Picture of the Tc of three elements.")
    ] = None,
    force: opt.Force = False,
    as_json: opt.Json = False,
) -> None:
    """Rank every composition of some elements by Tc times the probability of superconductivity.

    A quick network looks at all of them, the ensemble judges the 5,000 most promising.
    """
    from .._atomic import new_file, refuse_unwritable
    from ..estimators.persist import load

    refuse_inputs(output, model)
    estimator, symbols = load(model), [symbol.strip() for symbol in elements.split(",")]
    if not hasattr(estimator, "screen"):
        raise typer.BadParameter(
            f"{model} holds a {type(estimator).__name__}; screen needs a model of `similis fit tc`"
        )
    if heat_map is not None and len(symbols) != 3:
        raise typer.BadParameter(f"a map has three elements, got {len(symbols)}", param_hint="--map")
    if heat_map is not None:
        refuse_inputs(heat_map, model, output, hint="--map")
        refuse_unwritable(heat_map, force=force)
    with new_file(output, force=force) as draft:
        ranking = estimator.screen(symbols, max_atoms)
        _write(draft, symbols, ranking, estimator, top)
    if heat_map is not None:
        with new_file(heat_map, force=force) as draft:
            _draw(draft, symbols, ranking)
    record = {"output": str(output), "compositions": len(ranking.tc), "written": min(top, len(ranking.tc))}
    emit(record, as_json=as_json, text="{output}: best {written} of {compositions} compositions".format(**record))


def _write(path: Path, symbols: list[str], ranking: Ranking, estimator: CriticalTemperatureRegressor, top: int) -> None:
    from ..superconductor.screen import spell

    formulas = [spell(symbols, amounts) for amounts in ranking.amounts[:top]]
    said = estimator.judge(formulas)
    with path.open("w", encoding="utf-8") as file:
        file.write("formula,tc,low,high,p_superconducting,novelty,judged_by\n")
        for i, formula in enumerate(formulas):
            by = "ensemble" if ranking.judged[i] else "scout"
            file.write(
                f"{formula},{ranking.tc[i]:.2f},{said.low[i]:.2f},{said.high[i]:.2f},{ranking.probability[i]:.3f},{said.novelty[i]:.2f},{by}\n"
            )


def _draw(path: Path, symbols: list[str], ranking: Ranking) -> None:
    from .._optional import require
    from ..superconductor.ternary import ternary_map

    figure = require("matplotlib.figure", extra="plot").Figure(figsize=(6.4, 5.2), layout="constrained")
    axes = figure.subplots()
    shares = ranking.amounts / ranking.amounts.sum(1, keepdims=True)
    ternary_map(axes, symbols, shares, ranking.tc * ranking.probability, unit="Tc x P(superconducting), K")
    figure.savefig(path, format="png", dpi=150)
