"""A derivation: numbered steps from the objective to what every synapse reads; as text, LaTeX and HTML."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from ..circuit import Circuit
from ..display import equations, signals_table
from ..display.dynamics import dynamics
from .problem import Problem
from .rules import AttractPairs, Rule
from .symbols import Html, Plain, Tex
from .terms import Product, Similarity


@dataclass(frozen=True)
class Step:
    """A step: its title, what is done in words, its formulas, and rows of (synapse, what it reads)."""

    title: str
    words: str
    formulas: tuple[str, ...]
    table: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Derivation:
    """The steps from a problem to the rules of its circuit.

    Parameters
    ----------
    problem : Problem
    made : Circuit, the circuit of the last steps; default: of two neurons
    """

    problem: Problem
    made: Circuit | None = None

    @property
    def circuit(self) -> Circuit:
        """The circuit that the steps lead to."""
        return self.made or self.problem.circuit(2)

    def steps(self, hand: Plain | None = None) -> list[Step]:
        """The steps in a hand: `Plain`, `Tex` or `Html`."""
        hand, circuit = hand or Plain(), self.circuit
        substitutions = [_substitution(rule, hand) for rule in self.problem.rules.all]
        rows = tuple((row["synapse"], row["locality"]) for row in signals_table(circuit))
        learning = [*equations.synapses(circuit, hand), *equations.lateral(circuit, hand), *circuit.neuron.rules(hand)]
        how = "outputs settle" if circuit.settles else "outputs are the drive"
        return [
            self._objective(hand),
            *(step for step in substitutions if step is not None),
            Step(
                "Min-max",
                "All substitutions, sample by sample: online learning.",
                (equations.objective(circuit, hand),),
            ),
            Step("Dynamics", f"For one sample, {how}.", (*equations.drive(circuit, hand), *dynamics(circuit, hand))),
            Step(
                "Rules", "Gradient steps: descent where a minimum is sought, ascent where a maximum.", tuple(learning)
            ),
            Step("Who reads what", "No synapse reads what is not at its place.", (), rows),
        ]

    def _objective(self, hand: Plain) -> Step:
        problem, T = self.problem, hand.T
        meaning = f"{hand.pair('A', 'B')} = {hand.word('Tr')} A{T}B / T{hand.squared}"
        terms = [word for rule in problem.rules.all if (word := rule.before(hand))]
        body = " + ".join(terms).replace("+ -", "- ")
        formulas = [problem.words(hand), hand.over("min", [hand.bold("Z")]) + f" {body}", meaning]
        for _, term in problem.similarity.parts:
            formulas += _definitions(term, hand) if isinstance(term, Similarity) else []
        white = problem.matches and problem.rules.square is None
        words = "Squares multiplied out; constants are left away." if problem.matches else "What is minimised."
        return Step("The objective", words + " Outputs are white: their own term is constant." * white, tuple(formulas))

    def __str__(self) -> str:
        return _numbered(self.steps())

    def substitutions(self) -> str:
        """The first steps, from the objective to the min-max, as text."""
        steps = self.steps()
        return _numbered(steps[: [step.title for step in steps].index("Min-max")])

    def latex(self) -> str:
        """The steps as LaTeX: an enumeration of sentences and displayed equations."""
        lines = [r"\begin{enumerate}"]
        for step in self.steps(Tex()):
            lines.append(rf"\item \textbf{{{step.title}.}} {_tex(step.words)}")
            lines += [rf"\[ {row} \]" for row in step.formulas]
            if step.table:
                rows = [rf"\item {_tex(f'{synapse}: {locality}')}" for synapse, locality in step.table]
                lines += [r"\begin{itemize}", *rows, r"\end{itemize}"]
        return "\n".join([*lines, r"\end{enumerate}"]) + "\n"

    def html(self) -> str:
        """The steps as one page of HTML that needs nothing else; light or dark, as its reader prefers."""
        parts = []
        for step in self.steps(Html()):
            rows = "".join(f"<p class=formula>{row}</p>" for row in step.formulas)
            cells = "".join(f"<tr><td>{escape(a)}<td>{escape(b)}" for a, b in step.table)
            table = f"<table>{cells}</table>" if cells else ""
            parts.append(f"<li><h2>{escape(step.title)}</h2><p>{escape(step.words)}</p>{rows}{table}</li>")
        title = escape(self.problem.source)
        return _PAGE.format(title=title, steps="\n".join(parts))

    _repr_html_ = html


def _numbered(steps: list[Step]) -> str:
    lines: list[str] = []
    for number, step in enumerate(steps, 1):
        lines += [f"{number}. {step.title}", f"   {step.words}", *(f"     {row}" for row in step.formulas)]
        lines += [f"     {synapse}: {locality}" for synapse, locality in step.table] + [""]
    return "\n".join(lines).rstrip()


def _substitution(rule: Rule, hand: Plain) -> Step | None:
    before, after, optimum = rule.before(hand), rule.after(hand), rule.optimum(hand)
    condition = rule.words(hand) if hasattr(rule, "words") else ""
    formulas = [f"{before} = {after}" if before and after else after or before or condition]
    if condition and after and not before:
        formulas.insert(0, condition)
    if isinstance(rule, AttractPairs):
        formulas.insert(0, _pairs(rule.term, hand))
    if optimum:
        formulas.append(f"{hand.word('optimum')}: {optimum}")
    words = f"It becomes {rule.means}." if after else f"{rule.means[0].upper()}{rule.means[1:]}."
    return Step("Substitution" if after else "Constraint", words, tuple(formulas))


def _pairs(term: Product, hand: Plain) -> str:
    left, right = hand.input(term.left.name), hand.input(term.right.name)
    return f"{hand.input(term.channel)} = {hand.call('vec', f'{right} {left}{hand.T}')}"


def _definitions(term: Similarity, hand: Plain) -> list[str]:
    """What sums and lags are, and the second moment that is a metric."""
    found = [
        f"{hand.input(s.name)}({hand.t}) = {s.words(hand)}"
        for s in dict.fromkeys((term.signal, term.measured))
        if not s.plain
    ]
    if term.metric:
        x = hand.input(term.measured.name)
        found.append(f"{hand.covariance(term.measured.name)} = {hand.average(f'{x} {x}{hand.T}')}")
    return found


def _tex(words: str) -> str:
    """Words for LaTeX: special characters are escaped."""
    for letter in "_#&%":
        words = words.replace(letter, rf"\{letter}")
    return words.replace("->", r"$\rightarrow$").replace("<", "$<$")


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #1f2a30; --paper: #fff; --faint: #5d6b73; --panel: #f2f5f7; --line: #d5dde2 }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e4eaee; --paper: #14191d; --faint: #9aa8b1; --panel: #1e262c; --line: #35414a }}
}}
body {{ font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 56rem;
  margin: 2rem auto; padding: 0 1rem }}
h1 {{ font-size: 1.2rem }} h2 {{ font-size: 1rem; margin-bottom: 0 }} p {{ color: var(--faint); margin: .2rem 0 }}
.formula {{ font-family: "STIX Two Text", Cambria, serif; color: var(--ink); background: var(--panel);
  padding: .4rem .8rem; overflow-x: auto }}
table {{ border-collapse: collapse }} td {{ border: 1px solid var(--line); padding: .3rem .6rem }}
sub, sup {{ line-height: 0 }}
</style>
<h1>{title}</h1>
<ol>
{steps}
</ol>
</html>
"""
