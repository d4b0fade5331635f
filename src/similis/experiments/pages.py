"""Write the result tables of ``docs/papers/*.md`` from the committed numbers in ``docs/results/*.json``.

``python -m similis.experiments.pages [--check] [--results report/results.json] [docs]``
"""

from __future__ import annotations

import argparse
import html
import json
import re
import sys
from pathlib import Path
from typing import Any

from .._errors import InputError
from .report import NONE, number, seconds

HEAD = (
    "| claim | known (whose) | exact optimum | goal | measured (range over seeds) | verdict |",
    "|---|---|---|---|---|---|",
)
#: claims that are shown without a click
SHOWN = 8
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def split(results: Path, docs: Path) -> None:
    """Store a run's ``results.json`` as one committed file for each paper, ``docs/results/<paper>.json``.

    Experiments of the paper that this run left out stay as they were.
    """
    data = json.loads(results.read_text("utf-8"))
    (docs / "results").mkdir(parents=True, exist_ok=True)
    for paper in dict.fromkeys(result["paper"] for result in data["results"]):
        path = docs / "results" / f"{paper}.json"
        stored = json.loads(path.read_text("utf-8"))["results"] if path.exists() else []
        members = {result["experiment"]: result for result in (*stored, *data["results"]) if result["paper"] == paper}
        text = json.dumps({"schema": data["schema"], "results": [*members.values()]}, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", "utf-8")


def table(results: list[dict[str, Any]]) -> str:
    """The results of one paper as Markdown: how many claims pass, a row for each, then each experiment's own tables.

    Tables are folded; of many claims those that fall short are shown first.
    """
    places = (result["environment"] for result in results)
    machine = "; ".join(dict.fromkeys(f"{place['processor']}, {place['BLAS']}" for place in places))
    took = seconds(sum(result["seconds"] for result in results))
    commands = ", ".join(f"`{command}`" for command in dict.fromkeys(result["command"] for result in results))
    found = [(result["status"], finding) for result in results for finding in result["claims"]]
    short = [_row(finding, status) for status, finding in found if status != "ran" or finding["verdict"] != "pass"]
    rows = [_row(finding, status) for status, finding in found]
    lines = [f"**{len(rows) - len(short)} of {len(rows)} claims pass.** Made by {commands} in {took} ({machine}).", ""]
    if len(rows) > SHOWN:
        lines += [*HEAD, *short, ""] if short else []
        lines += _folded(f"All {len(rows)} claims", [*HEAD, *rows])
    else:
        lines += [*HEAD, *rows]
    for result in results:
        for extra in result["tables"]:
            body = [_cells(extra["columns"]), "|---" * len(extra["columns"]) + "|", *map(_cells, extra["rows"])]
            lines += ["", *_folded(f"{_sentence(result['title'])} {extra['caption']}", body)]
    return "\n".join(lines)


def _sentence(title: str) -> str:
    """A title with the sign that ends it."""
    return title if title.endswith("?") else f"{title}."


def _folded(title: str, body: list[str]) -> list[str]:
    """A table behind its title, which a click opens; also where Markdown is shown plainly."""
    said = re.sub("`(.+?)`", r"<code>\1</code>", html.escape(title, quote=False))
    return ["<details>", f"<summary>{said}</summary>", "", *body, "", "</details>"]


def _row(finding: dict[str, Any], status: str) -> str:
    claim, measured = finding["claim"], finding["measured"]
    known = NONE if claim["known"] is None else f"{claim['known']:.6g} ({claim['provenance']}: {claim['source']})"
    goal = f"{'≤' if claim['better'] == 'lower' else '≥'} {claim['goal']:.6g}"
    optimum, value = NONE, NONE
    if measured:
        optimum = number(measured["oracle"])
        low, high = (number(end) for end in measured["spread"])
        value = f"{number(measured['value'], claim['goal'])} {claim['unit']}".rstrip()
        if len(measured["seeds"]) > 1:
            value += f" ({measured['statistic']} of {len(measured['seeds'])}; {low} to {high})"
    verdict = finding["verdict"] if status == "ran" else status
    return _cells([claim["text"], known, optimum, goal, value, verdict if verdict == "pass" else f"**{verdict}**"])


def _cells(row: list[Any]) -> str:
    return "| " + " | ".join(number(cell).replace("|", "\\|") for cell in row) + " |"


def updated(page: Path, results: Path) -> str:
    """The text of a page with the block between its markers made anew.

    Raises
    ------
    InputError
        When the page has no markers.
    """
    text = page.read_text("utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise InputError(f"{page} needs one line {BEGIN!r} and one line {END!r}. Add them where the table belongs.")
    block = table(json.loads(results.read_text("utf-8"))["results"])
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{block}\n{END}", text, flags=re.DOTALL)


def main(arguments: list[str] | None = None) -> int:
    """Command line: write the pages, or with ``--check`` say which are out of date (exit 1)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("docs", nargs="?", type=Path, default=Path("docs"))
    parser.add_argument("--results", type=Path, help="first store this run's results.json under docs/results")
    parser.add_argument("--check", action="store_true", help="change nothing, fail when a page is out of date")
    options = parser.parse_args(arguments)
    if options.results:
        split(options.results, options.docs)
    stale = []
    for results in sorted((options.docs / "results").glob("*.json")):
        page = options.docs / "papers" / f"{results.stem}.md"
        text = updated(page, results)
        if text != page.read_text("utf-8"):
            stale.append(page)
            if not options.check:
                page.write_text(text, "utf-8")
    if options.check and stale:
        sys.stderr.write(f"Out of date: {', '.join(map(str, stale))}. Run python -m similis.experiments.pages\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
