"""LeNet whose convolutions can learn before there is a label: similarity matching gives them their filters."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .._errors import InputError, ModelFileError
from ..circuit import Step
from .admit import admit, whole
from .checkpoint import unchanged_on_failure
from .conv import ConvSimilarityMatching, SupervisedConvSimilarityMatching
from .train import train

#: images that give scales and means
CALIBRATE = 2000
#: pixels from one patch of the image to the next that is learned from: a quarter of them says as much
EVERY = 2


class LeNet(nn.Module):
    """conv 6@5x5 - pool - conv 16@5x5 - pool - 120 - 84 - classes, with ReLU, for images of 28 x 28 pixels.

    An ordinary network for backpropagation. :func:`pretrain_` gives its convolutions filters by similarity matching.

    Parameters
    ----------
    n_classes, in_channels : int
    seed : int, of all first weights

    Attributes
    ----------
    features : Sequential, (batch, in_channels, 28, 28) to (batch, 400)
    head : Sequential, (batch, 400) to (batch, n_classes)

    Examples
    --------
    >>> import torch
    >>> from similis.nn import LeNet, pretrain_
    >>> network, x = LeNet(), torch.rand(200, 1, 28, 28)
    >>> history = pretrain_(network, x)
    >>> network(x).shape
    torch.Size([200, 10])
    """

    def __init__(self, n_classes: int = 10, *, in_channels: int = 1, seed: int = 0) -> None:
        super().__init__()
        self.n_classes, in_channels = whole("n_classes", n_classes), whole("in_channels", in_channels)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.features = nn.Sequential(
                nn.Conv2d(in_channels, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), Standardise(16), nn.Flatten(),
            )  # fmt: skip
            self.head = head(n_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(self.images(x)))

    def images(self, x: Tensor, *, learn: bool = False) -> Tensor:
        """x in the type of the filters; other than images of this network are refused."""
        first: Any = self.features[0]
        x = admit(x, first.weight)
        if x.ndim != 4 or x.shape[1:] != (first.in_channels, 28, 28):
            raise InputError(
                f"images of shape {tuple(x.shape)}; expected (n, channels, 28, 28), {first.in_channels} channels"
            )
        if learn and not (len(x) and bool(x.isfinite().all())):
            raise InputError(f"{len(x)} images; expected at least one, and finite numbers")
        return x

    @torch.no_grad()
    def calibrate_(self, x: Tensor) -> None:
        """Scale every filter to currents of variance 1, and standardise the features, on images without labels.

        A good beginning for backpropagation and for read-outs, whatever the filters are from. A filter whose current is
        the same everywhere keeps its scale.
        """
        x = self.images(x[:CALIBRATE], learn=True)
        for module in self.features:
            if isinstance(module, nn.Conv2d):
                size = _spread(module(x)).squeeze(0)
                module.weight /= size[..., None]
                if module.bias is not None:
                    module.bias /= size.flatten()
            elif isinstance(module, Standardise):
                module.follow_(x)
            x = module(x)


class Standardise(nn.Module):
    """Feature maps less their mean, over their standard deviation, both as they once were; 0 and 1 at first."""

    mean: Tensor
    scale: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("scale", torch.ones(channels, 1, 1))

    def refuse_unsound(self) -> None:
        """Refuse scales that nothing can be divided by, for those of a file."""
        if not bool((self.scale > 0).all()):
            raise ModelFileError("scale is not above 0")

    def follow_(self, x: Tensor) -> None:
        """Take mean and deviation of each channel from feature maps."""
        self.mean.copy_(x.mean((0, 2, 3))[:, None, None])
        self.scale.copy_(_spread(x)[0])

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.scale


def _spread(x: Tensor) -> Tensor:
    """(1, channels, 1, 1) standard deviations of feature maps, 1 for those that are constant but for rounding."""
    size = x.std((0, 2, 3), keepdim=True)
    return torch.where(size > 100 * torch.finfo(x.dtype).eps * x.abs().amax((0, 2, 3), keepdim=True), size, 1.0)


def head(n_classes: int = 10) -> nn.Sequential:
    """The fully connected end of LeNet: 400 features, 120, 84, classes."""
    return nn.Sequential(
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, n_classes)
    )  # fmt: skip


def pretrain_(
    network: LeNet, x: Tensor, labels: Tensor | None = None, *, alpha: float = 0.1, whiten: float = 1.0,
    step: Step | None = None, epochs: int = 1, batch_size: int = 100, seed: int = 0, progress: bool = False,
) -> list[list[float]]:  # fmt: skip
    """Give both convolutions of a LeNet the filters that similarity matching finds, one after the other.

    Each is learned by :class:`similis.nn.ConvSimilarityMatching` on patches, whitened, of what the network passes it;
    with labels by :class:`similis.nn.SupervisedConvSimilarityMatching`. The convolution then computes in one sweep what
    the neurons would settle at if none fell silent, ``M^{-1} W x``, before its ReLU. The network is calibrated on x.

    Parameters
    ----------
    network : LeNet; its head is left alone
    x : (n, channels, 28, 28) images
    labels : (n,) integers, -1 for none; None for learning without
    alpha : float, weight of the labels
    whiten : float, added to the eigenvalues of the patches' covariance, as a fraction of their mean
    step, epochs, batch_size, seed, progress : as in :func:`similis.nn.train`

    Returns
    -------
    for each convolution, the objective at every step
    """
    x, batch_size = network.images(x, learn=True), whole("batch_size", batch_size)
    history: list[list[float]] = []
    n_classes = 0 if labels is None else network.n_classes
    with unchanged_on_failure(network):
        for place, module in enumerate(network.features):
            if isinstance(module, nn.Conv2d):
                heard = _passed(network.features[:place], x, batch_size)
                stride = 1 if place else EVERY
                layer = _like(module, n_classes, stride, alpha, whiten * float(heard.var()), seed)
                history += train(
                    layer, heard, labels, step=step, epochs=epochs, batch_size=batch_size, seed=seed, progress=progress
                )  # fmt: skip
                _give(layer, module)
                network.calibrate_(x)
    return history


def _like(
    module: nn.Conv2d, n_classes: int, stride: int, alpha: float, whiten: float, seed: int
) -> ConvSimilarityMatching:
    """A similarity-matching layer of a convolution's shape."""
    shape: tuple[int, int, Any] = (module.in_channels, module.out_channels, module.kernel_size)
    rest: dict[str, Any] = {"padding": module.padding, "stride": stride, "whiten": whiten, "seed": seed}
    if n_classes:
        return SupervisedConvSimilarityMatching(*shape, n_classes, alpha=alpha, **rest)
    return ConvSimilarityMatching(*shape, **rest)


@torch.no_grad()
def _give(layer: ConvSimilarityMatching, module: nn.Conv2d) -> None:
    """Make a convolution compute M^{-1} W x, whitening included."""
    filters, constant = layer.patches.seen(torch.linalg.solve(layer.M, layer.W))
    module.weight.copy_(filters.view_as(module.weight))
    if module.bias is not None and constant is not None:
        module.bias.copy_(constant)


@torch.no_grad()
def _passed(network: nn.Module, x: Tensor, batch_size: int) -> Tensor:
    return torch.cat([network(piece) for piece in x.split(batch_size)])
