"""A trace sees the weights after every m-th sample, wherever the run is cut."""

from __future__ import annotations

import numpy as np
import pytest
from tests.laws.circuits import CASES
from tests.laws.compare import gap

from similis._errors import InputError
from similis.engine import Trace, reference, run


def weights(state):
    return {"M": state.M.copy(), **{name: W.copy() for name, W in state.W.items()}}


def traced(engine, case, every, cuts=(), **options):
    trace, state, data = Trace(every, weights), case.start(), case.data(150)
    for start, stop in zip((0, *cuts), (*cuts, 150), strict=True):
        piece = {channel: X[start:stop] for channel, X in data.items()}
        _, state = engine(case.circuit, state, piece, trace=trace, **options)
    return trace


@pytest.mark.parametrize("name", ["psp", "nsm", "cca-three-views", "interneurons-many", "bmvr"])
@pytest.mark.parametrize("every", [1, 7, 64, 150, 151])
def test_both_engines_record_the_same_weights_at_the_same_samples(name, every):
    case = CASES[name]
    expected = traced(reference.run, case, every)
    assert expected.samples == list(range(every, 151, every))
    for found in (traced(run, case, every), traced(run, case, every, block=16), traced(run, case, every, (1, 65, 98))):
        assert found.samples == expected.samples
        for record, record0 in zip(found.records, expected.records, strict=True):
            assert max(gap(record[key], record0[key]) for key in record0) < 1e-9


def test_looking_does_not_change_the_run():
    case = CASES["cca"]
    data = case.data(150)
    plain = run(case.circuit, case.start(), data, block=64)
    for every in (1, 10):
        seen = run(case.circuit, case.start(), data, block=64, trace=Trace(every, weights))
        np.testing.assert_allclose(seen[0], plain[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("engine", [reference.run, run])
def test_several_traces_keep_their_own_pace(engine):
    case = CASES["psp"]
    traces = [Trace(20, lambda state: {"t": state.t}), Trace(33, lambda state: {"t": state.t})]
    engine(case.circuit, case.start(), case.data(100), trace=traces)
    assert [trace.samples for trace in traces] == [[20, 40, 60, 80, 100], [33, 66, 99]]
    assert all(
        record["t"] == sample for trace in traces for record, sample in zip(trace.records, trace.samples, strict=True)
    )


@pytest.mark.parametrize("engine", [reference.run, run])
def test_nothing_is_recorded_without_learning(engine):
    case, trace = CASES["psp"], Trace(10, weights)
    engine(case.circuit, case.start(), case.data(50), learn=False, trace=trace)
    assert trace.samples == []


@pytest.mark.parametrize("every", [0, -5])
def test_a_trace_needs_a_pace(every):
    with pytest.raises(InputError, match=f"every={every}"):
        Trace(every, weights)
