"""What keeps a network from rows that it cannot learn from: steps too large for a row, rows too much alike."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._errors import DivergenceError
from ..circuit import Circuit
from ..kernels.order import WITHIN, correlated

#: a row of which 2 eta rate |x|^2 exceeds the first number is shortened until it is the second
OVERSHOOT, SAFE = 3.0, 1.0
#: and one of more than so many times the power, an outlier or the first of another gain, until it is of no more
LONG = 16.0
#: share of the power in the mean of centred rows at which they are sorted; share of rows left out that is worth a word
OFF_CENTRE, IDLE = 0.02, 0.1
#: and their number
SEVERAL = 64
#: what they are
STUCK = (
    "which repeat the row before them many times over or vary by nothing, as those of a sensor that is off or stuck. "
    "If they are measurements, give them in random order"
)
#: share of the mean square that is the square of the mean where rows, or outputs, lie far from the origin; and at which
#: an uncentred fit of rows is worth a word
FAR, LOST = 0.9, 0.999
#: share of the outputs' variance that may lie between the means of blocks; never less than so many times what
#: independent rows have there
SHARE, CHANCE = 0.125, 8.0


def shortening(circuit: Circuit, sizes: dict[str, np.ndarray], t: int) -> np.ndarray:
    """Factors at most 1 by which rows of these squared norms, from sample t on, are multiplied to be safe to learn.

    A synapse that regresses overshoots where ``2 eta rate |x|^2 > 2``, and an average is replaced by one row. Ordinary
    rows, which are rarely so long, stay as they are.
    """
    eta = circuit.step.at(np.arange(t, t + len(next(iter(sizes.values())))))
    reach = 2 * eta * np.max([circuit.channel(name).synapse.rate * size for name, size in sizes.items()], axis=0)
    longest = np.maximum(np.max(list(sizes.values()), axis=0), LONG)
    return np.where(reach > OVERSHOOT, np.sqrt(SAFE / np.maximum(reach, SAFE)), np.sqrt(LONG / longest))


def sorted_rows(centred: bool, rows: Any, sizes: np.ndarray) -> bool:
    """Whether rows, if each was ``centred`` by the mean of those up to it, are off centre as a whole.

    So are those of a table sorted by class. Sparse rows are never centred. ``sizes`` are -1 for rows that say nothing.
    """
    told = sizes >= 0
    if not centred or not isinstance(rows, np.ndarray) or not told.any():
        return False
    mean = told.astype(rows.dtype) @ rows / told.sum()
    return float(mean @ mean) > OFF_CENTRE * float(sizes[told].mean())


def warn_of_far(name: str, streams: Mapping[str, Any]) -> None:
    """Say it where dense rows that are not centred lie far from the origin: what they vary by is hardly learned."""
    for stream, X in streams.items():
        if not isinstance(X, np.ndarray) or len(X) < SEVERAL:
            continue
        mean, size = X.mean(0, dtype=float), float(np.einsum("ti,ti->", X, X, dtype=float)) / len(X)
        if np.isfinite(size) and LOST * size < float(mean @ mean) < size:
            warnings.warn(
                f"the rows of {stream} lie {np.sqrt(size / (size - mean @ mean)):.2g} times as far from the origin as "
                f"they vary by, and {name} does not centre them: it learns where they lie, and hardly what they vary "
                "by. Use center=True, or take the mean out of the rows",
                ConvergenceWarning,
                stacklevel=5,
            )


@dataclass(frozen=True)
class Idle:
    """Rows left out of those since the last look, and whether that was said: once a fit is enough."""

    idle: int = 0
    rows: int = 0
    said: bool = False

    def after(self, name: str, idle: int, rows: int, usual: float, what: str) -> Self:
        """After so many more rows; say it where more than a ``usual`` share were left out, beyond the beginning."""
        idle, rows = self.idle + idle, self.rows + rows
        many = idle > SEVERAL and idle > usual * rows
        if many and not self.said:
            warnings.warn(
                f"{name} left out {idle} of {rows} rows, {what}. This is said once a fit; n_idle_ counts",
                UserWarning,
                stacklevel=5,
            )
        said = self.said or many
        return type(self)(said=said) if rows * IDLE >= SEVERAL else type(self)(idle, rows, said)


@dataclass(frozen=True)
class Order:
    """Follows how much successive outputs resemble each other, in blocks of ``length`` samples."""

    present: np.ndarray
    mean: np.ndarray
    track: np.ndarray

    @classmethod
    def fresh(cls, k: int) -> Self:
        return cls(np.zeros(k), np.zeros(k), np.zeros(7))

    def follow(self, Z: np.ndarray, length: int) -> tuple[Self, int]:
        """The state after the outputs Z, and the row at which they resemble each other for too long, or -1."""
        length = min(length, 1 << 40)  # a step near 0 stands any resemblance
        present, mean, track = self.present.copy(), self.mean.copy(), self.track.copy()
        return type(self)(present, mean, track), correlated(Z, length, _limit(length), present, mean, track)

    @property
    def far(self) -> bool:
        """Whether outputs lie far from 0 beside what they vary by."""
        return float(self.mean @ self.mean) > FAR * float(self.track[WITHIN])


def _limit(length: int) -> float:
    return max(SHARE, CHANCE / length)


def too_correlated(name: str, sample: int, length: int, far: bool) -> DivergenceError:
    """The error that names the sample and the way out; where outputs are ``far`` from 0 it is not the order."""
    if far:
        return DivergenceError(
            f"at sample {sample} (counted from 0) {name} has seen rows that lie far from the origin beside what they "
            "vary by: the weights would follow where they lie. Use center=True, or take the mean out of the rows",
            sample,
        )
    return DivergenceError(
        f"at sample {sample} (counted from 0) {name} has seen rows that resemble each other over more than "
        f"{int(_limit(length) * length)} samples, which is longer than its step averages over: the weights would "
        "follow the moment. Learn the rows in random order (fit does with shuffle=True; similis.datasets.shuffled "
        "mixes blocks), or lower eta0",
        sample,
    )


def lost(name: str, seen: int) -> DivergenceError:
    """The error where weights are no numbers any more."""
    return DivergenceError(
        f"the weights of {name} diverged (NaN or inf) by sample {seen} (counted from 0). Lower eta0, or raise tau",
        seen,
    )


def outweighed(
    name: str, spread: np.ndarray, sample: int, why: str = "a step that is safe for it learns nothing from them"
) -> DivergenceError:
    """The error where one feature varies far more than all others together: nothing suits both."""
    most = int(np.argmax(spread))
    times = float(np.sqrt(spread[most] / np.delete(spread, most).sum()))
    return DivergenceError(
        f"feature {most} of {name} varies {times:.1g} times as much as all others together, seen at sample {sample} "
        f"(counted from 0): {why}. Give columns of like scale, such as sklearn.preprocessing.StandardScaler makes",
        sample,
    )
