"""The report: results become ONE self-contained HTML page, and the same numbers as JSON."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from .._atomic import new_file
from .._optional import require
from .._text import printable
from ._registry import Figure
from ._result import Result

SCHEMA = 1
NONE = "\N{EN DASH}"


#: files of a report
PAGE, NUMBERS, FIGURES = "index.html", "results.json", "figures"


def write(results: Sequence[Result], out: Path, *, force: bool = True) -> None:
    """Write ``out/results.json``, ``out/index.html`` and the figures; each file appears whole or not at all.

    Figures are ``out/figures/psp-spiked-1.svg`` and so on, as the page shows them.
    """
    page = render(results)
    data = json.dumps(
        {"schema": SCHEMA, "results": [result.to_dict() for result in results]}, indent=1, allow_nan=False
    )
    out.mkdir(parents=True, exist_ok=True)
    for name, text in ((NUMBERS, data + "\n"), (PAGE, page)):
        with new_file(out / name, force=force) as draft:
            draft.write_text(text, "utf-8")
    for result in results:
        for i, figure in enumerate(result.figures, 1):
            path = out / FIGURES / f"{result.paper}-{result.experiment}-{i}.{figure.kind}"
            path.parent.mkdir(exist_ok=True)
            with new_file(path, force=force) as draft:
                draft.write_bytes(figure.image)


def render(results: Sequence[Result]) -> str:
    """The page as text: summary of all claims, then a section for each paper; no request leaves it."""
    jinja2 = require("jinja2", extra="plot")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    environment.filters |= {"number": number, "given": "{:.6g}".format, "seconds": seconds, "embed": embed}
    template = environment.from_string(files("similis.experiments").joinpath("report.html.j2").read_text("utf-8"))
    papers = {result.paper: [r for r in results if r.paper == result.paper] for result in results}
    verdicts = Counter(finding.verdict for result in results for finding in result.claims)
    return template.render(
        results=results, papers=papers, verdicts=verdicts, total=sum(result.seconds for result in results)
    )


def _shown(value: Any) -> Any:
    """What the page shows of a value: text without control characters; markup is ours."""
    return printable(value) if type(value) is str else value


def number(value: float | str | None, goal: float | None = None) -> str:
    """Three significant digits (three decimals near one), a true minus sign, few exponents; words pass through.

    Where it takes more digits to see on which side of ``goal`` the value is, there are more.
    """
    if value is None:
        return NONE
    if isinstance(value, str):
        return value
    size = abs(value)
    if isinstance(value, int) or size >= 1000:
        text = f"{value:,.0f}"
    elif size < 1e-12:
        text = "0"
    elif size < 1e-4:
        mantissa, exponent = f"{value:.2e}".split("e")
        text = f"{mantissa}·10{exponent.replace('-0', '-').translate(_SUPERSCRIPT)}"
    else:
        for digits in range(3, 9):
            text = f"{value:.{digits}f}" if 0.9 <= size < 10 else f"{value:#.{digits}g}".rstrip(".")
            if goal is None or (float(text) < goal, float(text) > goal) == (value < goal, value > goal):
                break
    return text.replace("-", "\N{MINUS SIGN}")


def seconds(value: float) -> str:
    """A duration as a person would say it."""
    return f"{value:.1f} s" if value < 100 else f"{value / 60:.1f} min"


def embed(figure: Figure) -> Any:
    """A figure as markup that needs no other file."""
    markupsafe = require("markupsafe", extra="plot")
    if figure.kind == "svg":
        label = markupsafe.escape(figure.alt)
        return markupsafe.Markup(figure.image.decode().replace("<svg", f'<svg role="img" aria-label="{label}"', 1))
    data = base64.b64encode(figure.image).decode()
    return markupsafe.Markup('<img src="data:image/png;base64,{}" alt="{}">').format(data, figure.alt)


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
