"""How rates of learning rise and fall."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def rise_and_fall(
    optimiser: torch.optim.Optimizer, peaks: float | Sequence[float], steps: int
) -> torch.optim.lr_scheduler.OneCycleLR:  # fmt: skip
    """Rates that rise to their peaks over a tenth of the steps and fall to almost nothing over the others."""
    rise = 0.2 if steps == 10 else 0.1  # PyTorch divides by the length of the rise, which starts at step 1
    peaks = peaks if isinstance(peaks, float) else list(peaks)
    return torch.optim.lr_scheduler.OneCycleLR(optimiser, peaks, total_steps=steps, pct_start=rise)
