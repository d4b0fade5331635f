"""The short parts of what runs for long: a stream that breaks, and the page on exactness."""

from __future__ import annotations

import sys

import pytest

from . import numerics, soak
from .laws.estimators import CASES


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_stream_that_stalls_and_breaks_is_learned_to_the_last_row():
    memory = soak.soak(most=8000)
    assert len(memory) >= 8000 // 100  # three connections


def test_the_page_on_exactness_has_every_estimator():
    page = numerics.PAGE.read_text(encoding="utf-8")
    assert [line.split(" | ")[0][2:] for line in page.splitlines() if line.startswith("| ")][1:] == list(CASES)


def test_a_row_of_the_page_is_measured():
    case = CASES["cca"]
    here = numerics.learned(case)
    units, offset, single, pieces, threads, processor = numerics.row(case, here, [here])
    assert units < 1e-12
    assert 0 < offset < 1e-8
    assert 1e-9 < single < 1e-3
    assert pieces < 1e-10
    assert threads < 1e-10
    assert processor == 0
