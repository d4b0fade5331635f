"""Signals of an objective: a stream, the same some samples ago, and sums of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .._errors import InputError
from .refusals import finite, refuse, written
from .symbols import Plain


@dataclass(frozen=True)
class Signal:
    """A weighted sum of streams and of streams some samples ago.

    Parameters
    ----------
    parts : tuple of (stream, lag, coefficient)
    """

    parts: tuple[tuple[str, int, float], ...]
    __array_ufunc__ = None  # a NumPy number times a signal is a signal

    def __post_init__(self) -> None:
        total: dict[tuple[str, int], float] = {}
        for stream, lag, coefficient in self.parts:
            if not (isinstance(stream, str) and stream.isidentifier()):
                refuse(f"signal {stream!r}", 'expected the name of a stream, such as "x"')
            if not isinstance(lag, int) or isinstance(lag, bool) or lag < 0:
                refuse(f"lagged({stream!r}, {lag!r})", "a synapse cannot read the future; expected an integer >= 0")
            total[stream, lag] = total.get((stream, lag), 0.0) + coefficient
        kept = tuple((s, lag, float(c)) for (s, lag), c in sorted(total.items()) if c != 0.0)
        if not kept:
            refuse("a signal that cancels", "expected at least one stream with a coefficient that is not 0")
        object.__setattr__(self, "parts", kept)

    @property
    def name(self) -> str:
        """The channel it comes in on: ``x``, ``x_lag1``, ``x_sum`` or ``x_change``."""
        first, lag, coefficient = self.parts[0]
        if len(self.parts) == 1 and coefficient == 1.0:
            return f"{first}_lag{lag}" if lag else first
        streams = "_".join(dict.fromkeys(stream for stream, _, _ in self.parts))
        return f"{streams}_{'change' if any(c < 0 for *_, c in self.parts) else 'sum'}"

    @property
    def plain(self) -> bool:
        """Whether it is a stream as it comes."""
        return len(self.parts) == 1 and self.parts[0][1:] == (0, 1.0)

    @property
    def lag(self) -> int:
        """How many samples it reaches back."""
        return max(lag for _, lag, _ in self.parts)

    def rows(self, data: Mapping[str, np.ndarray], skip: int) -> np.ndarray:
        """Its rows, from row ``skip`` of the streams on."""
        total: np.ndarray | None = None
        for stream, lag, coefficient in self.parts:
            if stream not in data:
                raise InputError(f"no stream {stream!r} in the data; it has {', '.join(data) or 'none'}")
            X = np.asarray(data[stream])
            part = coefficient * X[skip - lag : len(X) - lag] if coefficient != 1.0 else X[skip - lag : len(X) - lag]
            total = part if total is None else total + part
        assert total is not None
        return total

    def words(self, hand: Plain) -> str:
        """Its definition, e.g. ``x(t) + x(t-1)``."""
        times = [(c, f"{hand.input(s)}({hand.t}{f'-{lag}' if lag else ''})") for s, lag, c in self.parts]
        return hand.signed(times)

    def __add__(self, other: Signal | str) -> Signal:
        return Signal(self.parts + signal(other).parts)

    def __radd__(self, other: Signal | str) -> Signal:
        return signal(other) + self

    def __neg__(self) -> Signal:
        return -1.0 * self

    def __sub__(self, other: Signal | str) -> Signal:
        return self + -signal(other)

    def __rsub__(self, other: Signal | str) -> Signal:
        return signal(other) - self

    def __mul__(self, factor: float) -> Signal:
        if not finite(factor):
            refuse(f"{self} * {factor}", "a signal is scaled by numbers; similarities multiply, signals do not")
        return Signal(tuple((stream, lag, float(factor) * c) for stream, lag, c in self.parts))

    __rmul__ = __mul__

    def __str__(self) -> str:
        text = ""
        for stream, lag, c in self.parts:
            size = "" if abs(c) == 1.0 else f"{written(abs(c))} * "
            word = f"lagged({stream}, {lag})" if lag else stream
            text += (" - " if text else "-") * (c < 0) + " + " * (c >= 0 and bool(text)) + size + word
        return text


def signal(name: Signal | str) -> Signal:
    """A stream by its name; a signal stays as it is."""
    return name if isinstance(name, Signal) else Signal(((name, 0, 1.0),))


def lagged(name: str, lag: int) -> Signal:
    """A stream as it was ``lag`` samples ago.

    Parameters
    ----------
    name : str
    lag : int >= 0, in samples

    Examples
    --------
    >>> from similis.derive import lagged
    >>> print(lagged("x", 1) + "x")
    x + lagged(x, 1)
    """
    return Signal(((name, lag, 1.0),))
