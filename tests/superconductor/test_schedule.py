"""Rates of learning, for any number of steps."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the networks are PyTorch's")

from similis.superconductor import known, table  # noqa: E402
from similis.superconductor.features import Coordinates  # noqa: E402
from similis.superconductor.schedule import rise_and_fall  # noqa: E402
from similis.superconductor.similarity import learn  # noqa: E402
from similis.superconductor.trunks import TRUNKS, train_trunk  # noqa: E402

DATA, _ = table(*known()[:2])


@pytest.mark.parametrize("steps", range(1, 41))
def test_rates_stay_within_their_peaks_and_fall_in_the_end(steps):
    quick, slow = (torch.zeros(1, requires_grad=True) for _ in range(2))
    optimiser = torch.optim.AdamW([{"params": [quick]}, {"params": [slow]}])
    schedule, rates = rise_and_fall(optimiser, [4e-2, 1e-2], steps), []
    for _ in range(steps):
        rates.append(schedule.get_last_lr())
        optimiser.step()
        schedule.step() if len(rates) < steps else None
    rates = np.array(rates)
    assert np.isfinite(rates).all()
    assert ((rates > 0) & (rates <= [4e-2, 1e-2])).all()
    if steps > 1:
        assert (rates[-1] < 1e-3 * rates.max(0)).all()


@pytest.mark.parametrize("kind", TRUNKS)
def test_ten_batches_are_learned(kind):
    net = train_trunk(kind, DATA.fractions[:40], np.ones((40, 3)), seed=0, epochs=10)
    assert all(torch.isfinite(weight).all() for weight in net.parameters())


@pytest.mark.parametrize("reading", ["kernel", "recall"])
def test_ten_steps_are_learned(reading):
    where = Coordinates(DATA.fractions[:40])
    c, y = where(DATA.fractions[:40]), DATA.tc[:40, None] / 30
    net = learn(reading, where, c, y, DATA.systems[:40], seed=0, steps=10)
    assert all(torch.isfinite(weight).all() for weight in net.parameters())
