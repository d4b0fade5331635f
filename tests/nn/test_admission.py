"""What layers accept: any real tensor is heard as its numbers; what cannot be learned from changes nothing."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from similis._errors import DivergenceError, InputError, SimilisError

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'similis[torch]'")

from similis.engine.relax import relax  # noqa: E402
from similis.metrics import similarity_error  # noqa: E402
from similis.nn import (  # noqa: E402
    ConvSimilarityMatching,
    LeNet,
    QuadrantPool2d,
    SimilarityMatching,
    SupervisedConvSimilarityMatching,
    pretrain_,
    train,
)

RANDOM = torch.Generator().manual_seed(0)
PIXELS = torch.randint(0, 256, (24, 2, 7, 6), generator=RANDOM, dtype=torch.uint8)
LABELS = torch.arange(24) % 3
LAYERS = {
    "dense": lambda **kind: SimilarityMatching(84, 5, **kind),
    "dense-classes": lambda **kind: SimilarityMatching(84, 5, n_classes=3, **kind),
    "conv": lambda **kind: ConvSimilarityMatching(2, 5, 3, **kind),
    "whitened": lambda **kind: ConvSimilarityMatching(2, 5, 3, padding=1, whiten=1.0, **kind),
    "contrast": lambda **kind: ConvSimilarityMatching(2, 5, (3, 2), stride=2, contrast=1.0, whiten=0.1, **kind),
    "supervised": lambda **kind: SupervisedConvSimilarityMatching(2, 5, 3, 3, alpha=0.3, **kind),
}
KINDS = {
    "uint8": lambda x: x,
    "int16": lambda x: x.to(torch.int16),
    "int64": lambda x: x.to(torch.int64),
    "bool": lambda x: x > 127,
    "float16": lambda x: x.to(torch.float16),
    "bfloat16": lambda x: x.to(torch.bfloat16),
    "float64": lambda x: x.double(),
    "channels last": lambda x: x.float().contiguous(memory_format=torch.channels_last),
    "not contiguous": lambda x: x.float().flip(-1).transpose(2, 3).contiguous().transpose(2, 3).flip(-1),
    "requires grad": lambda x: x.float().requires_grad_(),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def given(name: str, x):
    return x.flatten(1) if name.startswith("dense") else x


def told(layer, n: int = 24):
    return (LABELS[:n],) if layer.V.shape[1] else ()


def learned(name: str, x):
    layer = LAYERS[name]()
    layer.prepare_(given(name, x))
    for _ in range(3):
        layer.learn_(given(name, x), *told(layer), eta=0.1)
    return layer


def weights(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def unchanged(network, before) -> bool:
    return all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@every_layer
@pytest.mark.parametrize("kind", KINDS)
def test_every_type_is_heard_as_its_numbers(name, kind):
    x = KINDS[kind](PIXELS)
    layer, expected = learned(name, x), learned(name, x.detach().float().contiguous())
    for tensor, other in zip(layer.buffers(), expected.buffers(), strict=True):
        torch.testing.assert_close(tensor, other, rtol=1e-5, atol=0)
    plain = x.detach().float().contiguous()
    torch.testing.assert_close(layer(given(name, x)), expected(given(name, plain)), rtol=1e-4, atol=1e-4)
    value = layer.objective(given(name, x), *told(layer))
    torch.testing.assert_close(value, expected.objective(given(name, plain), *told(layer)), rtol=1e-4, atol=0)
    other = LAYERS[name]()
    train(other, given(name, x), LABELS if told(layer) else None, batch_size=10)
    assert all(bool(tensor.isfinite().all()) for tensor in other.buffers())


def test_the_size_of_bytes_is_that_of_their_numbers():
    layer = SimilarityMatching(84, 5)
    layer.prepare_(PIXELS.flatten(1))
    size = float((PIXELS.numpy().astype(float) ** 2).sum(axis=(1, 2, 3)).mean())
    assert float(layer.M[0, 0]) == pytest.approx(size, rel=1e-6)


@every_layer
def test_no_samples_no_step(name):
    layer = learned(name, PIXELS)
    before, none = weights(layer), given(name, PIXELS[:0])
    assert layer(none).shape == (0, *layer(given(name, PIXELS)).shape[1:])
    for call in (
        lambda: layer.learn_(none, *told(layer, 0), eta=0.1),
        lambda: layer.objective(none, *told(layer, 0)),
        lambda: LAYERS[name]().prepare_(none),
    ):
        with pytest.raises(InputError, match="no samples"):
            call()
    assert unchanged(layer, before)


@every_layer
def test_one_sample_is_enough(name):
    layer = LAYERS[name]()
    layer.prepare_(given(name, PIXELS[:1]))
    layer.learn_(given(name, PIXELS[:1]), *told(layer, 1), eta=0.1)
    assert bool(layer(given(name, PIXELS[:1])).isfinite().all())


@every_layer
@pytest.mark.parametrize("lost", [float("nan"), float("inf"), -float("inf"), 3e38])
def test_a_lost_pixel_changes_nothing(name, lost):
    x, layer = PIXELS.float(), learned(name, PIXELS)
    clean = layer(given(name, x))
    x[4, 1, 3, 3] = lost
    before, fresh, stack = weights(layer), LAYERS[name](), torch.nn.Sequential(LAYERS[name]())
    first, told_to = weights(fresh), told(layer)
    with pytest.raises(DivergenceError, match="sample 4" if lost != 3e38 else "weights"):
        layer.learn_(given(name, x), *told_to, eta=0.1)
    assert unchanged(layer, before)
    with pytest.raises(SimilisError):
        train(layer, given(name, x), LABELS if told_to else None, batch_size=4)
    assert unchanged(layer, before)
    if lost != 3e38:
        with pytest.raises(InputError, match="not finite"):
            fresh.prepare_(given(name, x))
        assert unchanged(fresh, first)
        with pytest.raises(SimilisError):
            train(stack, given(name, x), LABELS if told_to else None)
        assert unchanged(stack[0], first)
    at = [n for n in range(24) if n != 4]
    torch.testing.assert_close(layer(given(name, x))[at], clean[at])
    assert lost == 3e38 or bool(layer(given(name, x))[4].isnan().any())


@every_layer
@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_learning_knows_no_units_however_small(name, factor):
    if name not in ("dense", "conv"):
        pytest.skip("whiten, contrast and alpha have the units of the pixels squared")
    one, other = learned(name, PIXELS.float() / 255), learned(name, factor * PIXELS.float() / 255)
    torch.testing.assert_close(
        other(given(name, factor * PIXELS.float() / 255)) / factor, one(given(name, PIXELS.float() / 255)),
        rtol=1e-3, atol=1e-3,
    )  # fmt: skip


def test_numbers_beyond_the_type_are_refused():
    for factor in (1e-30, 1e17):
        layer = SimilarityMatching(84, 5)
        with pytest.raises(InputError, match=r"too (small|large) for torch\.float32"):
            layer.prepare_(factor * PIXELS.flatten(1).float())
        assert layer.fresh


def learned_error(x, before=()):
    """Similarity error on x after learning it, ``before`` learned first."""
    layer = ConvSimilarityMatching(1, 6, 3)
    layer.prepare_(before[0] if len(before) else x)
    for batch in before:
        layer.learn_(batch, eta=0.05)
    if layer.fresh:
        layer.prepare_(x)
    for t in range(150):
        layer.learn_(x[t % 4 :: 4], eta=0.05)
    rows = layer.patches.rows(x)
    return similarity_error(layer(x).permute(0, 2, 3, 1).flatten(0, 2).numpy(), rows.numpy())


def test_black_images_an_outlier_and_a_new_gain_are_forgotten():
    x = PIXELS[:, :1].float() / 255
    x = x.cumsum(2) / 7
    clean = learned_error(x)
    black, outlier = torch.zeros_like(x), x.clone()
    outlier[3] *= 1e4
    for before in ([black] * 20, [x] * 20 + [black] * 1000, [x, outlier], [outlier], [x] * 20 + [0.1 * x] * 20):
        assert learned_error(x, before) < 1.1 * clean + 0.01, len(before)


def test_a_step_far_larger_than_the_weights_is_shortened_and_counted():
    x = PIXELS.flatten(1).float() / 255
    layer = SimilarityMatching(84, 5)
    layer.prepare_(x)
    layer.learn_(x, eta=0.05)
    before = float(layer.M.trace())
    layer.learn_(10 * x, eta=0.05)  # a new gain is no reason
    assert layer.n_damped == 0
    layer = SimilarityMatching(84, 5)
    layer.prepare_(x)
    layer.learn_(x, eta=0.05)
    layer.learn_(1e4 * x, eta=0.05)
    assert layer.n_damped == 1
    assert float(layer.M.trace()) == pytest.approx(11 * before, rel=0.01)


def test_whitening_far_from_zero_keeps_its_digits():
    x = torch.rand(200, 2, 7, 6, generator=RANDOM, dtype=torch.float64).cumsum(3)
    outputs = []
    for kind, offset in ((torch.float64, 0.0), (torch.float32, 3e4)):
        layer = ConvSimilarityMatching(2, 5, 3, whiten=0.01, dtype=kind)
        images = (x + offset).to(kind)
        layer.prepare_(images)
        layer.learn_(images, eta=0.1)
        outputs.append(layer(images).double())
    assert float((outputs[1] - outputs[0]).abs().max()) < 0.05 * float(outputs[0].max())


def test_null_directions_are_not_whitened_without_a_ridge():
    x = torch.rand(50, 1, 7, 6, generator=RANDOM)
    x = torch.cat([x, 3 * x], 1)
    with pytest.raises(InputError, match="give more than 0"):
        ConvSimilarityMatching(2, 5, 3, whiten=0.0).prepare_(x)


def test_settling_to_a_tolerance_is_each_rows_own():
    B = torch.randn(6, 9, generator=RANDOM, dtype=torch.float64)
    A, D = B @ B.T / 9, torch.rand(40, 6, generator=RANDOM, dtype=torch.float64)
    alone = relax(D, A, iterations=5000, tolerance=1e-10)
    for last in (1e8, float("nan")):
        together = relax(torch.cat([D, torch.full((1, 6), last, dtype=torch.float64)]), A, iterations=5000,
                         tolerance=1e-10)  # fmt: skip
        torch.testing.assert_close(together[:-1], alone, rtol=1e-6, atol=1e-6)


def test_integers_of_numpy_are_integers():
    i = np.int64
    one = ConvSimilarityMatching(i(2), i(5), i(3), stride=i(2), padding=(i(1), i(0)), iterations=i(9), seed=i(3))
    two = ConvSimilarityMatching(2, 5, 3, stride=2, padding=(1, 0), iterations=9, seed=3)
    assert torch.equal(one(PIXELS), two(PIXELS))
    assert QuadrantPool2d(i(2))(PIXELS).shape == (24, 2, 2, 2)
    assert len(train(one, PIXELS, epochs=i(1), batch_size=i(10), prepare=i(5))[0]) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ConvSimilarityMatching(2, 5, 2.5), "kernel_size=2.5"),
        (lambda: ConvSimilarityMatching(2, 5, (3, 3, 3)), "kernel_size"),
        (lambda: ConvSimilarityMatching(2, 5, 3, padding=-1), "padding=-1"),
        (lambda: SimilarityMatching(84, 5.0), "n_outputs=5.0"),
        (lambda: SimilarityMatching(84, 5, tolerance=float("nan")), "tolerance=nan"),
        (lambda: SimilarityMatching(84, 5, dtype=torch.float16), "float16"),
        (lambda: SimilarityMatching(84, 5).half()(PIXELS.flatten(1)), r"layer\.float\(\)"),
        (lambda: SimilarityMatching(84, 5)(PIXELS.flatten(1).numpy()), "torch.as_tensor"),
        (lambda: SimilarityMatching(84, 5)(PIXELS.flatten(1).to(torch.complex64)), "complex64"),
        (lambda: SimilarityMatching(84, 5)(PIXELS.flatten(1).float().to_sparse()), "sparse"),
        (lambda: ConvSimilarityMatching(2, 5, 3)(PIXELS.permute(0, 2, 3, 1)), r"x\.permute\(0, 3, 1, 2\)"),
        (lambda: train(SimilarityMatching(84, 5), PIXELS.flatten(1).numpy()), "ndarray"),
        (lambda: train(SimilarityMatching(84, 5), PIXELS.flatten(1), batch_size=1.5), "batch_size=1.5"),
        (lambda: train(SimilarityMatching(84, 5), PIXELS.flatten(1), LABELS), "no layer hears labels"),
        (lambda: train(SimilarityMatching(84, 5, n_classes=3), PIXELS.flatten(1), LABELS[:9]), r"\(9,\)"),
        (lambda: SimilarityMatching(84, 5, n_classes=3).learn_(PIXELS.flatten(1), LABELS.numpy(), eta=0.1), "labels"),
        (lambda: QuadrantPool2d(0), "parts=0"),
        (lambda: QuadrantPool2d(2)(PIXELS.numpy()[0]), "maps of shape"),
        (lambda: LeNet()(torch.zeros(3, 3, 28, 28)), "1 channels"),
        (lambda: pretrain_(LeNet(), torch.zeros(0, 1, 28, 28)), "0 images"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_lenet_hears_bytes_and_a_failure_leaves_it():
    x = torch.randint(0, 256, (40, 1, 28, 28), generator=RANDOM, dtype=torch.uint8)
    one, two = LeNet(), LeNet()
    torch.testing.assert_close(pretrain_(one, x), pretrain_(two, x.float()))
    torch.testing.assert_close(one(x), two(x.float()))
    before, lost = weights(one), x.float()
    again = deepcopy(one)
    pretrain_(again, x)
    torch.testing.assert_close(again(x), one(x), rtol=1e-3, atol=1e-3)  # begins from the images, not from the filters
    lost[7, 0, 3, 3] = float("nan")
    for call in (lambda: pretrain_(one, lost), lambda: one.calibrate_(lost), lambda: pretrain_(one, x, LABELS)):
        with pytest.raises(InputError):
            call()
        assert unchanged(one, before)
    black = LeNet()
    black.calibrate_(torch.zeros(5, 1, 28, 28))
    assert float(black(x / 255.0).detach().abs().max()) < 100
