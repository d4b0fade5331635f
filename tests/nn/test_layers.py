"""Layers against the reference engine, the batch engine, torch's own convolution and the stated objective."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from similis._errors import DivergenceError, InputError
from similis.circuit import State, Step, value
from similis.engine import batch, reference
from similis.engine.relax import relax
from similis.networks import nonnegative_similarity, supervised_similarity

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'similis[torch]'")

from similis.nn import ConvSimilarityMatching, SimilarityMatching, SupervisedConvSimilarityMatching  # noqa: E402
from similis.nn.checkpoint import settings  # noqa: E402

EXACT = {"iterations": 50_000, "tolerance": 1e-15, "dtype": torch.float64}
RNG = np.random.default_rng(0)
X = torch.from_numpy(np.abs(RNG.standard_normal((60, 3, 1, 1))))
IMAGES = torch.from_numpy(RNG.random((12, 2, 7, 6)))
LABELS = torch.from_numpy(RNG.integers(-1, 3, 12))


def one_hot(labels):
    return torch.nn.functional.one_hot(labels.clamp(min=0), 3).double() * (labels >= 0)[:, None]


def weights(layer):
    return {name: tensor.clone() for name, tensor in layer.state_dict().items()}


def close(one, other, tolerance=1e-7):
    torch.testing.assert_close(one, torch.as_tensor(other, dtype=one.dtype), rtol=tolerance, atol=tolerance)


def test_one_sample_a_step_is_the_reference_engine():
    layer = SimilarityMatching(3, 5, **EXACT)
    circuit = nonnegative_similarity(5, step=Step(0.05))
    start = State({"x": layer.W.numpy().copy()}, layer.M.numpy().copy())
    rows = X.flatten(1)
    Z, state = reference.run(circuit, start, rows.numpy())
    for x, z in zip(rows.split(1), Z, strict=True):
        close(layer(x)[0], z, 1e-6)
        layer.learn_(x, eta=0.05)
    close(layer.W, state.W["x"], 1e-6)
    close(layer.M, state.M, 1e-6)


def test_labels_are_the_supervised_circuit_and_some_are_missing():
    layer = SupervisedConvSimilarityMatching(3, 4, 1, 3, alpha=0.3, **EXACT)
    circuit = supervised_similarity(4, alpha=0.3, step=Step(0.05))
    labels = torch.from_numpy(RNG.integers(-1, 3, 60))
    start = State({"x": layer.W.numpy().copy(), "label": layer.V.numpy().copy()}, layer.M.numpy().copy())
    data = {"x": X.flatten(1).numpy(), "label": one_hot(labels).numpy()}
    _, state = reference.run(circuit, start, data)
    for x, label in zip(X.split(1), labels.split(1), strict=True):
        layer.learn_(x, label, eta=0.05)
    for mine, theirs in ((layer.W, state.W["x"]), (layer.V, state.W["label"]), (layer.M, state.M)):
        close(mine, theirs, 1e-6)


@pytest.mark.parametrize("n_classes", [0, 3])
def test_a_layer_is_its_circuit_in_its_state(n_classes):
    layer = ConvSimilarityMatching(2, 4, 3, n_classes=n_classes, alpha=0.3, l1=0.05, tau=0.7, **EXACT)
    layer.prepare_(IMAGES)
    told = (LABELS,) if n_classes else ()
    layer.learn_(IMAGES, *told, eta=0.1)
    data = {"x": layer.patches.rows(IMAGES).numpy()}
    data |= {"label": one_hot(LABELS).repeat_interleave(len(data["x"]) // 12, 0).numpy()} if n_classes else {}
    state = batch.apply(layer.circuit, layer.state, batch.statistics(layer.circuit, layer.state, data), 0.1)
    layer.learn_(IMAGES, *told, eta=0.1)
    assert layer.state.arrays.keys() == state.arrays.keys()
    for name, array in state.arrays.items():
        close(layer.weights[name], array, 1e-10)


def test_tensors_and_settings_are_called_as_in_files_there_are():
    """Checkpoints are told apart by them."""
    conv = SupervisedConvSimilarityMatching(2, 4, 3, 3, whiten=0.1)
    assert list(conv.state_dict()) == ["W", "M", "V", "patches.mean", "patches.P", "patches.count"]
    assert list(SimilarityMatching(3, 2).state_dict()) == ["W", "M", "V"]
    own = {"tau": 0.5, "alpha": 0.1, "l1": 0.0, "tolerance": 0.0, "iterations": 20, "n_damped": 0}
    patches = {"in_channels": 2, "contrast": None, "whiten": 0.1, "kernel_size": [3, 3], "stride": [1, 1]}
    patches |= {"padding": [0, 0], "size": 18}
    assert settings(SimilarityMatching(3, 2)) == [{"module": "SimilarityMatching"} | own]
    assert settings(conv) == [
        {"module": "SupervisedConvSimilarityMatching"} | own,
        {"module": "Patches"} | patches,
    ]


def test_images_of_one_pixel_are_the_dense_network():
    dense, conv = SimilarityMatching(3, 5, dtype=torch.float64), ConvSimilarityMatching(3, 5, 1, dtype=torch.float64)
    for layer, x in ((dense, X.flatten(1)), (conv, X)):
        layer.prepare_(x)
        for part in x.split(20):
            layer.learn_(part, eta=0.1)
    close(dense.W, conv.W, 1e-10)  # a product and a convolution: two orders of summation
    close(dense.M, conv.M, 1e-10)
    close(dense(X.flatten(1)), conv(X).flatten(1), 1e-10)


def test_positions_are_samples_of_the_batch_engine():
    layer = ConvSimilarityMatching(2, 4, (3, 2), stride=2, padding=1, **EXACT)
    rows = torch.nn.functional.unfold(IMAGES, (3, 2), stride=2, padding=1).transpose(1, 2).flatten(0, 1)
    start = State({"x": layer.W.numpy().copy()}, layer.M.numpy().copy())
    circuit = nonnegative_similarity(4, step=Step(0.1))
    Z, state = batch.run(circuit, start, rows.numpy(), batch=len(rows))
    close(layer(IMAGES).permute(0, 2, 3, 1).flatten(0, 2), Z)
    close(layer.objective(IMAGES), value(circuit, start, {"x": rows.numpy()}, Z))
    layer.learn_(IMAGES, eta=0.1)
    close(layer.W, state.W["x"])
    close(layer.M, state.M)


def test_filters_are_those_of_a_convolution_and_patches_are_white():
    layer = ConvSimilarityMatching(2, 4, 3, padding=1, whiten=1e-9, dtype=torch.float64)
    layer.prepare_(IMAGES)
    layer.M.copy_(torch.eye(4))  # settled outputs are rectified drives
    constant = -(layer.filters().flatten(1) @ layer.patches.mean)
    close(layer(IMAGES), torch.relu(torch.conv2d(IMAGES, layer.filters(), constant, padding=1)))
    rows = (layer.patches.rows(IMAGES) - layer.patches.mean) @ layer.patches.P
    close(rows.T @ rows / len(rows), torch.eye(18).double(), 1e-5)
    close(layer.patches.second_moment(layer.survey(IMAGES)), rows.T @ rows / len(rows))
    close(layer.statistics(IMAGES)["post.x"], layer(IMAGES).permute(0, 2, 3, 1).flatten(0, 2).T @ rows)


def test_contrast_takes_light_and_contrast_out():
    layer = ConvSimilarityMatching(2, 4, 3, contrast=0.0, whiten=0.1, dtype=torch.float64)
    layer.prepare_(IMAGES)
    close(layer(3 * IMAGES + 2), layer(IMAGES))
    rows = layer.patches.rows(IMAGES)
    close(rows.mean(1), torch.zeros(len(rows)).double())
    close(rows.square().mean(1), torch.ones(len(rows)).double())


def test_steps_follow_the_gradient_of_the_objective():
    layer = SupervisedConvSimilarityMatching(2, 4, 3, 3, alpha=0.3, whiten=0.1, l1=0.05, tau=0.7, **EXACT)
    layer.prepare_(IMAGES)
    for _ in range(3):
        layer.learn_(IMAGES, LABELS, eta=0.1)
    before, sums = weights(layer), layer.statistics(IMAGES, LABELS)
    rows = (layer.patches.rows(IMAGES) - layer.patches.mean) @ layer.patches.P
    L = one_hot(LABELS).repeat_interleave(len(rows) // 12, 0)
    W, M, V = (before[name].requires_grad_() for name in ("W", "M", "V"))
    D = rows @ W.T + 0.3**0.5 * L @ V.T
    Y = relax(D.detach(), M.detach(), l1=0.05, iterations=50_000, tolerance=1e-15)
    loss = ((Y @ M * Y) - 2 * Y * D + 2 * 0.05 * Y).sum(1).mean() + W.square().sum()
    loss = loss + (L @ V.T).square().sum(1).mean() - M.square().sum() / 2
    close(layer.objective(IMAGES, LABELS), loss.detach())
    loss.backward()
    layer.apply_(sums, 0.02)
    close(layer.W - W.detach(), -0.02 * W.grad)
    close(layer.V - V.detach(), -0.02 * V.grad)
    close(layer.M - M.detach(), 0.02 / 0.7 * M.grad)


def test_sums_of_parts_are_the_sum_of_the_whole():
    one = SupervisedConvSimilarityMatching(2, 4, 3, 3, alpha=0.3, whiten=0.1, dtype=torch.float64)
    surveys = [one.survey(part) for part in IMAGES.split(5)]
    one.begin_({name: sum(s[name] for s in surveys) for name in surveys[0]})
    two = SupervisedConvSimilarityMatching(2, 4, 3, 3, alpha=0.3, whiten=0.1, dtype=torch.float64)
    two.prepare_(IMAGES)
    close(one.patches.P, two.patches.P)
    parts = [two.statistics(x, label) for x, label in zip(IMAGES.split(5), LABELS.split(5), strict=True)]
    one.learn_(IMAGES, LABELS, eta=0.1)
    two.apply_({name: sum(p[name] for p in parts) for name in parts[0]}, 0.1)
    for name, tensor in weights(one).items():
        close(tensor, two.state_dict()[name])


@pytest.mark.parametrize("factor", [1e-3, 300.0])
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_learning_knows_no_units(kind, factor):
    outputs = []
    for c in (1.0, factor):
        layer = SimilarityMatching(84, 5) if kind == "dense" else ConvSimilarityMatching(2, 5, 3)
        x = c * (IMAGES.flatten(1) if kind == "dense" else IMAGES).float()
        layer.prepare_(x)
        for part in x.split(4):
            layer.learn_(part, eta=0.1)
        outputs.append(layer(x) / c)
    close(outputs[1], outputs[0], 1e-4)


def test_forward_is_pure_and_layers_are_modules(tmp_path):
    layer = ConvSimilarityMatching(2, 4, 3, whiten=0.1)
    x = IMAGES.float().requires_grad_()
    layer.prepare_(x)
    layer.learn_(x, eta=0.1)
    before, twin = weights(layer), deepcopy(layer)
    y = layer(x)
    assert not y.requires_grad
    assert list(layer.parameters()) == []
    assert all(torch.equal(tensor, before[name]) for name, tensor in layer.state_dict().items())
    other = ConvSimilarityMatching(2, 4, 3, whiten=0.1, seed=1)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(x), y)
    twin.learn_(x, eta=0.1)
    assert torch.equal(layer(x), y)
    assert not torch.equal(twin(x), y)
    wide = deepcopy(layer).to(torch.float64)
    close(wide(x.double()), y.double(), 1e-4)
    network = torch.nn.Sequential(layer, torch.nn.MaxPool2d(2), torch.nn.Flatten())
    assert network(x).shape == (12, 16)
    close(torch.compile(layer, backend="eager")(x), y, 1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_gpu_learns_the_same():
    here, there = (SupervisedConvSimilarityMatching(2, 4, 3, 3, whiten=0.1, device=d) for d in ("cpu", "cuda"))
    for layer in (here, there):
        x = IMAGES.float().to(layer.W.device)
        layer.prepare_(x)
        for _ in range(5):
            layer.learn_(x, LABELS.to(layer.W.device), eta=0.1)
    for name, tensor in here.state_dict().items():
        close(there.state_dict()[name].cpu(), tensor, 1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SimilarityMatching(3, 0), "n_outputs=0"),
        (lambda: SimilarityMatching(3, 2, tau=0.0), "tau=0"),
        (lambda: ConvSimilarityMatching(1, 2, 3, stride=0), "stride=0"),
        (lambda: ConvSimilarityMatching(1, 2, 3, whiten=-1.0), "whiten=-1"),
        (lambda: SimilarityMatching(3, 2)(torch.ones(4, 5)), r"shape \(4, 5\)"),
        (lambda: ConvSimilarityMatching(1, 2, 3)(torch.ones(4, 1, 2, 9)), "at least as large as the kernel"),
        (lambda: ConvSimilarityMatching(1, 2, 3)(torch.ones(4, 3, 9, 9)), r"\(batch, 1, height, width\)"),
        (lambda: ConvSimilarityMatching(1, 2, 3, whiten=0.1)(torch.ones(4, 1, 9, 9)), "prepare_"),
        (lambda: SimilarityMatching(3, 2).learn_(torch.ones(4, 3), eta=0.6), "eta=0.6"),
        (lambda: SimilarityMatching(3, 2).learn_(torch.ones(4, 3), torch.zeros(4), eta=0.1), "hears no labels"),
        (lambda: SimilarityMatching(3, 2, n_classes=2).learn_(torch.ones(4, 3), eta=0.1), "labels: got none"),
        (
            lambda: SimilarityMatching(3, 2, n_classes=2).learn_(torch.ones(4, 3), torch.full((4,), 2), eta=0.1),
            "labels from 2 to 2",
        ),
        (lambda: SimilarityMatching(3, 2).prepare_(torch.full((4, 3), torch.inf)), "not finite"),
    ],
)
def test_what_cannot_be_is_said(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_divergence_is_an_error():
    with pytest.raises(DivergenceError, match=r"eta=0\.1, tau=0\.5"):
        SimilarityMatching(3, 2).learn_(torch.full((4, 3), torch.nan), eta=0.1)
