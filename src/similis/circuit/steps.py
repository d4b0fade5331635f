"""The learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .checks import expect, expect_fields


@dataclass(frozen=True)
class Step:
    """The learning rate: eta_t = max(floor, eta0 / (1 + decay t)), t counted from 0.

    ``limited``: where a sample's own step would go too far, it is smaller; ordinary samples learn at eta_t. Of circuits
    whose interneurons nothing settles against, so much that synapses which read FEEDBACK do not overshoot,
    ``2 eta rate |x|^2 z'Az <= |z|^2``, and that P grows by at most a quarter, ``eta/tau |z|^2 <= 1/4``. Under learned
    row sums, that b grows at most fivefold, ``2 eta |z|^2 <= 4``; and where those answer that answer more than half of
    all samples, by ``2 (1 - sum_i b_i^3 z_i)``, so that the tiles of rare samples are not forgotten meanwhile.
    """

    eta0: float = 0.01
    decay: float = 0.0
    floor: float = 0.0
    limited: bool = False

    def __post_init__(self) -> None:
        expect_fields(self)
        expect(self.eta0 > 0.0 and math.isfinite(self.eta0), f"eta0={self.eta0}", "a positive number")
        expect(0.0 <= self.decay < math.inf, f"decay={self.decay}", "a number >= 0")
        expect(0.0 <= self.floor <= self.eta0, f"floor={self.floor}", "a number in [0, eta0]")

    def at(self, t: Any) -> Any:
        """eta_t, of a sample or of an array of them."""
        return np.maximum(self.floor, self.eta0 / (1.0 + self.decay * t))

    def total(self, t: float) -> float:
        """Integral of eta from sample 0 to sample t."""
        if self.decay == 0.0:
            return self.eta0 * t
        falling = t if self.floor == 0.0 else min(t, (self.eta0 / self.floor - 1.0) / self.decay)
        return self.eta0 / self.decay * math.log1p(self.decay * falling) + self.floor * (t - falling)
