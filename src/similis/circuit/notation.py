"""Two hands that write the same equations: plain text for a terminal, LaTeX for a page."""

from __future__ import annotations

from collections.abc import Iterable

#: symbols of the equations, which the input of a channel must not borrow
TAKEN = set("IMPWadijnrstz")


class Text:
    """Symbols as a terminal shows them."""

    T, inverse, squared = "'", "^-1", "^2"
    eta, tau, t, mu, unit = "eta_t", "tau", "t", "mu", "lambda"
    at_least, at_most, differs = ">=", "<=", "!="
    dot, infinity = "", "inf"
    arrives = "settles at "

    def bold(self, letter: str) -> str:
        """A vector or a matrix."""
        return letter

    def word(self, name: str) -> str:
        """A word or a channel's name inside an equation."""
        return name

    def weight(self, channel: str) -> str:
        return f"W{channel}" if len(channel) == 1 else f"W_{channel}"

    def current(self, channel: str) -> str:
        return f"a_{channel}"

    def input(self, channel: str) -> str:
        return f"x_{channel}" if channel in TAKEN else channel

    def entry(self, letter: str, indices: str) -> str:
        return f"{letter}_{indices}"

    def others(self, letter: str) -> str:
        """The lateral current from the other neurons."""
        return f"sum_{{j != i}} {letter}_ij z_j"

    def number(self, value: float) -> str:
        return f"{value:g}"

    def signed(self, terms: Iterable[tuple[float, str]]) -> str:
        """A sum: coefficients 0 vanish, 1 are not written; an empty symbol stands for the number alone."""
        text = ""
        for coefficient, symbol in terms:
            if coefficient == 0.0:
                continue
            size = "" if abs(coefficient) == 1.0 and symbol else self.number(abs(coefficient))
            sign = ("-", " - ")[bool(text)] if coefficient < 0 else ("", " + ")[bool(text)]
            text += sign + " ".join(part for part in (size, symbol) if part)
        return text or "0"

    def grouped(self, terms: Iterable[tuple[float, str]]) -> str:
        """A sum, in parentheses where it has more than one term."""
        text = self.signed(terms)
        return f"({text})" if " + " in text or " - " in text else text

    def square(self, body: str) -> str:
        return f"|{body}|^2"

    def length(self, body: str) -> str:
        return f"|{body}|"

    def absolute(self, body: str) -> str:
        return f"|{body}|_1"

    def mean(self, body: str) -> str:
        return f"< {body} >"

    def over(self, word: str, variables: Iterable[str]) -> str:
        """An optimisation and what it is over."""
        inside = ",".join(variables)
        return f"{word}_{inside}" if inside.isalnum() else f"{word}_{{{inside}}}"

    def stationary(self, variables: Iterable[str]) -> str:
        """A saddle that is neither a minimum nor a maximum in its variables."""
        return f"stat_{{{','.join(variables)}}}"

    def gated_square(self, weights: str, x: str) -> str:
        """sum_ij x_j W_ij^2."""
        return f"sum_ij {x}_j {weights}_ij^2"

    def ratio(self, top: str, bottom: str) -> str:
        return f"{top} / {f'({bottom})' if ' ' in bottom else bottom}"

    def change(self, weights: str) -> str:
        return f"d{weights}"

    def flow(self, letter: str) -> str:
        """Change in the fast time of settling."""
        return f"d{letter}/ds"

    def positive(self, body: str) -> str:
        return f"[{body}]_+"

    def indicator(self, body: str) -> str:
        return f"1[{body}]"

    def call(self, name: str, *arguments: str) -> str:
        return f"{name}({', '.join(arguments)})"


class Latex(Text):
    """The same symbols in LaTeX, within what matplotlib's mathtext can render."""

    T, inverse = r"^{\top}", "^{-1}"
    eta, tau, mu, unit = r"\eta_t", r"\tau", r"\mu", r"\lambda"
    at_least, at_most, differs = r"\geq", r"\leq", r"\neq"
    dot, infinity = r" \odot", r"\infty"
    arrives = r"\rightarrow\; "

    def bold(self, letter: str) -> str:
        return rf"\mathbf{{{letter}}}"

    def word(self, name: str) -> str:
        plain = name.replace("_", r"\_")
        return plain if len(name) == 1 else rf"\mathrm{{{plain}}}"

    def weight(self, channel: str) -> str:
        return rf"\mathbf{{W}}_{{{self.word(channel)}}}"

    def current(self, channel: str) -> str:
        return rf"\mathbf{{a}}_{{{self.word(channel)}}}"

    def input(self, channel: str) -> str:
        single = len(channel) == 1 and channel not in TAKEN
        return rf"\mathbf{{{channel}}}" if single else rf"\mathbf{{x}}_{{{self.word(channel)}}}"

    def entry(self, letter: str, indices: str) -> str:
        return rf"{letter}_{{{indices}}}"

    def others(self, letter: str) -> str:
        return rf"\sum_{{j \neq i}} {letter}_{{ij}} z_j"

    def number(self, value: float) -> str:
        digits, _, power = f"{value:g}".partition("e")
        if not power:
            return digits
        return rf"10^{{{int(power)}}}" if digits == "1" else rf"{digits} \times 10^{{{int(power)}}}"

    def square(self, body: str) -> str:
        return rf"\|{body}\|^2"

    def length(self, body: str) -> str:
        return rf"\|{body}\|"

    def absolute(self, body: str) -> str:
        return rf"\|{body}\|_1"

    def mean(self, body: str) -> str:
        return rf"\langle {body} \rangle"

    def over(self, word: str, variables: Iterable[str]) -> str:
        return rf"\{word}_{{{', '.join(variables)}}}"

    def stationary(self, variables: Iterable[str]) -> str:
        return rf"\mathrm{{stat}}_{{{', '.join(variables)}}}"

    def gated_square(self, weights: str, x: str) -> str:
        return rf"\sum_{{ij}} {x}_j ({weights})_{{ij}}^2"

    def ratio(self, top: str, bottom: str) -> str:
        return rf"\frac{{{top}}}{{{bottom}}}"

    def change(self, weights: str) -> str:
        return rf"\Delta {weights}"

    def flow(self, letter: str) -> str:
        return rf"\frac{{d{letter}}}{{ds}}"

    def indicator(self, body: str) -> str:
        return rf"\mathbf{{1}}[{body}]"

    def call(self, name: str, *arguments: str) -> str:
        head = r"\max" if name == "max" else rf"\mathrm{{{name}}}"
        return f"{head}({', '.join(arguments)})"
