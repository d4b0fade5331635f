"""Greedy training of stacks, pooling between them, and checkpoints that resume bit for bit."""

from __future__ import annotations

from copy import deepcopy

import pytest

from similis._errors import DivergenceError, InputError, ModelFileError
from similis.circuit import Step
from similis.datasets import load_digits
from similis.metrics import similarity_error

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'similis[torch]'")

from similis.nn import (  # noqa: E402
    ConvSimilarityMatching,
    QuadrantPool2d,
    SimilarityMatching,
    SupervisedConvSimilarityMatching,
    layers,
    load_checkpoint,
    train,
)

X, Y = load_digits()
X, Y = torch.from_numpy(X[:300]).float().view(-1, 1, 8, 8), torch.from_numpy(Y[:300])


def stack():
    return torch.nn.Sequential(
        torch.nn.Sequential(ConvSimilarityMatching(1, 6, 3, whiten=0.1), torch.nn.MaxPool2d(2)),
        SupervisedConvSimilarityMatching(6, 5, 2, 10),
        QuadrantPool2d(2),
        torch.nn.Flatten(),
        SimilarityMatching(20, 4),
    )


def error(layer, x):
    """|X'X - Y'Y|^2 over |X'X|^2."""
    rows, outputs = x, layer(x)
    if hasattr(layer, "patches"):
        rows, outputs = layer.patches.rows(x), outputs.permute(0, 2, 3, 1).flatten(0, 2)
        if layer.patches.whiten is not None:
            rows = (rows - layer.patches.mean) @ layer.patches.P
    return similarity_error(outputs.numpy(), rows.numpy())


def same(one, other):
    return all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())


def test_layers_learn_one_after_the_other():
    network = stack()
    history = train(network, X, Y, epochs=5, batch_size=50)
    assert [len(values) for values in history] == [30, 30, 30]
    assert network(X).shape == (300, 4)
    for (before, layer), (_, random) in zip(layers(network), layers(stack()), strict=True):
        random.prepare_(before(X))
        assert error(layer, before(X)) < 0.9 * error(random, before(X))
    first = ConvSimilarityMatching(1, 6, 3, whiten=0.1)
    train(first, X, epochs=5, batch_size=50)
    assert same(first, network[0][0])
    again = stack()
    train(again, X, Y, epochs=5, batch_size=50)
    assert same(network, again)
    assert history != train(stack(), X, Y, epochs=5, batch_size=50, seed=1)


def how_good(network):
    """Similarity errors of all layers."""
    return [error(layer, before(X)) for before, layer in layers(network)]


@pytest.mark.parametrize("how", ["as it is", "state_dict", "deepcopy", "in a new Sequential"])
def test_training_goes_on_from_the_weights_there_are(how):
    """A second call is no worse than the first, in steps as small as the last ones of a single long training."""
    kind = {"epochs": 3, "batch_size": 50}
    network = stack()
    first = train(network, X, Y, step=Step(0.1, 0.01), **kind)
    before = how_good(network)
    if how == "state_dict":
        other = stack()
        other.load_state_dict(network.state_dict())
        network = other
    elif how == "deepcopy":
        network = deepcopy(network)
    elif how == "in a new Sequential":
        network = torch.nn.Sequential(*network)
    P = network[0][0].patches.P.clone()
    second = train(network, X, Y, step=Step(0.05, 0.01), seed=1, **kind)
    for one, two in zip(first, second, strict=True):
        spread = max(one[-6:]) - min(one[-6:])
        assert abs(two[0] - one[-1]) < 3 * spread + 0.05 * abs(one[-1])  # the weights are those it ended with
    assert torch.equal(network[0][0].patches.P, P)
    for new, old in zip(how_good(network), before, strict=True):
        assert new < 1.1 * old + 0.01


def test_one_training_is_two_with_the_same_steps():
    """Batches and steps of a second call follow those of the first as if it had not ended."""
    one, two = SimilarityMatching(64, 5, dtype=torch.float64), SimilarityMatching(64, 5, dtype=torch.float64)
    x = X.flatten(1).double()
    train(one, x, step=Step(0.05), batch_size=300, prepare=300)
    train(one, x, step=Step(0.05), batch_size=300, prepare=300)
    two.prepare_(x)
    for _ in range(2):
        two.learn_(x, eta=0.05)
    torch.testing.assert_close(one.W, two.W)
    torch.testing.assert_close(one.M, two.M)


def test_a_layer_is_prepared_once():
    layer = ConvSimilarityMatching(1, 6, 3, whiten=0.1)
    layer.prepare_(X)
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    with pytest.raises(InputError, match="fresh layer"):
        layer.prepare_(2 * X)
    assert all(torch.equal(tensor, before[name]) for name, tensor in layer.state_dict().items())
    black = SimilarityMatching(64, 5)
    black.prepare_(torch.zeros(9, 64))
    assert black.fresh
    black.prepare_(X.flatten(1))
    assert not black.fresh


def test_a_failed_training_leaves_the_network_and_says_where():
    network = stack()
    train(network, X, Y, batch_size=50)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    lost = X.clone()
    lost[17, 0, 4, 4] = float("nan")
    with pytest.raises(DivergenceError, match=r"layer 1 of 3, epoch 1, batch \d+ of 6: sample \d+ holds"):
        train(network, lost, Y, batch_size=50)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_quadrants_cover_the_map_once():
    maps = torch.rand(3, 2, 7, 6)
    torch.testing.assert_close(QuadrantPool2d(3)(maps).sum((2, 3)), maps.sum((2, 3)))
    torch.testing.assert_close(QuadrantPool2d((7, 2))(maps), 3 * torch.nn.AvgPool2d((1, 3))(maps))
    with pytest.raises(InputError, match=">= 8"):
        QuadrantPool2d(8)(maps)


class Killed(Exception):
    pass


@pytest.mark.parametrize("died_at", [1, 7, 13, 25])
def test_a_killed_training_ends_where_the_unbroken_one_ends(tmp_path, died_at):
    settings = {"step": Step(0.1, 0.1), "epochs": 2, "batch_size": 64, "checkpoint_every": 3}
    whole, broken, path = stack(), stack(), tmp_path / "c.safetensors"
    history = train(whole, X, Y, **settings)
    calls = iter(range(100))

    def die(sums):
        if next(calls) == died_at:
            raise Killed
        return sums

    with pytest.raises(Killed):
        train(broken, X, Y, checkpoint=path, reduce=die, **settings)
    fresh = stack()
    if path.exists():
        assert train(fresh, X, Y, checkpoint=path, resume=True, **settings) == history
        assert same(fresh, whole)
        last = stack()
        assert load_checkpoint(last, path)["history"] == history
        assert same(last, whole)
    else:
        assert died_at < 4  # the surveys are summed too


def test_checkpoints_of_something_else_are_refused(tmp_path):
    path, layer = tmp_path / "c.safetensors", SimilarityMatching(64, 3)
    rows = X.flatten(1)
    with pytest.raises(ModelFileError, match="no checkpoint"):
        train(layer, rows, checkpoint=path, resume=True)
    train(layer, rows, checkpoint=path)
    with pytest.raises(InputError, match="already exists"):
        train(layer, rows, checkpoint=path)
    with pytest.raises(InputError, match="seed=0, not 1"):
        train(layer, rows, checkpoint=path, resume=True, seed=1)
    with pytest.raises(InputError, match="data="):
        train(layer, rows[1:], checkpoint=path, resume=True)
    with pytest.raises(ModelFileError, match="another shape"):
        train(SimilarityMatching(64, 4), rows, checkpoint=path, resume=True)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ModelFileError):
        load_checkpoint(layer, path)
    with pytest.raises(InputError, match="does not exist"):
        train(layer, rows, checkpoint=tmp_path / "nowhere" / "c")
    with pytest.raises(InputError, match="no similarity-matching layer"):
        train(torch.nn.Flatten(), rows)
    with pytest.raises(InputError, match="0 inputs"):
        train(layer, rows[:0])


def test_the_bar_is_on_stderr(capsys):
    train(SimilarityMatching(64, 3), X.flatten(1), progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "3/3" in err


@pytest.mark.parametrize(
    "other", [{"l1": 0.1}, {"tau": 0.25}, {"iterations": 7}, {"tolerance": 1e-3}, {"contrast": 0.5}, {"padding": 2}]
)
def test_a_training_goes_on_only_as_it_began(tmp_path, other):
    own = {"contrast": 0.1, "padding": 1}
    train(ConvSimilarityMatching(1, 3, 5, **own), X[:64], checkpoint=tmp_path / "c")
    changed = ConvSimilarityMatching(1, 3, 5, **own | other)
    with pytest.raises(InputError, match="network="):
        train(changed, X[:64], checkpoint=tmp_path / "c", resume=True)
    train(ConvSimilarityMatching(1, 3, 5, **own), X[:64], checkpoint=tmp_path / "c", resume=True)
