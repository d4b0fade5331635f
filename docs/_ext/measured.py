"""Tables and pictures of the page of benchmarks, from docs/results, benchmarks/results and the pages of the papers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

INK, BLUE, ORANGE, RED, GREY = "#37474f", "#2f6db5", "#d07a1f", "#c62828", "#8a949a"
BENCH = re.compile(r"((?:^[^\n|<]+\n)+)\n?<!-- bench:start -->\n(.*?)<!-- bench:end -->", re.MULTILINE | re.DOTALL)


def findings(docs: Path) -> dict[str, list[dict[str, Any]]]:
    """The claims of each paper with what was measured."""
    found = {}
    for path in sorted((docs / "results").glob("*.json")):
        results = json.loads(path.read_text("utf-8"))["results"]
        found[path.stem] = [claim for result in results for claim in result["claims"]]
    return found


def title(page: Path) -> str:
    """The first heading of a page."""
    return page.read_text("utf-8").splitlines()[0].lstrip("# ")


def claims(docs: Path) -> list[str]:
    """A row a paper: how many of its claims pass, and which fall short."""
    lines = ["| paper | claims | pass | fall short |", "|---|---:|---:|---|"]
    total = passed = 0
    for paper, found in findings(docs).items():
        short = [one["claim"]["text"] for one in found if one["verdict"] != "pass"]
        total, passed = total + len(found), passed + len(found) - len(short)
        link = f"[{title(docs / 'papers' / f'{paper}.md')}](../papers/{paper}.md)"
        said = "; ".join(text.replace("|", "\\|") for text in short) or "-"
        lines.append(f"| {link} | {len(found)} | {len(found) - len(short)} | {said} |")
    return [f"**{passed} of {total} claims pass.**", "", *lines, ""]


def margins(docs: Path) -> dict[str, list[tuple[float, bool]]]:
    """For each paper, by what factor each measured value is better than its goal, and whether it passes."""
    made: dict[str, list[tuple[float, bool]]] = {}
    for paper, found in findings(docs).items():
        made[paper] = []
        for one in found:
            goal, measured = one["claim"]["goal"], one["measured"]
            if not measured or goal <= 0:
                continue
            value = measured["value"]
            better = goal / max(value, 1e-12) if one["claim"]["better"] == "lower" else value / goal
            made[paper].append((min(max(better, 0.5), 100.0), one["verdict"] == "pass"))
    return made


def draw_claims(docs: Path, path: Path) -> None:
    """Every claim as a dot: how far on the right side of its goal."""
    from matplotlib.figure import Figure

    found = margins(docs)
    figure = Figure(figsize=(8, 0.32 * len(found) + 1), layout="constrained")
    ax = figure.subplots()
    for row, (_, dots) in enumerate(found.items()):
        for good, colour in ((True, BLUE), (False, RED)):
            x = [better for better, passes in dots if passes is good]
            ax.plot(x, [row] * len(x), "o", color=colour, alpha=0.6, markersize=6, markeredgewidth=0)
    ax.axvline(1, color=INK, linewidth=1)
    ax.set_xscale("log")
    ax.set_xticks([0.5, 1, 2, 5, 10, 100], ["half", "goal", "2", "5", "10", "100 and more"])
    ax.minorticks_off()
    ax.set_yticks(range(len(found)), list(found))
    ax.invert_yaxis()
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_xlabel("times better than the goal (red: falls short)")
    figure.savefig(path, metadata={"Date": None})


def draw_speed(root: Path, path: Path) -> None:
    """Microseconds a sample of the stream engine, beside the published rules and IncrementalPCA."""
    from matplotlib.figure import Figure

    rows = json.loads((root / "benchmarks" / "results" / "bench_stream.json").read_text("utf-8"))["psp"]
    kinds = {"rules": GREY, "IncrementalPCA": ORANGE, "float64": BLUE, "float32": "#8db4dd"}
    labels = {"rules": "published rules in NumPy", "float64": "similis, float64", "float32": "similis, float32"}
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    ax = figure.subplots()
    for place, (kind, colour) in enumerate(kinds.items()):
        x = [i + 0.2 * (place - 1.5) for i in range(len(rows))]
        ax.bar(x, [row["us"][kind] for row in rows], 0.18, color=colour, label=labels.get(kind, kind))
    ax.set_yscale("log")
    ax.set_yticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    ax.set_xticks(range(len(rows)), [f"{row['d']:,} to {row['k']}" for row in rows])
    ax.set(ylabel="microseconds a sample", xlabel="features to components")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, ncols=2)
    figure.savefig(path, metadata={"Date": None})


def speeds(docs: Path) -> list[str]:
    """The tables that benchmarks write into the pages, each with the words before it."""
    lines: list[str] = []
    for page in sorted((docs / "papers").glob("*.md")):
        for words, table in BENCH.findall(page.read_text("utf-8")):
            said = re.sub(r"^\*\*Speed\.?\*\*[.,]? ?", "", words.strip())
            said = re.sub(r"\]\((?=\w+\.md)", "](../papers/", said[0].upper() + said[1:])
            lines += [
                f"### {title(page)}",
                "",
                said,
                "",
                table.strip(),
                "",
                f"[The paper's page](../papers/{page.name})",
                "",
            ]
    return lines


def stream(root: Path) -> list[str]:
    """The tables of README.md."""
    words, tables = BENCH.findall((root / "README.md").read_text("utf-8"))[0]
    _, _, after = (root / "README.md").read_text("utf-8").partition("<!-- bench:end -->")
    lines = [words.strip(), "", tables.strip(), "", after.strip().partition("\n\n")[0], ""]
    return [line.replace("](docs/", "](../") for line in lines]


def markdown(docs: Path) -> str:
    """What the page of benchmarks has behind what is written by hand."""
    parts = [
        "## Claims\n",
        *claims(docs),
        "![Every claim as a dot; most lie on the right of their goal.](../generated/figures/claims.svg)\n",
        "## Speed\n",
        *stream(docs.parent),
        "![Bars of microseconds a sample.](../generated/figures/speed.svg)\n",
        *speeds(docs),
    ]
    return "\n".join(parts)


def write(docs: Path) -> None:
    """Draw docs/generated/figures."""
    import matplotlib as mpl

    folder = docs / "generated" / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "similis", "font.size": 10, "text.color": INK, "axes.labelcolor": INK}):
        draw_claims(docs, folder / "claims.svg")
        draw_speed(docs.parent, folder / "speed.svg")
