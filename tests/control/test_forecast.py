"""The filter along a stream: beside the exact Kalman filter, in any unit, and as published."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import solve_discrete_are, solve_discrete_lyapunov

from similis import NeuralKalmanFilter
from similis._errors import DivergenceError, InputError


def turn(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def stream(A, C, noise, T, seed=0):
    """(T, n) observations, process noise I."""
    rng = np.random.default_rng(seed)
    m, n = len(A), len(C)
    W = noise * np.trace(C @ solve_discrete_lyapunov(A, np.eye(m)) @ C.T) / n * np.eye(n)
    X, V = np.zeros((T, m)), rng.standard_normal((T, m))
    for t in range(1, T):
        X[t] = A @ X[t - 1] + V[t]
    return X @ C.T + rng.standard_normal((T, n)) @ np.sqrt(W), W


def exact(A, C, W, Y, delay=1):
    """What the steady Kalman filter that knows everything says of each row, from ``delay`` rows before."""
    S = solve_discrete_are(A.T, C.T, np.eye(len(A)), W)
    L = A @ S @ C.T @ np.linalg.inv(C @ S @ C.T + W)
    x, ahead, said = np.zeros(len(A)), C @ np.linalg.matrix_power(A, delay - 1), np.zeros_like(Y)
    for t in range(len(Y) - delay + 1):
        said[t + delay - 1] = ahead @ x
        x = A @ x + L @ (Y[t] - C @ x)
    return said


def over_exact(said, A, C, W, Y, delay=1, last=1500):
    end = slice(-last, None)
    return np.mean((said - Y)[end] ** 2) / np.mean((exact(A, C, W, Y, delay) - Y)[end] ** 2)


rng = np.random.default_rng(3)
SYSTEMS = {
    "rotation by 1.4": (0.97 * turn(1.4), np.eye(2)),
    "rotation by 2.0": (0.97 * turn(2.0), np.eye(2)),
    "rotation by 2.8": (0.97 * turn(2.8), np.eye(2)),
    "negative scalar": (np.array([[-0.9]]), np.eye(1)),
    "slow and alternating": (np.diag([0.99, -0.99]), np.eye(2)),
    "hidden pair": (0.95 * turn(0.4), np.array([[1.0, 0.3]])),
    "sixteen, orthogonal": (0.97 * np.linalg.qr(rng.standard_normal((16, 16)))[0], rng.standard_normal((16, 16)) / 4),
    "thirty-two, slow": (0.97 * np.eye(32), np.eye(32)),
}


@pytest.mark.parametrize("delay", [1, 4])
@pytest.mark.parametrize("noise", [0.01, 3.0])
@pytest.mark.parametrize("name", SYSTEMS)
def test_nearly_the_exact_filter(name, noise, delay):
    A, C = SYSTEMS[name]
    Y, W = stream(A, C, noise, 8000)
    model = NeuralKalmanFilter(delay=delay).fit(Y)
    assert 0.9 < over_exact(model.predictions_, A, C, W, Y, delay) < 1.1
    Z, _ = stream(A, C, noise, 1500, seed=1)
    assert 0.9 < over_exact(model.predict(Z), A, C, W, Z, delay, 1400) < 1.1


def test_synapses_are_those_of_the_exact_filter():
    A, C = 0.9 * turn(2.0), np.eye(2)
    Y, W = stream(A, C, 0.3, 40_000)
    model = NeuralKalmanFilter(n_latent=2, average=0.0).fit(Y)
    S = solve_discrete_are(A.T, C.T, np.eye(2), W)
    L = A @ S @ np.linalg.inv(S + W)
    np.testing.assert_allclose(model.A_, A, atol=0.05)
    np.testing.assert_allclose(model.L_, L, atol=0.05)
    np.testing.assert_array_equal(model.C_, np.eye(2))


def test_actions_are_heard():
    rng = np.random.default_rng(0)
    A, B = np.array([[-0.8]]), np.array([[2.0, -1.0]])
    U, x, Y = rng.standard_normal((4000, 2)), np.zeros(1), np.empty((4000, 1))
    for t in range(4000):
        Y[t] = x
        x = A @ x + B @ U[t] + 0.1 * rng.standard_normal(1)
    for delay, floor in ((1, 0.01), (3, 0.01 * (1 + 0.64 + 0.4096))):
        model = NeuralKalmanFilter(delay=delay).fit(Y, actions=U)
        assert np.mean((model.predictions_ - Y)[-1000:] ** 2) < 1.2 * floor
        np.testing.assert_allclose(model.B_[:1], B, atol=0.05)


CHANGES = {
    "plain": lambda Y: Y,
    "units 1e-8": lambda Y: 1e-8 * Y,
    "units 1e8, far from 0": lambda Y: 1e8 * Y + 1e11,
    "one unit 1e9": lambda Y: Y * [1e9, 1.0],
    "leading zeros": lambda Y: np.vstack([np.zeros((1000, 2)), Y]),
    "leading constant": lambda Y: np.vstack([np.full((1000, 2), 7.0), Y]),
    "gain x 10": lambda Y: Y * np.where(np.arange(len(Y)) < len(Y) // 2, 1.0, 10.0)[:, None],
    "gain x 0.01": lambda Y: Y * np.where(np.arange(len(Y)) < len(Y) // 2, 1.0, 0.01)[:, None],
    "one row x 1e4": lambda Y: Y * np.where(np.arange(len(Y)) == 1000, 1e4, 1.0)[:, None],
    "first row x 1e4": lambda Y: Y * np.where(np.arange(len(Y)) == 0, 1e4, 1.0)[:, None],
    "one cell 1e200": lambda Y: np.where(np.arange(2 * len(Y)).reshape(-1, 2) == 2001, 1e200, Y),
    "quiet start": lambda Y: np.vstack([1e-6 * np.random.default_rng(5).standard_normal((500, 2)), Y]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_scale_does_not_matter(change):
    A, C = 0.95 * turn(2.0), np.eye(2)
    Y, W = stream(A, C, 0.3, 6000)
    X = CHANGES[change](Y)
    model = NeuralKalmanFilter().fit(X)
    unit = (X[-1] - X[-2]) / (Y[-1] - Y[-2])
    said = (model.predictions_ - X)[-1500:] / unit
    best = np.mean((exact(A, C, W, Y) - Y)[-1500:] ** 2)
    assert np.mean(said**2) < 1.1 * best
    assert np.mean(((model.predict(X) - X)[-1500:] / unit) ** 2) < 1.1 * best


STEPS = {
    "once": lambda t: t >= 2000,
    "in a late row": lambda t: t >= 3500,
    "there and back": lambda t: (t >= 1000) & (t < 3000),
    "every 500 rows": lambda t: t // 500 % 2,
}


@pytest.mark.parametrize("size", [1e-3, 1.0, -100.0])
@pytest.mark.parametrize("step", STEPS)
def test_an_observation_that_steps_spoils_no_other(step, size):
    """The stream is heard once to learn it, and once more, where nothing is learned when the step comes."""
    t, lost = np.arange(4000), []
    for seed in range(4):
        wave = np.column_stack([np.sin(0.3 * t), np.cos(0.3 * t)])
        wave += 0.1 * np.random.default_rng(seed).standard_normal(wave.shape)
        X = np.column_stack([wave, size * STEPS[step](t)])
        missed = (NeuralKalmanFilter().fit(X).predict(X)[:, :2] - wave) ** 2
        alone = (NeuralKalmanFilter().fit(wave).predict(wave) - wave) ** 2
        lost.append((missed.sum() - alone.sum()) / wave.var(0).sum() / len(t))
    assert np.mean(lost) < 0.05
    assert np.max(lost) < 0.1


@pytest.mark.parametrize("smoothing", [20, 300])
def test_a_smooth_stream_is_foretold(smoothing):
    rng = np.random.default_rng(0)
    latent = np.apply_along_axis(
        np.convolve, 0, rng.standard_normal((6000 + smoothing, 2)), np.ones(smoothing), "valid"
    )
    X = latent / latent.std(0) @ rng.standard_normal((2, 6)) + 0.1 * rng.standard_normal((len(latent), 6))
    past = np.hstack([X[5 - lag : -lag] for lag in range(1, 6)])
    left = X[5:] - past @ np.linalg.lstsq(past, X[5:], rcond=None)[0]
    model = NeuralKalmanFilter().fit(X)
    assert np.mean((model.predictions_ - X)[-1500:] ** 2) < 1.1 * np.mean(left[-1500:] ** 2)
    assert np.mean((model.predict(X) - X)[-1500:] ** 2) < 1.1 * np.mean(left[-1500:] ** 2)


@pytest.mark.parametrize(("a", "stays"), [(0.9, True), (-0.9, False)])
def test_the_published_rule_leaves_an_optimum_with_a_negative_gain(a, stays):
    """Scalar: at the exact filter the mean motion of a synapse has the sign of -L C = -a k, k the Kalman gain."""
    A, C = np.array([[a]]), np.eye(1)
    Y, W = stream(A, C, 0.3, 30_000)
    S = solve_discrete_are(A.T, C.T, np.eye(1), W)
    unit = float(np.sqrt(np.mean(Y**2)))
    model = NeuralKalmanFilter(rule="published", eta=0.003, decay=0.0, center=False, scale=None, average=0.0)
    model.partial_fit(Y[:1] / unit)
    known = {"A": A, "C": C, "L": A @ S @ np.linalg.inv(S + W)}
    for name, value in known.items():
        model._state[name][:] = value
    try:
        found = over_exact(model.partial_fit(Y[1:] / unit).predictions_ * unit, A, C, W, Y[1:], last=5000)
    except DivergenceError:
        found = np.inf
    assert found < 1.05 if stays else found > 1.5


def test_weights_of_the_average_of_the_published_rule():
    """Share (a + 1) / (k + a) of the k-th block: for a = 1 block k counts as k, for a = 0 only the last."""
    Y, _ = stream(0.9 * turn(0.3), np.eye(2), 0.3, 128 * 6)
    for average, weights in ((1.0, np.arange(1, 7)), (2.0, np.arange(1, 7) * np.arange(2, 8))):
        model = NeuralKalmanFilter(rule="published", average=average, random_state=0)
        blocks = []
        for start in range(0, len(Y), 128):
            model.partial_fit(Y[start : start + 128])
            blocks.append({name: model._state[name].copy() for name in "ACL"})
        for name in "ACL":
            mean = np.average([block[name] for block in blocks], axis=0, weights=weights)
            np.testing.assert_allclose(getattr(model, f"{name}_"), mean, rtol=1e-10)


CHANGED = {
    "rule": "published", "n_latent": 4, "delay": 4, "average": 2.0, "center": False, "scale": None,
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_what_the_fit_settled_stays(name):
    Y, _ = stream(0.9 * turn(0.3), np.eye(2), 0.3, 300)
    model = NeuralKalmanFilter().fit(Y)
    before = model.predict(Y)
    model.set_params(**{name: CHANGED[name]})
    for call in (model.partial_fit, model.predict, model.score):
        with pytest.raises(InputError, match=f"fitted with {name}="):
            call(Y)
    model.set_params(**{name: NeuralKalmanFilter().get_params()[name]})
    np.testing.assert_array_equal(model.predict(Y), before)
    assert model.set_params(**{name: CHANGED[name]}).fit(Y).n_samples_seen_ == 300


BAD = {
    "eta": (np.nan, -1.0, np.inf, "fast", None), "decay": (-1.0, np.nan), "damp": (-1.0, np.nan),
    "clip": (-1.0, np.nan, "no"), "average": (-1.0, np.nan, np.inf), "delay": (0, 1.5, True), "n_latent": (0, 2.5),
    "rule": ("best",), "scale": ("rms",),
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_bad_parameters_are_refused(name, value):
    for rule in ("least-squares", "published"):
        with pytest.raises(InputError, match=f"{name}="):
            NeuralKalmanFilter(**{"rule": rule, name: value}).fit(np.ones((5, 2)))


@pytest.mark.parametrize("rule", ["least-squares", "published"])
def test_a_call_that_fails_changes_nothing(rule):
    Y, _ = stream(0.9 * turn(0.3), np.eye(2), 0.3, 300)
    fresh = NeuralKalmanFilter(rule=rule, random_state=0)
    with pytest.raises(InputError, match="actions"):
        fresh.partial_fit(Y, actions=np.ones((3, 1)))
    assert not [name for name in vars(fresh) if name.endswith("_")]
    model = NeuralKalmanFilter(rule=rule, random_state=0).fit(Y, actions=np.ones((300, 1)))
    twin = NeuralKalmanFilter(rule=rule, random_state=0).fit(Y, actions=np.ones((300, 1)))
    for rows, actions in (
        (Y[:, :1], None), (Y, np.ones((300, 2))), (Y, np.full((300, 1), np.nan)), (np.full((3, 2), np.inf), None),
    ):  # fmt: skip
        for call in (model.partial_fit, model.fit):
            if call == model.fit and np.isfinite(rows).all() and (actions is None or np.isfinite(actions).all()):
                continue  # a fit may have other sizes
            with pytest.raises(ValueError):  # noqa: PT011
                call(rows, actions=actions)
    for each in (model, twin):
        each.partial_fit(Y, actions=np.ones((300, 1)))
    np.testing.assert_array_equal(model.predictions_, twin.predictions_)


def test_divergence_of_the_published_rule_is_an_error():
    Y, _ = stream(0.97 * np.eye(32), np.eye(32), 0.3, 3000)
    model = NeuralKalmanFilter(rule="published", clip=0.0, damp=0.0, eta=0.5, random_state=0)
    with pytest.raises(DivergenceError, match=r"eta=0\.5"):
        model.fit(Y)
    assert not hasattr(model, "predictions_")


def test_masked_entries_are_missing():
    Y, _ = stream(0.9 * turn(0.3), np.eye(2), 0.3, 400)
    holes = np.random.default_rng(0).random(Y.shape) < 0.2
    masked = NeuralKalmanFilter().fit(np.ma.array(np.where(holes, 1e6, Y), mask=holes))
    missing = NeuralKalmanFilter().fit(np.where(holes, np.nan, Y))
    np.testing.assert_array_equal(masked.predictions_, missing.predictions_)
    assert masked.score(np.ma.array(Y, mask=holes)) == missing.score(np.where(holes, np.nan, Y))
