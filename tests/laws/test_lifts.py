"""Law 1 for lifts: rows known by their products give what the rows written out give, in both engines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.circuits import CASES, rng
from tests.laws.compare import gap, run_gap

from similis._errors import DivergenceError, InputError
from similis.circuit import Box, Channel, Circuit, Neuron, Outer, Step, init, saddle_gradients, value
from similis.engine import reference, run
from similis.networks import nonnegative_similarity, principal_subspace

CIRCUITS = {
    "psp": principal_subspace(3),
    "psp-many": principal_subspace(20, step=Step(0.005, 1e-3)),
    "nsm": nonnegative_similarity(4),
    "box": Circuit("box", 3, neuron=Neuron(Box(-0.3, upper=0.4)), step=Step(0.02, 0.001)),
    "cca": CASES["cca"].circuit,
    "supervised": CASES["supervised"].circuit,
}
SIZES = {"plain loops": (4, 3), "matrix products": (40, 30)}


def rows(T: int, p: int, q: int, seed: int = 0, dtype: type = np.float64) -> Outer:
    """A few directions of change, each with a picture that it likes: their products have structure of rank 4."""
    random = rng(seed)
    which = random.choice(4, T, p=[0.4, 0.3, 0.2, 0.1])
    left, right = (random.standard_normal((4, n))[which] + 0.2 * random.standard_normal((T, n)) for n in (p, q))
    left /= np.sqrt(((left * left).sum(1) * (right * right).sum(1)).mean())
    return Outer(left.astype(dtype), right.astype(dtype))


def streams(circuit: Circuit, chi: Outer) -> dict:
    """The lift is the first channel; what else a circuit hears is a few numbers of it, of RMS norm 1."""
    beside = np.abs(chi.right[:, :3])
    beside /= np.sqrt((beside * beside).sum(1).mean())
    return {name: chi if i == 0 else beside for i, name in enumerate(circuit.names)}


def start(circuit: Circuit, data: dict, dtype: type = np.float64):
    return init(circuit, {name: X.shape[1] for name, X in data.items()}, 1, dtype)


def written_out(data: dict) -> dict:
    return {name: X.toarray() if isinstance(X, Outer) else X for name, X in data.items()}


@pytest.mark.parametrize("name", CIRCUITS)
@pytest.mark.parametrize("size", SIZES)
def test_both_engines_learn_from_a_lift_as_from_the_rows_it_stands_for(name, size):
    circuit, data = CIRCUITS[name], streams(CIRCUITS[name], rows(600, *SIZES[size]))
    explicit, first = written_out(data), start(CIRCUITS[name], data)
    expected = reference.run(circuit, first, explicit)
    assert np.abs(expected[0]).max() > 0.1
    assert run_gap(reference.run(circuit, first, data), expected) < 1e-12
    for block in (None, 1, 7, 64):
        assert run_gap(run(circuit, first, data, block=block), expected) < 1e-9
    present = {circuit.names[0]: rng(3).random(600) < 0.6}
    expected = reference.run(circuit, first, explicit, present=present)
    assert run_gap(run(circuit, first, data, present=present), expected) < 1e-9
    learned = expected[1]
    Z = reference.run(circuit, learned, explicit, learn=False)[0]
    assert gap(run(circuit, learned, data, learn=False)[0], Z) < 1e-9


@pytest.mark.parametrize("size", SIZES)
def test_single_precision_stays_single(size):
    circuit, chi = CIRCUITS["psp"], rows(600, *SIZES[size], dtype=np.float32)
    first = start(circuit, {"x": chi}, np.float32)
    Z, state = run(circuit, first, chi)
    assert {Z.dtype, state.W["x"].dtype, (chi @ chi.T).dtype, (chi / 2.0).dtype} == {np.dtype(np.float32)}
    assert run_gap((Z, state), reference.run(circuit, first, chi.toarray())) < 2e-3


def test_objective_and_gradients_take_a_lift():
    circuit, chi = CIRCUITS["psp"], rows(50, 4, 3)
    state = start(circuit, {"x": chi})
    Z = run(circuit, state, chi, learn=False)[0]
    assert value(circuit, state, {"x": chi}, Z) == pytest.approx(value(circuit, state, {"x": chi.toarray()}, Z))
    lazy, explicit = (saddle_gradients(circuit, state, {"x": X}, Z)["x"] for X in (chi, chi.toarray()))
    assert gap(lazy, explicit) < 1e-12


sizes = st.integers(1, 6)


@settings(max_examples=60)
@given(T=sizes, U=sizes, p=sizes, q=sizes, k=sizes, seed=st.integers(0, 999))
def test_the_products_of_a_lift_are_those_of_its_matrix(T, U, p, q, k, seed):
    random = rng(seed)
    chi, psi = (Outer(random.standard_normal((n, p)), random.standard_normal((n, q))) for n in (T, U))
    X, Y = chi.toarray(), psi.toarray()
    np.testing.assert_array_equal(X, [np.outer(a, b).ravel() for a, b in zip(chi.left, chi.right, strict=True)])
    B, c, C, s = (random.standard_normal(shape) for shape in ((p * q, k), T, (k, T), (T, 1)))
    found_and_expected = [
        (chi @ B, X @ B), (chi @ B[:, 0], X @ B[:, 0]), (chi @ np.asfortranarray(B), X @ B), (chi @ psi.T, X @ Y.T),
        (c @ chi, c @ X), (C @ chi, C @ X), (chi.T @ C.T, X.T @ C.T), (B.T @ chi.T, B.T @ X.T),
        (chi.multiply(chi).sum(1), (X * X).sum(1)), (chi.multiply(s).toarray(), X * s), ((chi / 3).toarray(), X / 3),
        (chi[1:].toarray(), X[1:]),
    ]  # fmt: skip
    for found, expected in found_and_expected:
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    assert chi.shape == X.shape == chi.T.shape[::-1]


def test_the_matrix_of_a_lift_is_never_needed():
    """A million features a row, ten thousand rows: written out, 80 GB."""
    random = rng()
    chi = Outer(random.standard_normal((10_000, 1000)) / 1000, random.standard_normal((10_000, 1000)))
    circuit = principal_subspace(1)
    Z, state = run(circuit, start(circuit, {"x": chi}), chi[:200])
    assert np.isfinite(Z).all()
    assert state.W["x"].shape == (1, 1_000_000)


def test_a_lift_of_another_width_or_wild_size_is_refused():
    circuit, chi = CIRCUITS["psp"], rows(50, 4, 3)
    first = start(circuit, {"x": chi})
    with pytest.raises(InputError, match=r"\(50, 9\)"):
        run(circuit, first, rows(50, 3, 3))
    with pytest.raises(DivergenceError, match="RMS norm"):
        run(circuit, first, chi / 1e-100)
    with pytest.raises(InputError, match="expected \\(T, p\\)"):
        Outer(np.ones((3, 2)), np.ones((2, 2)))
    with pytest.raises(InputError, match="axis=1"):
        chi.sum(0)
    assert Circuit("one", 1, (Channel("chi"),)).names == ("chi",)
