"""A circuit over images: patches are samples, filters and laterals are shared over positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .._errors import InputError, ModelFileError
from ..circuit import Circuit
from .admit import admit, typical
from .layer import Layer, Statistics
from .nonnegative import Nonnegative
from .patches import Patches, Size


class ConvLayer(Layer):
    """A circuit whose samples are the patches at every position of images.

    :class:`Layer` over the rows of :class:`torch.nn.Unfold`: every position is a sample, all positions share the
    weights. It hears one batch of images a channel, in the order of the circuit, and their patches at the same position
    belong together: the canonical correlations of two image streams are ``ConvLayer(canonical_correlation(8), 1, 5)``.

    Parameters
    ----------
    circuit : Circuit; any but those under a total
    in_channels : int, of the images of every channel of the circuit, or a dict of them by the channels' names
    kernel_size : int or pair of ints, pixels of a patch down and across
    stride, padding : int or pair of ints, default 1 and 0; as in :class:`torch.nn.Conv2d`
    contrast : float >= 0, default None for none; every patch less its mean, over ``sqrt(variance + contrast)``
    vectors : dict of ints by name, default none; of channels that come as (batch, n) rows and are heard at all
        positions, such as labels
    iterations, tolerance, seed, device, dtype : as in :class:`Layer`

    Shapes: of each channel (batch, in_channels, height, width), to (batch, circuit.size, height', width').

    Raises
    ------
    InputError
        As in :class:`Layer`.

    References
    ----------
    Bahroun, Sridharan, Acharya, Chklovskii & Sengupta 2023 (arXiv 2308.02427) for patches as samples.

    Examples
    --------
    >>> import torch
    >>> from similis.networks import canonical_correlation
    >>> from similis.nn import ConvLayer
    >>> layer = ConvLayer(canonical_correlation(4), 1, 5)
    >>> left, right = torch.randn(2, 9, 1, 12, 8)
    >>> layer.prepare_(left, right)
    >>> before = layer.learn_(left, right, eta=0.05)
    >>> layer(left, right).shape, layer.filters("y").shape
    (torch.Size([9, 4, 8, 4]), torch.Size([4, 1, 5, 5]))
    """

    def __init__(
        self, circuit: Circuit, in_channels: int | Mapping[str, int], kernel_size: Size, *, stride: Size = 1,
        padding: Size = 0, contrast: float | None = None, vectors: Mapping[str, int] | None = None,
        iterations: int = 20, tolerance: float = 0.0, seed: int = 0, device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        vectors = dict(vectors or {})
        if unknown := set(vectors) - set(circuit.names):
            raise InputError(f"vectors of {sorted(unknown)}; circuit {circuit.name!r} hears {', '.join(circuit.names)}")
        images = in_channels if isinstance(in_channels, Mapping) else dict.fromkeys(
            (name for name in circuit.names if name not in vectors), in_channels
        )  # fmt: skip
        streams = {
            name: Patches(n, kernel_size, stride=stride, padding=padding, contrast=contrast, device=device, dtype=dtype)
            for name, n in images.items()
        }
        sizes = {name: patches.size for name, patches in streams.items()} | vectors
        super().__init__(
            circuit, sizes, iterations=iterations, tolerance=tolerance, seed=seed, device=device, dtype=dtype
        )
        self.streams = nn.ModuleDict(streams)

    def _patches(self, name: str) -> Patches | None:
        """Of a channel that comes as images."""
        found: Any = self.streams
        return found[name] if name in found else None  # noqa: SIM401  (a ModuleDict has no get)

    def filters(self, name: str | None = None) -> Tensor:
        """(size, in_channels, height, width) weights of a channel on pixels; None is the first."""
        name = self.circuit.names[0] if name is None else name
        W, patches = self._scaled(name, self._weight(name)), self._patches(name)
        if patches is None:
            raise InputError(f"channel {name!r} comes as vectors; its weights are .weights['W.{name}']")
        return W.view(len(W), patches.in_channels, *patches.kernel_size)

    def _rows(self, name: str, x: Tensor) -> Tensor:
        patches = self._patches(name)
        return super()._rows(name, x) if patches is None else patches.rows(x)

    def _hear(self, named: Mapping[str, Tensor]) -> dict[str, Tensor]:
        rows = super()._hear(named)
        images = {name: patches for name in named if (patches := self._patches(name)) is not None}
        grids = {name: patches.grid(named[name]) for name, patches in images.items()}
        if len(set(grids.values())) > 1:
            raise InputError(f"channels differ in positions: {grids}; expected images of one size")
        return rows

    def _fold(self, Z: Tensor, named: Mapping[str, Tensor]) -> Tensor:
        for name, x in named.items():
            if (patches := self._patches(name)) is not None:
                return Z.view(len(x), *patches.grid(x), Z.shape[1]).permute(0, 3, 1, 2)
        raise InputError(f"no images; given {', '.join(named)}")


class ConvSimilarityMatching(Nonnegative, ConvLayer):
    """Feature maps as similar as the patches of images are, learned by local rules.

    ``min_{Y >= 0} |X'X - Y'Y|^2`` over all patches x of all images: at each position
    ``y = argmin_{y >= 0} y'My - 2 y'W x + 2 l1 |y|_1``, then ``dW = 2 eta (<y x'> - W)``,
    ``dM = (eta/tau) (<y y'> - M)``, averages over images and positions.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding : int or pair of ints, as in :class:`torch.nn.Conv2d`
    contrast : float, optional
        Every patch less its mean, over ``sqrt(variance + contrast)``.
    whiten : float, optional
        Patches less their mean over the data and ZCA-whitened, this added to the eigenvalues of their covariance. Call
        :meth:`prepare_` with images first.
    tau, l1, iterations, tolerance, seed, device, dtype : as in :class:`similis.nn.SimilarityMatching`

    Shapes: (batch, in_channels, height, width) to (batch, out_channels, height', width').

    References
    ----------
    Bahroun, Sridharan, Acharya, Chklovskii & Sengupta 2023 (arXiv 2308.02427); Coates, Lee & Ng 2011 for contrast and
    whitening of patches.

    Examples
    --------
    >>> import torch
    >>> from similis.nn import ConvSimilarityMatching
    >>> layer, x = ConvSimilarityMatching(1, 16, 5), torch.rand(10, 1, 28, 28)
    >>> before = layer.learn_(x, eta=0.05)
    >>> layer(x).shape
    torch.Size([10, 16, 24, 24])
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Size, *, stride: Size = 1, padding: Size = 0,
        contrast: float | None = None, whiten: float | None = None, tau: float = 0.5, l1: float = 0.0,
        iterations: int = 20, tolerance: float = 0.0, seed: int = 0, device: torch.device | str | None = None,
        dtype: torch.dtype | None = None, n_classes: int = 0, alpha: float = 0.0,
    ) -> None:  # fmt: skip
        patches = Patches(
            in_channels, kernel_size, stride=stride, padding=padding, contrast=contrast, whiten=whiten, device=device,
            dtype=dtype,
        )  # fmt: skip
        self._first(
            patches.size, out_channels, n_classes=n_classes, alpha=alpha, tau=tau, l1=l1, iterations=iterations,
            tolerance=tolerance, seed=seed, device=device, dtype=dtype,
        )  # fmt: skip
        self.patches = patches

    def _patches(self, name: str) -> Patches | None:
        return self.patches if name == "x" else None

    def survey(self, x: Tensor) -> Statistics:  # type: ignore[override]
        return self.patches.statistics(typical(admit(x, self.M)))

    def _mean_square(self, sums: Statistics) -> Tensor:
        self.patches.whiten_(sums)
        return self.patches.second_moment(sums).trace()

    def filters(self, name: str | None = None) -> Tensor:
        """(out_channels, in_channels, height, width) what the neurons weigh pixels with, whitening included."""
        p = self.patches
        return p.seen(self.W)[0].view(len(self.W), p.in_channels, *p.kernel_size)

    def _scaled(self, name: str, rows: Tensor) -> Tensor:
        return self.patches.centred(rows) if name == "x" else rows

    def _current(self, name: str, rows: Tensor) -> Tensor:
        return rows @ self.patches.seen(self.W)[0].T if name == "x" else super()._current(name, rows)

    def _taught(self, name: str, post: Tensor) -> Tensor:
        return self.patches.heard(post) if name == "x" else post

    def refuse_unsound(self) -> None:
        super().refuse_unsound()
        if self.patches.whiten is not None and bool(self.patches.count > 0):
            constant = self.patches.seen(self.W)[1]
            if constant is not None and not bool(constant.isfinite().all()):
                raise ModelFileError("the drive of an image that is 0 is no number: W, P and mean are too large")

    def extra_repr(self) -> str:
        return super().extra_repr().split(", ", 1)[1]


class SupervisedConvSimilarityMatching(ConvSimilarityMatching):
    """Feature maps that keep the similarities of patches and of the classes of their images.

    ``min_{Y >= 0} |X'X + alpha L' C_ll^-1 L - Y'Y|^2``: the label of the image drives all its positions through V,
    while the layer learns (``learn_(x, labels, eta=...)``); forward is without labels.

    Parameters
    ----------
    in_channels, out_channels, kernel_size : as in :class:`ConvSimilarityMatching`
    n_classes : int
    alpha : float >= 0
        Weight of the labels beside the patches' mean squared norm, in its units; large alpha draws the outputs of
        learning away from those without the label.
    stride, padding, contrast, whiten, tau, l1, iterations, tolerance, seed, device, dtype : likewise

    References
    ----------
    Bahroun, Sridharan, Acharya, Chklovskii & Sengupta 2023 (arXiv 2308.02427).
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Size, n_classes: int, *, alpha: float = 0.1,
        stride: Size = 1, padding: Size = 0, contrast: float | None = None, whiten: float | None = None,
        tau: float = 0.5, l1: float = 0.0, iterations: int = 20, tolerance: float = 0.0, seed: int = 0,
        device: torch.device | str | None = None, dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels, out_channels, kernel_size, stride=stride, padding=padding, contrast=contrast, whiten=whiten,
            tau=tau, l1=l1, iterations=iterations, tolerance=tolerance, seed=seed, device=device, dtype=dtype,
            n_classes=n_classes, alpha=alpha,
        )  # fmt: skip
