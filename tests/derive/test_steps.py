"""A derivation as text, LaTeX and HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from tests.laws.objectives import problems

from similis.circuit import Circuit
from similis.derive import Problem, align, lagged, match, nonnegative, objective_of, row_sums, similarity, trace
from similis.derive.steps import Derivation
from similis.derive.symbols import Tex
from similis.networks import catalogue

NETWORKS = {name: card.network(3) for name, card in catalogue().items()}
PROBLEMS: dict[str, Problem] = {
    name: problem for name, c in NETWORKS.items() if isinstance(c, Circuit) and (problem := objective_of(c)) is not None
}
PROBLEMS |= {
    "slow features": match(similarity(lagged("x", 1) + "x", metric_of="x"), nonnegative),
    "rows": align(similarity("x"), row_sums(1), trace(2)),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_formula_renders(name):
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    for step in PROBLEMS[name].derivation().steps(Tex()):
        for formula in step.formulas:
            parser.parse(f"${formula}$")


def test_steps_of_canonical_correlation():
    text = str(PROBLEMS["cca"].derivation())
    for line in (
        "min_Z 1/2 |X' Cxx^-1 X + Y' Cyy^-1 Y - Z'Z|^2",
        "min_Z -<X' Cxx^-1 X, Z'Z> - <Y' Cyy^-1 Y, Z'Z> + 0.5 <Z'Z, Z'Z>",
        "-<X' Cxx^-1 X, Z'Z> = min_Wx -2 <z' Wx x> + Tr Wx Cxx Wx'",
        "optimum: Wx = <z x'> Cxx^-1",
        "0.5 <Z'Z, Z'Z> = max_M <z' M z> - 0.5 |M|^2",
        "min_{Wx,Wy} max_M < min_z z' M z - 2 z' d + |a_x|^2 + |a_y|^2 > - 0.5 |M|^2",
        "dWx = 2 eta_t (z - a_x) x'",
    ):
        assert f"     {line}\n" in text
    assert re.findall(r"^(\d+)\. ", text, re.MULTILINE) == [str(i) for i in range(1, 9)]


class _Balance(HTMLParser):
    """Every tag that must be closed is."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.steps = 0

    def handle_starttag(self, tag, attrs):
        self.steps += tag == "li"
        assert not {"src", "href"} & dict(attrs).keys()
        if tag not in ("meta", "td", "tr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problems())
def test_pages_are_whole_and_follow_the_reader(problem):
    derivation = problem.derivation()
    page, balance = derivation.html(), _Balance()
    balance.feed(page)
    assert balance.open == []
    assert balance.steps == len(derivation.steps())
    assert "prefers-color-scheme: dark" in page
    tex = derivation.latex()
    assert tex.count(r"\begin{") == tex.count(r"\end{")


def test_the_last_steps_are_those_of_the_circuit_at_hand():
    circuit = NETWORKS["cca"]
    assert "tau = 30" in str(Derivation(PROBLEMS["cca"], circuit))
