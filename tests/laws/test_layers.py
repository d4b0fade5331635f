"""Law 1 for the layers of PyTorch: a layer is its circuit, and a convolutional one is the circuit of its patches."""

from __future__ import annotations

import numpy as np
import pytest
from tests.laws.circuits import CASES
from tests.laws.compare import gap

from similis._errors import InputError
from similis.circuit import value
from similis.engine import batch

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'similis[torch]'")

from similis.nn import ConvLayer, Layer  # noqa: E402

TOLERANCE, BATCH, STEPS = 1e-10, 20, 5
EXACT = {"iterations": 50_000, "tolerance": 1e-15, "dtype": torch.float64, "seed": 1}
KNOWN = [name for name, case in CASES.items() if case.circuit.domain.total is None]


def flat(case):
    """The case's learning rate, the same at every step."""
    return case.circuit.step.eta0


def close(one, other, tolerance=TOLERANCE):
    for name, array in one.items():
        assert gap(array, other[name]) < tolerance, name


def tensors(data):
    return [torch.from_numpy(np.ascontiguousarray(X)) for X in data.values()]


@pytest.mark.parametrize("name", KNOWN)
def test_a_dense_layer_is_the_batch_engine(name):
    case = CASES[name]
    circuit, eta = case.circuit, flat(case)
    layer, state = Layer(circuit, case.dims, **EXACT), case.start()
    assert layer.state == state
    for piece in range(STEPS):
        data = {c: X[piece * BATCH : (piece + 1) * BATCH] for c, X in case.data(BATCH * STEPS).items()}
        Z, _ = batch.run(circuit, state, data, batch=BATCH, learn=False)
        assert gap(layer(*tensors(data)).numpy(), Z) < TOLERANCE
        if circuit.lateral.has_objective and all(circuit.derives(c) for c in circuit.channels):
            assert float(layer.objective(*tensors(data))) == pytest.approx(
                value(circuit, state, data, Z), rel=TOLERANCE
            )
        layer.learn_(*tensors(data), eta=eta)
        state = batch.apply(circuit, state, batch.statistics(circuit, state, data), eta)
        close(layer.state.arrays, state.arrays)
    assert layer.n_damped == 0


@pytest.mark.parametrize("name", [name for name in KNOWN if len(CASES[name].dims) > 1])
def test_an_input_that_is_none_is_a_channel_that_is_silent(name):
    case = CASES[name]
    circuit, eta = case.circuit, flat(case)
    for silent in circuit.names:
        layer, state, data = Layer(circuit, case.dims, **EXACT), case.start(), case.data(BATCH)
        data.pop(silent)
        inputs = [None if c == silent else torch.from_numpy(data[c]) for c in circuit.names]
        layer.learn_(*inputs, eta=eta)
        state = batch.apply(circuit, state, batch.statistics(circuit, state, data), eta)
        close(layer.state.arrays, state.arrays)


def as_images(case, n=3, side=(5, 6)):
    """Images whose pixels are the case's rows, and the rows."""
    rows = case.data(n * side[0] * side[1])
    return tensors({c: X.reshape(n, *side, -1).transpose(0, 3, 1, 2) for c, X in rows.items()}), tensors(rows)


def same(case, conv, dense, pictures, rows):
    """From the same weights a convolutional layer makes the step that the dense one makes with its rows."""
    for name, tensor in conv.weights.items():
        tensor.copy_(dense.weights[name])
    for _ in range(2):
        maps = conv(*pictures).permute(0, 2, 3, 1).flatten(0, 2)
        assert gap(maps.numpy(), dense(*rows).numpy()) < TOLERANCE
        values = [layer.learn_(*inputs, eta=flat(case)) for layer, inputs in ((conv, pictures), (dense, rows))]
        torch.testing.assert_close(*values, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        close(conv.state.arrays, dense.state.arrays)


@pytest.mark.parametrize("name", KNOWN)
def test_filters_of_one_pixel_are_the_dense_layer_of_the_pixels(name):
    case = CASES[name]
    pictures, rows = as_images(case)
    same(case, ConvLayer(case.circuit, case.dims, 1, **EXACT), Layer(case.circuit, case.dims, **EXACT), pictures, rows)


@pytest.mark.parametrize("name", KNOWN)
def test_larger_filters_are_the_dense_layer_of_the_patches(name):
    case, how = CASES[name], {"stride": (2, 1), "padding": (0, 1)}
    pictures, _ = as_images(case)
    rows = [torch.nn.functional.unfold(x, (2, 3), **how).transpose(1, 2).flatten(0, 1) for x in pictures]
    rows, pictures = ([x / 2 for x in several] for several in (rows, pictures))  # patches near the size of the case's
    dense = Layer(case.circuit, {c: 6 * n for c, n in case.dims.items()}, **EXACT)
    same(case, ConvLayer(case.circuit, case.dims, (2, 3), **how, **EXACT), dense, pictures, rows)


@pytest.mark.parametrize("name", [name for name in CASES if name not in KNOWN])
def test_what_no_layer_can_settle_is_said(name):
    with pytest.raises(InputError, match="total, which the batch engine does not know"):
        Layer(CASES[name].circuit, CASES[name].dims)


@pytest.mark.parametrize("name", [name for name in KNOWN if len(CASES[name].dims) > 1])
def test_vectors_of_any_channel_are_heard_at_every_position(name):
    case = CASES[name]
    images, rows = as_images(case)
    for place, vector in enumerate(case.circuit.names):
        if case.circuit.channel(vector).weights != vector:
            continue
        conv = ConvLayer(
            case.circuit,
            {c: n for c, n in case.dims.items() if c != vector},
            1,
            vectors={vector: case.dims[vector]},
            **EXACT,
        )
        inputs, repeated = list(images), list(rows)
        inputs[place] = rows[place][:3]
        repeated[place] = inputs[place].repeat_interleave(30, 0)
        same(case, conv, Layer(case.circuit, case.dims, **EXACT), inputs, repeated)
