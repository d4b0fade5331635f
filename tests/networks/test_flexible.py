"""Row sums: exact at every step, blind to the origin, soft where asked; the start from samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from similis._errors import InputError
from similis.circuit import Step, init
from similis.datasets import bars, gaussian_blobs, ring
from similis.engine import reference, run
from similis.networks import move_origin, row_sum_similarity, row_sum_start


def scaled(X: np.ndarray) -> np.ndarray:
    X = X - X.mean(0)
    return X / np.sqrt((X * X).sum(1).mean())


BLOBS, LABELS = gaussian_blobs(1500, 6, 4, separation=12, random_state=0)
CASES = {
    "clusters": (scaled(BLOBS), {"mu": 0.02}),
    "tiles": (scaled(ring(1500, random_state=0)[0]), {"trace": 6.0}),
    "parts": (scaled(bars(1500, random_state=0)[0]), {"gamma": 0.2}),
    "sparse tiles": (scaled(ring(1500, random_state=1)[0]), {"trace": 3.0, "gamma": 0.05}),
}


@pytest.mark.parametrize("name", CASES)
def test_moving_the_origin_changes_nothing(name):
    """Outputs and, moved back, all weights, over 1,500 steps of learning, ten RMS norms away."""
    X, choices = CASES[name]
    far = 10 * np.random.default_rng(0).standard_normal(X.shape[1]) / np.sqrt(X.shape[1])
    circuit = row_sum_similarity(12, **choices)
    start = row_sum_start(circuit, X[:120])
    Z, end = run(circuit, start, X)
    moved, there = run(circuit, move_origin(start, far), X + far)
    assert np.abs(moved - Z).max() < 1e-8 * Z.max()
    back = move_origin(there, -far)
    for key, array in end.arrays.items():
        np.testing.assert_allclose(back.arrays[key], array, atol=1e-8 * max(1, np.abs(array).max()))


@pytest.mark.parametrize("name", CASES)
def test_the_total_is_exact_at_every_step(name):
    X, choices = CASES[name]
    circuit = row_sum_similarity(12, total=0.7, **choices)
    state = row_sum_start(circuit, X[:120])
    for x in X[:60]:
        b = state.cells["b"]
        Z, state = run(circuit, state, x[None])
        assert abs(Z[0] @ b - 0.7) < 1e-12
        assert Z.min() >= 0


def test_a_soft_total_is_a_leaky_unit_and_stiffness_makes_it_exact():
    """The multiplier of the stationarity condition is soft (b.z - total)."""
    X, _ = CASES["clusters"]
    gaps = []
    for soft in (0.5, 5.0, 500.0):
        circuit = row_sum_similarity(8, stiffness=soft)
        state = row_sum_start(circuit, X[:80])
        Z, _ = run(circuit, state, X[80:81], learn=False)
        z, b = Z[0], state.cells["b"]
        unit = soft * (b @ z - 1.0)
        slope = state.W["x"] @ X[80] - state.cells["a"] - unit * b - 0.05 * z
        assert np.abs(slope[z > 0]).max() < 1e-12
        assert slope.max() < 1e-12
        gaps.append(abs(b @ z - 1.0))
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 1e-2


def test_the_start_compares_squared_distances():
    """The drive of neuron i is -b |x - x_i|^2 / 2 but for lambda: the nearest answers most, wherever the origin is."""
    X, _ = CASES["clusters"]
    circuit = row_sum_similarity(10)
    for by in (0.0, 100.0):
        state = row_sum_start(circuit, X[:100] + by)
        centres = state.W["x"] / state.cells["b"][:, None]
        Z, _ = run(circuit, state, X + by, learn=False)
        distance = ((X[:, None] + by - centres) ** 2).sum(2)
        assert np.mean(Z.argmax(1) == distance.argmin(1)) > 0.999


def test_the_start_takes_the_farthest_samples_and_all_of_a_few():
    X = np.array([[0.0], [1.0], [10.0], [0.0], [4.0]])
    state = row_sum_start(row_sum_similarity(4), X)
    assert (state.W["x"] / state.cells["b"][:, None]).ravel().tolist() == [0, 10, 4, 1]
    few = row_sum_start(row_sum_similarity(4), np.array([[3.0], [5.0]], np.float32))
    assert set((few.W["x"] / few.cells["b"][:, None]).ravel().tolist()) == {3, 5}
    assert few.dtype == np.float32


def test_small_random_weights_fail_away_from_the_origin_and_samples_do_not():
    X = CASES["clusters"][0] + 10
    circuit = row_sum_similarity(16, mu=0.02)
    scores = []
    for start in (init(circuit, {"x": 6}, 0, gain={"x": 0.01}), row_sum_start(circuit, X[:160])):
        end = run(circuit, start, np.concatenate([X, X]))[1]
        Z = run(circuit, end, X, learn=False)[0]
        scores.append(adjusted_rand_score(LABELS, (Z * end.cells["b"]).argmax(1)))
    assert scores[0] < 0.3 < 0.6 < scores[1]


def test_the_trace_is_steered_and_needs_room():
    X, _ = CASES["tiles"]
    circuit = row_sum_similarity(16, trace=5.0, step=Step(0.02))
    end = run(circuit, row_sum_start(circuit, X[:160]), np.tile(X, (4, 1)))[1]
    Z = run(circuit, end, X, learn=False)[0]
    assert (Z * Z).sum(1).mean() == pytest.approx(5, rel=0.1)
    for trace in (0.5, 17.0):
        with pytest.raises(InputError, match=rf"trace={trace} of 16 neurons; expected 1.0 to 16.0"):
            row_sum_similarity(16, trace=trace)


def test_reference_and_stream_agree_from_a_start_of_samples():
    X, choices = CASES["parts"]
    circuit = row_sum_similarity(6, **choices)
    start = row_sum_start(circuit, X[:60])
    assert np.abs(reference.run(circuit, start, X[:100])[0] - run(circuit, start, X[:100], block=16)[0]).max() < 1e-9
    assert move_origin(start, np.zeros(36)) == replace(start)
