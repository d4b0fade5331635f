"""The table of the duality principle: conjugates, links, weak and strong duality, against definitions."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from similis._errors import InputError
from similis.display import describe, latex, signals_table
from similis.kernels import dual as kernel
from similis.networks import Representer, duality
from similis.networks.losses import LOSSES, EpsilonInsensitive
from similis.networks.regularizers import L2, REGULARIZERS, Entropy, OutputVariance, PNorm

rng = np.random.default_rng(0)
ROOT = rng.standard_normal((6, 5))
KINDS = {
    "l2": L2(), "entropy": Entropy(3.0), "p-norm": PNorm(1.5), "p-norm-1.2": PNorm(1.2),
    "output-variance": OutputVariance(ROOT.T @ ROOT),
}  # fmt: skip


@njit
def compiled_error(code, z, y, epsilon):
    return kernel.error(code, z, y, epsilon)


@njit
def compiled_settle(code, a, z, y, q, epsilon):
    return kernel.settle(code, a, z, y, q, epsilon)


LOSS = {name: kind(0.3) if kind is EpsilonInsensitive else kind() for name, kind in LOSSES.items()}


@pytest.mark.parametrize("name", LOSS)
@pytest.mark.parametrize("y", [-1.0, 1.0])
def test_the_conjugate_is_the_supremum(name, y):
    loss, z = LOSS[name], np.linspace(-60, 60, 240_001)
    for a in (-0.9, -0.4, 0.0, 0.2, 0.99):
        cost = float(loss.conjugate(np.array(a), np.array(y)))
        supremum = np.max(-a * z - loss.of(z, y))
        if np.isinf(cost):
            assert supremum > 10
        else:
            assert cost == pytest.approx(supremum, abs=1e-4)
    if name != "squared":
        assert np.isinf(loss.conjugate(np.array(2.0 * y), np.array(y)))


@pytest.mark.parametrize("name", LOSS)
def test_the_error_neuron_is_minus_the_slope_and_meets_fenchel(name):
    loss, z = LOSS[name], rng.uniform(-3, 3, 200)
    y = np.sign(rng.standard_normal(200))
    a = loss.error(z, y)
    slope = (loss.of(z + 1e-6, y) - loss.of(z - 1e-6, y)) / 2e-6
    np.testing.assert_allclose(a, -slope, atol=1e-5)
    np.testing.assert_allclose(loss.of(z, y) + loss.conjugate(a, y), -a * z, atol=1e-12)
    compiled = np.array([compiled_error(loss.code, *pair, 0.3) for pair in zip(z, y, strict=True)])
    np.testing.assert_allclose(compiled, a, atol=1e-14)


@pytest.mark.parametrize("name", KINDS)
def test_the_link_is_the_gradient_of_the_conjugate(name):
    kind, H = KINDS[name], rng.standard_normal((4, 5))
    W = kind.link(H)
    for j in range(5):
        step = 1e-6 * np.eye(5)[j]
        np.testing.assert_allclose(W[:, j], (kind.conjugate(H + step) - kind.conjugate(H - step)) / 2e-6, atol=1e-7)
    np.testing.assert_allclose(kind.of(W) + kind.conjugate(H), (W * H).sum(1), atol=1e-9)
    # Fenchel's inequality for weights that are not linked
    others = W[::-1] * 0.5
    assert np.all(kind.of(others) + kind.conjugate(H) >= (others * H).sum(1) - 1e-12)


@pytest.mark.parametrize("name", ["entropy", "p-norm", "p-norm-1.2"])
@pytest.mark.parametrize("size", [1e-6, 1.0, 40.0, 2000.0])
def test_the_compiled_link_is_the_link(name, size):
    kind, H = KINDS[name], size * rng.standard_normal((3, 37))
    W = np.empty_like(H)
    kernel.links(kind.code, kind.exponent, kind.mass, H, W)
    np.testing.assert_allclose(W, kind.link(H), rtol=1e-9, atol=1e-15)  # weights are differences of parts of U


def test_entropy_is_that_of_the_best_split():
    kind, w = Entropy(3.0), np.array([0.5, -1.0, 0.2])

    def split(extra):
        up = np.maximum(w, 0) + np.exp(extra)
        u = np.concatenate([up, up - w])
        u *= 3.0 / u.sum()
        return u

    def cost(extra):
        u = split(extra)
        off = u[:3] - u[3:] - w
        return float((u * np.log(6 * u / 3.0)).sum()) + 1e4 * float(off @ off)

    assert kind.of(w[None])[0] == pytest.approx(minimize(cost, np.zeros(3), tol=1e-12).fun, abs=1e-2)
    assert np.isinf(kind.of(np.array([[3.0, 0.1, 0.0]]))[0])
    assert np.isfinite(kind.of(np.array([[3.0, 0.0, 0.0]]))[0])


@pytest.mark.parametrize("name", LOSS)
def test_settling_maximises_the_dual_of_one_sample(name):
    loss = LOSS[name]
    for y in (-1.0, 1.0):
        for z, q in ((0.3, 0.5), (-4.0, 3.0), (2.0, 0.01), (0.9, 40.0)):
            old = 0.3 * y

            def cost(a, y=y, z=z, q=q, old=old):
                return float(loss.conjugate(np.array(a), np.array(y)) + (a - old) * z + 0.5 * q * (a - old) ** 2)

            low, high = {"squared": (-9, 9), "epsilon-insensitive": (-1, 1)}.get(name, sorted((0.0, y)))
            best = minimize_scalar(cost, bounds=(low, high), method="bounded", options={"xatol": 1e-10}).x
            assert compiled_settle(loss.code, old, z, y, q, 0.3) == pytest.approx(best, abs=2e-6)


def test_the_logistic_neuron_settles_wherever_it_starts():
    draw = np.random.default_rng(1)
    for _ in range(3_000):
        y, z = draw.choice([-1.0, 1.0]), draw.standard_normal() * draw.choice([0.1, 1.0, 30.0])
        b, q = draw.choice([0.0, 1e-12, draw.random(), 1.0]), 10 ** draw.uniform(-3, 4)
        new = y * compiled_settle(1, y * b, z, y, q, 0.0)
        assert new == pytest.approx(expit(-y * z - q * (new - b)), abs=1e-12 * (1 + q))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LOSS)
def test_the_dual_bounds_the_primal_and_their_difference_is_the_gap(name, kind):
    network = Representer(LOSS[name], KINDS[kind])
    X, Y, alpha = rng.standard_normal((30, 5)), np.sign(rng.standard_normal((2, 30))), 0.3
    A = Y * rng.uniform(0, 1, (2, 30))
    W = network.regularizer.link(A @ X / (alpha * 30))
    gap = network.gap(A, W @ X.T, Y)
    assert np.all(gap > 0)
    np.testing.assert_allclose(network.primal(W, X, Y, alpha) - network.dual(A, X, Y, alpha), gap, rtol=1e-8)


@pytest.mark.parametrize("regularizer", REGULARIZERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_pair_has_words(loss, regularizer):
    network = duality(loss, regularizer)
    text = str(network)
    assert text == describe(network)
    assert all(len(line) <= 100 for line in text.splitlines())
    assert LOSSES[loss].neuron[0] in text
    assert all(kind.rule[0] in text for kind in REGULARIZERS.values())
    assert latex(network).startswith("\\begin{aligned}")
    (row,) = signals_table(network)
    assert "a[i]" in row["locality"]


def test_unknown_words_are_refused():
    with pytest.raises(InputError, match="logistic"):
        duality("absolute")
    with pytest.raises(InputError, match="p-norm"):
        duality(regularizer="l1")
    for bad in ({"p": 1.0}, {"p": 3.0}):
        with pytest.raises(InputError, match="1 < p"):
            duality(regularizer="p-norm", **bad)
    with pytest.raises(InputError, match="total_weight"):
        duality(regularizer="entropy", total=0.0)
    with pytest.raises(InputError, match="epsilon"):
        duality("epsilon-insensitive", epsilon=-1.0)
