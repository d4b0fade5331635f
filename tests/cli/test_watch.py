"""Drift: a change at a known row is told soon after it, and a stream that does not change is left in peace."""

from __future__ import annotations

import numpy as np
import pytest

from similis import SimilarityMatching
from similis._errors import InputError
from similis.metrics import DriftDetector

REFERENCE, D, K = 6000, 12, 2
WORDS = {"horizon": 100, "false_alarm": 0.05}


def stream(seed, n, change=None, angle=0.6, gain=1.0):
    """n rows in a plane with noise; from a row on the plane has turned, or the noise is larger."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((D, 2 * K)))[0].T
    S, X = rng.standard_normal((n, K)) * [3, 2], 0.5 * rng.standard_normal((n, D))
    t = n if change is None else change
    X[t:] *= gain
    X[:t] += S[:t] @ Q[:K]
    X[t:] += S[t:] @ (np.cos(angle) * Q[:K] + np.sin(angle) * Q[K:])
    return X + 5.0


def watched(X, **words):
    return DriftDetector(K, **WORDS | words).fit(X[:REFERENCE]).update(X[REFERENCE:])


@pytest.mark.parametrize("words", [{"angle": 0.6}, {"angle": 0.0, "gain": 1.3}, {"angle": 0.0, "gain": 0.7}])
def test_a_change_is_told_soon_after_it_and_dated(words):
    for seed in range(5):
        found = watched(stream(seed, REFERENCE + 6000, REFERENCE + 3000, **words))
        assert 3000 < found.alarm_row_ <= 3500
        assert abs(found.change_row_ - 3000) <= 300
        assert not any(block.alarm for block in found.history_ if block.stop <= 3000)


def test_a_slow_turn_is_told_too():
    rng, turn = np.random.default_rng(0), np.linspace(0, 1, 8000)[:, None]
    Q = np.linalg.qr(rng.standard_normal((D, 2)))[0].T
    s, noise = 3 * rng.standard_normal((14000, 1)), 0.5 * rng.standard_normal((14000, D))
    axis = np.concatenate([np.repeat(Q[:1], REFERENCE, 0), np.cos(turn) * Q[0] + np.sin(turn) * Q[1]])
    found = DriftDetector(1, **WORDS).fit((s * axis + noise)[:REFERENCE]).update((s * axis + noise)[REFERENCE:])
    assert 300 < found.alarm_row_ < 4000
    angles = [block.angle for block in found.history_]
    np.testing.assert_allclose(angles, np.degrees(turn[50::100, 0]), atol=6)


def test_no_change_no_alarm():
    """At most 5 % of streams within 100 blocks: of 30 seeds, more than 6 have probability 0.003."""
    alarms = sum(watched(stream(1000 + seed, REFERENCE + 10_000)).alarm_ for seed in range(30))
    assert alarms <= 6


def test_scores_are_the_definitions_and_pieces_change_nothing():
    X = stream(3, REFERENCE + 1000)
    whole = watched(X)
    pieces = DriftDetector(K, **WORDS).fit(X[:REFERENCE])
    for start in range(REFERENCE, len(X), 37):
        pieces.update(X[start : start + 37])
    assert pieces.history_ == whole.history_
    half = X[: REFERENCE // 2]
    U = np.linalg.eigh(np.cov(half.T))[1][:, -K:]
    rest, block = X[REFERENCE // 2 : REFERENCE] - half.mean(0), X[REFERENCE : REFERENCE + 100] - half.mean(0)
    error = np.square(block - block @ U @ U.T).sum(1).mean() / np.square(rest).sum(1).mean()
    assert whole.history_[0].error == pytest.approx(error)
    from scipy.linalg import subspace_angles

    own = np.linalg.eigh(np.cov(block.T))[1][:, -K:]
    angle = np.degrees(np.sqrt(np.square(subspace_angles(own, U)).mean()))
    assert whole.history_[0].angle == pytest.approx(angle, rel=1e-4)


def test_units_and_turns_change_nothing():
    X, Q = (
        stream(4, REFERENCE + 2000, REFERENCE + 500),
        np.linalg.qr(np.random.default_rng(0).standard_normal((D, D)))[0],
    )
    found, same = watched(X), watched(1e6 * X @ Q)
    assert (found.alarm_row_, found.change_row_) == (same.alarm_row_, same.change_row_)
    np.testing.assert_allclose([b.error for b in same.history_], [b.error for b in found.history_])


def test_the_subspace_of_a_model_is_watched():
    X = stream(5, REFERENCE + 2000, REFERENCE + 1000)
    model = SimilarityMatching(K, solver="exact").fit(X[:REFERENCE])
    found = DriftDetector(model=model, **WORDS).fit(X[:REFERENCE]).update(X[REFERENCE:])
    assert 1000 < found.alarm_row_ <= 1400


def test_what_cannot_be_watched_is_refused():
    X = stream(0, 4000)
    with pytest.raises(InputError, match="no reference"):
        DriftDetector().update(X)
    with pytest.raises(InputError, match="20 blocks at least"):
        DriftDetector().fit(X[:3900])
    with pytest.raises(InputError, match="fewer than both"):
        DriftDetector(D).fit(X)
    with pytest.raises(InputError, match="false_alarm"):
        DriftDetector(false_alarm=1.0).fit(X)
    with pytest.raises(InputError, match="3 features"):
        DriftDetector(**WORDS).fit(X).update(np.ones((3, 3)))


def csv(path, X):
    names = ",".join(f"c{i}" for i in range(D))
    np.savetxt(path, X, delimiter=",", header=names, comments="", fmt="%.17g")
    return path


def test_the_command_says_what_the_class_says(similis, tmp_path):
    X = stream(1, REFERENCE + 2000, REFERENCE + 1000)
    expected, data = watched(X), csv(tmp_path / "x.csv", X)
    words = ("watch", data, "--reference", REFERENCE, "--horizon", 100, "--false-alarm", 0.05)
    done = similis(*words, "-o", tmp_path / "blocks.npy", "--json").json
    assert (done["alarm_row"], done["change_row"]) == (
        REFERENCE + expected.alarm_row_, REFERENCE + expected.change_row_,
    )  # fmt: skip
    found = np.load(tmp_path / "blocks.npy")
    np.testing.assert_allclose(found[:, 2:], np.array(expected.history_, float)[:, 2:])
    assert found[0, :2].tolist() == [REFERENCE, REFERENCE + 100]
    text = data.read_text()
    done = similis("watch", "-", *words[2:], "-o", "-", "--strict", status=1, stdin=text)
    assert len(done.stdout.splitlines()) == 1 + len(found)
    assert "alarm at row" in done.stderr
    similis("fit", "psp", data, "-o", tmp_path / "m", "-k", K)
    turned = csv(tmp_path / "turned.csv", X)
    assert similis("watch", turned, *words[2:], "--model", tmp_path / "m", "--json").json["alarm"]
    assert "fewer than the reference" in similis("watch", data, "--reference", 90_000, status=1).stderr
    assert "is read" in similis(*words, "-o", data, "--force", status=2).stderr
