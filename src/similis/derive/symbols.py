"""The symbols of a derivation: a terminal's, LaTeX and HTML."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ..circuit.notation import Latex, Text

#: letters of the equations, which the matrix of a signal must not borrow
_TAKEN = set("bcimptwz")


class Plain(Text):
    """Symbols as a terminal shows them."""

    hadamard, half = "o", "1/2"

    def matrix(self, name: str) -> str:
        """All samples of a signal, one a column."""
        return name.upper() if self.single(name) else f"X_{name}"

    @staticmethod
    def single(name: str) -> bool:
        """Whether a capital letter can stand for the samples of a signal."""
        return len(name) == len(name.upper()) == 1 and name.islower() and name not in _TAKEN

    def covariance(self, name: str) -> str:
        """The second moment of a signal."""
        return f"C{name}{name}" if len(name) == 1 else f"C_{name}"

    def root(self, body: str) -> str:
        return f"sqrt({body})"

    def pair(self, left: str, right: str) -> str:
        """The inner product of two similarity matrices, ``Tr(A'B)/T^2``."""
        return f"<{left}, {right}>"

    def sent(self, similarity: str, sign: str = "") -> str:
        """An inner product with the outputs' similarity."""
        return f"{sign}{self.pair(similarity, self.bold('Z') + self.T + self.bold('Z'))}"

    def average(self, body: str) -> str:
        """A mean over samples, written close."""
        return f"<{body}>"


class Tex(Latex, Plain):
    """The same symbols in LaTeX."""

    hadamard, half = r"\circ", r"\frac{1}{2}"

    def matrix(self, name: str) -> str:
        return rf"\mathbf{{{name.upper()}}}" if self.single(name) else rf"\mathbf{{X}}_{{{self.word(name)}}}"

    def covariance(self, name: str) -> str:
        return rf"\mathbf{{C}}_{{{2 * name if len(name) == 1 else self.word(name)}}}"

    def root(self, body: str) -> str:
        return rf"\sqrt{{{body}}}"

    def pair(self, left: str, right: str) -> str:
        return rf"\langle {left}, {right} \rangle"

    def average(self, body: str) -> str:
        return rf"\langle {body} \rangle"


class Html(Plain):
    """The same symbols in HTML."""

    T, inverse, squared = "<sup>T</sup>", "<sup>-1</sup>", "<sup>2</sup>"
    eta, tau, mu, unit = "η<sub>t</sub>", "τ", "μ", "λ"
    at_least, at_most, differs = "≥", "≤", "≠"
    dot, infinity, hadamard, half = " ⊙", "∞", "∘", "½"
    arrives = "→ "

    def bold(self, letter: str) -> str:
        return f"<b>{letter}</b>"

    def word(self, name: str) -> str:
        return escape(name)

    def matrix(self, name: str) -> str:
        return self.bold(name.upper()) if self.single(name) else f"<b>X</b><sub>{name}</sub>"

    def covariance(self, name: str) -> str:
        return f"<b>C</b><sub>{2 * name if len(name) == 1 else name}</sub>"

    def weight(self, channel: str) -> str:
        return f"<b>W</b><sub>{channel}</sub>"

    def current(self, channel: str) -> str:
        return f"<b>a</b><sub>{channel}</sub>"

    def input(self, channel: str) -> str:
        plain = super().input(channel)
        return f"<b>{channel}</b>" if plain == channel and len(channel) == 1 else f"<b>x</b><sub>{channel}</sub>"

    def entry(self, letter: str, indices: str) -> str:
        return f"{letter}<sub>{indices}</sub>"

    def others(self, letter: str) -> str:
        return f"∑<sub>j≠i</sub> {letter}<sub>ij</sub> z<sub>j</sub>"

    def square(self, body: str) -> str:
        return f"‖{body}‖<sup>2</sup>"

    def length(self, body: str) -> str:
        return f"‖{body}‖"

    def absolute(self, body: str) -> str:
        return f"‖{body}‖<sub>1</sub>"

    def mean(self, body: str) -> str:
        return f"⟨ {body} ⟩"

    def over(self, word: str, variables: Iterable[str]) -> str:
        return f"{word}<sub>{', '.join(variables)}</sub>"

    def stationary(self, variables: Iterable[str]) -> str:
        return self.over("stat", variables)

    def gated_square(self, weights: str, x: str) -> str:
        return f"∑<sub>ij</sub> {x}<sub>j</sub> ({weights})<sub>ij</sub><sup>2</sup>"

    def change(self, weights: str) -> str:
        return f"Δ{weights}"

    def positive(self, body: str) -> str:
        return f"[{body}]<sub>+</sub>"

    def root(self, body: str) -> str:
        return f"√({body})"

    def pair(self, left: str, right: str) -> str:
        return f"⟨{left}, {right}⟩"

    def average(self, body: str) -> str:
        return f"⟨{body}⟩"
