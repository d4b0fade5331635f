"""Layers of any circuit: convolutional canonical correlations beside the exact ones, and what a layer of PyTorch is."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from similis._errors import DivergenceError, InputError
from similis.circuit import Step
from similis.metrics import canonical_correlations, cca_objective_error, held_out_correlations
from similis.networks import (
    adaptive_canonical_correlation,
    canonical_correlation,
    local_supervision,
    principal_subspace,
    reduced_rank_regression,
)

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'similis[torch]'")

from similis.nn import ConvLayer, Layer, layers, load_checkpoint, save_checkpoint, train  # noqa: E402

WIDE = {"dtype": torch.float64}


def two_streams(n=40, gain=1.0):
    """Two images of one scene, each through a lens and with noise of its own."""
    random = torch.Generator().manual_seed(0)
    scene = torch.randn(n, 2, 11, 11, generator=random, **WIDE)
    lenses = torch.randn(2, 1, 2, 3, 3, generator=random, **WIDE)
    images = [torch.conv2d(scene, lens) for lens in lenses]
    images = [x + torch.randn(x.shape, generator=random, **WIDE) for x in images]
    return [gain * (x - x.mean(0)) for x in images]


def patches(x, kernel):
    return torch.nn.functional.unfold(x, kernel).transpose(1, 2).flatten(0, 1).numpy()


def test_convolutional_cca_is_the_exact_cca_of_the_patches():
    left, right = two_streams(20, gain=200.0)
    layer = ConvLayer(canonical_correlation(3, tau=1.0), 1, (2, 3), **WIDE)
    history = train(layer, (left, right), step=Step(0.4), epochs=2000, batch_size=20)[0]
    assert history[-1] < history[0]
    X, Y = (patches(x, (2, 3)) for x in (left, right))
    Cxx, Cyy, Cxy = X.T @ X / len(X), Y.T @ Y / len(Y), X.T @ Y / len(X)
    filters = [layer.filters(name).flatten(1).numpy() for name in "xy"]
    exact = canonical_correlations(X, Y)[:3]
    assert cca_objective_error(*filters, Cxx, Cyy, Cxy) < 1e-5
    np.testing.assert_allclose(torch.linalg.eigvalsh(layer.M).flip(0), 1 + exact, rtol=1e-3)
    maps = [z.permute(0, 2, 3, 1).flatten(0, 2).numpy() for z in (layer(left), layer(None, right))]
    np.testing.assert_allclose(held_out_correlations(*maps), exact, atol=1e-4)
    torch.testing.assert_close(layer(left, right), layer(left) + layer(None, right))


CIRCUITS = {
    "cca": canonical_correlation(3),
    "adaptive": adaptive_canonical_correlation(3),
    "rrr": reduced_rank_regression(3),
    "local": local_supervision(3),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_a_prepared_layer_knows_no_units(name):
    outputs = []
    for gain in (1.0, 1e-6, 300.0):
        layer = ConvLayer(CIRCUITS[name], 1, 3, **WIDE)
        inputs = two_streams(10, gain)
        layer.prepare_(*inputs)
        for _ in range(3):
            layer.learn_(*inputs, eta=0.01)
        outputs.append(layer(*inputs))
    torch.testing.assert_close(outputs[1], outputs[0])
    torch.testing.assert_close(outputs[2], outputs[0])


def test_it_is_prepared_once_or_learns_in_the_units_given():
    x, y = two_streams(10)
    layer, twin = (ConvLayer(CIRCUITS["cca"], 1, 3, **WIDE) for _ in range(2))
    assert layer.fresh
    layer.prepare_(x, y)
    sizes = [patches(stream, 3) for stream in (x, y)]
    np.testing.assert_allclose(layer.scale, [np.sqrt((rows**2).sum(1).mean()) for rows in sizes])
    with pytest.raises(InputError, match="fresh layer"):
        layer.prepare_(x, y)
    halves = [twin.survey(a, b) for a, b in zip(x.split(4), y.split(4), strict=True)]
    twin.begin_({name: sum(part[name] for part in halves) for name in halves[0]})
    torch.testing.assert_close(twin.scale, layer.scale)
    plain = ConvLayer(CIRCUITS["cca"], 1, 3, **WIDE)
    plain.learn_(x, y, eta=0.01)
    assert plain.scale.tolist() == [1, 1]


def test_sums_of_parts_are_the_sum_of_the_whole():
    x, y = two_streams(10)
    one, two = (ConvLayer(CIRCUITS["adaptive"], 1, 3, **WIDE) for _ in range(2))
    parts = [two.statistics(a, b) for a, b in zip(x.split(4), y.split(4), strict=True)]
    one.learn_(x, y, eta=0.01)
    two.apply_({name: sum(part[name] for part in parts) for name in parts[0]}, 0.01)
    for name, tensor in one.state_dict().items():
        torch.testing.assert_close(two.state_dict()[name], tensor)


def test_forward_is_pure_and_weights_are_buffers(tmp_path):
    x, y = two_streams(10)
    layer = ConvLayer(CIRCUITS["adaptive"], 1, 3, **WIDE)
    train(layer, (x, y), batch_size=5)
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    assert {"W_x", "W_y", "M", "P", "scale"} < set(before)
    z = layer(x.requires_grad_(), y)
    assert not z.requires_grad
    assert not list(layer.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in layer.state_dict().items())
    other = ConvLayer(CIRCUITS["adaptive"], 1, 3, seed=1, **WIDE)
    save_checkpoint(layer, tmp_path / "c", {})
    load_checkpoint(other, tmp_path / "c")
    assert torch.equal(other(x, y), z)
    assert torch.equal(deepcopy(layer).float().double().M, layer.M.float().double())


def test_a_training_goes_on_only_with_its_circuit(tmp_path):
    inputs, kind = two_streams(10), {"batch_size": 5, "checkpoint": tmp_path / "c"}
    whole = ConvLayer(CIRCUITS["cca"], 1, 3, **WIDE)
    history = train(whole, inputs := tuple(inputs), **kind)
    again = ConvLayer(CIRCUITS["cca"], 1, 3, **WIDE)
    assert train(again, inputs, resume=True, **kind) == history
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in whole.state_dict().items())
    changed = ConvLayer(canonical_correlation(3, tau=2.0), 1, 3, **WIDE)
    with pytest.raises(InputError, match="network="):
        train(changed, inputs, resume=True, **kind)
    with pytest.raises(InputError, match="data="):
        train(again, inputs[::-1], resume=True, **kind)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", CIRCUITS)
def test_a_gpu_learns_the_same(name):
    inputs = two_streams(10)
    here, there = (ConvLayer(CIRCUITS[name], 1, 3, device=device, **WIDE) for device in ("cpu", "cuda"))
    for layer in (here, there):
        train(layer, tuple(inputs), batch_size=5)
    for key, tensor in here.state_dict().items():
        torch.testing.assert_close(there.state_dict()[key].cpu(), tensor, rtol=1e-6, atol=1e-6)


def test_layers_stand_in_a_stack():
    network = torch.nn.Sequential(
        ConvLayer(principal_subspace(4), 1, 3), torch.nn.Flatten(), Layer(principal_subspace(2), 196)
    )
    x = two_streams(10)[0].float()
    first, second = train(network, x, batch_size=5)
    assert len(first) == len(second) == 2
    assert len(layers(network)) == 2
    assert network(x).shape == (10, 2)


def lost(x):
    x = x.clone()
    x[3, 0, 4, 4] = torch.nan
    return x


@pytest.mark.parametrize("name", CIRCUITS)
def test_a_lost_pixel_changes_nothing(name):
    x, y = two_streams(10)
    layer = ConvLayer(CIRCUITS[name], 1, 3, **WIDE)
    layer.learn_(x, y, eta=0.01)
    before = {key: tensor.clone() for key, tensor in layer.state_dict().items()}
    for inputs in ((lost(x), y), (x, lost(y))):
        with pytest.raises(DivergenceError, match="sample 3 holds"):
            layer.learn_(*inputs, eta=0.01)
        with pytest.raises(DivergenceError, match=r"batch \d of 2: sample"):
            train(layer, inputs, batch_size=5)
        with pytest.raises(InputError, match="not finite"):
            ConvLayer(CIRCUITS[name], 1, 3, **WIDE).prepare_(*inputs)
    assert all(torch.equal(tensor, before[key]) for key, tensor in layer.state_dict().items())


CCA = CIRCUITS["cca"]
X, Y = torch.ones(4, 5), torch.ones(4, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Layer(CCA, {"x": 5}), r"sizes of channels \['x'\]"),
        (lambda: Layer(CCA, {"x": 5, "y": 0}), "in_features of channel 'y'=0"),
        (lambda: Layer(CCA, 5, iterations=0), "iterations=0"),
        (lambda: Layer(CCA, 5, tolerance=-1.0), "tolerance=-1"),
        (lambda: Layer(CCA, 5, dtype=torch.float16), "float16"),
        (lambda: ConvLayer(CCA, 1, 3, vectors={"label": 3}), "vectors of"),
        (lambda: ConvLayer(CCA, {"x": 1}, 3), "sizes of channels"),
        (lambda: Layer(CCA, {"x": 5, "y": 3})(X, Y, Y), "3 inputs"),
        (lambda: Layer(CCA, {"x": 5, "y": 3})(), "no input"),
        (lambda: Layer(CCA, {"x": 5, "y": 3})(Y, Y), r"channel 'x'.*\(batch, 5\)"),
        (lambda: Layer(CCA, {"x": 5, "y": 3})(X, Y[:2]), "channels differ in samples"),
        (lambda: Layer(CCA, {"x": 5, "y": 3})(X.numpy(), Y), "torch.as_tensor"),
        (lambda: ConvLayer(CCA, 1, 3)(torch.ones(2, 1, 4, 4), torch.ones(2, 1, 5, 4)), "channels differ in positions"),
        (lambda: ConvLayer(CCA, 1, 3)(torch.ones(2, 1, 4, 5), torch.ones(2, 1, 5, 4)), "channels differ in positions"),
        (lambda: Layer(CCA, {"x": 5, "y": 3}).learn_(X, Y, eta=1e9), "eta=1000"),
        (lambda: Layer(CCA, {"x": 5, "y": 3}).learn_(X[:0], Y[:0], eta=0.1), "no samples"),
        (lambda: train(Layer(CCA, {"x": 5, "y": 3}), (X, Y[:2])), "4, 2 samples"),
        (lambda: train(torch.nn.Sequential(Layer(CCA, {"x": 5, "y": 3})), (X, Y)), "2 inputs for a Sequential"),
    ],
)
def test_what_cannot_be_is_said(call, message):
    with pytest.raises(InputError, match=message):
        call()
