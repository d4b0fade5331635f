"""LeNet with filters from similarity matching."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'similis[torch]'")

from similis._errors import InputError  # noqa: E402
from similis.circuit import Step  # noqa: E402
from similis.nn import ConvSimilarityMatching, LeNet, pretrain_  # noqa: E402
from similis.nn.lenet import _give  # noqa: E402


def images(n: int = 60, seed: int = 0, **kind) -> torch.Tensor:
    """Soft bars of several directions."""
    random = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 1, 28, 28, generator=random, **kind)
    x[::2], x[1::2] = x[::2].cumsum(2), x[1::2].cumsum(3)
    return x / x.amax((2, 3), keepdim=True)


def test_a_pretrained_convolution_computes_what_free_neurons_settle_at():
    x = images(20, dtype=torch.float64)
    layer = ConvSimilarityMatching(1, 6, 5, padding=2, whiten=0.01, dtype=torch.float64)
    layer.prepare_(x)
    for _ in range(5):
        layer.learn_(x, eta=0.1)
    module = torch.nn.Conv2d(1, 6, 5, padding=2, dtype=torch.float64)
    _give(layer, module)
    patches = torch.nn.functional.unfold(x, 5, padding=2)  # (n, 25, positions)
    whitened = layer.patches.P @ (patches - layer.patches.mean[:, None])
    expected = torch.linalg.solve(layer.M, layer.W @ whitened).view(20, 6, 28, 28)
    torch.testing.assert_close(module(x), expected)


def test_calibration_gives_currents_and_features_one_size():
    network, x = LeNet(seed=1), 100 * images()
    network.calibrate_(x)
    with torch.no_grad():
        currents = [network.features[: i + 1](x) for i in (0, 3)]
        maps = network.features[:-1](x)
    for c in currents:
        torch.testing.assert_close(c.std((0, 2, 3)), torch.ones(c.shape[1]), rtol=1e-4, atol=0)
    torch.testing.assert_close(maps.mean((0, 2, 3)), torch.zeros(16), atol=1e-4, rtol=0)
    speaks = maps.abs().amax((0, 2, 3)) > 0
    assert speaks.sum() > 8
    torch.testing.assert_close(maps.std((0, 2, 3))[speaks], torch.ones(int(speaks.sum())), rtol=1e-4, atol=0)
    assert network(x).shape == (60, 10)


def test_pretraining_changes_the_convolutions_alone_and_knows_no_units():
    x, network, other = images(), LeNet(seed=3), LeNet(seed=3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    history = pretrain_(network, x, epochs=2, batch_size=20)
    assert [len(values) for values in history] == [6, 6]
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]) == name.startswith("head"), name
    pretrain_(other, 255 * x, epochs=2, batch_size=20)
    torch.testing.assert_close(other(255 * x), network(x), rtol=1e-3, atol=1e-3)


def test_labels_teach_as_much_as_alpha_says():
    x, labels, learned = images(), torch.arange(60) % 2, {}
    for alpha, heard in ((0.0, None), (0.0, labels), (0.5, labels)):
        network = LeNet(2)
        pretrain_(network, x, heard, alpha=alpha, epochs=4, batch_size=30, step=Step(0.2))
        learned[alpha, heard is None] = network.features[3].weight.detach()
    torch.testing.assert_close(learned[0.0, False], learned[0.0, True])
    assert (learned[0.5, False] - learned[0.0, False]).abs().max() > 0.01


def test_first_weights_are_the_seeds_and_no_one_elses():
    state = torch.random.get_rng_state()
    a, b = (LeNet(seed=4).state_dict() for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["head.0.weight"], LeNet(seed=5).state_dict()["head.0.weight"])


def test_images_of_another_shape_are_refused():
    with pytest.raises(InputError, match=r"images of shape \(60, 784\); expected \(n, channels, 28, 28\)"):
        pretrain_(LeNet(), images().flatten(1))
